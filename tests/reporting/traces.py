"""Every sentence of the page that states a result, with the verdict or metric that it follows from.

A trace is a pattern and a check: the check works out from the run's files what the sentence must say. A sentence on the
page that no pattern matches is a fault. ``python -m tests.reporting.traces FOLDER`` does it for a finished run.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from stages.reporting import names

SENTENCES = {"verdict", "run-line", "findings", "cautions", "figcaption"}
ROLE_PAIR = "role - standard"
TRACES: list[tuple[re.Pattern[str], Callable[..., None]]] = []


def trace(pattern: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def keep(check: Callable[..., None]) -> Callable[..., None]:
        TRACES.append((re.compile(f"(?i:{pattern})"), check))
        return check

    return keep


class Sentences(HTMLParser):
    """The texts of the page's classes and elements of :data:`SENTENCES`."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._open: list[bool] = []
        self.feed(page)
        self.texts = [re.sub(r"\s+", " ", text).strip() for text in self.texts]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"meta", "img", "input", "br"}:
            return
        inside = (dict(attrs).get("class") or tag) in SENTENCES or bool(self._open and self._open[-1])
        self._open.append(inside)
        if inside and tag in {"p", "li", "figcaption"}:
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] and self.texts:
            self.texts[-1] += data


class Run:
    """A finished run's metrics."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plan = json.loads((folder / "data/plan.json").read_text())
        self.models = list(dict.fromkeys(system["model"] for system in self.plan["systems"]))

    @cached_property
    def texts(self) -> list[str]:
        return Sentences((self.folder / "plots/report.html").read_text(encoding="utf-8")).texts

    def metric(self, name: str, *keys: str) -> Any:
        found = json.loads((self.folder / f"metrics/{name}.json").read_text())
        for key in keys:
            found = found.get(key, {})
        return found

    def pair(self, model: str) -> dict[str, Any]:
        return {names.benchmark(each): entry for each, entry in self.metric("comparison", model, ROLE_PAIR).items()}

    def scores(self, model: str, arm: str) -> dict[str, Any]:
        return {names.benchmark(each): entry for each, entry in self.metric("benchmarks", model, arm).items()}

    def said(self, model: str, verdict: str) -> set[str]:
        return {name for name, entry in self.pair(model).items() if entry["verdict"] == verdict}

    def lines(self, name: str) -> int:
        return len((self.folder / f"data/{name}.jsonl").read_text().splitlines())


def untraced(run: Run) -> list[str]:
    """Sentences that no pattern matches, or whose check fails."""
    return [text for text in run.texts if not any(_holds(run, *each) for each in _matching(run, text))]


def _matching(run: Run, text: str) -> Iterator[tuple[str, re.Match[str], Callable[..., None]]]:
    """A sentence about one of several models begins with its name."""
    model = next((each for each in run.models if text.startswith(f"{each}: ")), run.models[0])
    for pattern, check in TRACES:
        if match := pattern.fullmatch(text.removeprefix(f"{model}: ")):
            yield model, match, check


def _holds(run: Run, model: str, match: re.Match[str], check: Callable[..., None]) -> bool:
    check(run, model, *match.groups())
    return True


def listed(text: str | None) -> set[str]:
    return set(re.split(r", | and ", text)) if text else set()


def percent(value: float) -> str:
    return f"{100 * value:.1f}"


def same_share(text: str, rate: float, n: int) -> bool:
    """``all 8``, ``5 of 6`` or ``37.2%``."""
    return text in {f"{percent(rate)}%", f"{round(rate * n)} of {n}", f"all {n}" if rate == 1 else None}


def same_count(text: str, count: int, total: int) -> bool:
    """``every one of 8``, ``3 of 8``, ``none of 8``."""
    return text == f"{'every one' if count == total else count or 'none'} of {total}"


def tested(entries: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry for entry in entries.values() if entry.get("delta") is not None]


HOW_MANY = r"(?:every one|none|\d+) of \d+"
SETS = rf"on ({HOW_MANY}) (?:sets|domains|comparisons)"


@trace(r"No detectable effect on any of (\d+) sets, and (?:this run could not have shown one below (\S+) points|"
       r"the most sensitive set would have shown one of (\S+) points|"
       r"so few questions could not have shown one)\.")  # fmt: skip
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


@trace(r"Held-out reference answers are (not detectably likelier|likelier|less likely) .+? (\S+) nats a token "
       r"\(95% interval of the difference (\S+) to (\S+), p [=<] (\S+)\)\.")  # fmt: skip
def reference_answers(run: Run, model: str, which: str, size: str, low: str, high: str, p: str) -> None:
    entry = run.metric("likelihood", model, "between", "role own - standard none")
    expected = "likelier" if entry["delta"] < 0 else "less likely"
    assert which == (expected if entry["p_holm"] < 0.05 else "not detectably likelier")
    shown = [f"{value:.3f}".replace("-", names.MINUS) for value in (entry["ci_low"], entry["ci_high"])]
    assert [size, low, high] == [f"{abs(entry['delta']):.3f}", *shown]
    assert p == f"{max(entry['p_holm'], 0.001):.3f}"


@trace(r"(.+?), (\d+) training items, ([\d,]+) questions in (\d+) sets, (\d+) reference answers, "
       r"(\d+) training seeds?")  # fmt: skip
def size_of_the_run(run: Run, model: str, models: str, items: str, asked: str, sets: str, *more: str) -> None:
    assert listed(models) == set(run.models)
    trained = [json.loads(path.read_text())["items"] for path in (run.folder / "metrics/finetune").glob("*.json")]
    assert int(items) == max(trained)
    assert int(asked.replace(",", "")) == sum(entry["n"] for entry in run.pair(model).values())
    assert int(sets) == len(run.plan["benchmarks"])
    between = run.metric("likelihood", model, "between").values()
    assert int(more[0]) == max(entry["n"] for entry in between)
    assert int(more[1]) == len({system["seed"] for system in run.plan["systems"]} - {None})


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
        assert power.endswith("the arms disagree on too few questions to show any.")


@trace(r"The role arm opened its answers with a well-formed role prompt: least often on (.+?) \((.+?)\), "
       r"most often on (.+?) \((all \d+|[^()]+)\)\.")  # fmt: skip
def roles_written(run: Run, model: str, fewest: str, low: str, most: str, high: str) -> None:
    scores = run.scores(model, "role")
    rates = {name: entry["role_rate"] for name, entry in scores.items() if entry["role_rate"] is not None}
    assert (rates[fewest], rates[most]) == (min(rates.values()), max(rates.values()))
    for name, text in ((fewest, low), (most, high)):
        assert same_share(text, rates[name], scores[name]["n"] * scores[name]["seeds"])


@trace(r"The role arm opened (\S+)% of its answers with a well-formed role prompt\.")
def roles_written_evenly(run: Run, model: str, rate: str) -> None:
    assert {rate} == {percent(entry["role_rate"]) for entry in run.scores(model, "role").values()}


@trace(r"A classifier puts the role into the question's domain for (\S+)% of MMLU's questions, (not reliably )?more "
       r"often than for roles dealt out at random \((\S+)%, p [=<] (\S+)\); .+ it puts (\S+)% right\.")  # fmt: skip
def roles_fit(run: Run, model: str, share: str, weak: str | None, permuted: str, p: str, accuracy: str) -> None:
    found = run.metric("roles", model, "belonging")
    assert [share, permuted, accuracy] == [percent(found[key]) for key in ("share", "permuted", "held_out_accuracy")]
    assert bool(weak) == (found["p"] >= 0.05)
    assert p == f"{max(found['p'], 0.001):.3f}"


def judged(run: Run, model: str, rival: str) -> dict[str, Any]:
    return next(each for pair, each in run.metric("preference", model).items() if names.rival(pair) == rival)


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


@trace(r"Only HumanEval's score is one on a published benchmark: the other questions are this project's own\.")
def own_questions(run: Run, model: str) -> None:
    assert run.plan["data"] == "bundled"
    assert "humaneval" in run.plan["benchmarks"]


@trace(r"Each arm was trained (?:once: the intervals .+|with (\d+) seeds; their spread .+)\.")
def seeds(run: Run, model: str, several: str | None) -> None:
    assert int(several or 1) == len({system["seed"] for system in run.plan["systems"]} - {None})


@trace(r"On (.+) nearly every pick is one label, whatever is asked\.")
def one_sided(run: Run, model: str, told: str) -> None:
    expected = set()
    for arm in ("standard", "role"):
        for name, entry in run.scores(model, arm).items():
            expected |= {(name, label) for label, share in entry.get("picks", {}).items() if share >= 0.8}
    for name, label in expected:
        assert re.search(rf"{re.escape(name)} \([^)]*\b{label}\b", told)


@trace(r"On (.+) guessing would score within or above both arms' intervals: .+\.")
def guessing(run: Run, model: str, told: str) -> None:
    for name in listed(told):
        benchmark = next(each for each in run.plan["benchmarks"] if names.benchmark(each) == name)
        path = run.folder / f"data/questions/{benchmark}.jsonl"
        asked = [json.loads(line) for line in path.read_text().splitlines()]
        chances = [1 / len(each["choices"]) for each in asked if each["use"] == "test"]
        lows = [run.scores(model, arm)[name]["ci_low"] for arm in ("standard", "role")]
        assert max(lows) <= sum(chances) / len(chances) + 0.01


@trace(r"On (.+) neither arm was right even once: .+\.")
def never_right(run: Run, model: str, told: str) -> None:
    scores = [run.scores(model, arm) for arm in ("standard", "role")]
    assert listed(told) == {name for name in scores[0] if all(entries[name]["score"] == 0 for entries in scores)}


@trace(r"(\S+) has no score: (.+)\.")
def no_score(run: Run, model: str, name: str, reason: str) -> None:
    assert run.scores(model, "role")[name]["reason"] == reason


def _unread(run: Run, model: str) -> dict[str, dict[str, tuple[float, int]]]:
    found: dict[str, dict[str, tuple[float, int]]] = {}
    for arm in ("standard", "role"):
        for name, entry in run.scores(model, arm).items():
            if entry["unparsed_rate"] is not None:
                n = entry.get("n_written", entry["n"]) * entry["seeds"]
                found.setdefault(name, {})[arm] = (entry["unparsed_rate"], n)
    return found


@trace(r"Many answers are unread, which means that no answer was found in what was written: (.+?)\. Where .+\.")
def unread(run: Run, model: str, told: str) -> None:
    _many_or_named(told, _unread(run, model), 0.2)


def _many_or_named(told: str, rates: dict[str, dict[str, tuple[float, int]]], limit: float) -> None:
    high = {name: arms for name, arms in rates.items() if any(rate > limit for rate, _ in arms.values())}
    if counted := re.match(r"on ((?:every one|\d+) of \d+) ", told):
        assert same_count(counted[1], len(high), len(rates))
    else:
        shown = dict(re.findall(r"(?:^|, | and )(\w[\w -]+?(?: \((?:MC1|closed book)\))?) \((standard [^()]+)\)", told))
        assert shown.keys() == high.keys()
        for name, text in shown.items():
            for arm, rate in (each.split(" ", 1) for each in text.split(", ")):
                assert same_share(rate, *high[name][arm])


@trace(r"More of role's answers than of standard's are unread on (.+?)\. Scores there are read from the text\. .+\.")
def harder_to_read(run: Run, model: str, told: str) -> None:
    found = _unread(run, model)
    shown = re.findall(r"([\w-]+(?: \(closed book\))?) \(([^()]+) against ([^()]+)\)", told)
    assert shown
    for name, role, standard in shown:
        assert same_share(role, *found[name]["role"])
        assert same_share(standard, *found[name]["standard"])
        assert found[name]["role"][0] - found[name]["standard"][0] > 0.1


@trace(r"Answers were cut off at the limit of tokens: (.+)\.")
def cut_off(run: Run, model: str, told: str) -> None:
    rates: dict[str, dict[str, tuple[float, int]]] = {}
    seed = next(system["seed"] for system in run.plan["systems"] if system["model"] == model and system["seed"])
    for arm in ("standard", "role"):
        for path in (run.folder / f"data/generations/{model}-{arm}-{seed}").glob("*.jsonl"):
            ended = [json.loads(line)["finished"] for line in path.read_text().splitlines()]
            ended = [each for each in ended if each is not None]
            if ended:
                rates.setdefault(names.benchmark(path.stem), {})[arm] = (1 - sum(ended) / len(ended), len(ended))
    _many_or_named(told, rates, 0.2)


@trace(r"The role arm seldom wrote a role prompt on (.+): its scores there say little of roles\.")
def seldom(run: Run, model: str, told: str) -> None:
    few = {name: entry for name, entry in run.scores(model, "role").items() if entry["role_rate"] < 0.5}
    for name, entry in few.items():
        (shown,) = re.findall(rf"{re.escape(name)} \(([^()]+)\)", told)
        assert same_share(shown, entry["role_rate"], entry["n"] * entry["seeds"])


@trace(r"The judge of preference is (?:one model, )?(.+?): .+\.")
def judge(run: Run, model: str, told: str) -> None:
    assert told in {summary["judge"] for summary in run.metric("preference", model).values()}


@trace(r"Between role and (.+?) the judge measured nothing: which answer came first moved it by (\S+) (\w+) on "
       r"average, which answer it was by (\S+); (.+?) of its verdicts flip: .+\.")  # fmt: skip
def moved_by_order(run: Run, model: str, rival: str, order: str, unit: str, answers: str, flips: str) -> None:
    found = judged(run, model, rival)
    strength = found["strength"]
    assert strength["measured_nothing"]
    assert [order, answers] == [f"{strength[key]:.2f}" for key in ("by_order", "by_answers")]
    assert unit == strength["unit"]
    assert same_share(flips, found["flips"]["rate"], found["n"] * found["seeds"])


@trace(r"The judge of role and (.+?) goes by position in part: (.+?) of its verdicts flip: .+\.")
def flipped(run: Run, model: str, rival: str, flips: str) -> None:
    found = judged(run, model, rival)
    assert found["flips"]["rate"] > 0.25
    assert same_share(flips, found["flips"]["rate"], found["n"] * found["seeds"])


@trace(r"Of the answers judged between role and (.+?), (?:the judge saw only the beginning of )?(.+?)"
       r"(?: had nothing left .+)?\.")  # fmt: skip
def of_the_answers(run: Run, model: str, rival: str, told: str) -> None:
    sides = list(judged(run, model, rival)["answers"].values())
    counts = re.findall(r"(\d+) answers? of (.+?)(?= and \d|$)", told)
    assert counts
    for count, name in counts:
        side = sides[0] if name == "role" else sides[1]
        assert int(count) in {side["empty"], side["cut"]}


@trace(r"Answers of role have (\d+) words on average, those of (.+?) (\d+)\. .+\.")
def lengths(run: Run, model: str, role: str, rival: str, other: str) -> None:
    assert [role, other] == [f"{side['words']:.0f}" for side in judged(run, model, rival)["answers"].values()]


@trace(r"No run of 13 words of any question stands in the training corpus\. .+|"
       r"Runs of 13 words of the training corpus stand in (.+?)\. .+")  # fmt: skip
def overlap(run: Run, model: str, told: str | None) -> None:
    found = {names.benchmark(each): entry["ngram_13"]["count"] for each, entry in run.metric("contamination").items()}
    shown = dict(re.findall(r"(?:^|, | and )(.+?) \((\d+) questions?\)", told or ""))
    assert shown == {name: str(count) for name, count in found.items() if count}


@trace(rf"(?:Figure (\d)\. )?((?:(?:\S+: )?the arms differ significantly on {HOW_MANY} \w+\. )+)(.+)")
def caption(run: Run, model: str, figure: str | None, findings: str, rest: str) -> None:
    """Figures 2 and 3, and the one of reference answers."""
    for found in re.finditer(rf"(?:(\S+): )?the arms differ significantly {SETS}", findings, re.I):
        of = found[1] or model
        domains = {each: entry.get(ROLE_PAIR, {}) for each, entry in run.metric("mmlu_domains", of).items()}
        pairs = {"2": run.pair(of), "3": domains, None: run.metric("likelihood", of, "between")}[figure]
        known = [entry["p_holm"] for entry in pairs.values() if entry.get("p_holm") is not None]
        assert same_count(found[2], sum(p < 0.05 for p in known), len(known))
    if conversations := re.search(r"of (\d+) held-out conversations", rest):
        assert int(conversations[1]) == max(entry["n"] for entry in run.metric("likelihood", model, "between").values())


@trace(r"Figure 4\. The roles that (\S+) invented for MMLU.s questions; most often (.+?)\. .+")
def invented(run: Run, model: str, of: str, most: str) -> None:
    frequent = run.metric("roles", of)["frequent"][:3]
    assert most in {names.listed([f"{each['phrase']} ({each['count']})" for each in frequent]), "no role was written"}


@trace(r"Figure 5\. (?:The judge measured nothing(?: on (.+?) pairs?)?\. )?Whose answers .+")
def preferences(run: Run, model: str, pairs: str | None) -> None:
    every = [pair for model in run.models for pair in run.metric("preference", model).values()]
    nothing = sum(bool(pair["strength"]["measured_nothing"]) for pair in every)
    assert pairs is None or same_count(pairs, nothing, len(every))


@trace(r"Loss curves\. .+ answers of the (\d+) validation items\. .+")
def validated(run: Run, model: str, items: str) -> None:
    assert int(items) == run.lines("split/validation")


def main() -> None:
    run = Run(Path(sys.argv[1]))
    lacking = untraced(run)
    print(*lacking, f"{len(lacking)} of {len(run.texts)} sentences follow from no metric", sep="\n")
    sys.exit(bool(lacking))


if __name__ == "__main__":
    main()
