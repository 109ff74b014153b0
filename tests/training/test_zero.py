"""ZeRO against plain AdamW in torch, written here on its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM

from stages.chat.rendering import Part, Rendered
from stages.training.curve import linear_decay
from tests.conftest import tiny_model

STEPS, BATCH, RATES = 10, 8, (3e-4, 3e-5)
"""At a rate of 1e-3 a gradient of nearly zero, whose sign is a matter of rounding, moves a weight by more than 1e-5."""
PROGRAM = Path(__file__).parent / "train_rows.py"


def rows() -> list[Rendered]:
    """Rows of unequal length, whose ids are bytes."""
    generator = torch.Generator().manual_seed(1)
    lengths = torch.randint(4, 24, (STEPS * BATCH,), generator=generator).tolist()
    return [
        Rendered(torch.randint(0, 250, (length,), generator=generator).tolist(), _parts(length)) for length in lengths
    ]


def _parts(length: int) -> list[Part]:
    return [Part.PROMPT] * (length // 3) + [Part.ROLE] + [Part.ANSWER] * (length - length // 3 - 1)


def plainly_trained(folder: Path) -> tuple[dict[str, torch.Tensor], list[float]]:
    """One process, one row at a time, all logits, torch's own AdamW and clipping."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    decayed = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    kept = [parameter for parameter in model.parameters() if parameter.ndim == 1]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": kept, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.95))
    norms = []
    for step in range(STEPS):
        batch = rows()[step * BATCH : (step + 1) * BATCH]
        learnt = sum(part is not Part.PROMPT for row in batch for part in row.parts[1:])
        for row in batch:
            logits = model(torch.tensor([row.ids])).logits[0, :-1]
            wanted = torch.tensor([part is not Part.PROMPT for part in row.parts[1:]])
            loss = F.cross_entropy(logits[wanted], torch.tensor(row.ids[1:])[wanted], reduction="sum")
            (loss / learnt).backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)))
        for group in optimizer.param_groups:
            group["lr"] = linear_decay(step, STEPS, *RATES)
        optimizer.step()
        optimizer.zero_grad()
    return model.state_dict(), norms


@pytest.mark.parametrize(
    ("architecture", "stage", "micro_batch_size", "processes"),
    [
        ("llama", 2, 4, 2),
        ("gemma3", 3, 4, 1),
        pytest.param("llama", 0, 1, 1, marks=pytest.mark.long),
        pytest.param("llama", 1, 8, 1, marks=pytest.mark.long),
        pytest.param("mistral", 2, 8, 1, marks=pytest.mark.long),
        pytest.param("llama", 3, 2, 2, marks=pytest.mark.long),
    ],
)
def test_zero_equals_plain_adamw(tmp_path, architecture, stage, micro_batch_size, processes):
    folder = tiny_model(architecture, tmp_path / architecture)
    weights, norms = plainly_trained(folder)
    run(folder, tmp_path, stage, micro_batch_size, processes)
    trained = AutoModelForCausalLM.from_pretrained(tmp_path / "model", dtype=torch.float32).state_dict()
    assert trained.keys() == weights.keys()
    for name, expected in weights.items():
        torch.testing.assert_close(
            trained[name], expected, rtol=0, atol=1e-5, msg=lambda found, name=name: f"{name}: {found}"
        )
    found = json.loads((tmp_path / "norms.json").read_text())
    assert found == pytest.approx(norms, rel=1e-4)


def run(folder: Path, out: Path, stage: int, micro_batch_size: int, processes: int) -> None:
    arguments = [str(folder), str(out), str(stage), str(micro_batch_size)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if processes == 1:
        command = [sys.executable, str(PROGRAM), *arguments]
    else:
        port = ["--nproc_per_node", str(processes), "--master_port", "0", "--rdzv_backend", "c10d"]
        command = [sys.executable, "-m", "torch.distributed.run", *port, "--rdzv_endpoint", "localhost:0"]
        command += [str(PROGRAM), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
