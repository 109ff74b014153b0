"""DeepSpeed ZeRO around the loss: processes and their group, the configuration, the optimizer's groups."""

import os
import subprocess
import sys
from typing import Any

# DeepSpeed would compile a small extension for communication on the CPU at first use: never, so that no compiler is
# needed and none can change the bytes.
import deepspeed
import torch
from deepspeed import DeepSpeedEngine
from torch import nn

from stages.core.machine import free_port
from stages.training.recipe import Recipe

BUCKET_ELEMENTS = 20_000_000
"""Gradients reduced at a time: the library's default would set aside 2 GB in float32 at every micro-batch."""

deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False


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


def start_processes_group() -> None:
    """Join the launcher's process group, or be the only member of one on a free port."""
    if "RANK" not in os.environ:
        os.environ |= {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    deepspeed.init_distributed(dist_backend="nccl" if torch.cuda.is_available() else "gloo")


def initialize(loss: nn.Module, recipe: Recipe) -> DeepSpeedEngine:
    groups = parameter_groups(loss, recipe.weight_decay)
    # Fused: one pass over memory a step, which on a CPU takes a third of the time of the default's dozen.
    optimizer = torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=recipe.betas, fused=True)
    engine, *_ = deepspeed.initialize(model=loss, optimizer=optimizer, config=configuration(recipe, world_size()))
    return engine


def parameter_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Matrices decay; norms and biases, which are vectors, do not."""
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    matrices = [parameter for parameter in trained if parameter.ndim >= 2]
    vectors = [parameter for parameter in trained if parameter.ndim < 2]
    pairs = ((matrices, weight_decay), (vectors, 0.0))
    return [{"params": group, "weight_decay": decay} for group, decay in pairs if group]


def configuration(recipe: Recipe, world: int) -> dict[str, Any]:
    buckets = {"reduce_bucket_size": BUCKET_ELEMENTS, "allgather_bucket_size": BUCKET_ELEMENTS}
    wanted = {"offload_optimizer": recipe.offload_optimizer, "offload_param": recipe.offload_parameters}
    offload = {"device": "cpu", "pin_memory": torch.cuda.is_available()}
    offloads = {name: dict(offload) for name, offloaded in wanted.items() if offloaded}
    return {
        "train_micro_batch_size_per_gpu": recipe.micro_batch_size,
        "gradient_accumulation_steps": accumulation_steps(recipe, world),
        "zero_optimization": {"stage": recipe.zero_stage, **buckets, **offloads},
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,
        "gradient_clipping": recipe.max_gradient_norm,
        "bf16": {"enabled": recipe.dtype == "bfloat16"},
        "steps_per_print": 10**9,
    }


def accumulation_steps(recipe: Recipe, world: int) -> int:
    """Micro-batches that each process adds up in one optimizer step, the last ones possibly empty."""
    return -(-recipe.batch_size // (recipe.micro_batch_size * world))


def world_size() -> int:
    return int(os.environ["WORLD_SIZE"])


def rank() -> int:
    return int(os.environ["RANK"])
