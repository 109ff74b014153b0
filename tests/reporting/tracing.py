"""What traces of the page's sentences are made of: the sentences, a run's metrics, and ways to compare the two."""

import json
import re
from collections.abc import Callable
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


def listed(text: str | None) -> set[str]:
    return set(re.split(r", | and ", text)) if text else set()


def percent(value: float) -> str:
    return f"{100 * value:.1f}"


def same_share(text: str, rate: float, n: int) -> bool:
    """``all 8``, ``5 of 6`` or ``37.2%``."""
    return text in {f"{percent(rate)}%", f"{round(rate * n)} of {n}", f"all {n}" if rate == 1 else None}


def same_count(text: str, count: int, total: int) -> bool:
    """``all 8``, ``both``, ``3 of the 8``, ``none of the 8``."""
    every = "both" if total == 2 else f"all {total}"
    return text == (every if count == total else f"{count or 'none'} of the {total}")


def tested(entries: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry for entry in entries.values() if entry.get("delta") is not None]


def judged(run: Run, model: str, rival: str) -> dict[str, Any]:
    return next(each for pair, each in run.metric("preference", model).items() if names.rival(pair) == rival)


HOW_MANY = r"(?:both|(?:all|(?:none|\d+) of the) \d+)"
SETS = rf"on ({HOW_MANY}) (?:sets|domains|comparisons)"
