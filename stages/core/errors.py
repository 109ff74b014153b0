"""Faults of the input or the machine, not of the program, and their messages."""

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
"""How Rust libraries, such as safetensors, name a system error."""


def remedy(error: Exception) -> str | None:
    """What to do about a disk error; None for other errors."""
    told = RUST.search(str(error))
    number = error.errno if isinstance(error, OSError) else int(told[1]) if told else None
    return REMEDIES.get(number or 0)


def describe(error: ValidationError, prefix: str = "", value: Any = None) -> str:
    """A validation error as one readable line: each key, what was wrong, what was found.

    The value of an unknown key is not shown: it may be a secret in the wrong place. Given the whole value, keys are
    written as they are there, without the kind that pydantic adds for a section.
    """
    parts = []
    for fault in error.errors():
        kind = fault["type"]
        key = ".".join(filter(None, [prefix, *_place(fault["loc"], value, missing=kind == "missing")]))
        if kind in {"union_tag_invalid", "union_tag_not_found"}:
            key = f"{key}.{fault['ctx']['discriminator']}".replace("'", "")
        told = kind not in {"missing", "value_error", "extra_forbidden", "union_tag_invalid"}
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
