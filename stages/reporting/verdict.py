"""The first screen: what was found, how sure it is, and of what it was found, each in one sentence."""

from collections.abc import Mapping
from typing import Any

from stages.reporting import names
from stages.reporting.inputs import Inputs
from stages.reporting.names import counted, listed, nats, p_phrase, percent

MODERATE = 0.05
"""Five points: a gain of the size that papers on prompting report as one."""

Entries = Mapping[str, Mapping[str, Any]]


def verdicts(inputs: Inputs) -> list[str]:
    """A sentence on the benchmarks and one on the reference answers, for each model."""
    found = []
    for model in inputs.models:
        subject = f"{model}: " if len(inputs.models) > 1 else ""
        texts = (on_benchmarks(inputs.pair(model), inputs.margin), on_likelihood(inputs.between(model)))
        found += [f"{subject}{text}" for text in texts if text]
    return found


def on_benchmarks(entries: Entries, margin: float) -> str:
    """What the verdicts on role less standard say together; without one that decides, what could have been seen."""
    said: dict[str, list[str]] = {}
    for name, entry in entries.items():
        if entry.get("verdict"):
            said.setdefault(entry["verdict"], []).append(names.benchmark(name))
    tested = sum(len(found) for found in said.values())
    if not tested:
        return "The two arms were not compared on any benchmark."
    decided = [f"{word} on {listed(said[word])}" for word in ("higher", "lower") if word in said]
    if decided:
        rest = len(said.get("undecided", [])) + len(said.get("equivalent", []))
        others = f"; on {counted(rest, 'other set')} no difference shows" if rest else ""
        return f"The role arm scored {listed(decided)}{others}."
    if len(said.get("equivalent", [])) == tested:
        return f"No difference: on every one of {tested} sets the arms score alike within {percent(margin, 0)} points."
    return f"No detectable effect on any of {tested} sets, and {_power(entries)}."


def _power(entries: Entries) -> str:
    sizes = sorted(entry["detectable"] for entry in entries.values() if entry.get("detectable") is not None)
    if not sizes:
        return "so few questions could not have shown one"
    if sizes[0] > MODERATE:
        return f"this run could not have shown one below {percent(sizes[0])} points"
    return f"the most sensitive set would have shown one of {percent(sizes[0])} points"


def on_likelihood(between: Mapping[str, Any]) -> str | None:
    """Whether the role arm, after its own role prompt, finds good answers likelier than the standard arm does."""
    entry = between.get("role own - standard none")
    if entry is None or entry.get("p") is None:
        return None
    interval = f"{nats(entry['ci_low'])} to {nats(entry['ci_high'])}, {p_phrase(entry['p_holm'])}"
    size = f"by {nats(abs(entry['delta']))} nats a token (95% interval of the difference {interval})"
    if entry["p_holm"] >= 0.05:
        return (
            f"Held-out reference answers are not detectably likelier after the model's own role prompt: they differ "
            f"{size}."
        )
    which = "likelier" if entry["delta"] < 0 else "less likely"
    return f"Held-out reference answers are {which} under the role arm, after its own role prompt, {size}."


def run_line(inputs: Inputs) -> str:
    """Model, items trained, questions, seeds: one line."""
    trained = [int(metrics["items"]) for metrics in inputs.finetune.values() if metrics.get("items")]
    asked = 0
    for benchmark in inputs.benchmarks:
        entry = inputs.pair(inputs.models[0]).get(benchmark, {})
        asked += entry.get("n") or 0
    parts = [
        listed(inputs.models),
        counted(max(trained), "training item") if trained else "no training",
        f"{counted(asked, 'question')} in {counted(len(inputs.benchmarks), 'set')}",
        counted(max(inputs.seeds, 1), "training seed"),
    ]
    if n := inputs.reference_answers:
        parts.insert(3, counted(n, "reference answer"))
    return " \u00b7 ".join(parts)
