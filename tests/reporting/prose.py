"""Every number in the report's prose, held against the run's files.

``python -m tests.reporting.prose FOLDER`` prints the numbers that a finished run's files do not hold.
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

from stages.core import parameters

# A numeral that is no part of a name: neither GSM8K nor smollm2-135m holds one.
NUMBER = r"(?:[+\u2212]|(?<![\w.,\u2212-]))\d+(?:,\d{3})*(?:\.\d+)?(?!\w)"
BLOCKS = ("li", "p", "figcaption", "h1", "h2", "h3", "summary", "caption", "th", "label", "address")
CONSTANTS = {
    "95",
    "0.05",
    "5",
    "0.001",
    "1",
    "2",
    "3",
    "4",
    "8",
    "13",
    "0.5",
    "20",
    "30",
    "90",
    "200",
    "2407.08995",
    "2024",
    "2023",
}
"""Levels, sizes and years that no run changes."""


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
    def texts(self) -> list[str]:
        return Prose((self.folder / "plots/report.html").read_text(encoding="utf-8")).texts

    @cached_property
    def known(self) -> set[str]:
        """Every number of the metrics and parameters, in each form in which the page writes one; counts of files."""
        metrics = [json.loads(path.read_text()) for path in (self.folder / "metrics").rglob("*.json")]
        found = set(CONSTANTS)
        for value in leaves([metrics, parameters.read(self.folder / "params.yaml")]):
            found |= forms(value)
        comparisons = json.loads((self.folder / "metrics/comparison.json").read_text())
        for pairs in comparisons.values():
            found |= forms(sum(entry["n"] for entry in pairs["role - standard"].values()))
        for value in leaves_with_counts(metrics):
            found |= forms(value)
        for path in (self.folder / "data").rglob("*.jsonl"):
            found |= forms(len(path.read_text().splitlines()))
        return found


def leaves(value: Any) -> Iterator[float]:
    """All numbers inside, and how many entries each mapping and list has; numerals in texts too."""
    if isinstance(value, dict | list):
        yield len(value)
        for each in value.values() if isinstance(value, dict) else value:
            yield from leaves(each)
    elif isinstance(value, str):
        yield from (float(found) for found in re.findall(r"\d+(?:\.\d+)?", value))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def leaves_with_counts(value: Any) -> Iterator[float]:
    """How many of n a share is, where both stand side by side; small numbers are told so."""
    for each in value if isinstance(value, list) else value.values() if isinstance(value, dict) else ():
        yield from leaves_with_counts(each)
    if isinstance(value, dict) and isinstance(value.get("n"), int):
        rates = [value.get(key) for key in ("unparsed_rate", "role_rate")] + [value.get("flips", {}).get("rate")]
        for n in (value["n"] * value.get("seeds", 1), value.get("n_written", 0) * value.get("seeds", 1)):
            yield from (round(rate * n) for rate in rates if isinstance(rate, float))
            yield n


def forms(value: float) -> set[str]:
    """Plain, per cent, points, p, nats, a rounded mean; with and without its sign."""
    written = {f"{abs(each):,.{digits}f}" for each in (value, 100 * value) for digits in range(4)}
    return {sign + text for text in written for sign in ("", "+", "\u2212")} | {f"{value:g}"}


def unknown(run: Run, text: str) -> list[str]:
    return [number for number in re.findall(NUMBER, text) if number not in run.known]


def main() -> None:
    run = Run(Path(sys.argv[1]))
    told = [f"{number}: {text}" for text in run.texts for number in unknown(run, text)]
    print(*told, f"{len(told)} numbers in no file", sep="\n")
    sys.exit(bool(told))


if __name__ == "__main__":
    main()
