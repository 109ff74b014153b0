"""Traces of the cautions and limits: what ``traces.py`` has for findings and captions."""

import json
import re

from stages.reporting import names
from tests.reporting.tracing import HOW_MANY, Run, judged, listed, same_count, same_share, trace

Rates = dict[str, dict[str, tuple[float, int]]]
"""Benchmark → arm → a share of its answers, and how many answers it is of."""


@trace(r"Only HumanEval is a published benchmark here: .+ own, unlike those of docs/study\.md\.")
def own_questions(run: Run, model: str) -> None:
    assert run.plan["data"] == "bundled"
    assert "humaneval" in run.plan["benchmarks"]


@trace(r"Each arm was trained (?:once: intervals .+|with (\d+) seeds; intervals .+)\.")
def seeds(run: Run, model: str, several: str | None) -> None:
    assert int(several or 1) == len({system["seed"] for system in run.plan["systems"]} - {None})


@trace(r"Nearly every pick is (.+), whatever the question\.")
def one_sided(run: Run, model: str, told: str) -> None:
    expected = set()
    for arm in ("standard", "role"):
        for name, entry in run.scores(model, arm).items():
            expected |= {(name, label) for label, share in entry.get("picks", {}).items() if share >= 0.8}
    for name, label in expected:
        assert re.search(rf'"{label}"[^,]* on {re.escape(name)}', told)


@trace(r"On (.+) neither arm is shown to beat guessing: .+\.")
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


def _unread(run: Run, model: str) -> Rates:
    found: Rates = {}
    for arm in ("standard", "role"):
        for name, entry in run.scores(model, arm).items():
            if entry["unparsed_rate"] is not None:
                n = entry.get("n_written", entry["n"]) * entry["seeds"]
                found.setdefault(name, {})[arm] = (entry["unparsed_rate"], n)
    return found


@trace(r"Many written answers are unread, which means that no answer was found in the text: (.+?)\. Scores .+\.")
def unread(run: Run, model: str, told: str) -> None:
    _many_or_named(told, _unread(run, model), 0.2)


def _many_or_named(told: str, rates: Rates, limit: float) -> None:
    high = {name: arms for name, arms in rates.items() if any(rate > limit for rate, _ in arms.values())}
    if counted := re.match(rf"on ({HOW_MANY}) ", told):
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


@trace(r"Many answers were cut off at the token limit: (.+)\.")
def cut_off(run: Run, model: str, told: str) -> None:
    rates: Rates = {}
    seed = next(system["seed"] for system in run.plan["systems"] if system["model"] == model and system["seed"])
    for arm in ("standard", "role"):
        for path in (run.folder / f"data/generations/{model}-{arm}-{seed}").glob("*.jsonl"):
            ended = [json.loads(line)["finished"] for line in path.read_text().splitlines()]
            ended = [each for each in ended if each is not None]
            if ended:
                rates.setdefault(names.benchmark(path.stem), {})[arm] = (1 - sum(ended) / len(ended), len(ended))
    _many_or_named(told, rates, 0.2)


@trace(r"The role arm seldom wrote a role prompt on (.+): its scores there say little about roles\.")
def seldom(run: Run, model: str, told: str) -> None:
    few = {name: entry for name, entry in run.scores(model, "role").items() if entry["role_rate"] < 0.5}
    for name, entry in few.items():
        (shown,) = re.findall(rf"{re.escape(name)} \(([^()]+)\)", told)
        assert same_share(shown, entry["role_rate"], entry["n"] * entry["seeds"])


@trace(r"The judge of preference is (?:one model, )?(.+?): .+\.")
def judge(run: Run, model: str, told: str) -> None:
    assert told in {summary["judge"] for summary in run.metric("preference", model).values()}


@trace(r"Between role and (.+?) the judge measured nothing: the order of the answers moved it by (\S+)( nats)? on "
       r"average, the answers themselves by (\S+); flips \(.+?\): (.+)\.")  # fmt: skip
def moved_by_order(run: Run, model: str, rival: str, order: str, unit: str | None, answers: str, flips: str) -> None:
    found = judged(run, model, rival)
    strength = found["strength"]
    assert strength["measured_nothing"]
    assert [order, answers] == [f"{strength[key]:.2f}" for key in ("by_order", "by_answers")]
    assert bool(unit) == (strength["unit"] == "nats")
    assert same_share(flips, found["flips"]["rate"], found["n"] * found["seeds"])


@trace(r"The judge of role and (.+?) partly follows the position of the answers; flips \(.+?\): (.+)\.")
def flipped(run: Run, model: str, rival: str, flips: str) -> None:
    found = judged(run, model, rival)
    assert found["flips"]["rate"] > 0.25
    assert same_share(flips, found["flips"]["rate"], found["n"] * found["seeds"])


@trace(r"Of the answers judged between role and (.+?), (?:the judge saw only the beginning of )?(.+?)"
       r"(?: were empty .+)?\.")  # fmt: skip
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


@trace(r"No question shares a run of 13 words with the training corpus\. .+|"
       r"Some questions share a run of 13 words with the training corpus: (.+?)\. .+")  # fmt: skip
def overlap(run: Run, model: str, told: str | None) -> None:
    found = {names.benchmark(each): entry["ngram_13"]["count"] for each, entry in run.metric("contamination").items()}
    shown = dict(re.findall(r"(?:^|, | and )(.+?) \((\d+) questions?\)", told or ""))
    assert shown == {name: str(count) for name, count in found.items() if count}
