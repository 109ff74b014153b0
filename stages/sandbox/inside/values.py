"""Plain data as JSON, so that a value, and never an object with a will of its own, comes out of a program.

None, booleans, numbers, strings and lists stand for themselves; everything else is ``{kind: content}``.
"""

from collections.abc import Callable, Iterable, Iterator, KeysView, ValuesView
from decimal import Decimal
from fractions import Fraction
from typing import Any

PLAIN_INTEGERS = 1 << 63  # beyond this, hexadecimal: decimal digits are limited, and slow


class Opaque:
    """Stands for what is not plain data: equal to nothing but itself."""


def encode(value: Any) -> Any:
    """What JSON can hold of a value; subclasses become the plain type they extend."""
    if value is None or isinstance(value, bool | float | str):
        return value
    if isinstance(value, int):
        return value if abs(value) < PLAIN_INTEGERS else {"int": hex(value)}
    if isinstance(value, list):
        return [encode(item) for item in value]
    for name, (kind, content, _) in KINDS.items():
        if isinstance(value, kind):
            return {name: content(value)}
    return {"opaque": None}


def decode(data: Any) -> Any:
    """The value again. What was sent may be anything: any exception may come of it, but no code is run."""
    if isinstance(data, list):
        return [decode(item) for item in data]
    if isinstance(data, dict):
        ((kind, content),) = data.items()
        if kind == "int":
            return int(content, 16)
        return Opaque() if kind == "opaque" else KINDS[kind][2](content)
    return data


def _items(value: Iterable[Any]) -> list[Any]:
    return [encode(item) for item in value]


# Name: type, what JSON can hold of it, the value again. The first type that fits counts.
KINDS: dict[str, tuple[type, Callable[[Any], Any], Callable[[Any], Any]]] = {
    "dict": (dict, lambda v: [_items(pair) for pair in v.items()], lambda c: {decode(k): decode(v) for k, v in c}),
    "tuple": (tuple, _items, lambda c: tuple(decode(c))),
    "set": (set, _items, lambda c: set(decode(c))),
    "frozenset": (frozenset, _items, lambda c: frozenset(decode(c))),
    "complex": (complex, lambda v: [v.real, v.imag], lambda c: complex(*c)),
    "bytes": (bytes, bytes.hex, bytes.fromhex),
    "bytearray": (bytearray, bytearray.hex, bytearray.fromhex),
    "range": (range, lambda v: _items([v.start, v.stop, v.step]), lambda c: range(*decode(c))),
    "Fraction": (Fraction, lambda v: _items([v.numerator, v.denominator]), lambda c: Fraction(*decode(c))),
    "Decimal": (Decimal, str, Decimal),
    "keys": (KeysView, _items, lambda c: dict.fromkeys(decode(c)).keys()),
    "iterator": (Iterator, _items, lambda c: iter(decode(c))),
    "values": (ValuesView, _items, lambda c: dict(enumerate(decode(c))).values()),
}
