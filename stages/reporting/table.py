"""Tables as data: cells that know where in the metrics their numbers come from, and the notes below.

``templates/tables.yaml`` has their columns and words; ``rows`` has a function for each table's rows.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from stages.core import parameters
from stages.figures import style
from stages.reporting import names
from stages.reporting.inputs import ROLE_PAIR, Inputs

WORDS = Path(__file__).parent / "templates/tables.yaml"
# What is compared besides the two arms: controls of training, and conditions under which a trained arm is asked.
VARIANTS = {
    "base": "the model before fine-tuning",
    "shuffled": "trained with the role prompts of other items",
    "constant": "trained with one generic role prompt for all items",
    "restated": "trained to restate the question's first sentence, without a role",
    "brief": "trained with the first sentence of the role prompts alone",
    "role.stripped": "role, not allowed to write a role prompt",
    "role.generic": "role, given a generic role prompt in place of its own",
    "role.random": "role, given the role prompt that it wrote for another question",
    "role.oracle": "role, given a role prompt written by hand",
    "standard.manual": "standard, asked with a role prompt written by hand",
    "standard.cot": "standard, its turn begun with a request to think step by step",
}


@dataclass(frozen=True)
class Cell:
    """Text, and the source of each of its numbers in the metrics (file and JSON pointer), in order.

    Attributes:
        variant: The variant that the cell belongs to, for its colour.
        strong: Whether it is a significant difference.
    """

    text: str
    sources: tuple[str, ...] = ()
    variant: str | None = None
    strong: bool = False


NO_CELL = Cell("")
Rows = Iterator[list[Cell]]


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        name: Its file's name.
        title: What it shows, without a full stop.
        notes: Sentences below it.
        labels: How many columns name a row.
        words: Further columns of words rather than numbers, by their place.
    """

    name: str
    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()
    labels: int = 1
    words: Sequence[int] = ()

    def is_words(self, place: int) -> bool:
        return place < self.labels or place in self.words


@dataclass(frozen=True)
class Entry:
    """A part of a metrics file that knows its place in it, so that cells can name their sources."""

    file: str
    values: Mapping[str, Any]
    keys: tuple[str, ...] = ()

    def at(self, *keys: str) -> "Entry":
        """The part under the keys; empty where there is none."""
        values: Any = self.values
        for key in keys:
            values = values.get(key) or {}
        return Entry(self.file, values, (*self.keys, *keys))

    def source(self, key: str) -> str:
        return f"{self.file}#/" + "/".join(quote(part, safe="") for part in (*self.keys, key))

    def percent(self, key: str, *, interval: bool = False, variant: str | None = None) -> Cell:
        return self._cell(key, names.percent, interval=interval, variant=variant)

    def points(self, key: str, *, interval: bool = False) -> Cell:
        """A difference of shares in percentage points, strong where it is significant."""
        return self._cell(key, names.points, interval=interval, strong=style.significant(self.values))

    def nats(self, key: str, *, interval: bool = False) -> Cell:
        return self._cell(key, names.nats, interval=interval)

    def number(self, key: str, digits: int = 2) -> Cell:
        return self._cell(key, partial(names.number, digits=digits))

    def p(self, key: str) -> Cell:
        return self._cell(key, names.p_value)

    def _cell(self, key: str, written: Callable[[float], str], *, interval: bool = False, **look: Any) -> Cell:
        if self.values.get(key) is None:
            return Cell(names.NOTHING, **look)
        text, keys = written(self.values[key]), [key]
        if interval and self.values.get("ci_low") is not None:
            text += f" ({written(self.values['ci_low'])} to {written(self.values['ci_high'])})"
            keys += ["ci_low", "ci_high"]
        return Cell(text, tuple(self.source(each) for each in keys), **look)


def metric(inputs: Inputs, name: str, *keys: str) -> Entry:
    """The part of ``metrics/<name>.json`` under the keys."""
    return Entry(f"metrics/{name}.json", inputs.metrics[name]).at(*keys)


