"""Limits and cautions that follow from what was run and from the numbers."""

from collections.abc import Iterator

from stages.reporting import names, notes
from stages.reporting.inputs import OPEN_ENDED, Inputs, Metrics, chance
from stages.reporting.names import counted, listed, out_of, sentence, share

# Shares above which (below which, of roles) a caution is due.
UNREAD = 0.2
CUT_OFF = 0.2
FLIPS = 0.25
FEW_ROLES = 0.5
HARDER_TO_READ = 0.1  # how much more of role's answers than of standard's
ONE_SIDED = 0.8
LONGER = 1.5  # times as many words
FEW = 3
FOREMOST = 3
"""So many stand on the first screen; the others are folded below."""
COMPARED = ("standard", "role")

Rates = dict[str, tuple[float, int]]
"""Arm → a share of its answers, and how many answers it is of."""


def cautions(inputs: Inputs) -> list[str]:
    return [
        *notes.of_questions(inputs),
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
        yield "Each arm was trained once: the intervals do not cover how trainings vary."
    elif inputs.seeds:
        yield f"Each arm was trained with {inputs.seeds} seeds; their spread is part of the intervals and tests."


def _of_scores(inputs: Inputs, model: str) -> Iterator[str]:
    arms = {each: [_entry(inputs, model, arm, each) for arm in COMPARED] for each in inputs.benchmarks}
    if picks := [told for each, entries in arms.items() if (told := _one_sided(each, entries))]:
        yield f"on {listed(picks)} nearly every pick is one label, whatever is asked."
    if guessing := [names.benchmark(each) for each in arms if _could_be_guessing(chance(inputs, each), arms[each])]:
        where = "within or above both arms' intervals"
        yield f"on {listed(guessing)} guessing lies {where}: differences there mean little."
    if nothing := [names.benchmark(each) for each in arms if all(entry.get("score") == 0 for entry in arms[each])]:
        yield f"on {listed(nothing)} neither arm was right even once: equal scores there do not show equal ability."
    yield from notes.of_missing(inputs, model)


def _entry(inputs: Inputs, model: str, arm: str, benchmark: str) -> Metrics:
    return dict(inputs.metrics["benchmarks"].get(model, {}).get(arm, {}).get(benchmark, {}))


def _could_be_guessing(guess: float | None, entries: list[Metrics]) -> bool:
    known = [entry for entry in entries if entry.get("ci_low") is not None]
    return guess is not None and bool(known) and all(entry["ci_low"] <= guess for entry in known)


def _one_sided(benchmark: str, entries: list[Metrics]) -> str | None:
    """The set with the label that has 80% or more of an arm's picks, which come most frequent first."""
    labels = {}
    for arm, entry in zip(COMPARED, entries, strict=True):
        label, picked = next(iter(entry.get("picks", {}).items()), (None, 0.0))
        if label is not None and picked >= ONE_SIDED:
            labels[arm] = label
    if not labels:
        return None
    same = len(labels) == len(COMPARED) and len(set(labels.values())) == 1
    told = labels["role"] if same else ", ".join(f"{arm}: {label}" for arm, label in labels.items())
    return f"{names.benchmark(benchmark)} ({told})"


def _of_answers(inputs: Inputs, model: str) -> Iterator[str]:
    unread = {each: _unread(inputs, model, each) for each in inputs.benchmarks}
    if high := _above(unread, UNREAD, "benchmark"):
        yield (
            f"many answers are unread, which means that no answer was found in what was written: {high}. Where "
            "likelihoods are scored, this does not touch the score; elsewhere an unread answer counts as wrong."
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
            "text. Role prompt and answer share one limit of tokens, which may be part of any difference."
        )
    if cut := _above(_cut_off(inputs, model), CUT_OFF, "set"):
        yield f"answers were cut off at the limit of tokens: {cut}."
    wrote = {each: _entry(inputs, model, "role", each) for each in inputs.benchmarks}
    few = [
        f"{names.benchmark(each)} ({share(entry['role_rate'], _answers(entry))})"
        for each, entry in wrote.items()
        if entry.get("role_rate") is not None and entry["role_rate"] < FEW_ROLES
    ]
    if few:
        yield f"the role arm seldom wrote a role prompt on {listed(few)}: its scores there say little of roles."


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
    """Each benchmark with its arms' rates; of many only how many they are, and the range."""
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
            f"Runs of 13 words of the training corpus stand in {listed(found)}. Both arms learnt from the same corpus: "
            "the comparison is not favoured, but the scores may be."
        )
    elif runs:
        yield (
            "No run of 13 words of any question stands in the training corpus. What the base model was trained on "
            "before is not known here."
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
            flipped = f"flips (verdicts that change when the answers change places): {count}"
        if strength.get("measured_nothing"):
            unit = " nats" if strength["unit"] == "nats" else ""
            yield (
                f"between role and {against} the judge measured nothing: which answer came first moved it by "
                f"{strength['by_order']:.2f}{unit} on average, which answer it was by {strength['by_answers']:.2f}; "
                f"{flipped}."
            )
        elif flipped and flips["rate"] > FLIPS:
            yield f"the judge of role and {against} goes by position in part; {flipped}."
        yield from _unequal(pair, summary)


def _judge(judge: str, model: str) -> str:
    if judge.startswith(f"{model} itself"):
        return (
            f"the judge of preference is {judge}: both arms come of it, and its judgement was not checked. Its "
            "verdicts show that the machinery works; they do not show which answers people would prefer."
        )
    return f"the judge of preference is one model, {judge}: its taste is not that of people, and was not checked here."


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
        controlled = summary.get("length_controlled", {})
        rate = "see the length-controlled win rate"
        if controlled.get("win_rate") is None:
            rate = f"there is no length-controlled win rate: {controlled.get('reason', 'nothing was judged')}"
        yield (
            f"answers of role have {lengths[0]:.0f} words on average, those of {against} {lengths[1]:.0f}. Judges "
            f"often prefer the longer answer (Dubois et al. 2024); {rate}."
        )
