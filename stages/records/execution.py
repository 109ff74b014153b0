"""What one model-written program did, as ``data/executions/<system>.jsonl`` holds it."""

from pydantic import BaseModel, ConfigDict


class Execution(BaseModel):
    """The verdict on one program.

    Attributes:
        program: The whole program that was run: the problem's prompt completed by the model.
        passed: Whether all tests passed; None where programs could not be run safely on this machine.
        reason: ``passed``, or why not: the exception's type, a limit that was hit, or why nothing was run.
    """

    model_config = ConfigDict(extra="forbid")

    id: str
    program: str
    passed: bool | None
    reason: str
