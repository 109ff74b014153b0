"""One command for one process or many: a stage that needs several starts itself again under DeepSpeed's launcher."""

import os
import socket
import subprocess
import sys

import torch


def relaunch_if_needed(processes: int | None) -> None:
    """Return in a process that trains; in one that only starts others, wait for them and leave.

    ``processes`` None means one a GPU, or one on a machine without. A process that a launcher started (DeepSpeed's,
    ``torchrun``, SLURM's through either) has its rank in the environment and always trains.
    """
    wanted = processes or max(torch.cuda.device_count(), 1)
    if "RANK" in os.environ or wanted == 1:
        return
    command = ["deepspeed", "--num_accelerators", str(wanted), "--master_port", str(free_port()), "--module"]
    launcher = [sys.executable, "-m", "deepspeed.launcher.runner", *command[1:]]
    sys.exit(subprocess.run([*launcher, "stages.finetune", *sys.argv[1:]], check=False).returncode)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
