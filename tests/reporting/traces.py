"""Every sentence of the page that states a result, with the verdict or metric that it follows from.

A trace is a pattern and a check: the check works out from the run's files what the sentence must say. A sentence on the
page that no pattern matches is a fault. ``python -m tests.reporting.traces FOLDER`` does it for a finished run.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

from stages.reporting import names
from tests.reporting import traces_of_limits, tracing
from tests.reporting.tracing import (
    HOW_MANY,
    ROLE_PAIR,
    SETS,
    Run,
    judged,
    listed,
    percent,
    same_count,
    same_share,
    tested,
    trace,
)

__all__ = ["Run", "traces_of_limits", "untraced"]


def untraced(run: Run) -> list[str]:
    """Sentences that no pattern matches, or whose check fails."""
    return [text for text in run.texts if not any(_holds(run, *each) for each in _matching(run, text))]


def _matching(run: Run, text: str) -> Iterator[tuple[str, re.Match[str], Callable[..., None]]]:
    """A sentence about one of several models begins with its name."""
    model = next((each for each in run.models if text.startswith(f"{each}: ")), run.models[0])
    for pattern, check in tracing.TRACES:
        if match := pattern.fullmatch(text.removeprefix(f"{model}: ")):
            yield model, match, check


def _holds(run: Run, model: str, match: re.Match[str], check: Callable[..., None]) -> bool:
    check(run, model, *match.groups())
    return True


@trace(r"No detectable effect on any of the (\d+) sets, and (?:this run could not have shown one below (\S+) points|"
       r"the most sensitive set would have shown one of (\S+) points|"
       r"there were too few questions to show one)\.")  # fmt: skip
def undecided(run: Run, model: str, sets: str, below: str | None, of: str | None) -> None:
    entries = tested(run.pair(model))
    assert int(sets) == len(entries)
    assert not run.said(model, "higher") | run.said(model, "lower")
    sizes = [entry["detectable"] for entry in entries if entry["detectable"] is not None]
    assert (below or of) == (percent(min(sizes)) if sizes else None)
    assert not sizes or bool(below) == (min(sizes) > 0.05)


@trace(r"The role arm scored (?:higher on (.+?))?(?: and )?(?:lower on (.+?))?"
       r"(?:; on (\d+) other sets? no difference shows)?\.")  # fmt: skip
def decided(run: Run, model: str, higher: str | None, lower: str | None, others: str | None) -> None:
    assert listed(higher) == run.said(model, "higher")
    assert listed(lower) == run.said(model, "lower")
    assert int(others or 0) == len(run.said(model, "undecided") | run.said(model, "equivalent"))


@trace(r"Held-out reference answers are (not detectably likelier|likelier|less likely) under .+? (\S+) nats a token "
       r"(higher|lower) \(95% interval (\S+) to (\S+), p [=<] (\S+)\)\.")  # fmt: skip
def reference_answers(run: Run, model: str, which: str, size: str, side: str, low: str, high: str, p: str) -> None:
    entry = run.metric("likelihood", model, "between", "role own - standard none")
    expected = "likelier" if entry["delta"] < 0 else "less likely"
    assert which == (expected if entry["p_holm"] < 0.05 else "not detectably likelier")
    assert side == ("higher" if entry["delta"] > 0 else "lower")
    shown = [f"{value:.3f}".replace("-", names.MINUS) for value in (entry["ci_low"], entry["ci_high"])]
    assert [size, low, high] == [f"{abs(entry['delta']):.3f}", *shown]
    assert p == f"{max(entry['p_holm'], 0.001):.3f}"


@trace(r"(.+?), (\d+) training items, ([\d,]+) questions in (\d+) sets, (\d+) reference answers"
       r"(?: \(at most the first (\d+) tokens? of each\))?, (\d+) training seeds?")  # fmt: skip
def size_of_the_run(run: Run, model: str, models: str, items: str, asked: str, sets: str, *more: str) -> None:
    assert listed(models) == set(run.models)
    trained = [json.loads(path.read_text())["items"] for path in (run.folder / "metrics/finetune").glob("*.json")]
    assert int(items) == max(trained)
    assert int(asked.replace(",", "")) == sum(entry["n"] for entry in run.pair(model).values())
    assert int(sets) == len(run.plan["benchmarks"])
    between = run.metric("likelihood", model, "between").values()
    assert int(more[0]) == max(entry["n"] for entry in between)
    assert more[1] == measured_tokens(run)
    assert int(more[2]) == len({system["seed"] for system in run.plan["systems"]} - {None})


def measured_tokens(run: Run) -> str | None:
    """The limit of tokens that params.yaml sets for each reference answer."""
    scales = yaml.safe_load((run.folder / "params.yaml").read_text())["scales"]
    tokens = scales[run.plan["scale"]]["likelihood"].get("answer_tokens")
    return str(tokens) if tokens else None


@trace(rf"(On MMLU by domain, )?role scored above standard {SETS} and below on (\d+)(?: \(equal on (\d+)\))?"
       r"(?:; no difference is significant after Holm's correction for testing all of them\. (.+)|"
       r"\. After Holm's correction for testing all of them, (.+?) (?:is|are) significant at 5%"
       r"(; no other difference is)?\.)")  # fmt: skip
def tally(run: Run, model: str, domains: str | None, above: str, below: str, equal: str | None, power: str | None,
          found: str | None, rest: str | None) -> None:  # fmt: skip
    pairs = run.pair(model)
    if domains:
        all_domains = run.metric("mmlu_domains", model)
        pairs = {names.domain(each): entry[ROLE_PAIR] for each, entry in all_domains.items() if ROLE_PAIR in entry}
    entries = tested(pairs)
    assert same_count(above, sum(entry["delta"] > 0 for entry in entries), len(entries))
    assert int(below) == sum(entry["delta"] < 0 for entry in entries)
    assert int(equal or 0) == sum(entry["delta"] == 0 for entry in entries)
    found_so = {name: entry for name, entry in pairs.items() if entry["p_holm"] is not None and entry["p_holm"] < 0.05}
    shown = {f"{name} ({names.points(entry['delta'])} points)" for name, entry in found_so.items()}
    assert listed(found) == shown
    assert found is None or bool(rest) == (len(found_so) < len(entries))
    sizes = sorted(entry["detectable"] for entry in entries if entry["detectable"] is not None)
    if power and sizes:
        on, low, high = re.match(rf"{SETS} a true difference of (\S+?)(?: to (\S+))? points", power, re.I).groups()
        assert same_count(on, len(sizes), len(entries))
        assert (low, high or low) == (percent(sizes[0]), percent(sizes[-1]))
        assert ("on the others" in power) == (len(sizes) < len(entries))
    elif power:
        assert power.endswith("the arms disagree on too few questions to find any.")


@trace(r"The role arm opened its answers with a well-formed role prompt: least often on (.+) \(([^()]+)\), "
       r"most often on (.+) \(([^()]+)\)\.")  # fmt: skip
def roles_written(run: Run, model: str, fewest: str, low: str, most: str, high: str) -> None:
    scores = run.scores(model, "role")
    rates = {name: entry["role_rate"] for name, entry in scores.items() if entry["role_rate"] is not None}
    assert (rates[fewest], rates[most]) == (min(rates.values()), max(rates.values()))
    for name, text in ((fewest, low), (most, high)):
        assert same_share(text, rates[name], scores[name]["n"] * scores[name]["seeds"])


@trace(r"The role arm opened (\S+)% of its answers with a well-formed role prompt\.")
def roles_written_evenly(run: Run, model: str, rate: str) -> None:
    assert {rate} == {percent(entry["role_rate"]) for entry in run.scores(model, "role").values()}


@trace(r"A classifier places the role in its question's domain on (\S+)% of MMLU's questions, (?:against|"
       r"(not reliably more than the)) (\S+)% with the roles shuffled \(p [=<] (\S+)\)\. .+ it places (\S+)% "
       r"correctly\.")  # fmt: skip
def roles_fit(run: Run, model: str, share: str, weak: str | None, permuted: str, p: str, accuracy: str) -> None:
    found = run.metric("roles", model, "belonging")
    assert [share, permuted, accuracy] == [percent(found[key]) for key in ("share", "permuted", "held_out_accuracy")]
    assert bool(weak) == (found["p"] >= 0.05)
    assert p == f"{max(found['p'], 0.001):.3f}"


@trace(r"Between the open-ended answers of role and of (.+) the judge measured nothing: it followed the order .+\.")
def nothing_measured(run: Run, model: str, rival: str) -> None:
    assert judged(run, model, rival)["strength"]["measured_nothing"]


@trace(r"On open-ended prompts role against (.+) has a win rate of (\S+)% \((\S+) to (\S+)\), ties counted half: "
       r"(no significant preference|a preference for .+?|no prompt was won or lost.*?)"
       r"(?:, p [=<] (\S+))?\.")  # fmt: skip
def win_rate(run: Run, model: str, rival: str, rate: str, low: str, high: str, said: str, p: str | None) -> None:
    found = judged(run, model, rival)
    assert not found["strength"]["measured_nothing"]
    assert [rate, low, high] == [percent(found[key]) for key in ("win_rate", "ci_low", "ci_high")]
    by_test = found["sign_test"]["p"]
    assert p == (None if by_test is None else f"{max(by_test, 0.001):.3f}")
    assert said.startswith("a preference") == (by_test is not None and by_test < 0.05)
    assert not said.startswith("a preference") or said.endswith("role" if found["win_rate"] > 0.5 else rival)


FOUND = rf"(?:(\S+): )?the arms differ significantly on ({HOW_MANY}) \w+(?: \((.+?)\))?\."


@trace(rf"(?:Figure (\d)\. )?((?:(?:\S+: )?the arms differ significantly on {HOW_MANY} .+?\. )+?)"
       r"((?:Left|Differences).+)")  # fmt: skip
def caption(run: Run, model: str, figure: str | None, findings: str, rest: str) -> None:
    """Figures 2 and 3, and the one of reference answers."""
    for found in re.finditer(FOUND, findings, re.I):
        of = found[1] or model
        domains = {
            names.domain(each): entry.get(ROLE_PAIR, {}) for each, entry in run.metric("mmlu_domains", of).items()
        }
        pairs = {each.replace(" - ", f" {names.MINUS} "): entry
                 for each, entry in run.metric("likelihood", of, "between").items()}  # fmt: skip
        entries = {"2": run.pair(of), "3": domains, None: pairs}[figure]
        known = {name: entry["p_holm"] for name, entry in entries.items() if entry.get("p_holm") is not None}
        significant = {name for name, p in known.items() if p < 0.05}
        assert same_count(found[2], len(significant), len(known))
        assert listed(found[3]) == (significant if len(significant) < len(known) else set())
    told = r"on (?:at most the first (\d+) tokens? of )?(\d+) held-out reference answers"
    if conversations := re.search(told, rest):
        assert conversations[1] == measured_tokens(run)
        assert int(conversations[2]) == max(entry["n"] for entry in run.metric("likelihood", model, "between").values())


@trace(r"Figure 4\. The roles that (\S+) invented for MMLU.s questions; most often (.+?)\. .+")
def invented(run: Run, model: str, of: str, most: str) -> None:
    frequent = run.metric("roles", of)["frequent"][:3]
    assert most in {names.listed([f"{each['phrase']} ({each['count']})" for each in frequent]), "no role was written"}


@trace(r"Figure 5\. (?:The judge measured nothing(?: on (.+?) pairs?)?\. )?Whose answers .+")
def preferences(run: Run, model: str, pairs: str | None) -> None:
    every = [pair for model in run.models for pair in run.metric("preference", model).values()]
    nothing = sum(bool(pair["strength"]["measured_nothing"]) for pair in every)
    assert pairs is None or same_count(pairs, nothing, len(every))


@trace(r"Loss curves\. .+ answers of (\d+) validation items?\. .+")
def validated(run: Run, model: str, items: str) -> None:
    """Training may look at fewer than were held out."""
    trained = [json.loads(path.read_text()) for path in (run.folder / "metrics/finetune").glob("*.json")]
    assert int(items) == max(metrics["validation_items"] for metrics in trained)


def main() -> None:
    run = Run(Path(sys.argv[1]))
    lacking = untraced(run)
    print(*lacking, f"{len(lacking)} of {len(run.texts)} sentences follow from no metric", sep="\n")
    sys.exit(bool(lacking))


if __name__ == "__main__":
    main()
