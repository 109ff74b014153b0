"""Every number in the report's prose, held against the run's files.

``python -m tests.reporting.prose FOLDER`` prints what a finished run's files do not bear out.
"""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import yaml

# A numeral that is no part of a name: neither GSM8K nor smollm2-135m holds one.
NUMBER = r"(?:[+\u2212]|(?<![\w.,\u2212-]))\d[\d,]*(?:\.\d+)?(?!\w)"
BLOCKS = ("li", "p", "figcaption", "h1", "h2", "h3", "summary", "caption", "th", "label", "address")


class Prose(HTMLParser):
    """The page's text block by block, and its alternative texts; what models wrote and cells of tables are left out."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._left_out: list[str] = []
        self.feed(page)
        self.texts = [text for each in self.texts if (text := re.sub(r"\s+", " ", each).strip())]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self._left_out:
            self.texts += [text for name, text in attrs if name in {"alt", "aria-label"} and text]
        if tag in {"article", "tbody", "script", "style"}:
            self._left_out.append(tag)
        elif tag in BLOCKS:
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        if self._left_out and self._left_out[-1] == tag:
            self._left_out.pop()

    def handle_data(self, data: str) -> None:
        if self.texts and not self._left_out:
            self.texts[-1] += data


@dataclass(frozen=True)
class Run:
    """A finished run's files."""

    folder: Path

    @cached_property
    def page(self) -> str:
        return (self.folder / "plots/report.html").read_text(encoding="utf-8")

    @cached_property
    def metrics(self) -> dict[str, Any]:
        return {path.stem: json.loads(path.read_text()) for path in (self.folder / "metrics").rglob("*.json")}

    @cached_property
    def plan(self) -> Any:
        return json.loads((self.folder / "data/plan.json").read_text())

    @cached_property
    def parameters(self) -> Any:
        return yaml.safe_load((self.folder / "params.yaml").read_text())

    @cached_property
    def models(self) -> list[str]:
        return list(dict.fromkeys(system["model"] for system in self.plan["systems"]))

    @cached_property
    def seeds(self) -> list[int]:
        return sorted({system["seed"] for system in self.plan["systems"]} - {None})

    def lines(self, path: str) -> list[Any]:
        file = self.folder / path
        return [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []


@dataclass(frozen=True)
class Place:
    """Where a rule's pattern was found: the page's text, and the model that it is of."""

    run: Run
    model: str
    text: str
    match: re.Match[str]

    def named(self, group: str) -> str:
        return self.match[group] or ""


def places(run: Run, text: str, pattern: str) -> Iterator[Place]:
    model = next((each for each in run.models if text.startswith(f"{each}: ")), run.models[0])
    return (Place(run, model, text, match) for match in re.finditer(pattern.replace("#", f"({NUMBER})"), text))


def faults(run: Run, text: str) -> list[str]:
    """Numbers of the text that are not what the files give, and those that no rule knows."""
    from tests.reporting.prose_rules import LITERALS, RULES

    found, known = [], set()
    for pattern in LITERALS:
        known |= {spot for match in re.finditer(pattern, text) for spot in range(*match.span())}
    for pattern, expected in RULES:
        for place in places(run, text, pattern):
            names = place.match.re.groupindex.values()
            groups = [group for group in range(1, place.match.re.groups + 1) if group not in names]
            shown = {group: place.match[group] for group in groups if place.match[group] is not None}
            if list(shown.values()) != (right := expected(place)):
                found.append(f"{list(shown.values())} should be {right}: {text}")
            known |= {spot for group in shown for spot in range(*place.match.span(group))}
    unknown = [match[0] for match in re.finditer(NUMBER, text) if match.start() not in known]
    return found + [f"no rule knows {number}: {text}" for number in unknown]


def texts(run: Run) -> list[str]:
    return [text for text in Prose(run.page).texts if re.search(NUMBER, text)]


def main() -> None:
    run = Run(Path(sys.argv[1]))
    told = [fault for text in texts(run) for fault in faults(run, text)]
    numbers = sum(len(re.findall(NUMBER, text)) for text in texts(run))
    print(*told, f"{numbers} numbers in {len(texts(run))} texts, {len(told)} faults", sep="\n")
    sys.exit(bool(told))


if __name__ == "__main__":
    main()
