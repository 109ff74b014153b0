"""Role prompts: each as the annotator's must be, within narrower bounds, and all of them unlike each other."""

import json
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from stages.annotation.checks import check_role
from stages.chat.self_prompt import OPENING
from stages.chat_models import InvalidAnswer
from stages.data_checks.duplicates import check_near_duplicates, check_repeats
from stages.data_checks.findings import Fault, Line
from stages.records.conversation import Conversation
from stages.records.files import read_json
from stages.scoring.domains import SUBJECTS

WORDS = (20, 80)
WORDS_BY_HAND = (20, 60)
OPENING_WORDS, MOST_OF_ONE_OPENING = 8, 0.02
BENCHMARKS = frozenset(
    "mmlu strategyqa commonsenseqa openbookqa truthfulqa hotpotqa gsm8k humaneval open_ended".split()  # noqa: SIM905
)
MANUAL_KEYS = BENCHMARKS | {f"mmlu/{subject}" for subject in SUBJECTS}

UNKNOWN = Conversation(id="", source="", turns=["", ""])
"""Stands for a conversation that is not at hand: nothing can be quoted from it."""


def check_form(
    lines: Sequence[Line[str]], words: tuple[int, int], conversations: Sequence[Conversation] | None = None
) -> Iterator[Fault]:
    """Each role by the annotator's rules, against its own conversation where they are given."""
    for place, line in enumerate(lines):
        try:
            check_role(line.row, UNKNOWN if conversations is None else conversations[place])
        except InvalidAnswer as error:
            yield line.fault(f"role: {error}")
        if line.row != line.row.strip():
            yield line.fault("role: space at its ends")
        if not words[0] <= len(line.row.split()) <= words[1]:
            yield line.fault(f"role: {len(line.row.split())} words, expected {words[0]} to {words[1]}")


def check_variety(lines: Sequence[Line[str]]) -> Iterator[Fault]:
    yield from check_repeats(lines, "role", lambda role: role)
    yield from check_near_duplicates(lines, lambda role: role)
    opened: dict[str, list[Line[str]]] = defaultdict(list)
    for line in lines:
        opened[opening(line.row)].append(line)
    most = max(1, int(MOST_OF_ONE_OPENING * len(lines)))
    for words, sharing in opened.items():
        if len(sharing) > most:
            yield sharing[most].fault(f"{len(sharing)} roles open with {words!r}, expected at most {most}")


def opening(role: str) -> str:
    """The first words past those that open every role."""
    return " ".join(role.removeprefix(OPENING).lower().split()[:OPENING_WORDS])


def read_manual(path: Path, faults: list[Fault]) -> dict[str, Line[str]]:
    """The roles written by hand, each with the line on which its key stands."""
    if not path.is_file():
        faults.append(Fault(path, None, "the file is missing"))
        return {}
    text = path.read_text(encoding="utf-8").splitlines()
    found: dict[str, Line[str]] = {}
    for key, role in read_json(path).items():
        number = next((at for at, line in enumerate(text, start=1) if f"{json.dumps(key)}:" in line), 1)
        found[key] = Line(path, number, role)
    return found


def check_manual(roles: dict[str, Line[str]], path: Path) -> Iterator[Fault]:
    for key in sorted(MANUAL_KEYS - roles.keys()):
        yield Fault(path, None, f"{key} has no role")
    for key in sorted(roles.keys() - MANUAL_KEYS):
        yield roles[key].fault(f"{key!r} is no benchmark and no subject of MMLU")
    yield from check_form(list(roles.values()), WORDS_BY_HAND)
    yield from check_variety(list(roles.values()))


def measure_roles(roles: Sequence[str]) -> str:
    words = sorted(len(role.split()) for role in roles)
    openings = Counter(opening(role) for role in roles).most_common(1)[0][1]
    return (
        f"{len(set(roles))} distinct of {len(roles)}, {words[0]} to {words[-1]} words "
        f"(median {statistics.median(words):g}), most with one opening: {openings}"
    )
