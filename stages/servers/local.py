"""The stage's own process answers, or several that share the work."""

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from stages.core import command_line
from stages.core.parameters import Section
from stages.records.question import Question
from stages.records.results import Generation

if TYPE_CHECKING:
    from stages.decoding.prompts import Job


class Local(Section):
    """``servers.local`` of ``params.yaml``.

    Attributes:
        processes: How many share the work, to the same bytes; None for one a GPU, or one on a machine without.
    """

    processes: int | None = Field(default=None, ge=1)


PRESET = Local


def answer(
    job: "Job", questions: Sequence[Question], own_roles: Sequence[str | None] | None, preset: Local
) -> list[Generation] | None:
    """Generations in the order of the questions; None in a process that is not the first."""
    from stages.decoding.answering import answer as answer_batches
    from stages.decoding.partial import joined

    start_others_if_needed(preset.processes)
    share = joined()
    generations = answer_batches(job, questions, own_roles, share)
    return generations if share.rank == 0 else None


def start_others_if_needed(processes: int | None) -> None:
    """Return in a process that answers; in one that only starts others, wait for them and leave.

    A process that a launcher started (``torchrun``, DeepSpeed's) has its rank in the environment and always answers.
    """
    import torch
    from torch.multiprocessing import ProcessExitedException, start_processes

    from stages.core.machine import free_port

    wanted = processes or max(torch.cuda.device_count(), 1)
    if "RANK" in os.environ or wanted == 1:
        return
    # A forked process has all libraries loaded, and could not use a GPU.
    method = "spawn" if torch.cuda.is_available() else "fork"
    try:
        start_processes(_stage, (wanted, free_port()), nprocs=wanted, start_method=method)
    except ProcessExitedException as error:
        sys.exit(max(error.exit_code, 1))
    sys.exit(0)


def _stage(rank: int, processes: int, port: int) -> None:
    """The whole stage again, as one of several processes; when the first one dies, so do these."""
    from stages import generate

    place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": processes, "MASTER_PORT": port}
    os.environ |= {name: str(value) for name, value in place.items()} | {"MASTER_ADDR": "127.0.0.1"}
    command_line.run(generate.main)
