"""What was found and how sure it is, in sentences that claim no more than the tests show."""

from collections.abc import Iterator, Mapping
from typing import Any

from stages.figures.style import SIGNIFICANT
from stages.reporting import names
from stages.reporting.inputs import ROLE_PAIR, Inputs
from stages.reporting.names import counted, listed, nats, out_of, p_phrase, percent, points, sentence, share

MODERATE = 0.05
"""Five points: a gain of the size that papers on prompting report as one."""

Entries = Mapping[str, Mapping[str, Any]]


def verdicts(inputs: Inputs) -> list[str]:
    """A sentence on the benchmarks and one on the reference answers, for each model."""
    found = []
    for model in inputs.models:
        subject = model if len(inputs.models) > 1 else ""
        texts = (on_benchmarks(inputs.pair(model), inputs.margin), on_likelihood(inputs.between(model)))
        found += [sentence(subject, text) for text in texts if text]
    return found


def on_benchmarks(entries: Entries, margin: float) -> str:
    """The verdicts on role less standard in one sentence; where none decides, what the run could have detected."""
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
        return f"No difference: the arms score within {percent(margin, 0)} points of each other on all {tested} sets."
    return f"No detectable effect on any of the {tested} sets, and {_power(entries)}."


def _power(entries: Entries) -> str:
    sizes = sorted(entry["detectable"] for entry in entries.values() if entry.get("detectable") is not None)
    if not sizes:
        return "there were too few questions to show one"
    if sizes[0] > MODERATE:
        return f"this run could not have shown one below {percent(sizes[0])} points"
    return f"the most sensitive set would have shown one of {percent(sizes[0])} points"


def on_likelihood(between: Mapping[str, Any]) -> str | None:
    """Whether the role arm, after its own role prompt, finds good answers likelier than the standard arm does.

    The loss is the negative log-likelihood: below zero, role finds them likelier.
    """
    entry = between.get("role own - standard none")
    if entry is None or entry.get("p") is None:
        return None
    which = "less likely" if entry["delta"] > 0 else "likelier"
    if entry["p_holm"] >= SIGNIFICANT:
        which = "not detectably likelier"
    size = f"{nats(abs(entry['delta']))} nats a token {'higher' if entry['delta'] > 0 else 'lower'}"
    interval = f"{nats(entry['ci_low'])} to {nats(entry['ci_high'])}, {p_phrase(entry['p_holm'])}"
    return (
        f"Held-out reference answers are {which} under role, after its own role prompt, than under standard: loss "
        f"{size} (95% interval {interval})."
    )


def run_line(inputs: Inputs) -> str:
    """Model, items trained, questions, seeds: one line."""
    trained = [int(metrics["items"]) for metrics in inputs.finetune.values() if metrics.get("items")]
    compared = inputs.pair(inputs.models[0])
    asked = sum(compared.get(benchmark, {}).get("n") or 0 for benchmark in inputs.benchmarks)
    parts = [
        listed(inputs.models),
        counted(max(trained), "training item") if trained else "no training",
        f"{counted(asked, 'question')} in {counted(len(inputs.benchmarks), 'set')}",
        counted(max(inputs.seeds, 1), "training seed"),
    ]
    if n := inputs.reference_answers:
        parts.insert(3, counted(n, "reference answer"))
    return ", ".join(parts)


def findings(inputs: Inputs) -> list[str]:
    """What the first screen leaves out, one sentence each."""
    return [
        sentence(model if len(inputs.models) > 1 else "", text)
        for model in inputs.models
        for text in _of_model(inputs, model)
    ]


def _of_model(inputs: Inputs, model: str) -> Iterator[str]:
    domains = {
        names.domain(name): entry[ROLE_PAIR]
        for name, entry in inputs.metrics["mmlu_domains"].get(model, {}).items()
        if ROLE_PAIR in entry
    }
    yield differences({names.benchmark(name): entry for name, entry in inputs.pair(model).items()}, "set")
    if domains:
        yield f"on MMLU by domain, {differences(domains, 'domain')}"
    yield from (text for text in (roles_written(inputs, model), roles_fit(inputs, model)) if text)
    for pair, summary in inputs.metrics["preference"].get(model, {}).items():
        yield preferred(names.rival(pair), summary)


