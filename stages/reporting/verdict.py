"""What was found and how sure it is, in sentences that claim no more than the tests show."""

from collections.abc import Iterator, Mapping
from typing import Any

from stages.figures.style import SIGNIFICANT, significant
from stages.reporting import names
from stages.reporting.inputs import ROLE_PAIR, Inputs
from stages.reporting.names import counted, listed, nats, out_of, p_phrase, percent, points, share

MODERATE = 0.05
"""Five points: a gain of the size that papers on prompting report as one."""

Entry = Mapping[str, Any]
Entries = Mapping[str, Entry]


def verdicts(inputs: Inputs) -> list[str]:
    """A sentence on the benchmarks and one on the reference answers, for each model."""
    found = []
    for model in inputs.models:
        texts = (on_benchmarks(inputs.pair(model), inputs.margin), on_likelihood(inputs.between(model)))
        found += [inputs.about(model, text) for text in texts if text]
    return found


def on_benchmarks(entries: Entries, margin: float) -> str:
    """The verdicts on role less standard in one sentence; where none decides, what the run could have detected."""
    said: dict[str, list[str]] = {"higher": [], "lower": [], "equivalent": [], "undecided": []}
    for name, entry in entries.items():
        if entry.get("verdict"):
            said[entry["verdict"]].append(names.benchmark(name))
    tested = sum(map(len, said.values()))
    if not tested:
        return "The two arms were not compared on any benchmark."
    decided = [f"{word} on {listed(said[word])}" for word in ("higher", "lower") if said[word]]
    if decided:
        rest = len(said["undecided"]) + len(said["equivalent"])
        others = f"; on {counted(rest, 'other set')} no difference shows" if rest else ""
        return f"The role arm scored {listed(decided)}{others}."
    if len(said["equivalent"]) == tested:
        return f"No difference: the arms score within {percent(margin, 0)} points of each other on all {tested} sets."
    sizes, power = _detectable(entries), "there were too few questions to show one"
    if sizes and sizes[0] > MODERATE:
        power = f"this run could not have shown one below {percent(sizes[0])} points"
    elif sizes:
        power = f"the most sensitive set would have shown one of {percent(sizes[0])} points"
    return f"No detectable effect on any of the {tested} sets, and {power}."


def _detectable(entries: Entries) -> list[float]:
    """The sizes of true differences that each comparison would find four times in five, the smallest first."""
    return sorted(entry["detectable"] for entry in entries.values() if entry.get("detectable") is not None)


def on_likelihood(between: Entries) -> str | None:
    """Whether the role arm, after its own role prompt, finds good answers likelier than the standard arm does.

    The loss is the negative log-likelihood: below zero, role finds them likelier.
    """
    entry = between.get("role own - standard none")
    if entry is None or entry.get("p") is None:
        return None
    which = "less likely" if entry["delta"] > 0 else "likelier"
    if not significant(entry):
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
        _reference_answers(inputs),
        counted(max(inputs.seeds, 1), "training seed"),
    ]
    return ", ".join(filter(None, parts))


def _reference_answers(inputs: Inputs) -> str:
    if not inputs.reference_answers:
        return ""
    beginnings = f" ({inputs.measured} of each)" if inputs.measured else ""
    return counted(inputs.reference_answers, "reference answer") + beginnings


def findings(inputs: Inputs) -> list[str]:
    """What the first screen leaves out, one sentence each."""
    return [inputs.about(model, text) for model in inputs.models for text in _of_model(inputs, model)]


def _of_model(inputs: Inputs, model: str) -> Iterator[str]:
    yield differences({names.benchmark(name): entry for name, entry in inputs.pair(model).items()}, "set")
    domains = {
        names.domain(name): entry[ROLE_PAIR]
        for name, entry in inputs.metrics["mmlu_domains"].get(model, {}).items()
        if ROLE_PAIR in entry
    }
    if domains:
        yield f"on MMLU by domain, {differences(domains, 'domain')}"
    yield from roles_written(inputs.scores(model, "role"))
    yield from roles_fit(inputs.metrics["roles"].get(model, {}).get("belonging", {}))
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
    found = [f"{name} ({points(entry['delta'])} points)" for name, entry in tested.items() if significant(entry)]
    if not found:
        none = "no difference is significant after Holm's correction for testing all of them"
        return f"{tally}; {none}. {_power(tested, unit)}"
    rest = "; no other difference is" if len(found) < len(tested) else ""
    verb = "is" if len(found) == 1 else "are"
    return f"{tally}. After Holm's correction for testing all of them, {listed(found)} {verb} significant at 5%{rest}."


def _power(tested: Entries, unit: str) -> str:
    """A test that finds nothing rules out large differences alone."""
    sizes, total = _detectable(tested), len(tested)
    if not sizes:
        return f"On {out_of(total, total, unit)} the arms disagree on too few questions to find any."
    low, high = percent(sizes[0]), percent(sizes[-1])
    span = low if low == high else f"{low} to {high}"
    rest = "" if len(sizes) == total else "; on the others the arms disagree on too few questions to find any"
    where = out_of(len(sizes), total, unit)
    return f"On {where} a true difference of {span} points would be found four times in five{rest}."


def roles_written(scores: Entries) -> Iterator[str]:
    entries = {name: entry for name, entry in scores.items() if entry.get("role_rate") is not None}
    if not entries:
        return
    fewest, most = (extreme(entries, key=lambda name: entries[name]["role_rate"]) for extreme in (min, max))
    rate = entries[most]["role_rate"]
    if entries[fewest]["role_rate"] == rate:
        yield f"the role arm opened {percent(rate)}% of its answers with a well-formed role prompt."
        return
    least, often = (
        f"{names.benchmark(name)} ({share(entries[name]['role_rate'], entries[name]['n'] * entries[name]['seeds'])})"
        for name in (fewest, most)
    )
    opened = "the role arm opened its answers with a well-formed role prompt"
    yield f"{opened}: least often on {least}, most often on {often}."


def roles_fit(found: Entry) -> Iterator[str]:
    if found.get("share") is not None:
        than = "against" if found["p"] < SIGNIFICANT else "not reliably more than the"
        yield (
            f"a classifier places the role in its question's domain on {percent(found['share'])}% of MMLU's questions, "
            f"{than} {percent(found['permuted'])}% with the roles shuffled ({p_phrase(found['p'])}). Of questions that "
            f"it was not trained on, it places {percent(found['held_out_accuracy'])}% correctly."
        )


def preferred(rival: str, summary: Entry) -> str:
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
