"""Values that are wrong anywhere in ``params.yaml``."""

from collections.abc import Iterator
from typing import Any

MOST = {
    "epochs": 10_000, "learning_rate": 1, "final_learning_rate": 1, "weight_decay": 10, "max_gradient_norm": 1e6,
    "temperature": 100, "repetition_penalty": 100, "processes": 4096, "threads": 4096, "layers": 1000, "tries": 1000,
}  # fmt: skip
"""The largest sensible values of keys whose sections set no limit; 2**32 for all other numbers."""
FREE = {"origin", "license", "command"}
"""Keys of free text, for people or for a shell."""


def leaves(value: Any, key: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*key, str(name)))
    else:
        yield key, value


def odd(key: tuple[str, ...], value: Any) -> str | None:
    """What is wrong with a value, apart from the rules of its section."""
    if isinstance(value, int | float) and abs(value) > MOST.get(key[-1], 2**32):
        return f"expected at most {MOST.get(key[-1], 2**32):,}, found {value}"
    if not isinstance(value, str) or key[-1] in FREE or "extra" in key:
        return None
    if not value.strip() or not value.isprintable():
        return "expected a text on one line, that is not empty (null is none)"
    if value.startswith("-"):
        return "expected no text that begins with -, which programs take for an option"
    if key[-1] in {"file", "member", "repository", "revision", "config", "split"} and (
        value.startswith("/") or ".." in value.split("/")
    ):
        return "expected a name inside the repository or wheel, without .."
    return None
