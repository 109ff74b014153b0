"""Faults that are the input's or the machine's, not the program's, and how they are told."""

import errno
import re
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError


class InputError(Exception):
    """Something given to a stage is wrong: the message names it, says what was expected and what to do."""


REMEDIES = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
    errno.EFBIG: "raise the limit on the size of files (`ulimit -f`)",
    errno.EROFS: "work where files can be written",
    errno.EACCES: "work as a user who has that right",
}


RUST = re.compile(r"\(os error (\d+)\)")
"""How libraries in Rust, that of safetensors among them, name an error of the system."""


def remedy(error: Exception) -> str | None:
    """What helps against an error of the disk; None where it is none."""
    told = RUST.search(str(error))
    number = error.errno if isinstance(error, OSError) else int(told[1]) if told else None
    return REMEDIES.get(number or 0)


def describe(error: ValidationError, prefix: str = "", value: Any = None) -> str:
    """A validation error as one readable line: each key, what was wrong, what was found.

    The value of an unknown key is not told: it may be a secret pasted where it does not belong. Given the whole value,
    keys stand as they do there: pydantic also names the kind that it took a section for.
    """
    parts = []
    for fault in error.errors():
        key = ".".join(
            [*([prefix] if prefix else []), *_place(fault["loc"], value, missing=fault["type"] == "missing")]
        )
        if fault["type"] in {"union_tag_invalid", "union_tag_not_found"}:
            key = f"{key}.{fault['ctx']['discriminator']}".replace("'", "")
        told = fault["type"] not in {"missing", "value_error", "extra_forbidden", "union_tag_invalid"}
        text = fault["msg"].removeprefix("Value error, ") + (f", found {fault['input']!r:.100}" if told else "")
        parts.append(f"{key}: {text}" if key else text)
    return "; ".join(parts)


def _place(location: tuple[int | str, ...], value: Any, *, missing: bool) -> Iterator[str]:
    for number, part in enumerate(location, start=1):
        inside = part in value if isinstance(value, dict) else isinstance(value, list | tuple) and isinstance(part, int)
        if inside or value is None or (missing and number == len(location)):
            yield str(part)
        if inside:
            value = value[part]
