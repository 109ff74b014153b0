"""The files of ``data/bundled``, and how much each must hold."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from stages.data_checks.choice_rows import CommonsenseRow, MmluRow, OpenBookRow, TruthfulRow
from stages.data_checks.findings import Fault, Line
from stages.data_checks.rows import BundledRow, ConversationRow, Gsm8kRow, HotpotRow, PromptRow, StrategyRow
from stages.scoring.domains import SUBJECTS


@dataclass(frozen=True)
class BundledSet:
    """One file.

    Attributes:
        fewest: The fewest rows.
        groups: The groups that it must have, all of them and no others; empty where any may stand.
        fewest_groups: The fewest groups, whatever they are.
        fewest_in_group: The fewest rows of a group.
    """

    file: str
    row: type[BundledRow]
    fewest: int
    groups: frozenset[str] = field(default_factory=frozenset)
    fewest_groups: int = 0
    fewest_in_group: int = 1


CORPUS = BundledSet("GAIR/lima/train.jsonl", ConversationRow, 300, fewest_groups=15)
SETS = (
    CORPUS,
    BundledSet("GAIR/lima/test.jsonl", PromptRow, 60, fewest_groups=10),
    BundledSet("cais/mmlu/all/test.jsonl", MmluRow, 342, groups=SUBJECTS, fewest_in_group=6),
    BundledSet("cais/mmlu/all/dev.jsonl", MmluRow, 57, groups=SUBJECTS),
    BundledSet("openai/gsm8k/main/test.jsonl", Gsm8kRow, 100),
    BundledSet("openai/gsm8k/main/train.jsonl", Gsm8kRow, 8),  # as many as there are shots
    BundledSet("tasksource/strategy-qa/train.jsonl", StrategyRow, 100, groups=frozenset({"yes", "no"})),
    BundledSet("tau/commonsense_qa/validation.jsonl", CommonsenseRow, 100),
    BundledSet("tau/commonsense_qa/train.jsonl", CommonsenseRow, 5),
    BundledSet("allenai/openbookqa/main/test.jsonl", OpenBookRow, 100),
    BundledSet("allenai/openbookqa/main/train.jsonl", OpenBookRow, 5),
    BundledSet("truthfulqa/truthful_qa/multiple_choice/validation.jsonl", TruthfulRow, 100),
    BundledSet(
        "hotpotqa/hotpot_qa/fullwiki/validation.jsonl",
        HotpotRow,
        100,
        groups=frozenset({"bridge", "comparison"}),
        fewest_in_group=30,
    ),
)


def check_counts(lines: Sequence[Line[BundledRow]], expected: BundledSet) -> Iterator[Fault]:
    """Too few rows or groups, a group with too few rows, a group that the set does not have."""
    if not lines:
        return
    path = lines[0].path
    counts = Counter(line.row.group for line in lines if line.row.group is not None)
    if len(lines) < expected.fewest:
        yield Fault(path, None, f"expected at least {expected.fewest} rows, found {len(lines)}")
    if len(counts) < expected.fewest_groups:
        yield Fault(path, None, f"expected at least {expected.fewest_groups} groups, found {len(counts)}")
    for group in sorted(expected.groups | counts.keys()):
        if counts[group] < expected.fewest_in_group:
            yield Fault(
                path, None, f"{group}: expected at least {expected.fewest_in_group} rows, found {counts[group]}"
            )
    if expected.groups:
        for line in lines:
            if line.row.group not in expected.groups:
                yield line.fault(f"{line.row.group!r} is none of the set's groups")
