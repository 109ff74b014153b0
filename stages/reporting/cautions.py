"""Limits and cautions that follow from what was run and from the numbers."""

from collections.abc import Iterator

from stages.reporting import names
from stages.reporting.inputs import OPEN_ENDED, Inputs, Metrics, chance
from stages.reporting.names import counted, listed, percent, sentence

# Shares above which (below which, of roles) a caution is due.
UNREAD = 0.2
CUT_OFF = 0.2
FEW_ROLES = 0.5
HARDER_TO_READ = 0.1  # how much more of role's answers than of standard's
ONE_SIDED = 0.8
FEW = 3
FOREMOST = 3
"""So many stand on the first screen; the others are folded below."""
COMPARED = ("standard", "role")

Rates = dict[str, float | None]


def cautions(inputs: Inputs) -> list[str]:
    return [
        *_questions(inputs),
        *_seeds(inputs),
        *(text for model in inputs.models for text in _of_model(inputs, model)),
        *preference(inputs),
        *_contamination(inputs),
    ]


def _questions(inputs: Inputs) -> Iterator[str]:
    if inputs.plan.data == "bundled":
        yield (
            "The questions were written for this project in the benchmarks' formats: no score here is one on MMLU or "
            "any other published benchmark, HumanEval excepted."
        )


def _seeds(inputs: Inputs) -> Iterator[str]:
    seeds = {system.seed for system in inputs.plan.systems if system.seed is not None}
    if len(seeds) == 1:
        yield (
            "Each arm was trained once: no interval or test here holds how scores vary from one training to the next."
        )
    elif seeds:
        yield f"Each arm was trained with {len(seeds)} seeds; their spread is part of the intervals and tests."


def _of_model(inputs: Inputs, model: str) -> Iterator[str]:
    subject = model if len(inputs.models) > 1 else ""
    scores = inputs.metrics["benchmarks"].get(model, {})
    if picks := _one_sided(inputs, model):
        text = f"nearly all picks fall on one label on {listed(picks)}: the score there follows the share of that key."
        yield sentence(subject, text)
    guessing = [names.benchmark(each) for each in inputs.benchmarks if _could_be_guessing(inputs, model, each)]
    if guessing:
        text = (
            f"on {listed(guessing)} guessing lies within or above the intervals of both arms: the scores there may "
            "measure no knowledge at all, and a difference between them would mean little."
        )
        yield sentence(subject, text)
    if nothing := [names.benchmark(each) for each in inputs.benchmarks if _nothing_right(inputs, model, each)]:
        text = f"on {listed(nothing)} neither arm was right even once: equal scores there do not show equal ability."
        yield sentence(subject, text)
    missing = {
        names.benchmark(benchmark): entry["reason"]
        for benchmarks in scores.values()
        for benchmark, entry in benchmarks.items()
        if entry.get("score") is None and entry.get("reason")
    }
    for benchmark, reason in missing.items():
        yield sentence(subject, f"{benchmark} has no score: {reason}.")
    if unread := _rates(inputs, model, "unparsed_rate", UNREAD):
        text = (
            f"answers could not be read from what was written: {unread}. Where likelihoods are scored, this does not "
            "touch the score; elsewhere each counts as wrong."
        )
        yield sentence(subject, text)
    if unequal := _read_unequally(inputs, model):
        text = (
            f"role's answers could be read less often than standard's on {listed(unequal)}. Scores there are read from "
            "the text, and role prompt and answer share one limit of tokens, which may be part of any difference."
        )
        yield sentence(subject, text)
    if cut := _cut_off(inputs, model):
        yield sentence(subject, f"answers were cut off at the limit of tokens: {cut}.")
    few = {
        names.benchmark(benchmark): entry["role_rate"]
        for benchmark, entry in scores.get("role", {}).items()
        if entry.get("role_rate") is not None and entry["role_rate"] < FEW_ROLES
    }
    if few:
        shown = listed([f"{name} ({percent(rate)}%)" for name, rate in few.items()])
        yield sentence(
            subject, f"the role arm seldom wrote a role prompt on {shown}: its scores there say little of roles."
        )


