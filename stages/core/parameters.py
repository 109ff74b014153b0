"""Sections of ``params.yaml``, read through validated models.

Each section's model stands beside the code that uses it; this file only finds and checks a section.
"""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from stages.core.errors import InputError
from stages.records.files import describe

PATH = Path("params.yaml")

T = TypeVar("T")


class Section(BaseModel):
    """Base of every section: unknown keys are refused; ``1e-05`` as a string is read as the number it is."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def load(key: str, kind: type[T], path: Path | None = None) -> T:
    """The section of ``params.yaml`` at a dotted key, validated as ``kind``.

    Raises:
        InputError: The key is absent (near or allowed ones are named), or a value is not as expected.
    """
    path = path or PATH
    return validate(find(read(path), key, path), kind, key, path)


def validate(value: Any, kind: type[T], key: str, path: Path) -> T:
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        raise InputError(f"{path}: {explain(error, key, kind)}") from None


def explain(error: ValidationError, key: str, kind: Any) -> str:
    """As :func:`stages.records.files.describe`, with the allowed keys named where one is unknown."""
    text = describe(error, key)
    unknown = [fault["loc"] for fault in error.errors() if fault["type"] == "extra_forbidden"]
    allowed = _keys_at(kind, unknown[0][:-1]) if unknown else []
    return f"{text} (the keys here are: {', '.join(allowed)})" if allowed else text


def _keys_at(kind: Any, location: Sequence[int | str]) -> list[str]:
    """The keys that a model allows at a place inside it; none where that cannot be told."""
    for part in location:
        if isinstance(kind, type) and issubclass(kind, BaseModel) and part in kind.model_fields:
            kind = kind.model_fields[str(part)].annotation
        elif get_origin(kind) in (dict, list):
            kind = get_args(kind)[-1]
        else:
            return []
    return list(kind.model_fields) if isinstance(kind, type) and issubclass(kind, BaseModel) else []


def read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path} does not exist here: run stages from the top of the repository") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path} is not YAML: {error}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a mapping at the top")
    return content


def find(content: dict[str, Any], key: str, path: Path) -> Any:
    node: Any = content
    walked: list[str] = []
    for part in key.split("."):
        if not isinstance(node, dict) or part not in node:
            allowed = [str(name) for name in node] if isinstance(node, dict) else []
            near = difflib.get_close_matches(part, allowed, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            where = ".".join(walked) or "the top level"
            raise InputError(f"{path}: {key!r} is not there: {where} has {', '.join(allowed) or 'no keys'}.{hint}")
        node = node[part]
        walked.append(part)
    return node