def differences(entries: Entries, unit: str) -> str:
    """How often role was ahead, which differences are significant, and what could have been detected."""
    tested = {name: entry for name, entry in entries.items() if entry.get("delta") is not None}
    if not tested:
        return f"role and standard could not be compared on any {unit}."
    ahead = sum(entry["delta"] > 0 for entry in tested.values())
    behind = sum(entry["delta"] < 0 for entry in tested.values())
    equal = len(tested) - ahead - behind
    tally = f"role scored above standard on {out_of(ahead, len(tested), unit)} and below on {behind}"
    tally += f" (equal on {equal})" if equal else ""
    found = {name: entry for name, entry in tested.items() if _is_significant(entry)}
    if not found:
        none = "no difference is significant after Holm's correction for testing all of them"
        return f"{tally}; {none}. {_detectable(tested, unit)}"
    shown = listed([f"{name} ({points(entry['delta'])} points)" for name, entry in found.items()])
    rest = "; no other difference is" if len(found) < len(tested) else ""
    verb = "is" if len(found) == 1 else "are"
    return f"{tally}. After Holm's correction for testing all of them, {shown} {verb} significant at 5%{rest}."


def _is_significant(entry: Mapping[str, Any]) -> bool:
    return entry["p_holm"] is not None and entry["p_holm"] < SIGNIFICANT


def _detectable(tested: Entries, unit: str) -> str:
    """A test that finds nothing rules out large differences alone."""
    sizes = sorted(entry["detectable"] for entry in tested.values() if entry.get("detectable") is not None)
    if not sizes:
        return f"On {out_of(len(tested), len(tested), unit)} the arms disagree on too few questions to find any."
    low, high = percent(sizes[0]), percent(sizes[-1])
    span = low if low == high else f"{low} to {high}"
    where = out_of(len(sizes), len(tested), unit)
    shown = f"On {where} a true difference of {span} points would be found four times in five"
    rest = "" if len(sizes) == len(tested) else "; on the others the arms disagree on too few questions to find any"
    return f"{shown}{rest}."


def roles_written(inputs: Inputs, model: str) -> str | None:
    entries = {
        names.benchmark(benchmark): entry
        for benchmark, entry in inputs.metrics["benchmarks"].get(model, {}).get("role", {}).items()
        if entry.get("role_rate") is not None
    }
    if not entries:
        return None
    told = {name: share(entry["role_rate"], entry["n"] * entry["seeds"]) for name, entry in entries.items()}
    fewest, most = (extreme(entries, key=lambda name: entries[name]["role_rate"]) for extreme in (min, max))
    if entries[fewest]["role_rate"] == entries[most]["role_rate"]:
        return (
            f"the role arm opened {percent(entries[most]['role_rate'])}% of its answers with a well-formed role prompt."
        )
    return (
        f"the role arm opened its answers with a well-formed role prompt: least often on {fewest} ({told[fewest]}), "
        f"most often on {most} ({told[most]})."
    )


def roles_fit(inputs: Inputs, model: str) -> str | None:
    found = inputs.metrics["roles"].get(model, {}).get("belonging", {})
    if found.get("share") is None:
        return None
    than = "against" if found["p"] < SIGNIFICANT else "not reliably more than the"
    return (
        f"a classifier places the role in its question's domain on {percent(found['share'])}% of MMLU's questions, "
        f"{than} {percent(found['permuted'])}% with the roles shuffled ({p_phrase(found['p'])}). Of questions that it "
        f"was not trained on, it places {percent(found['held_out_accuracy'])}% correctly."
    )


def preferred(rival: str, summary: Mapping[str, Any]) -> str:
    if summary.get("win_rate") is None:
        return f"answers of role and of {rival} were not compared: {summary.get('reason', 'nothing was judged')}."
    if summary.get("strength", {}).get("measured_nothing"):
        return (
            f"between the open-ended answers of role and of {rival} the judge measured nothing: it followed the order "
            "in which it saw them."
        )
    rate = f"{percent(summary['win_rate'])}% ({percent(summary['ci_low'])} to {percent(summary['ci_high'])})"
    p = summary["sign_test"]["p"]
    if p is None:
        verdict = "no prompt was won or lost, so that no preference shows"
    elif p < SIGNIFICANT:
        verdict = f"a preference for {'role' if summary['win_rate'] > 0.5 else rival}, {p_phrase(p)}"
    else:
        verdict = f"no significant preference, {p_phrase(p)}"
    return f"on open-ended prompts role against {rival} has a win rate of {rate}, ties counted half: {verdict}."
