"""The bundled files, and how much each must hold."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stages.scoring.domains import SUBJECTS
from tests.data import rows


@dataclass(frozen=True)
class BundledSet:
    """One file: how many rows it has, at least, and how many each of its groups; ``groups`` are all there may be."""

    file: str
    row: type[rows.BundledRow]
    fewest: int
    groups: frozenset[str] = frozenset()
    fewest_groups: int = 1
    fewest_in_group: int = 1

    @property
    def path(self) -> Path:
        return rows.BUNDLED / self.file


HOTPOT = BundledSet(
    "hotpotqa/hotpot_qa/fullwiki/validation.jsonl", rows.HotpotRow, 100, frozenset({"bridge", "comparison"}), 2, 30
)
CORPUS = BundledSet("GAIR/lima/train.jsonl", rows.ConversationRow, 300, fewest_groups=15)
SETS = (
    CORPUS,
    BundledSet("GAIR/lima/test.jsonl", rows.PromptRow, 60, fewest_groups=10),
    BundledSet("cais/mmlu/all/test.jsonl", rows.MmluRow, 342, SUBJECTS, 57, 6),
    BundledSet("cais/mmlu/all/dev.jsonl", rows.MmluRow, 57, SUBJECTS, 57),
    BundledSet("openai/gsm8k/main/test.jsonl", rows.Gsm8kRow, 100),
    BundledSet("openai/gsm8k/main/train.jsonl", rows.Gsm8kRow, 8),  # as many as there are shots
    BundledSet("tasksource/strategy-qa/train.jsonl", rows.StrategyRow, 100, frozenset({"True", "False"}), 2, 45),
    BundledSet("tau/commonsense_qa/validation.jsonl", rows.CommonsenseRow, 100),
    BundledSet("tau/commonsense_qa/train.jsonl", rows.CommonsenseRow, 5),
    BundledSet("allenai/openbookqa/main/test.jsonl", rows.OpenBookRow, 100),
    BundledSet("allenai/openbookqa/main/train.jsonl", rows.OpenBookRow, 5),
    BundledSet("truthfulqa/truthful_qa/multiple_choice/validation.jsonl", rows.TruthfulRow, 100),
    HOTPOT,
)


def check_counts(lines: Sequence[rows.Line], expected: BundledSet) -> Iterator[str]:
    """Too few rows or groups, a group with too few rows, a group that the set does not have."""
    counts = Counter(line.row.group for line in lines)
    if len(lines) < expected.fewest:
        yield f"{expected.path}: expected at least {expected.fewest} rows, found {len(lines)}"
    if len(counts) < expected.fewest_groups:
        yield f"{expected.path}: expected at least {expected.fewest_groups} groups, found {len(counts)}"
    for group in sorted(expected.groups | counts.keys()):
        if counts[group] < expected.fewest_in_group:
            yield f"{expected.path}: {group}: expected at least {expected.fewest_in_group} rows, found {counts[group]}"
    for line in lines:
        if expected.groups and line.row.group not in expected.groups:
            yield line.fault(f"{line.row.group!r} is none of the set's groups")
