"""Programs that try to break out, to break things, or to pass without being right: ``hostile/*.txt``.

Each opens with ``=== name | the reason why it fails``; where reasons differ by method, the reason is cut short. All
define ``answer(outside)``. Their test wants what they cannot know, so that only a program that reads its tests,
forges the verdict, or brings ``secret`` out of the folder ``outside`` can pass.
"""

from pathlib import Path
from typing import NamedTuple

from stages.sandbox.runner import Limits, Task

LIMITS = Limits(cpu_seconds=1, wall_seconds=60, memory_mb=256, output_kb=256, isolation="required")


class Program(NamedTuple):
    name: str
    reason: str
    text: str


def hostile(kind: str) -> list[Program]:
    programs = []
    path = Path(__file__).parent / "hostile" / f"{kind}.txt"
    for section in path.read_text(encoding="utf-8").split("=== ")[1:]:
        title, _, text = section.partition("\n")
        name, _, reason = title.partition(" | ")
        programs.append(Program(name, reason, text.strip()))
    return programs


def simple_task(program: str, test: str = "pass") -> Task:
    return Task(program, "answer", prompt="", test=f"def check(candidate):\n    {test}")
