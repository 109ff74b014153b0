"""What a model-written program may use: the section ``sandbox`` of ``params.yaml``."""

from typing import Literal

from pydantic import Field

from stages.core.parameters import Section


class Limits(Section):
    """Limits on one program. It is always one process of one thread, and writes no files.

    Attributes:
        cpu_seconds: Processor time. This, not the clock, ends endless loops, so that the verdict does not depend on
            how busy the machine is.
        wall_seconds: The backstop for programs that wait without computing. A program that only waits for its turn on
            a busy machine goes on.
        memory_mb: Address space.
        output_kb: The most that may be printed, and the most that one call may return.
        isolation: ``required``: where the machine offers no sandbox, nothing is run. ``limits_only``: there, programs
            are run all the same, under limits on time and memory alone, and can read, write and send whatever the
            user of this machine can.
    """

    cpu_seconds: int = Field(ge=1)
    wall_seconds: int = Field(ge=1)
    memory_mb: int = Field(ge=128)
    output_kb: int = Field(ge=1)
    isolation: Literal["required", "limits_only"]
