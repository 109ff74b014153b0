"""How questions are answered: a scale's ``generate``, ``likelihood`` and ``preference.decoding`` in ``params.yaml``."""

from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from stages.core import parameters
from stages.core.parameters import Section
from stages.records.results import Reading


class Decoding(Section):
    """``generate.decoding``: what all benchmarks share.

    Attributes:
        batch_tokens: Prompt and answer tokens that are in memory at once, padding included.
        threads: Threads on a CPU: part of what fixes the bytes.
        packed: Weights as oneDNN lays them out, on a CPU in float32: up to twice as fast, but the order of sums then
            depends on the processor's caches, and bytes are equal on one kind of processor alone.
    """

    dtype: Literal["float32", "bfloat16"]
    batch_tokens: int = Field(ge=256)
    threads: int = Field(2, ge=1)
    packed: bool = False


class AnswerLimits(Section):
    """How many questions are asked, a fair sample, and where a written answer is cut, its role prompt included."""

    limit: int | None = Field(None, ge=1)
    max_new_tokens: int = Field(256, ge=1)


class Asking(AnswerLimits):
    """``generate.defaults``, and what ``generate.benchmarks.<benchmark>`` says otherwise.

    Attributes:
        written: How many of the questions, the first, also get a written answer where they are multiple choice; None
            for all of them. Questions with free answers always do.
        role_tokens: Where the role prompt before a ``cloze`` or ``letter`` reading is cut.
        shots: Worked examples that stand before each question.
    """

    written: int | None = Field(None, ge=0)
    role_tokens: int = Field(80, ge=1)
    shots: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _room_for_the_role(self) -> "Asking":
        if self.role_tokens > self.max_new_tokens:
            raise ValueError(
                f"role_tokens: {self.role_tokens} exceeds max_new_tokens, {self.max_new_tokens}: written answers must "
                "have room for the role prompt. Lower role_tokens"
            )
        return self


class Sampling(Section):
    """How open-ended answers are sampled; LIMA's are 0.7, 0.9 and 1.2 (Zhou et al. 2023, section 4.1)."""

    temperature: float = Field(gt=0)
    top_p: float = Field(gt=0, le=1)
    repetition_penalty: float = Field(1.0, ge=1)


class OpenEnded(AnswerLimits):
    """``preference.decoding``: how the open-ended prompts are answered."""

    sampling: Sampling


class ReferenceLikelihoods(Section):
    """A scale's ``likelihood``: how many held-out conversations, and where answer and own role prompt are cut.

    Attributes:
        limit: How many conversations, the first ones; None for all.
        answer_tokens: How many tokens of each reference answer are measured, from its beginning; None for all.
    """

    limit: int | None = Field(None, ge=1)
    answer_tokens: int | None = Field(None, ge=1)
    role_tokens: int = Field(80, ge=1)


class Generate(Section):
    """A scale's section ``generate`` as a whole; a stage reads only the keys that shape its output."""

    decoding: Decoding
    readings: list[Reading] = Field(min_length=1)
    primary: Reading
    defaults: Asking
    benchmarks: dict[str, Asking]

    @model_validator(mode="before")
    @classmethod
    def _with_defaults(cls, section: Any) -> Any:
        """Each benchmark's exceptions with the defaults that hold beside them; faults of the defaults are told once."""
        try:
            defaults = Asking.model_validate(section["defaults"]).model_dump()
            filled = {name: defaults | exceptions for name, exceptions in section["benchmarks"].items()}
        except (ValidationError, TypeError, KeyError, AttributeError):
            return section
        return section | {"benchmarks": filled}

    @model_validator(mode="after")
    def _consistent(self) -> "Generate":
        if self.primary not in self.readings:
            raise ValueError(f"primary: {self.primary} is none of readings, {', '.join(self.readings)}: add it there")
        if len(set(self.readings)) < len(self.readings):
            raise ValueError("readings: an entry stands twice")
        return self


def load_asking(scale: str, benchmark: str) -> Asking:
    """``generate.defaults`` of a scale with the benchmark's exceptions.

    Raises:
        InputError: A key is unknown, or a value not as expected; which of the two sections it stands in is named.
    """
    defaults = parameters.load(f"scales.{scale}.generate.defaults", Asking)
    key = f"scales.{scale}.generate.benchmarks.{benchmark}"
    exceptions = parameters.load(key, dict[str, Any])
    return parameters.validate(defaults.model_dump() | exceptions, Asking, key, parameters.PATH)
