"""Limits and cautions that follow from the choices of the run and from its numbers."""

from collections.abc import Iterator, Mapping

from stages.reporting import names, table
from stages.reporting.inputs import OPEN_ENDED, Inputs, Metrics
from stages.reporting.names import counted, listed, out_of, share

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
ARMS = ("standard", "role")

Entries = Mapping[str, Mapping[str, Metrics]]
"""Benchmark → arm → its score and what belongs to it; empty where there is none."""
Rates = dict[str, dict[str, tuple[float, int]]]
"""Benchmark → arm → a share of its answers, and how many answers it is of."""


def cautions(inputs: Inputs) -> list[str]:
    found = [text.replace("own.", "own, unlike those of docs/study.md.") for text in table.of_questions(inputs)]
    if inputs.seeds == 1:
        found.append("Each arm was trained once: intervals leave out how trainings vary.")
    elif inputs.seeds:
        found.append(f"Each arm was trained with {inputs.seeds} seeds; intervals and tests include their spread.")
    for model in inputs.models:
        scores = {arm: inputs.scores(model, arm) for arm in ARMS}
        entries = {each: {arm: scores[arm].get(each, {}) for arm in ARMS} for each in inputs.benchmarks}
        texts = [*_of_scores(inputs, entries), *table.of_missing(inputs, model), *_of_answers(inputs, model, entries)]
        texts += _of_preference(inputs.metrics["preference"].get(model, {}), model)
        found += [inputs.about(model, text) for text in texts]
    return [*found, *_contamination(inputs.metrics["contamination"])]


def _of_scores(inputs: Inputs, entries: Entries) -> Iterator[str]:
    if picks := list(filter(None, (_one_sided(benchmark, arms) for benchmark, arms in entries.items()))):
        yield f"nearly every pick is {listed(picks)}, whatever the question."
    guessing = []
    for benchmark, arms in entries.items():
        chance = inputs.chance(benchmark)
        lows = [entry["ci_low"] for entry in arms.values() if entry.get("ci_low") is not None]
        if chance is not None and lows and max(lows) <= chance:
            guessing.append(names.benchmark(benchmark))
    if guessing:
        yield f"on {listed(guessing)} neither arm is shown to beat guessing: differences there mean little."
    never = [each for each, arms in entries.items() if all(entry.get("score") == 0 for entry in arms.values())]
    if nothing := [names.benchmark(each) for each in never]:
        yield f"on {listed(nothing)} neither arm was right even once: equal scores there do not show equal ability."


def _one_sided(benchmark: str, arms: Mapping[str, Metrics]) -> str | None:
    """The label with 80% or more of an arm's picks, which are sorted by frequency, and the benchmark."""
    picks = {arm: next(iter(entry.get("picks", {}).items()), ("", 0.0)) for arm, entry in arms.items()}
    labels = {arm: label for arm, (label, picked) in picks.items() if picked >= ONE_SIDED}
    if not labels:
        return None
    told = [f'"{label}" ({arm})' for arm, label in labels.items()]
    if len(labels) == len(ARMS) and labels["standard"] == labels["role"]:
        told = [f'"{labels["role"]}"']
    return f"{' or '.join(told)} on {names.benchmark(benchmark)}"


def _of_answers(inputs: Inputs, model: str, entries: Entries) -> Iterator[str]:
    unread = {
        benchmark: {
            arm: (entry["unparsed_rate"], int(entry.get("n_written", entry["n"]) * entry["seeds"]))
            for arm, entry in arms.items()
            if entry.get("unparsed_rate") is not None
        }
        for benchmark, arms in entries.items()
    }
    unread = {benchmark: rates for benchmark, rates in unread.items() if rates}
    if high := _above(unread, UNREAD, "benchmark", " with written answers"):
        yield (
            f"many written answers are unread, which means that no answer was found in the text: {high}. Scores by "
            "likelihood are not affected; elsewhere an unread answer counts as wrong."
        )
    harder = [
        f"{names.benchmark(each)} ({share(*rates['role'])} against {share(*rates['standard'])})"
        for each, rates in unread.items()
        if len(rates) == len(ARMS)
        and entries[each]["role"].get("reading") not in {"cloze", "letter"}
        and rates["role"][0] - rates["standard"][0] > HARDER_TO_READ
    ]
    if harder:
        yield (
            f"more of role's answers than of standard's are unread on {listed(harder)}. Scores there are read from the "
            "text. Role prompt and answer share one token limit, which may explain part of a difference."
        )
    if cut := _above(_cut_off(inputs, model), CUT_OFF, "set"):
        yield f"many answers were cut off at the token limit: {cut}."
    wrote = {each: arms["role"] for each, arms in entries.items() if arms["role"].get("role_rate") is not None}
    few = [
        f"{names.benchmark(each)} ({share(entry['role_rate'], entry['n'] * entry['seeds'])})"
        for each, entry in wrote.items()
        if entry["role_rate"] < FEW_ROLES
    ]
    if few:
        yield f"the role arm seldom wrote a role prompt on {listed(few)}: its scores there say little about roles."


