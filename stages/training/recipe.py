"""How an arm is trained: ``scales.<scale>.finetune`` in ``params.yaml``, and ``models.<model>.finetune`` over it."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from stages.core import parameters
from stages.core.parameters import Section

Fraction = Annotated[float, Field(ge=0, lt=1)]


class Lora(Section):
    """Low-rank adapters (Hu et al. 2021) in place of full fine-tuning; merged into the weights at export.

    Attributes:
        alpha: The adapters' product is scaled by alpha / rank.
        targets: Names of linear layers, or ``all-linear`` for all but the output projection.
    """

    rank: int = Field(ge=1)
    alpha: float = Field(gt=0)
    dropout: Fraction = 0.0
    targets: Literal["all-linear"] | list[str] = "all-linear"


class Recipe(Section):
    """The recipe of all arms.

    Attributes:
        batch_size: Conversations in one optimizer step, over all processes and micro-batches.
        micro_batch_size: Conversations that one process holds at a time.
        max_length: Most tokens of a conversation. One that has more in any arm is left out of all arms.
        residual_dropout: Dropout on what attention and MLP add to the residual stream: 0 at the bottom layer, rising
            linearly to this at the top (LIMA, Zhou et al. 2023, section 3).
        final_learning_rate: Where the linear decay ends.
        processes: Processes on this machine; None for one a GPU, or one on a machine without.
        threads: Threads of one process on a CPU: part of what fixes the bytes.
        lora: Train low-rank adapters alone; None to train all weights.
        checkpoint_every: Optimizer steps between checkpoints, from which a killed run resumes; None for none.
        validate_every: Optimizer steps between validations; one before the first and one after the last come anyway.
        validation_limit: Held-out conversations that the loss during training is taken on; None for all that fit.
    """

    epochs: float = Field(gt=0)
    batch_size: int = Field(ge=1)
    micro_batch_size: int = Field(ge=1)
    max_length: int = Field(ge=16)
    learning_rate: float = Field(gt=0)
    final_learning_rate: float = Field(ge=0)
    betas: tuple[Fraction, Fraction] = (0.9, 0.95)
    weight_decay: float = Field(0.1, ge=0)
    max_gradient_norm: float = Field(1.0, gt=0)
    residual_dropout: Fraction = 0.0
    dtype: Literal["float32", "bfloat16"]
    zero_stage: Literal[0, 1, 2, 3]
    offload_optimizer: bool = False
    offload_parameters: bool = False
    gradient_checkpointing: bool = False
    processes: int | None = Field(None, ge=1)
    threads: int = Field(2, ge=1)
    lora: Lora | None = None
    checkpoint_every: int | None = Field(None, ge=1)
    validate_every: int = Field(ge=1)
    validation_limit: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _consistent(self) -> "Recipe":
        if self.batch_size % self.micro_batch_size:
            raise ValueError(f"batch_size {self.batch_size} is no multiple of micro_batch_size {self.micro_batch_size}")
        if self.final_learning_rate > self.learning_rate:
            raise ValueError("final_learning_rate is above learning_rate: the schedule decays")
        if self.offload_parameters and self.zero_stage != 3:
            raise ValueError("offload_parameters needs zero_stage 3")
        if self.offload_optimizer and self.zero_stage == 0:
            raise ValueError("offload_optimizer needs zero_stage 1, 2 or 3")
        return self


def load(scale: str, model: str, path: Path | None = None) -> Recipe:
    """A scale's recipe with what a model sets otherwise; an error names the key in the section that it stands in."""
    path = path or parameters.PATH
    own_key = f"models.{model}.finetune"
    of_scale: dict[str, Any] = parameters.load(f"scales.{scale}.finetune", dict, path)
    recipe = parameters.validate(of_scale, Recipe, f"scales.{scale}.finetune", path)
    own: dict[str, Any] = parameters.load(own_key, dict, path)
    return parameters.validate({**of_scale, **own}, Recipe, own_key, path) if own else recipe
