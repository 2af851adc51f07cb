"""A basin is compared number by number, and has those numbers and no others."""

from types import SimpleNamespace

import numpy as np
import pytest

from constructions.verification.comparison import compared

BASIN = {"radius": 0.25, "rate": 0.5, "ball": 0.75, "strength": 0.125}
DESCENT = {**BASIN, "curvature": 4.0}


def basin(stated, right, name):
    about = [SimpleNamespace(critical=None, **{name: value}) for value in (stated, right)]
    return compared(name, *about, None)


@pytest.mark.parametrize(("name", "right"), [("basin", BASIN), ("descent", DESCENT)])
def test_a_basin_is_confirmed_as_it_is_and_left_open_where_rounding_differs(name, right):
    assert basin(dict(right), right, name).passed is True
    assert basin(None, None, name).passed is True
    for key, value in right.items():
        for factor, passed in ((1 + 5e-10, None), (1 - 5e-10, None), (1 + 2e-9, False), (0, False)):
            found = basin({**right, key: factor * value}, right, name)
            assert found.passed is passed, (key, factor)
            if passed is False:
                told = f"its {key} is stated {factor * value}, found {value}"
                assert found == (name, False, None, told)
        for odd in (np.nan, np.inf, str(value), None, [value], -value, True, 1, -1):
            assert basin({**right, key: odd}, right, name).passed is False, (key, odd)


@pytest.mark.parametrize(("name", "right"), [("basin", BASIN), ("descent", DESCENT)])
def test_a_basin_of_other_keys_is_none(name, right):
    others = [{**right, "more": 1.0}, {}, [*right], [*right.items()], 0.25, "basin", None]
    others += [{k: v for k, v in right.items() if k != key} for key in right]
    for stated in others:
        found = basin(stated, right, name)
        assert (found.name, found.passed) == (name, False), stated
    assert basin(right, None, name).passed is False
