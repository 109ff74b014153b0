"""Limits and cautions that follow from the choices of the run and from its numbers."""

from collections.abc import Iterator

from stages.reporting import names, notes
from stages.reporting.inputs import OPEN_ENDED, Inputs, Metrics, chance
from stages.reporting.names import counted, listed, out_of, sentence, share

# Shares above which (below which, of roles) a caution is due.
UNREAD = 0.2
CUT_OFF = 0.2
FLIPS = 0.25
FEW_ROLES = 0.5
HARDER_TO_READ = 0.1  # by how much role's share exceeds standard's
ONE_SIDED = 0.8
LONGER = 1.5  # times as many words
FEW = 3
FOREMOST = 3
"""This many are on the first screen; the others are folded below."""
COMPARED = ("standard", "role")

Rates = dict[str, tuple[float, int]]
"""Arm → a share of its answers, and how many answers it is of."""


def cautions(inputs: Inputs) -> list[str]:
    return [
        *(text.replace("own.", "own, unlike those of docs/study.md.") for text in notes.of_questions(inputs)),
        *_seeds(inputs),
        *(
            sentence(model if len(inputs.models) > 1 else "", text)
            for model in inputs.models
            for text in (*_of_scores(inputs, model), *_of_answers(inputs, model), *_of_preference(inputs, model))
        ),
        *_contamination(inputs),
    ]


def _seeds(inputs: Inputs) -> Iterator[str]:
    if inputs.seeds == 1:
        yield "Each arm was trained once: intervals leave out how trainings vary."
    elif inputs.seeds:
        yield f"Each arm was trained with {inputs.seeds} seeds; intervals and tests include their spread."


def _of_scores(inputs: Inputs, model: str) -> Iterator[str]:
    arms = {each: [_entry(inputs, model, arm, each) for arm in COMPARED] for each in inputs.benchmarks}
    if picks := [told for each, entries in arms.items() if (told := _one_sided(each, entries))]:
        yield f"nearly every pick is {listed(picks)}, whatever the question."
    if guessing := [names.benchmark(each) for each in arms if _could_be_guessing(chance(inputs, each), arms[each])]:
        yield f"on {listed(guessing)} neither arm is shown to beat guessing: differences there mean little."
    if nothing := [names.benchmark(each) for each in arms if all(entry.get("score") == 0 for entry in arms[each])]:
        yield f"on {listed(nothing)} neither arm was right even once: equal scores there do not show equal ability."
    yield from notes.of_missing(inputs, model)


def _entry(inputs: Inputs, model: str, arm: str, benchmark: str) -> Metrics:
    return dict(inputs.metrics["benchmarks"].get(model, {}).get(arm, {}).get(benchmark, {}))


def _could_be_guessing(guess: float | None, entries: list[Metrics]) -> bool:
    known = [entry for entry in entries if entry.get("ci_low") is not None]
    return guess is not None and bool(known) and all(entry["ci_low"] <= guess for entry in known)


def _one_sided(benchmark: str, entries: list[Metrics]) -> str | None:
    """The label with 80% or more of an arm's picks, which are sorted by frequency, and the benchmark."""
    labels = {}
    for arm, entry in zip(COMPARED, entries, strict=True):
        label, picked = next(iter(entry.get("picks", {}).items()), (None, 0.0))
        if label is not None and picked >= ONE_SIDED:
            labels[arm] = label
    if not labels:
        return None
    same = len(labels) == len(COMPARED) and len(set(labels.values())) == 1
    told = [f'"{labels["role"]}"'] if same else [f'"{label}" ({arm})' for arm, label in labels.items()]
    return f"{' or '.join(told)} on {names.benchmark(benchmark)}"


def _of_answers(inputs: Inputs, model: str) -> Iterator[str]:
    unread = {each: _unread(inputs, model, each) for each in inputs.benchmarks}
    if high := _above(unread, UNREAD, "benchmark"):
        yield (
            f"many written answers are unread, which means that no answer was found in the text: {high}. Scores by "
            "likelihood are not affected; elsewhere an unread answer counts as wrong."
        )
    harder = [
        f"{names.benchmark(each)} ({share(*rates['role'])} against {share(*rates['standard'])})"
        for each, rates in unread.items()
        if len(rates) == len(COMPARED)
        and _entry(inputs, model, "role", each).get("reading") not in {"cloze", "letter"}
        and rates["role"][0] - rates["standard"][0] > HARDER_TO_READ
    ]
    if harder:
        yield (
            f"more of role's answers than of standard's are unread on {listed(harder)}. Scores there are read from the "
            "text. Role prompt and answer share one token limit, which may explain part of a difference."
        )
    if cut := _above(_cut_off(inputs, model), CUT_OFF, "set"):
        yield f"many answers were cut off at the token limit: {cut}."
    wrote = {each: _entry(inputs, model, "role", each) for each in inputs.benchmarks}
    few = [
        f"{names.benchmark(each)} ({share(entry['role_rate'], _answers(entry))})"
        for each, entry in wrote.items()
        if entry.get("role_rate") is not None and entry["role_rate"] < FEW_ROLES
    ]
    if few:
        yield f"the role arm seldom wrote a role prompt on {listed(few)}: its scores there say little about roles."


def _answers(entry: Metrics) -> int:
    return int(entry["n"] * entry["seeds"])