def _cut_off(inputs: Inputs, model: str) -> Rates:
    """Of the first training seed's answers."""
    first = {system.variant: system.name for system in reversed(inputs.plan.systems) if system.model == model}
    rates: Rates = {}
    for benchmark in [*inputs.benchmarks, OPEN_ENDED]:
        for arm in ARMS:
            there = inputs.generations.get((first.get(arm, ""), benchmark), {}).values()
            ended = [answer.finished for answer in there if answer.finished is not None]
            if ended:
                rates.setdefault(benchmark, {})[arm] = (1 - sum(ended) / len(ended), len(ended))
    return rates


def _above(rates: Rates, limit: float, unit: str, which: str = "") -> str:
    """The benchmarks above the limit with their arms' rates; where there are many, their number and the range."""
    high = {each: found for each, found in rates.items() if any(rate > limit for rate, _ in found.values())}
    if len(high) <= FEW:
        told = {each: ", ".join(f"{arm} {share(*rate)}" for arm, rate in found.items()) for each, found in high.items()}
        return listed([f"{names.benchmark(each)} ({rates})" for each, rates in told.items()])
    arms = []
    for arm in ARMS:
        known = sorted(found[arm][0] for found in high.values() if arm in found)
        if known:
            low, top = names.percent(known[0]), names.percent(known[-1])
            arms.append(f"{arm} {low}%" if low == top else f"{arm} {low} to {top}%")
    return f"on {out_of(len(high), len(rates), unit)}{which} ({', '.join(arms)})"


def _contamination(metrics: Metrics) -> Iterator[str]:
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


def _of_preference(pairs: Metrics, model: str) -> Iterator[str]:
    for judge in sorted({each["judge"] for each in pairs.values() if each.get("judge")}):
        if judge.startswith(f"{model} itself"):
            yield (
                f"the judge of preference is {judge}: both arms were trained from it, and its judgement was not "
                "checked. Its verdicts show that the pipeline works, not which answers people would prefer."
            )
        else:
            yield (
                f"the judge of preference is one model, {judge}: whether people would agree with it was not checked "
                "here."
            )
    for pair, summary in pairs.items():
        yield from _of_verdicts(names.rival(pair), summary)
        yield from _unequal(pair, summary)


def _of_verdicts(against: str, summary: Metrics) -> Iterator[str]:
    """Whether the judge followed the order of the answers rather than the answers."""
    flips, strength = summary.get("flips", {}).get("rate"), summary.get("strength", {})
    flipped = ""
    if flips is not None:
        count = share(flips, summary["n"] * summary["seeds"])
        flipped = f"flips (verdicts that change when the answers are swapped): {count}"
    if strength.get("measured_nothing"):
        unit = " nats" if strength["unit"] == "nats" else ""
        yield (
            f"between role and {against} the judge measured nothing: the order of the answers moved it by "
            f"{strength['by_order']:.2f}{unit} on average, the answers themselves by {strength['by_answers']:.2f}; "
            f"{flipped}."
        )
    elif flips is not None and flips > FLIPS:
        yield f"the judge of role and {against} partly follows the position of the answers; {flipped}."


def _unequal(pair: str, summary: Metrics) -> Iterator[str]:
    """Empty or cut answers, and lengths so different that they alone may have decided."""
    against = names.rival(pair)
    answers = summary.get("answers", {})
    sides = {"role": answers.get("role", {}), against: answers.get(pair.removeprefix("role - "), {})}
    empty, cut = ([f"{counted(side[key], 'answer')} of {name}" for name, side in sides.items() if side.get(key)]
                  for key in ("empty", "cut"))  # fmt: skip
    if empty:
        yield (
            f"of the answers judged between role and {against}, {listed(empty)} were empty without the role prompt: "
            "cut off at the token limit, or never begun."
        )
    if cut:
        yield f"of the answers judged between role and {against}, the judge saw only the beginning of {listed(cut)}."
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
