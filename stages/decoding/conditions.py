"""What is done at inference: how a question is put, and how the assistant's turn is begun.

``role`` arm: ``stripped`` (the turn may not open as a role prompt does), ``generic``, ``random`` (the role written for
another question), ``oracle`` (a role written by hand for the question's subject or the benchmark). ``standard`` arm:
``manual`` (that role stands in the question, as in role-play prompting, Kong et al. 2023) and ``cot`` (Kojima et al.
2022). ``restated`` is no choice of a run: it is how the arm ``restated`` is read by the likelihood of choices.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from stages.chat import self_prompt
from stages.records import files
from stages.records.question import Question

CONDITIONS = {"standard": ("manual", "cot"), "role": ("stripped", "random", "generic", "oracle")}

GENERIC = f"{self_prompt.OPENING} a helpful assistant."

MANUAL_ROLES = Path("data/bundled/manual_roles.json")
"""Role prompts written by hand, by ``<benchmark>/<group>`` or ``<benchmark>``."""


@dataclass(frozen=True)
class Asked:
    """A question as it is put.

    Attributes:
        message: The user's message.
        prefix: Text that the assistant's turn already begins with.
        without_role: Whether the turn may not open as a role prompt does.
    """

    message: str
    prefix: str = ""
    without_role: bool = False


def ask(condition: str | None, message: str, manual_role: str, other_role: str | None) -> Asked:
    """A message under one of :data:`CONDITIONS`, ``restated``, or None; ``other_role`` is for ``random``."""
    put = {
        None: Asked(message),
        "stripped": Asked(message, without_role=True),
        "generic": Asked(message, prefix=self_prompt.join(GENERIC, "")),
        "random": Asked(message, prefix=self_prompt.join(other_role or GENERIC, "")),
        "oracle": Asked(message, prefix=self_prompt.join(manual_role, "")),
        "manual": Asked(f"{manual_role}\n\n{message}"),
        "cot": Asked(message, prefix=f"{self_prompt.STEP_BY_STEP}\n\n"),
        "restated": Asked(message, prefix=self_prompt.join(self_prompt.first_sentence(message), "")),
    }
    return put[condition]


def manual_roles(benchmark: str, questions: Sequence[Question]) -> list[str]:
    """For each question the role written by hand for its group, else for its benchmark."""
    roles = TypeAdapter(dict[str, str]).validate_python(files.read_json(MANUAL_ROLES))
    return [roles.get(f"{benchmark}/{each.group}", roles.get(benchmark, GENERIC)) for each in questions]


def other_roles(roles: Sequence[str | None], rng: random.Random) -> list[str | None]:
    """For each question the role of another one: a random cyclic shift of the roles that were written."""
    written = [role for role in roles if role]
    if len(written) < 2:
        return [None] * len(roles)
    shift = rng.randrange(1, len(written))
    given: list[str | None] = []
    place = 0
    for role in roles:
        given.append(written[(place + shift) % len(written)])
        place += role is not None
    return given
