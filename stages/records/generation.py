"""What a system made of one question, as ``data/generations/<system>/<benchmark>.jsonl`` holds it."""

from pydantic import BaseModel, ConfigDict


class ChoiceReading(BaseModel):
    """How likely each choice is at the head of the assistant's turn.

    Attributes:
        prompt: All that the model was shown before the choices: chat template, role prompt and trigger included.
        role: The role prompt at the head of the turn, or None.
        logprobs: Log-likelihood of each choice in nats, summed over its tokens, in the order of the question's choices.
        unconditional: The same for the choices after the trigger without any question; only where the benchmark's
            normalisation is ``unconditional``.
    """

    model_config = ConfigDict(extra="forbid")

    prompt: str
    role: str | None
    logprobs: list[float]
    unconditional: list[float] | None = None


class Generation(BaseModel):
    """One question under one system: its written answer and its readings of the choices, as far as they were made.

    Attributes:
        role: The role prompt that opens the turn: of the written answer if there is one, else of ``letter``, else of
            ``cloze``; None where there is none.
        prompt: All that the model was shown before it wrote, chat template included.
        output: All that stands in the assistant's turn, the role prompt included.
        output_tokens: How many tokens of it the model wrote itself.
        finished: Whether the model ended its turn before the limit.
        letter: Choices shown, and the likelihood of their letters (of the words yes and no where those are asked for).
        cloze: Choices not shown, and the likelihood of each choice's own text.
    """

    model_config = ConfigDict(extra="forbid")

    id: str
    role: str | None
    prompt: str | None = None
    output: str | None = None
    output_tokens: int = 0
    finished: bool | None = None
    letter: ChoiceReading | None = None
    cloze: ChoiceReading | None = None
