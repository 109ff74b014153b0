"""One command for one process or many: a stage that needs several starts itself again under DeepSpeed's launcher."""

import os
import subprocess
import sys

import torch

from stages.training.ports import free_port


def relaunch_if_needed(processes: int | None) -> None:
    """Return in a process that trains; in one that only starts others, wait for them and leave.

    ``processes`` None means one a GPU, or one on a machine without. A process that a launcher started (DeepSpeed's,
    ``torchrun``, SLURM's through either) has its rank in the environment and always trains.
    """
    wanted = processes or max(torch.cuda.device_count(), 1)
    if "RANK" in os.environ or wanted == 1:
        return
    launcher = [sys.executable, "-m", "deepspeed.launcher.runner"]
    options = ["--num_accelerators", str(wanted), "--master_port", str(free_port()), "--module", "stages.finetune"]
    sys.exit(subprocess.run([*launcher, *options, *sys.argv[1:]], check=False).returncode)
