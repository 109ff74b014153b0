"""How questions are answered: ``scales.<scale>.generate`` and ``scales.<scale>.preference`` in ``params.yaml``."""

from typing import Literal

from pydantic import Field

from stages.parameters import Section


class Decoding(Section):
    """``generate.decoding``: what all benchmarks share.

    Attributes:
        batch_tokens: Prompt and answer tokens that are in memory at once, padding included.
        threads: Threads on a CPU: part of what fixes the bytes.
        packed: Weights as oneDNN lays them out, on a CPU in float32: up to twice as fast, but sums are then taken in an
            order that hangs on the processor's caches, and bytes are equal on one kind of processor alone.
    """

    dtype: Literal["float32", "bfloat16"]
    batch_tokens: int = Field(ge=256)
    threads: int = Field(2, ge=1)
    packed: bool = False


class Asking(Section):
    """``generate.benchmarks.<benchmark>``: how much of one benchmark is asked, and how.

    Attributes:
        limit: How many questions, a fair sample; None for all.
        max_new_tokens: Where an answer is cut, role prompt included.
        shots: Worked examples that stand before each question.
    """

    limit: int | None = Field(None, ge=1)
    max_new_tokens: int = Field(ge=1)
    shots: int = Field(0, ge=0)


class Sampling(Section):
    """How open-ended answers are sampled; LIMA's are 0.7, 0.9 and 1.2 (Zhou et al. 2023, section 4.1)."""

    temperature: float = Field(gt=0)
    top_p: float = Field(gt=0, le=1)
    repetition_penalty: float = Field(1.0, ge=1)


class OpenEnded(Asking):
    """``preference.decoding``: asking and sampling of the open-ended prompts."""

    sampling: Sampling
