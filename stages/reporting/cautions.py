"""Limits and cautions that follow from what was run and from the numbers."""

from collections.abc import Iterator

from stages.reporting import names
from stages.reporting.formatting import counted, listed, percent, sentence
from stages.reporting.guessing import chance
from stages.reporting.inputs import OPEN_ENDED, Inputs
from stages.reporting.preference_cautions import preference

# Shares above which (below which, of roles) a caution is due.
UNREAD = 0.2
CUT_OFF = 0.2
FEW_ROLES = 0.5
HARDER_TO_READ = 0.1  # how much more of role's answers than of standard's
FEW = 3
COMPARED = ("standard", "role")

Rates = dict[str, float | None]


def cautions(inputs: Inputs) -> list[str]:
    return [
        *_seeds(inputs),
        *(text for model in inputs.models for text in _of_model(inputs, model)),
        *preference(inputs),
        *_contamination(inputs),
    ]


def _seeds(inputs: Inputs) -> Iterator[str]:
    seeds = {system.seed for system in inputs.plan.systems if system.seed is not None}
    if len(seeds) == 1:
        yield (
            "Each arm was trained once. How much scores vary from one training to the next is not known here, and no "
            "interval or test holds that part: another seed may turn small differences around."
        )
    elif seeds:
        yield f"Each arm was trained with {len(seeds)} seeds; their spread is part of the intervals and tests."


def _of_model(inputs: Inputs, model: str) -> Iterator[str]:
    subject = model if len(inputs.models) > 1 else ""
    scores = inputs.metrics["benchmarks"].get(model, {})
    if shortened := _shortened(inputs, model):
        limit = inputs.preset("scales", inputs.plan.scale)["finetune"]["max_length"]
        text = (
            f"many training items were cut at {limit:,} tokens: {shortened}. Of an item that is cut, role learns less "
            "of the answer than standard, since its role prompt takes part of that length."
        )
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
            f"many answers could not be read from the text: {unread}. Where the likeliest choice is scored, this does "
            "not touch the score; elsewhere each counts as wrong."
        )
        yield sentence(subject, text)
    if unequal := _read_unequally(inputs, model):
        text = (
            f"role's answers could be read less often than standard's on {listed(unequal)}. Scores there are read from "
            "the text, and role prompt and answer share one limit of tokens, which may be part of any difference."
        )
        yield sentence(subject, text)
    if cut := _cut_off(inputs, model):
        yield sentence(subject, f"many answers were cut off at the limit of tokens: {cut}.")
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


def _shortened(inputs: Inputs, model: str) -> str:
    """How many of each arm's training items were cut, where there are many."""
    found = {
        system.variant: (metrics["items_truncated"], metrics["items"])
        for system in inputs.systems(model)
        if system.variant in COMPARED and (metrics := inputs.finetune.get(system.name))
    }
    if not any(cut > CUT_OFF * items for cut, items in found.values()):
        return ""
    return listed([f"{cut:,} of {items:,} of {arm}" for arm, (cut, items) in found.items()])


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
        from_text = entries[0].get("reading") != "loglikelihood"
        if from_text and None not in {standard, role} and role - standard > HARDER_TO_READ:
            found.append(f"{names.benchmark(benchmark)} ({percent(role)}% unread against {percent(standard)}%)")
    return found


def _cut_off(inputs: Inputs, model: str) -> str:
    rates: dict[str, Rates] = {}
    for benchmark in [*inputs.benchmarks, OPEN_ENDED]:
        for system in inputs.systems(model):
            answers = inputs.generations.get((system.name, benchmark), {}).values()
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