def _could_be_guessing(inputs: Inputs, model: str, benchmark: str) -> bool:
    guess = chance(inputs, benchmark)
    entries = [inputs.metrics["benchmarks"].get(model, {}).get(arm, {}).get(benchmark, {}) for arm in COMPARED]
    known = [entry for entry in entries if entry.get("ci_low") is not None]
    return guess is not None and bool(known) and all(entry["ci_low"] <= guess for entry in known)


def _nothing_right(inputs: Inputs, model: str, benchmark: str) -> bool:
    scores = inputs.metrics["benchmarks"].get(model, {})
    return all(scores.get(arm, {}).get(benchmark, {}).get("score") == 0 for arm in COMPARED)


def _one_sided(inputs: Inputs, model: str) -> list[str]:
    """Sets on which one label has 80% or more of an arm's picks, with that label and the arm."""
    scores = inputs.metrics["benchmarks"].get(model, {})
    found = []
    for benchmark in inputs.benchmarks:
        sides = {arm: _one_label(scores.get(arm, {}).get(benchmark, {})) for arm in COMPARED}
        if told := [f"{arm}: {label}" for arm, label in sides.items() if label]:
            found.append(f"{names.benchmark(benchmark)} ({', '.join(told)})")
    return found


def _one_label(entry: Metrics) -> str | None:
    """The label that has 80% of the picks or more, which come most frequent first; None where none has."""
    label, share = next(iter(entry.get("picks", {}).items()), (None, 0.0))
    return label if share >= ONE_SIDED else None


def _rates(inputs: Inputs, model: str, key: str, limit: float) -> str:
    """Where a rate is above the limit, in words."""
    metrics = inputs.metrics["benchmarks"].get(model, {})
    return _above(
        {each: {arm: metrics.get(arm, {}).get(each, {}).get(key) for arm in COMPARED} for each in inputs.benchmarks},
        limit,
        "benchmarks",
    )


def _read_unequally(inputs: Inputs, model: str) -> list[str]:
    """Benchmarks read from the text on which much more of role's answers than of standard's could not be read."""
    metrics = inputs.metrics["benchmarks"].get(model, {})
    found = []
    for benchmark in inputs.benchmarks:
        entries = [metrics.get(arm, {}).get(benchmark, {}) for arm in COMPARED]
        standard, role = (entry.get("unparsed_rate") for entry in entries)
        from_text = entries[0].get("reading") not in {"cloze", "letter"}
        if from_text and None not in {standard, role} and role - standard > HARDER_TO_READ:
            found.append(f"{names.benchmark(benchmark)} ({percent(role)}% unread against {percent(standard)}%)")
    return found


def _cut_off(inputs: Inputs, model: str) -> str:
    rates: dict[str, Rates] = {}
    for benchmark in [*inputs.benchmarks, OPEN_ENDED]:
        for system in inputs.systems(model):
            there = inputs.generations.get((system.name, benchmark), {}).values()
            answers = [answer for answer in there if answer.finished is not None]
            if answers and system.variant in COMPARED:
                share = sum(not answer.finished for answer in answers) / len(answers)
                rates.setdefault(benchmark, {})[system.variant] = share
    return _above(rates, CUT_OFF, "sets of questions")


def _above(rates: dict[str, Rates], limit: float, unit: str) -> str:
    """Each benchmark with its arms' rates; of many only how many they are, and the range."""
    high = {
        each: found
        for each, found in rates.items()
        if any(rate is not None and rate > limit for rate in found.values())
    }
    if len(high) <= FEW:
        return listed([_shown(benchmark, found) for benchmark, found in high.items()])
    arms = []
    for arm in COMPARED:
        known = [rate for found in high.values() if (rate := found.get(arm)) is not None]
        if known:
            low, top = percent(min(known)), percent(max(known))
            arms.append(f"{arm} {low}%" if low == top else f"{arm} {low} to {top}%")
    return f"on {len(high)} of {len(rates)} {unit} ({', '.join(arms)})"


