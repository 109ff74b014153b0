"""A whole small run written by a seeded generator: what every stage before the figures leaves behind."""

import random
from pathlib import Path

import yaml

from stages.corpora.overlap import contamination
from stages.costs import costs
from stages.figures import dots, style
from stages.figures import preference as preference_figure
from stages.judging.counting import PairKey
from stages.judging.pairs import planned_pairs
from stages.judging.summary import summarize as summarize_preference
from stages.records.conversation import AnnotatedConversation, Conversation
from stages.records.files import read_jsonl, write_json, write_jsonl, write_text
from stages.records.question import CodeTask, Question
from stages.records.results import ChoiceReading, Execution, Generation, Judgement, Scored
from stages.records.systems import Plan, System
from stages.scoring.comparison import compare
from stages.scoring.domains import by_domain
from stages.scoring.items import score_plan
from stages.scoring.likelihoods import likelihoods, read_likelihoods
from stages.scoring.summary import summarize
from stages.scoring.tables import tabulate
from tests.scoring.synthetic import likelihoods as synthetic_likelihoods

SEED = 17
PARAMETERS = Path(__file__).parents[2] / "params.yaml"
DOMAINS: dict[str, list[str]] = yaml.safe_load(PARAMETERS.read_text(encoding="utf-8"))["mmlu_domains"]
WORDS = {
    "mathematics": ["triangle", "prime", "integral", "matrix", "fraction", "theorem", "angle", "sum"],
    "physics": ["force", "voltage", "orbit", "momentum", "lens", "planet", "friction", "wave"],
    "chemistry": ["acid", "molecule", "oxidation", "bond", "ion", "catalyst", "solvent", "electron"],
    "biology": ["cell", "enzyme", "gene", "species", "mitosis", "virus", "membrane", "protein"],
    "medicine": ["patient", "artery", "fever", "diagnosis", "vitamin", "surgery", "nerve", "dose"],
    "computing": ["algorithm", "compiler", "circuit", "password", "neuron", "stack", "byte", "query"],
    "business": ["market", "price", "ledger", "tax", "inflation", "customer", "audit", "budget"],
    "law": ["treaty", "court", "contract", "election", "senate", "statute", "plaintiff", "veto"],
    "humanities": ["empire", "virtue", "temple", "argument", "war", "ritual", "dynasty", "premise"],
    "society": ["memory", "census", "behaviour", "family", "city", "migration", "survey", "culture"],
}
EXPERTS = {
    "mathematics": ["mathematics teacher", "number theorist"],
    "physics": ["experimental physicist", "astronomer"],
    "chemistry": ["organic chemist", "chemistry teacher"],
    "biology": ["marine biologist", "geneticist"],
    "medicine": ["family doctor", "nurse"],
    "computing": ["software engineer", "security researcher"],
    "business": ["accountant", "market economist"],
    "law": ["constitutional lawyer", "professor of international law"],
    "humanities": ["historian of empires", "moral philosopher"],
    "society": ["social psychologist", "demographer"],
}
SIZES = {"mmlu": 114, "strategyqa": 24, "hotpotqa": 24, "gsm8k": 30, "humaneval": 12, "open_ended": 16}
SMALL = dict.fromkeys(SIZES, 6) | {"mmlu": 57}
SHARES = {"base": 0.3, "standard": 0.42, "role": 0.5, "shuffled": 0.35}


def plan(models: tuple[str, ...] = ("small",), seeds: tuple[int, ...] = (1,), *, extras: bool = True) -> Plan:
    systems = []
    for model in models:
        if extras:
            systems.append(System(model=model))
        arms = (("standard", None), ("role", None), ("standard", "manual"), ("role", "stripped"), ("shuffled", None))
        for arm, condition in arms:
            if extras or (arm in {"standard", "role"} and condition is None):
                systems += [System(model=model, arm=arm, condition=condition, seed=seed) for seed in seeds]
    names = {"corpus": "bundled", "annotator": "recorded", "judge": "local", "data": "bundled", "scale": "mini"}
    rivals = [*(System(model=model, rival="official") for model in models), System(model="gpt-x", rival="chat")]
    names["rivals"] = rivals if extras else []
    return Plan(systems=systems, benchmarks=[each for each in SIZES if each != "open_ended"], **names)