def _unread(inputs: Inputs, model: str, benchmark: str) -> Rates:
    """Of the answers that were asked for in writing."""
    entries = {arm: _entry(inputs, model, arm, benchmark) for arm in COMPARED}
    return {
        arm: (entry["unparsed_rate"], int(entry.get("n_written", entry["n"]) * entry["seeds"]))
        for arm, entry in entries.items()
        if entry.get("unparsed_rate") is not None
    }


def _cut_off(inputs: Inputs, model: str) -> dict[str, Rates]:
    rates: dict[str, Rates] = {}
    for benchmark in [*inputs.benchmarks, OPEN_ENDED]:
        for system in inputs.systems(model):
            there = inputs.generations.get((system.name, benchmark), {}).values()
            ended = [answer.finished for answer in there if answer.finished is not None]
            if ended and system.variant in COMPARED:
                rates.setdefault(benchmark, {})[system.variant] = (1 - sum(ended) / len(ended), len(ended))
    return rates


def _above(rates: dict[str, Rates], limit: float, unit: str) -> str:
    """The benchmarks above the limit with their arms' rates; where there are many, their number and the range."""
    high = {each: found for each, found in rates.items() if any(rate > limit for rate, _ in found.values())}
    if len(high) <= FEW:
        told = {each: ", ".join(f"{arm} {share(*rate)}" for arm, rate in found.items()) for each, found in high.items()}
        return listed([f"{names.benchmark(each)} ({rates})" for each, rates in told.items()])
    arms = []
    for arm in COMPARED:
        known = sorted(found[arm][0] for found in high.values() if arm in found)
        if known:
            low, top = names.percent(known[0]), names.percent(known[-1])
            arms.append(f"{arm} {low}%" if low == top else f"{arm} {low} to {top}%")
    return f"on {out_of(len(high), len(rates), unit)} ({', '.join(arms)})"


def _contamination(inputs: Inputs) -> Iterator[str]:
    metrics = inputs.metrics["contamination"]
    runs = {benchmark: entry.get("ngram_13", {}).get("count", 0) for benchmark, entry in metrics.items()}
    found = [f"{names.benchmark(each)} ({counted(count, 'question')})" for each, count in runs.items() if count]
    if found:
        yield (
            f"Some questions share a run of 13 words with the training corpus: {listed(found)}. Both arms learnt from "
            "it, so this favours neither, but both scores may be too high."
        )
    elif runs:
        yield (
            "No question shares a run of 13 words with the training corpus. What the base model was trained on is not "
            "known here."
        )


def _of_preference(inputs: Inputs, model: str) -> Iterator[str]:
    pairs = inputs.metrics["preference"].get(model, {})
    yield from (
        _judge(judge, model) for judge in sorted({each["judge"] for each in pairs.values() if each.get("judge")})
    )
    for pair, summary in pairs.items():
        against = names.rival(pair)
        flips, strength = summary.get("flips", {}), summary.get("strength", {})
        flipped = ""
        if flips.get("rate") is not None:
            count = share(flips["rate"], summary["n"] * summary["seeds"])
            flipped = f"flips (verdicts that change when the answers are swapped): {count}"
        if strength.get("measured_nothing"):
            unit = " nats" if strength["unit"] == "nats" else ""
            yield (
                f"between role and {against} the judge measured nothing: the order of the answers moved it by "
                f"{strength['by_order']:.2f}{unit} on average, the answers themselves by {strength['by_answers']:.2f}; "
                f"{flipped}."
            )
        elif flipped and flips["rate"] > FLIPS:
            yield f"the judge of role and {against} partly follows the position of the answers; {flipped}."
        yield from _unequal(pair, summary)


def _judge(judge: str, model: str) -> str:
    if judge.startswith(f"{model} itself"):
        return (
            f"the judge of preference is {judge}: both arms were trained from it, and its judgement was not checked. "
            "Its verdicts show that the pipeline works, not which answers people would prefer."
        )
    return f"the judge of preference is one model, {judge}: whether people would agree with it was not checked here."


def _unequal(pair: str, summary: Metrics) -> Iterator[str]:
    """Empty or cut answers, and lengths so different that they alone may have decided."""
    against = names.rival(pair)
    sides = {"role": summary.get("answers", {}).get("role", {}),
             against: summary.get("answers", {}).get(pair.removeprefix("role - "), {})}  # fmt: skip
    if empty := [f"{counted(side['empty'], 'answer')} of {name}" for name, side in sides.items() if side.get("empty")]:
        yield (
            f"of the answers judged between role and {against}, {listed(empty)} were empty without the role prompt: "
            "cut off at the token limit, or never begun."
        )
    if seen := [f"{counted(side['cut'], 'answer')} of {name}" for name, side in sides.items() if side.get("cut")]:
        yield f"of the answers judged between role and {against}, the judge saw only the beginning of {listed(seen)}."
    lengths = [side["words"] for side in sides.values() if side.get("words")]
    if len(lengths) == len(sides) and max(lengths) > LONGER * min(lengths):
        controlled = summary.get("length_controlled", {})
        rate = "see the length-controlled win rate"
        if controlled.get("win_rate") is None:
            rate = f"there is no length-controlled win rate: {controlled.get('reason', 'nothing was judged')}"
        yield (
            f"answers of role have {lengths[0]:.0f} words on average, those of {against} {lengths[1]:.0f}. Judges "
            f"often prefer the longer answer (Dubois et al. 2024); {rate}."
        )
