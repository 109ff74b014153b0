"""Trains on the rows of test_zero.py: FOLDER OUT ZERO_STAGE MICRO_BATCH_SIZE, as one process or under a launcher."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from stages.training import loop
from stages.training.batches import optimizer_steps
from stages.training.engine import initialize, rank, start_processes_group
from stages.training.export import export
from stages.training.loss import CompletionLoss
from stages.training.recipe import Recipe
from tests.training.test_zero import BATCH, RATES, rows

folder, out, stage, micro_batch_size = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
recipe = Recipe(
    epochs=1,
    batch_size=BATCH,
    micro_batch_size=micro_batch_size,
    max_length=64,
    learning_rate=RATES[0],
    final_learning_rate=RATES[1],
    dtype="float32",
    zero_stage=stage,
    validate_every=100,
)
torch.set_num_threads(1)
start_processes_group()
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
engine = initialize(CompletionLoss(model), recipe)
learnt = rows()
steps = [[learnt[index] for index in step] for step in optimizer_steps(range(len(learnt)), BATCH)]
losses = loop.train(engine, steps, learnt[:3], recipe, pad_id=0)
export(engine, model, AutoTokenizer.from_pretrained(folder), out / "model")
if rank() == 0:
    (out / "norms.json").write_text(json.dumps([row.gradient_norm for row in losses[1:]]))
torch.distributed.destroy_process_group()