def write(folder: Path, run: Plan, *, sandbox: bool = True, roles: bool = True, sizes: dict[str, int] = SIZES) -> Path:
    """Write the run under ``folder`` and give it back: data, and the metrics and plots of the stages before the report.

    Args:
        folder: Where.
        run: What was asked for.
        sandbox: Whether HumanEval's programs could be run.
        roles: Whether the role arm writes roles, as a model of random weights does not.
        sizes: Questions in each benchmark.
    """
    questions, corpus = write_data(folder, run, sandbox=sandbox, roles=roles, sizes=sizes)
    rng = random.Random(SEED)
    _write_training(folder, run, rng)
    _write_metrics(folder, run, questions, corpus, rng)
    return folder


def write_data(
    folder: Path, run: Plan, *, sandbox: bool = True, roles: bool = True, sizes: dict[str, int] = SIZES
) -> tuple[dict[str, list[Question]], list[AnnotatedConversation]]:
    """Write ``params.yaml`` and ``data/``; give back the questions and the corpus."""
    rng = random.Random(SEED)
    parameters = yaml.safe_load(PARAMETERS.read_text(encoding="utf-8"))
    parameters["models"] = {
        model: {
            "origin": f"{model}, random weights.",
            "license": "MIT",
            "finetune": {},
            "official": {"source": "random", "origin": f"{model} as its makers tuned it.", "license": "CC0"},
        }
        for model in dict.fromkeys(system.model for system in run.systems)
    }
    parameters["statistics"] = {"margin": 0.03}
    write_text(folder / "params.yaml", yaml.safe_dump(parameters, sort_keys=False))
    write_json(folder / "data/plan.json", run.model_dump())
    questions = {benchmark: _questions(benchmark, sizes[benchmark], rng) for benchmark in sizes}
    for benchmark, asked in questions.items():
        write_jsonl(folder / f"data/questions/{benchmark}.jsonl", asked)
        for system in run.systems:
            if benchmark != "open_ended" or system.condition is None:
                _write_answers(folder, system, benchmark, asked, sandbox, roles)
    _write_open_ended(folder, run.rivals, questions["open_ended"])
    corpus = _corpus(rng)
    write_jsonl(folder / "data/annotated.jsonl", corpus)
    write_jsonl(folder / "data/split/validation.jsonl", corpus[:6])
    write_jsonl(folder / "data/corpus.jsonl", [Conversation(**item.model_dump(exclude={"role"})) for item in corpus])
    write_jsonl(folder / "data/scored.jsonl", score_plan(run, "cloze", folder / "data"))
    return questions, corpus


def _write_metrics(folder: Path, run: Plan, questions: dict, corpus: list[AnnotatedConversation], rng) -> None:
    scored = read_jsonl(folder / "data/scored.jsonl", Scored)
    tables = tabulate(scored)
    write_json(folder / "metrics/benchmarks.json", summarize(tables))
    write_json(folder / "metrics/comparison.json", compare(tables, SEED, 0.03))
    for system in run.systems:
        if system.condition is None:
            write_jsonl(folder / f"data/likelihoods/{system.name}.jsonl", synthetic_likelihoods(system))
    write_json(folder / "metrics/likelihood.json", likelihoods(read_likelihoods(run, folder / "data"), SEED))
    domains = by_domain(scored, DOMAINS, SEED, 0.03)
    write_json(folder / "metrics/mmlu_domains.json", domains)
    style.save(dots.domains(domains), folder / "plots/mmlu_domains")
    arms = [system for system in run.systems if system.variant in {"standard", "role"}]
    pairs = planned_pairs([*arms, *run.rivals])
    judgements = [each for pair in pairs for each in _judgements(pair, rng)]
    write_jsonl(folder / "data/judgements.jsonl", judgements)
    preference = summarize_preference(judgements, [PairKey(pair.model, pair.name) for pair in pairs], SEED)
    write_json(folder / "metrics/preference.json", preference)
    style.save(preference_figure.figure(preference), folder / "plots/preference")
    overlap = {benchmark: contamination(asked, corpus) for benchmark, asked in questions.items()}
    write_json(folder / "metrics/contamination.json", overlap)
    annotate = {"items": len(corpus), "annotated": len(corpus), "requests": 47, "prompt_tokens": 31204}
    annotate |= {"cached_prompt_tokens": 20480, "completion_tokens": 2811, "cost": 0.214375, "failures": {}}
    write_json(folder / "metrics/annotate.json", annotate | {"models": ["expert-1"], "system_fingerprints": []})
    judge = {"requests": 24, "prompt_tokens": 7405, "cached_prompt_tokens": 0, "completion_tokens": 96, "cost": 0.0}
    write_json(folder / "metrics/judge.json", judge | {"models": ["small"], "system_fingerprints": []})
    for rival in run.rivals:
        if rival.rival == "chat":
            requests = {"requests": 12, "prompt_tokens": 811, "cached_prompt_tokens": 0, "completion_tokens": 5120}
            paid = requests | {"cost": 0.157655, "models": ["gpt-x-2026"], "system_fingerprints": []}
            write_json(folder / f"data/generations/{rival.name}/requests.json", paid)
    write_json(folder / "metrics/costs.json", costs(run, folder))


