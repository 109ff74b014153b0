import json

import pytest

from stages.sandbox.inside.processes import Opaque, decode, encode


class Sly(int):
    def __eq__(self, other):
        return True

    __hash__ = int.__hash__


def crossed(value):
    return decode(json.loads(json.dumps(encode(value))))


def test_subclasses_become_plain():
    assert type(crossed(Sly(3))) is int
    assert crossed(Sly(3)) != 4
    assert type(crossed({Sly(1): Sly(1 << 70)})[1]) is int


def test_objects_become_opaque():
    assert isinstance(crossed(object()), Opaque)
    assert isinstance(crossed([print])[0], Opaque)


def test_nan_crosses():
    assert crossed(float("nan")) != crossed(float("nan"))


@pytest.mark.parametrize(
    "noise",
    [{"int": "zz"}, {"int": 3}, {"set": [[1]]}, {"unknown": 1}, {}, {"a": 1, "b": 2}, {"dict": [1]}, {"range": ["a"]},
     {"complex": "x"}, {"bytes": 3}, {"Decimal": [1]}, {"Fraction": [1, 0]}],
)  # fmt: skip
def test_noise_is_an_ordinary_exception(noise):
    with pytest.raises(Exception):  # noqa: B017
        decode(noise)
