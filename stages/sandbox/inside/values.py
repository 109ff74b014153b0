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
    for name, (kind, content) in ENCODERS.items():
        if isinstance(value, kind):
            return {name: content(value)}
    return {"opaque": None}


def _items(value: Iterable[Any]) -> list[Any]:
    return [encode(item) for item in value]


ENCODERS: dict[str, tuple[type, Callable[[Any], Any]]] = {
    "dict": (dict, lambda value: [_items(pair) for pair in value.items()]),
    "tuple": (tuple, _items),
    "set": (set, _items),
    "frozenset": (frozenset, _items),
    "complex": (complex, lambda value: [value.real, value.imag]),
    "bytes": (bytes, bytes.hex),
    "bytearray": (bytearray, bytearray.hex),
    "range": (range, lambda value: _items([value.start, value.stop, value.step])),
    "Fraction": (Fraction, lambda value: _items([value.numerator, value.denominator])),
    "Decimal": (Decimal, str),
    "keys": (KeysView, _items),
    "iterator": (Iterator, _items),
    "values": (ValuesView, _items),
}

DECODERS: dict[str, Callable[[Any], Any]] = {
    "int": lambda content: int(content, 16),
    "dict": lambda content: {decode(key): decode(item) for key, item in content},
    "tuple": lambda content: tuple(decode(content)),
    "set": lambda content: set(decode(content)),
    "frozenset": lambda content: frozenset(decode(content)),
    "complex": lambda content: complex(*content),
    "bytes": bytes.fromhex,
    "bytearray": bytearray.fromhex,
    "range": lambda content: range(*decode(content)),
    "Fraction": lambda content: Fraction(*decode(content)),
    "Decimal": Decimal,
    "keys": lambda content: dict.fromkeys(decode(content)).keys(),
    "iterator": lambda content: iter(decode(content)),
    "values": lambda content: dict(enumerate(decode(content))).values(),
    "opaque": lambda content: Opaque(),
}


def decode(data: Any) -> Any:
    """The value again. What was sent may be anything: any exception may come of it, but no code is run."""
    if isinstance(data, list):
        return [decode(item) for item in data]
    if isinstance(data, dict):
        ((kind, content),) = data.items()
        return DECODERS[kind](content)
    return data
