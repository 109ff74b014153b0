"""What the numbers say, in words that claim no more than the tests bear out."""

from collections.abc import Iterator, Mapping
from typing import Any

from stages.reporting import names
from stages.reporting.inputs import ROLE_PAIR, Inputs
from stages.reporting.names import counted, listed, p_phrase, percent, points, sentence
from stages.reporting.result_tables import SIGNIFICANT

Entries = Mapping[str, Mapping[str, Any]]


def findings(inputs: Inputs) -> list[str]:
    return [text for model in inputs.models for text in _of_model(inputs, model)]


def _of_model(inputs: Inputs, model: str) -> Iterator[str]:
    subject = model if len(inputs.models) > 1 else ""
    benchmarks = {names.benchmark(name): entry for name, entry in inputs.pair(model).items()}
    domains = {
        names.domain(name): entry[ROLE_PAIR]
        for name, entry in inputs.metrics["mmlu_domains"].get(model, {}).items()
        if ROLE_PAIR in entry
    }
    yield sentence(subject, differences(benchmarks, "benchmark"))
    if domains:
        yield sentence(subject, f"on MMLU by domain, {differences(domains, 'domain')}")
    for text in (roles_written(inputs, model), roles_fit(inputs, model)):
        if text:
            yield sentence(subject, text)
    for pair, summary in inputs.metrics["preference"].get(model, {}).items():
        yield sentence(subject, preferred(names.rival(pair), summary))


def differences(entries: Entries, unit: str) -> str:
    """How often role was ahead, which differences are significant, and what could have been detected."""
    tested = {name: entry for name, entry in entries.items() if entry.get("delta") is not None}
    if not tested:
        return f"role and standard could not be compared on any {unit}."
    ahead = sum(entry["delta"] > 0 for entry in tested.values())
    behind = sum(entry["delta"] < 0 for entry in tested.values())
    equal = len(tested) - ahead - behind
    tally = f"role scored above standard on {ahead} of {counted(len(tested), unit)} and below on {behind}"
    tally += f" (equal on {equal})" if equal else ""
    return f"{tally}. {_significant(tested, unit)}"


def _significant(tested: Entries, unit: str) -> str:
    found = {
        name: entry for name, entry in tested.items() if entry["p_holm"] is not None and entry["p_holm"] < SIGNIFICANT
    }
    if found:
        shown = [f"{name} ({points(entry['delta'])} points)" for name, entry in found.items()]
        verb = "is" if len(shown) == 1 else "are"
        rest = "; no other difference is" if len(found) < len(tested) else ""
        return f"After Holm's correction {listed(shown)} {verb} significant at 5%{rest}."
    return f"No difference on any {unit} is significant after Holm's correction. {detectable(tested)}"


def detectable(tested: Entries) -> str:
    """A test that finds nothing says only that no large difference is there."""
    sizes = sorted(entry["detectable"] for entry in tested.values() if entry.get("detectable") is not None)
    too_few = len(tested) - len(sizes)
    lacking = f" {counted(too_few, 'comparison')} had too few questions to detect any." if too_few else ""
    if not sizes:
        return f"So few questions could hardly have shown one.{lacking}"
    low, high = percent(sizes[0]), percent(sizes[-1])
    span = low if low == high else f"{low} to {high}"
    return (
        "With this many questions, and arms that disagree as often as here, each test would have found a true "
        f"difference of {span} percentage points four times in five before that correction; smaller ones would mostly "
        f"go unnoticed.{lacking}"
    )


def roles_written(inputs: Inputs, model: str) -> str | None:
    rates = {
        benchmark: entry["role_rate"]
        for benchmark, entry in inputs.metrics["benchmarks"].get(model, {}).get("role", {}).items()
        if entry.get("role_rate") is not None
    }
    if not rates:
        return None
    low, high = min(rates, key=rates.__getitem__), max(rates, key=rates.__getitem__)
    if percent(rates[low]) == percent(rates[high]):
        return f"the role arm opened {percent(rates[low])}% of its answers with a well-formed role prompt."
    return (
        f"the role arm opened {percent(rates[low])}% ({names.benchmark(low)}) to {percent(rates[high])}% "
        f"({names.benchmark(high)}) of its answers with a well-formed role prompt."
    )


def roles_fit(inputs: Inputs, model: str) -> str | None:
    found = inputs.metrics["roles"].get(model, {}).get("belonging", {})
    if found.get("share") is None:
        return None
    fit = "more often than" if found["p"] < SIGNIFICANT else "not reliably more often than"
    return (
        f"a classifier puts the role into the question's domain for {percent(found['share'])}% of MMLU's questions, "
        f"{fit} for roles dealt out at random ({percent(found['permuted'])}%, {p_phrase(found['p'])}); of questions "
        f"that it was not trained on it puts {percent(found['held_out_accuracy'])}% right."
    )


def preferred(rival: str, summary: Mapping[str, Any]) -> str:
    if summary.get("win_rate") is None:
        return f"answers of role and of {rival} were not compared: {summary.get('reason', 'nothing was judged')}."
    rate = f"{percent(summary['win_rate'])}% ({percent(summary['ci_low'])} to {percent(summary['ci_high'])})"
    p = summary["sign_test"]["p"]
    if p is None:
        verdict = "no prompt was won or lost, so that no preference shows"
    elif p < SIGNIFICANT:
        verdict = f"a preference for {'role' if summary['win_rate'] > 0.5 else rival}, {p_phrase(p)}"
    else:
        verdict = f"no significant preference, {p_phrase(p)}"
    return f"on open-ended prompts role against {rival} has a win rate of {rate}, ties counted half: {verdict}."