def domain_of(question: Question) -> str:
    return next((domain for domain, subjects in DOMAINS.items() if question.group in subjects), "society")


def _questions(benchmark: str, count: int, rng: random.Random) -> list[Question]:
    subjects = [subject for names in DOMAINS.values() for subject in names]
    made = []
    for number in range(count):
        identifier = f"{benchmark}-{number}"
        domain = list(DOMAINS)[number % len(DOMAINS)]
        group = subjects[number % len(subjects)] if benchmark == "mmlu" else None
        if group:
            domain = next(name for name, names in DOMAINS.items() if group in names)
        words = rng.sample(WORDS[domain], 4)
        text = f"If a {words[0]} meets a {words[1]}, what becomes of the {words[2]} (case {number})?"
        match benchmark:
            case "mmlu":
                made.append(
                    Question(id=identifier, group=group, question=text, choices=words, answer="ABCD"[number % 4])
                )
            case "strategyqa":
                choices = ["yes", "no"]
                made.append(Question(id=identifier, question=text, choices=choices, answer=choices[number % 2]))
            case "hotpotqa":
                made.append(
                    Question(id=identifier, group="bridge", question=text, answer=f"the {words[3]} of {number}")
                )
            case "gsm8k":
                made.append(Question(id=identifier, question=text, answer=str(number * 7)))
            case "humaneval":
                task = CodeTask(entry_point="f", test="def check(candidate):\n    assert candidate(1) == 1\n")
                prompt = f'def f(x):\n    """ Case {number}: <x> & {words[0]}. """\n'
                made.append(Question(id=identifier, question=prompt, answer="    return x\n", task=task))
            case _:
                made.append(Question(id=identifier, group="advice", question=text, answer=""))
    return made


def _write_answers(
    folder: Path, system: System, benchmark: str, asked: list[Question], sandbox: bool, roles: bool
) -> None:
    rng = random.Random(f"{system.name}/{benchmark}")
    written = [_generation(system, benchmark, question, rng, roles) for question in asked]
    write_jsonl(folder / f"data/generations/{system.name}/{benchmark}.jsonl", written)
    if benchmark == "humaneval":
        executions = [
            Execution(id=each.id, program="", passed=rng.random() < 0.3 if sandbox else None,
                      reason="passed or not" if sandbox else "this machine offers no sandbox")
            for each in written
        ]  # fmt: skip
        write_jsonl(folder / f"data/executions/{system.name}.jsonl", executions)


def _write_open_ended(folder: Path, rivals: list[System], asked: list[Question]) -> None:
    for rival in rivals:
        rng = random.Random(rival.name)
        written = [_generation(rival, "open_ended", question, rng, roles=False) for question in asked]
        write_jsonl(folder / f"data/generations/{rival.name}/open_ended.jsonl", written)


