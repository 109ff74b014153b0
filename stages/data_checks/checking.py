"""All checks of the data that stand in the repository."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, cast

from stages.corpora.preset import CorpusPreset
from stages.corpora.reading import read_corpus
from stages.data_checks import annotations, arithmetic, corpus, duplicates, fit, guessing, roles, wording
from stages.data_checks.choice_rows import ChoiceRow, TruthfulRow
from stages.data_checks.findings import Fault, Line, Report
from stages.data_checks.mirror import check_overlap
from stages.data_checks.reading import read_lines
from stages.data_checks.rows import BundledRow, ConversationRow, Gsm8kRow, StrategyRow
from stages.data_checks.sets import CORPUS, SETS, check_counts
from stages.records.conversation import Conversation, RecordedRole

LIMA_ITEMS = 1030
LIMA = CorpusPreset(repository="GAIR/lima", file="train.jsonl")


@dataclass(frozen=True)
class Contents:
    """What was read: rows by file, annotations by corpus, roles written by hand."""

    sets: dict[str, list[Line[BundledRow]]]
    recorded: dict[str, list[Line[RecordedRole]]]
    manual: dict[str, Line[str]]

    def lines(self) -> list[Line[Any]]:
        return [*chain(*self.sets.values()), *chain(*self.recorded.values()), *self.manual.values()]


def read_contents(data: Path, report: Report) -> Contents:
    """Read ``data/bundled`` and ``data/annotations``; what cannot be read is a fault."""
    sets = {one.file: read_lines(data / "bundled" / one.file, one.row, report.faults) for one in SETS}
    recorded = {
        name: read_lines(data / "annotations" / f"{name}.jsonl", RecordedRole, report.faults)
        for name in ("bundled", "lima")
    }
    manual = roles.read_manual(data / "bundled/manual_roles.json", report.faults)
    return Contents(sets, recorded, manual)


def check_data(data: Path) -> tuple[Report, Contents]:
    """All that can be checked without other data."""
    report = Report()
    contents = read_contents(data, report)
    for expected in SETS:
        lines = contents.sets[expected.file]
        report.faults += check_counts(lines, expected)
        report.faults += duplicates.check_repeats(lines, "id", lambda row: row.identifier)
        report.measures += [f"{expected.file}: {len(lines)} rows"]
        _check_kind(lines, report)
    asked = list(chain(*contents.sets.values()))
    report.faults += duplicates.check_repeats(asked, "question", lambda row: row.asked)
    report.faults += duplicates.check_near_duplicates(asked, lambda row: row.asked)
    _check_annotations(contents, report)
    report.faults += roles.check_manual(contents.manual, data / "bundled/manual_roles.json")
    return report, contents


def _check_kind(lines: Sequence[Line[Any]], report: Report) -> None:
    """What is checked of this kind of row alone."""
    if not lines:
        return
    rows = [line.row for line in lines]
    match rows[0]:
        case ChoiceRow():
            report.faults += guessing.check_guessing(lines)
            report.faults += wording.check_wording(lines)
            if not isinstance(rows[0], TruthfulRow):
                report.faults += guessing.check_letters(lines)
            if len(rows) >= guessing.ENOUGH:
                report.measures.append(f"  {guessing.measure_guessing(rows)}, {wording.measure_wording(rows)}")
        case StrategyRow():
            report.faults += guessing.check_yes(lines)
        case Gsm8kRow():
            report.faults += arithmetic.check_arithmetic(lines)
        case ConversationRow():
            report.faults += corpus.check_conversations(lines)
            report.measures.append("  " + corpus.measure_conversations(rows))


def _check_annotations(contents: Contents, report: Report) -> None:
    bundled = [conversation(cast(ConversationRow, line.row)) for line in contents.sets[CORPUS.file]]
    report.faults += annotations.check_keys(contents.recorded["bundled"], bundled)
    lima = contents.recorded["lima"]
    if lima and len(lima) != LIMA_ITEMS:
        report.faults.append(Fault(lima[0].path, None, f"expected {LIMA_ITEMS} roles, found {len(lima)}"))
    for name, lines in contents.recorded.items():
        items = bundled if name == "bundled" and len(bundled) == len(lines) else None
        prompts = [Line(line.path, line.number, line.row.role) for line in lines]
        report.faults += annotations.check_order(lines)
        report.faults += roles.check_form(prompts, roles.WORDS, items)
        report.faults += roles.check_variety(prompts)
        if prompts:
            report.measures.append(f"annotations/{name}.jsonl: {roles.measure_roles([line.row for line in prompts])}")
        if items:
            _check_fit(lines, items, report)


def _check_fit(lines: Sequence[Line[RecordedRole]], items: Sequence[Conversation], report: Report) -> None:
    found = fit.fit([line.row.role for line in lines], [" ".join(item.turns) for item in items])
    report.measures.append(f"  {found}")
    if not found.enough:
        report.faults.append(Fault(lines[0].path, None, f"{found}: expected {fit.WINS_FOR_A_LOSS} times as many"))


def conversation(row: ConversationRow) -> Conversation:
    return Conversation(id="", source=row.source, turns=row.conversations)


def check_against_mirror(contents: Contents, mirror: Path, report: Report) -> None:
    """What needs the real sets: nothing is taken from them, and LIMA-Role is LIMA's."""
    lines = contents.lines()
    shared = list(check_overlap(lines, mirror))
    report.faults += shared
    report.measures.append(f"lines that share 8 words in a row with the mirror: {len(shared)} of {len(lines)}")
    lima, recorded = read_corpus("lima", LIMA, "mirror"), contents.recorded["lima"]
    report.faults += annotations.check_keys(recorded, lima)
    if len(lima) == len(recorded):
        prompts = [Line(line.path, line.number, line.row.role) for line in recorded]
        report.faults += roles.check_form(prompts, roles.WORDS, lima)
        report.measures.append("annotations/lima.jsonl, with LIMA:")
        _check_fit(recorded, lima, report)
