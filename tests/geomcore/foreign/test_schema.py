"""JSON by a schema: what it says, or one sentence and the field."""

import pytest
from msgspec import Struct

from geomcore.foreign.schema import Mismatch, decoded


class Flower(Struct):
    name: str
    sizes: list[float] = []


# By hand


def test_what_fits_is_read_and_what_is_not_asked_for_is_left_out():
    assert decoded(b'{"name": "rose", "more": [1]}', Flower) == Flower("rose")
    assert decoded('{"sizes": [1, 2.5], "name": ""}', Flower) == Flower("", [1.0, 2.5])


# Bad input


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('{"name": 1}', "name"),
        ('{"name": "a", "sizes": [1, "b"]}', "sizes"),
        ('{"name": "a", "sizes": [1' + "0" * 400 + "]}", "sizes"),
        ('{"sizes": []}', None),
        ("{", None),
        ("[]", None),
        ("[" * 100_000, None),
        ('{"more": ' + "[" * 100_000, None),
        (b"\xff\xfe", None),
        ("\ud800", None),
        (None, None),
        (7, None),
        ('{"name": NaN}', None),
    ],
)
def test_what_does_not_fit_ends_in_a_short_sentence(text, field):
    with pytest.raises(Mismatch) as caught:
        decoded(text, Flower)
    assert caught.value.field == field
    assert len(str(caught.value)) <= 160