def _generation(system: System, benchmark: str, question: Question, rng: random.Random, roles: bool) -> Generation:
    right = rng.random() < SHARES[system.arm or "base"]
    labels = list("ABCD") if benchmark == "mmlu" else question.choices
    others = [label for label in labels if label != question.answer] or ["nowhere"]
    answer = question.answer if right else rng.choice(others)
    text = f"Think of {rng.choice(WORDS['society'])} & <b>{rng.choice(WORDS['physics'])}</b>.\n\nAnswer: {answer}"
    if benchmark == "humaneval":
        text = f"```python\n{question.question}    return x\n```"
    role = None
    if roles and system.variant in {"role", "shuffled"} and rng.random() < 0.92:
        domain = domain_of(question) if rng.random() < 0.8 else rng.choice(list(EXPERTS))
        expert = rng.choice(EXPERTS[domain])
        role = (
            f"From now on, you are {'an' if expert[0] in 'aeiou' else 'a'} {expert} who explains the "
            f"{rng.choice(WORDS[domain])} with care and checks every step of the way."
        )
    reading = None
    if question.choices:
        numbers = [-0.5 if label == answer else -2.5 for label in labels]
        reading = ChoiceReading(prompt=f"<user>{question.question}Answer:", role=role, logprobs=numbers)
    return Generation(
        id=question.id,
        prompt=f"<user>{question.question}",
        role=role,
        output=text if role is None else f"{role}\n\n{text}",
        output_tokens=20,
        finished=rng.random() < 0.9,
        letter=reading,
        cloze=reading,
    )


def _corpus(rng: random.Random) -> list[AnnotatedConversation]:
    return [
        AnnotatedConversation(
            id=f"lima-{number}",
            source="made",
            turns=[
                f"Tell me about the {rng.choice(WORDS[domain])} and the {rng.choice(WORDS[domain])}, please.",
                "Gladly: there is much to say of both, and most of it is known.",
            ],
            role=f"From now on, you are a {EXPERTS[domain][0]} who likes to be asked.",
        )
        for number, domain in enumerate(list(DOMAINS) * 3)
    ]


def _write_training(folder: Path, run: Plan, rng: random.Random) -> None:
    for system in run.systems:
        if system.arm is None or system.condition is not None:
            continue
        lines = [
            "step,tokens,loss,learning_rate,gradient_norm,validation_loss,validation_role_loss,validation_answer_loss"
        ]
        for step in range(15):
            trained = f"{2.4 - 0.03 * step + rng.gauss(0, 0.05):.6g},0.0003,1.2" if step else ",,"
            validated = f"{2.5 - 0.02 * step:.6g},,{2.5 - 0.02 * step:.6g}" if step in {0, 7, 14} else ",,"
            lines.append(f"{step},{400 * step},{trained},{validated}")
        write_text(folder / f"plots/loss/{system.name}.csv", "\n".join(lines) + "\n")
        counts = {
            "items": 54,
            "left_out": 3,
            "validation_items": 5,
            "steps": 14,
            "completion_tokens": 5600,
            "role_tokens": 1800,
            "answer_tokens": 3700,
        }
        losses = {"loss": 2.013742, "validation_loss_before": 2.5, "validation_loss": 2.22}
        answers = {"validation_role_loss": 2.9 if system.arm == "role" else None}
        answers |= {"validation_answer_loss_before": 2.5, "validation_answer_loss": 2.22}
        write_json(folder / f"metrics/finetune/{system.name}.json", counts | losses | answers)


def _judgements(pair, rng: random.Random) -> list[Judgement]:
    made = []
    for number in range(12):
        for first, second in ((pair.left, pair.right), (pair.right, pair.left)):
            verdict = rng.choice([pair.left.variant, pair.left.variant, pair.right.variant, "tie"])
            words = {pair.left.variant: 40 + number, pair.right.variant: 44 - number}
            made.append(
                Judgement(
                    id=f"open_ended-{number}",
                    model=pair.model,
                    seed=pair.seed,
                    judge=f"{pair.model} itself, before fine-tuning",
                    first=first.variant,
                    second=second.variant,
                    first_words=words[first.variant],
                    second_words=words[second.variant],
                    first_words_shown=words[first.variant],
                    second_words_shown=words[second.variant],
                    verdict=verdict,
                    reply=verdict,
                )
            )
    return made


def main() -> None:
    """``python -m tests.reporting.example_run FOLDER``: a run to look at."""
    import sys

    write(Path(sys.argv[1]), plan())


if __name__ == "__main__":
    main()
