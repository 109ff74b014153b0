"""What a system wrote for one question, as ``data/generations/<system>/<benchmark>.jsonl`` holds it."""

from pydantic import BaseModel, ConfigDict


class Generation(BaseModel):
    """One answer.

    Attributes:
        prompt: All that the model was shown, chat template included.
        role: The role prompt that opens the output, or None.
        output: All that stands in the assistant's turn, the role prompt included.
        output_tokens: How many tokens of it the model wrote itself.
        finished: Whether the model ended its turn before the limit.
        choice_logprobs: Log-probability of each choice after the output and the trigger, in nats; None without choices,
            or where a server gives none.
    """

    model_config = ConfigDict(extra="forbid")

    id: str
    prompt: str
    role: str | None
    output: str
    output_tokens: int
    finished: bool
    choice_logprobs: list[float] | None = None