def _shown(benchmark: str, rates: Rates) -> str:
    parts = ", ".join(f"{arm} {percent(rate)}%" for arm, rate in rates.items() if rate is not None)
    return f"{names.benchmark(benchmark)} ({parts})"


def _contamination(inputs: Inputs) -> Iterator[str]:
    runs = {benchmark: entry.get("ngram_13", {}).get("count", 0) for benchmark, entry in
            inputs.metrics["contamination"].items()}  # fmt: skip
    found = [
        f"{names.benchmark(benchmark)} ({counted(count, 'question')})" for benchmark, count in runs.items() if count
    ]
    if found:
        yield (
            f"Runs of 13 words of the training corpus stand in {listed(found)}; both arms learnt from the same corpus, "
            "so that the comparison is not favoured, but the scores may be."
        )
    elif runs:
        yield (
            "No run of 13 words of any question stands in the training corpus. What the base model was trained on "
            "before is not known here."
        )


FLIPS = 0.25
LONGER = 1.5  # times as many words


def preference(inputs: Inputs) -> Iterator[str]:
    for model, pairs in inputs.metrics["preference"].items():
        subject = model if len(inputs.models) > 1 else ""
        judges = {summary["judge"] for summary in pairs.values() if summary.get("judge")}
        yield from (_judge(judge, model) for judge in sorted(judges))
        for pair, measured in pairs.items():
            if (strength := measured.get("strength", {})).get("measured_nothing"):
                yield sentence(
                    subject,
                    f"the judge measured nothing between role and {names.rival(pair)}: which answer came first moved "
                    f"it by {strength['by_order']:.2f} on average, which answer by {strength['by_answers']:.2f}.",
                )
        rates = {
            f"against {names.rival(pair)}": summary.get("flips", {}).get("rate") for pair, summary in pairs.items()
        }
        high = [f"{percent(rate)}% {against}" for against, rate in rates.items() if rate is not None and rate > FLIPS]
        if high:
            text = (
                f"verdicts change when the answers change places: {listed(high)}. A judge that goes by position says "
                "little about the answers."
            )
            yield sentence(subject, text)
        yield from (sentence(subject, text) for pair, summary in pairs.items() for text in _unequal(pair, summary))


def _judge(judge: str, model: str) -> str:
    if judge.startswith(f"{model} itself"):
        return (
            f"The judge of preference is {judge}: the arms are its own offspring, and its judgement was not checked. "
            "Its verdicts show that the machinery works; they do not show which answers people would prefer."
        )
    return f"The judge of preference is one model, {judge}: its taste is not that of people, and was not checked here."


def _unequal(pair: str, summary: Metrics) -> Iterator[str]:
    """Answers that were no answers, or whose lengths alone may have decided."""
    against = names.rival(pair)
    sides = {"role": summary.get("answers", {}).get("role", {}),
             against: summary.get("answers", {}).get(pair.removeprefix("role - "), {})}  # fmt: skip
    if empty := [f"{counted(side['empty'], 'answer')} of {name}" for name, side in sides.items() if side.get("empty")]:
        yield (
            f"of the answers judged between role and {against}, {listed(empty)} had nothing left without the role "
            "prompt: cut off at the limit of tokens, or never begun."
        )
    if seen := [f"{counted(side['cut'], 'answer')} of {name}" for name, side in sides.items() if side.get("cut")]:
        yield f"of the answers judged between role and {against}, the judge saw only the beginning of {listed(seen)}."
    lengths = [side["words"] for side in sides.values() if side.get("words")]
    if len(lengths) == len(sides) and max(lengths) > LONGER * min(lengths):
        yield (
            f"answers of role have {lengths[0]:.0f} words on average, those of {against} {lengths[1]:.0f}. Judges "
            f"often prefer the longer answer (Dubois et al. 2024); {_length_controlled(summary)}."
        )


def _length_controlled(summary: Metrics) -> str:
    controlled = summary.get("length_controlled", {})
    if controlled.get("win_rate") is None:
        return f"there is no length-controlled win rate: {controlled.get('reason', 'nothing was judged')}"
    return "see the length-controlled win rate"
