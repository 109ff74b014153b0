"""What ``servers.openai`` of ``params.yaml`` says."""

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from stages.core.parameters import Section


class OpenAI(Section):
    """A server that speaks OpenAI's API of completions.

    Attributes:
        base_url: Its address; ``{port}`` stands for the free port on which ``command`` serves.
        command: What starts it for as long as it is needed; None for one that runs already. ``{folder}`` is the
            model's folder.
        start_timeout: Seconds that the command may take until the server answers.
        model: What the server calls the model: ``{folder}`` is its folder, ``{name}`` the last part of that.
        key_variable: The environment variable that holds a key; None for a server that wants none.
        prompts: ``ids`` leaves nothing to the server's tokenizer; ``text`` is for servers that take no ids.
        logprobs: Whether the server gives log-probabilities of a prompt's tokens (``echo`` with ``logprobs``). Without
            them no reading but ``written`` can be made.
        repetition_penalty_name: What the server calls it; None where it has none.
        extra: Further keys of each request, as the server defines them.
        in_flight: How many questions may be under way at once.
        timeout: Seconds without an answer after which a request counts as lost.
        preflight: Whether to ask first if the model is served; false for servers that do not list what they serve.
    """

    base_url: str
    command: str | None = None
    start_timeout: float = Field(default=1800.0, gt=0.0)
    model: str = "{folder}"
    key_variable: str | None = None
    prompts: Literal["ids", "text"] = "ids"
    logprobs: bool = True
    repetition_penalty_name: str | None = "repetition_penalty"
    extra: dict[str, Any] = Field(default_factory=dict)
    in_flight: int = Field(default=256, ge=1, le=4096)
    requests_per_minute: float | None = Field(default=None, gt=0.0)
    tokens_per_minute: float | None = Field(default=None, gt=0.0)
    timeout: float = Field(default=3600.0, gt=0.0)
    tries: int = Field(default=8, ge=1)
    preflight: bool = True

    @model_validator(mode="after")
    def _a_port_for_a_command(self) -> "OpenAI":
        if "{port}" in self.base_url and "{port}" not in (self.command or ""):
            raise ValueError(
                f"base_url: {self.base_url} has {{port}}, which stands for the port that command serves on, and "
                f"command {'has none' if self.command else 'is null'}: name the port, or have command take {{port}}"
            )
        return self

    @field_validator("logprobs")
    @classmethod
    def _need_ids(cls, wanted: bool, info: Any) -> bool:
        if wanted and info.data.get("prompts") == "text":
            raise ValueError("log-probabilities need prompts: ids, which say what each one belongs to; set it to false")
        return wanted
