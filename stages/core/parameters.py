"""Sections of ``params.yaml``, read as DVC reads them (YAML 1.2) and validated.

Each section's type is defined beside the code that uses it; this file only finds and checks sections.
"""

import difflib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, TypeAdapter, ValidationError, model_validator
from ruamel.yaml import YAML, YAMLError

from stages.core.errors import InputError, describe

PATH = Path("params.yaml")
DEEPEST = 32
"""Levels of nested mappings and lists; params.yaml has seven."""
NAME = re.compile(r"[A-Za-z0-9][\w-]*")

T = TypeVar("T")


def _plain(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(
            f"{name!r}: expected letters, digits, - and _, beginning with a letter or digit: it becomes part of file "
            "names and commands, and DVC takes what follows a dot for a key below"
        )
    return name


Key = Annotated[str, AfterValidator(_plain)]
"""A preset's name."""


class Section(BaseModel):
    """Base of every section: unknown keys are refused, and ``true`` and ``false`` are not numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="wrap")
    @classmethod
    def _booleans_are_no_numbers(cls, data: Any, validated: Callable[[Any], Self]) -> Self:
        section = validated(data)
        for name, value in section:
            given = data.get(name) if isinstance(data, dict) else None
            pairs = zip(_entries(given), _entries(value), strict=False)
            if any(isinstance(before, bool) and type(after) in (int, float) for before, after in pairs):
                raise ValueError(f"{name}: expected no boolean, found {given!r}")
        return section


def _entries(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else [value]


def load(key: str, kind: type[T], path: Path | None = None) -> T:
    """The section of ``params.yaml`` at a dotted key, validated as ``kind``.

    Raises:
        InputError: The key is absent (near or allowed ones are named), or a value is not as expected.
    """
    path = path or PATH
    return validate(find(read(path), key, path), kind, key, path)


def validate(value: Any, kind: type[T], key: str, path: Path) -> T:
    """The value as ``kind``.

    Raises:
        InputError: It is not valid; the message names every key, what was expected and what was found, and the keys
            that are allowed where one is unknown.
    """
    if isinstance(value, bool) and kind in (int, float):
        raise InputError(f"{path}: {key}: expected a number, found {str(value).lower()}")
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        unknown = [fault["loc"] for fault in error.errors() if fault["type"] == "extra_forbidden"]
        allowed = _keys_at(kind, unknown[0][:-1]) if unknown else []
        hint = f" (the keys here are: {', '.join(allowed)})" if allowed else ""
        raise InputError(f"{path}: {describe(error, key, value)}{hint}") from None


def _keys_at(kind: Any, location: Sequence[int | str]) -> list[str]:
    """The keys that a model allows at a place inside it; empty if unknown."""
    for part in location:
        kind = get_args(kind)[0] if get_origin(kind) is Annotated else kind
        fields = getattr(kind, "model_fields", {})
        tagged = [each for each in get_args(kind) if _has_tag(each, part)]  # of a union by kind, the member it names
        kind = fields[part].annotation if part in fields else (tagged or get_args(kind) or (None,))[-1]
    return list(getattr(kind, "model_fields", {}))


def _has_tag(kind: Any, tag: int | str) -> bool:
    return any(tag in get_args(field.annotation) for field in getattr(kind, "model_fields", {}).values())


def read(path: Path) -> dict[str, Any]:
    """The whole file, as DVC reads it: ``no`` is a text, ``010`` is ten, ``1:30`` is a text, ``1e-5`` a number.

    Raises:
        InputError: The file is missing, not in UTF-8, not YAML (a key given twice included), or nested too deeply.
    """
    try:
        content = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path} does not exist here: run stages from the top of the repository") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 (byte {error.start + 1}): save the file in UTF-8") from None
    except RecursionError:
        raise InputError(f"{path}: nested too deeply: expected at most {DEEPEST} levels") from None
    except (YAMLError, ValueError) as error:  # ValueError: a number of thousands of digits
        raise InputError(f"{path} is not YAML: {error}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a mapping at the top")
    if _deeper(content, DEEPEST):
        raise InputError(f"{path}: nested too deeply: expected at most {DEEPEST} levels")
    return content


def _deeper(value: Any, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels == 0 or any(_deeper(each, levels - 1) for each in inner)


def find(content: dict[str, Any], key: str, path: Path) -> Any:
    """The value at a dotted key.

    Raises:
        InputError: It does not exist; the message suggests a similar name, or lists the keys.
    """
    node: Any = content
    parts = key.split(".")
    for depth, part in enumerate(parts):
        if not isinstance(node, dict) or part not in node:
            allowed = [str(name) for name in node] if isinstance(node, dict) else []
            near = difflib.get_close_matches(part, allowed, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            where = ".".join(parts[:depth]) or "the top level"
            raise InputError(f"{path}: {key!r} is not there: {where} has {', '.join(allowed) or 'no keys'}.{hint}")
        node = node[part]
    return node
