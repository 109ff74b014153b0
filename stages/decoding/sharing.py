"""Several processes that answer one benchmark's questions together."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed

PATIENCE = timedelta(days=30)
"""How long a process waits for the slowest one: as long as that takes."""

Batch = list[int]


@dataclass(frozen=True)
class Share:
    """This process's place among all: ``rank`` of ``processes``."""

    rank: int
    processes: int

    def of(self, batches: Sequence[Batch]) -> Sequence[Batch]:
        """Whole batches, dealt out forth and back: they come sorted by length, so that all shares weigh alike."""
        turns = (self.rank, 2 * self.processes - 1 - self.rank)
        return [batch for place, batch in enumerate(batches) if place % (2 * self.processes) in turns]

    def wait_for_the_others(self) -> None:
        """Return once every process has come here, and part from them."""
        if self.processes > 1:
            torch.distributed.barrier()
            torch.distributed.destroy_process_group()


ALONE = Share(0, 1)


def joined() -> Share:
    """The share that a launcher (``torchrun``, DeepSpeed's) gave this process, on a GPU of its own where there is one.

    The processes only wait for one another and send nothing: gloo does on any machine.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return ALONE
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
    torch.distributed.init_process_group("gloo", timeout=PATIENCE)
    return Share(torch.distributed.get_rank(), torch.distributed.get_world_size())