def build(inputs: Inputs, rows_of: Mapping[str, Any]) -> list[Table]:
    """The tables of ``templates/tables.yaml`` that have rows, without the columns that no row fills.

    Args:
        inputs: A run's files.
        rows_of: A table's name → the function that gives its rows.
    """
    found = []
    for name, told in parameters.read(WORDS).items():
        rows = list(rows_of[name](inputs))
        kept = [place for place in range(len(told["head"])) if any(row[place].text for row in rows)]
        head = [told["head"][place] for place in kept]
        words = [head.index(text) for text in told.get("words", []) if text in head]
        labels = sum(place < told.get("labels", 1) for place in kept)
        if rows:
            cells = [[row[place] for place in kept] for row in rows]
            found.append(Table(name, told["title"], head, cells, filled(inputs, told["notes"]), labels, words))
    return found


def filled(inputs: Inputs, notes: Sequence[str]) -> list[str]:
    """The notes with their ``{braces}`` filled in, without those that become empty."""
    recorded = bool(inputs.metrics["annotate"]) and not inputs.metrics["annotate"].get("requests")
    local = inputs.preset("judges", inputs.plan.judge).get("kind") == "local"
    own_chat_versions = [
        f"Before fine-tuning, {model} is its own official chat version."
        for model, pairs in inputs.metrics["preference"].items()
        if "role - base" in pairs and (inputs.preset("models", model).get("official") or {}).get("source") == "itself"
    ]
    told = {
        "scores": f"Intervals are at 95%: Wilson's{_widened(inputs, subjects=True)}.",
        "scores_of_domains": f"Intervals are at 95%: Wilson's{_widened(inputs, subjects=False)}.",
        "differences": "Intervals are at 95%, by Bonett and Price's method for paired answers"
        f"{_widened(inputs, subjects=True)}; they are not corrected for the number of comparisons.",
        "margin": f"{100 * inputs.margin:g}",
        "references": f" Of each answer, {inputs.measured} were measured." if inputs.measured else "",
        "missing": " ".join(dict.fromkeys(text for model in inputs.models for text in of_missing(inputs, model))),
        "questions": " ".join(of_questions(inputs)),
        "variants": of_variants(inputs),
        "own_chat_versions": " ".join(own_chat_versions),
        "recorded": " The annotations were recorded earlier; what they cost is not known here." if recorded else "",
        "judged_here": " The judge ran on this machine, free of charge." if local else "",
    }
    return [text for note in notes if (text := note.format_map(told).strip())]


def _widened(inputs: Inputs, *, subjects: bool) -> str:
    reasons = [
        "on MMLU because questions of one subject may be alike" if subjects and "mmlu" in inputs.benchmarks else "",
        "everywhere because scores differ between training seeds" if inputs.seeds > 1 else "",
    ]
    told = " and ".join(filter(None, reasons))
    return f", widened {told}" if told else ""


def of_questions(inputs: Inputs) -> list[str]:
    """Tables are used outside the page too, so each says what its benchmarks' names stand for."""
    if inputs.plan.data != "bundled":
        return []
    if "humaneval" in inputs.benchmarks:
        return ["Only HumanEval is a published benchmark here: the other questions are this project's own."]
    return ["No score here is on a published benchmark: the questions are this project's own."]


def of_missing(inputs: Inputs, model: str) -> list[str]:
    """Why a score is missing."""
    reasons = {
        names.benchmark(benchmark): entry["reason"]
        for benchmarks in inputs.metrics["benchmarks"].get(model, {}).values()
        for benchmark, entry in benchmarks.items()
        if entry.get("score") is None and entry.get("reason")
    }
    return [f"{benchmark} has no score: {reason}." for benchmark, reason in reasons.items()]


def of_variants(inputs: Inputs) -> str:
    """What the variants are that are compared besides role and standard."""
    pairs = [pair for pairs in inputs.metrics["comparison"].values() for pair in pairs if pair != ROLE_PAIR]
    compared = [variant for variant in VARIANTS if any(variant in pair.split(" - ") for pair in pairs)]
    told = "; ".join(f"{variant}: {VARIANTS[variant]}" for variant in compared)
    return f"{told}." if told else ""
