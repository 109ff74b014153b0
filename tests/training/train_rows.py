"""Trains on the rows of test_zero.py, as one process or under a launcher.

FOLDER OUT ZERO_STAGE MICRO_BATCH_SIZE [EPOCHS CHECKPOINT_EVERY LORA_RANK [DTYPE]]
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch
from transformers import AutoTokenizer

from stages.training import loop
from stages.training.checkpoints import Checkpoints, fingerprint
from stages.training.curve import as_csv
from stages.training.engine import initialize, rank, start_processes_group
from stages.training.loss import CompletionLoss
from stages.training.model import load
from stages.training.recipe import Lora, Recipe
from stages.training.rows import optimizer_steps
from stages.training.run import export
from tests.training.test_zero import BATCH, RATES, rows

folder, out, stage, micro_batch_size = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
epochs, every, lora_rank = (int(value) for value in (sys.argv[5:8] or ["1", "0", "0"]))
recipe = Recipe(
    epochs=epochs,
    batch_size=BATCH,
    micro_batch_size=micro_batch_size,
    max_length=64,
    learning_rate=RATES[0],
    final_learning_rate=RATES[1],
    dtype="bfloat16" if sys.argv[8:] == ["bfloat16"] else "float32",
    zero_stage=stage,
    validate_every=100,
    residual_dropout=0.1 if every else 0.0,
    checkpoint_every=every or None,
    lora=Lora(rank=lora_rank, alpha=2 * lora_rank) if lora_rank else None,
)
torch.set_num_threads(1)
start_processes_group()
torch.manual_seed(3)
model = load(folder, recipe)
engine = initialize(CompletionLoss(model), recipe)
learnt = rows()
steps = [[learnt[index] for index in step] for step in optimizer_steps(range(len(learnt)), BATCH)] * epochs
shaping = [recipe.learning_rate, stage, micro_batch_size, steps]
checkpoints = Checkpoints(out / "checkpoints", fingerprint(folder, shaping), recipe.checkpoint_every)
losses = loop.train(engine, steps, learnt[:3], recipe, checkpoints)
export(engine, model, AutoTokenizer.from_pretrained(folder), out / "model")
if rank() == 0:
    (out / "curve.csv").write_text(as_csv(losses))
    (out / "norms.json").write_text(json.dumps([row.gradient_norm for row in losses[1:]]))
torch.distributed.destroy_process_group()
