"""On a segment a network is what its pieces say, and bends nowhere else."""

import numpy as np
import pytest
from builders import random_network
from hypothesis import given
from hypothesis import strategies as st

from geomcore import ReLUNetwork, activation_pattern, line_pieces


@given(
    st.sampled_from([(1, 4, 1), (2, 5, 5, 2), (3, 3, 3, 3, 1), (2, 2)]), st.integers(0, 2**32 - 1)
)
def test_pieces_are_the_network(widths, seed):
    rng = np.random.default_rng(seed)
    net = random_network(widths, rng, scaled=True)
    start, end = rng.normal(size=(2, widths[0])) * 3
    found = line_pieces(net, start, end)
    assert found.t[0] == 0 and found.t[-1] == 1 and (np.diff(found.t) > 0).all()
    t = np.concatenate([(found.t[:-1] + found.t[1:]) / 2, rng.uniform(size=50)])
    piece = np.clip(np.searchsorted(found.t, t, side="right") - 1, 0, len(found) - 1)
    values = found.maps[piece, :, 0] * t[:, None] + found.maps[piece, :, 1]
    X = start + t[:, None] * (end - start)
    np.testing.assert_allclose(values, net(X), atol=1e-11)
    if len(widths) > 2:
        middle = slice(0, len(found))
        np.testing.assert_array_equal(activation_pattern(net, X[middle]), found.patterns)
        assert (found.patterns[1:] != found.patterns[:-1]).any(axis=1).all()


def test_units_that_touch_zero_or_are_dead_bend_nothing():
    net = ReLUNetwork([[[1.0], [1.0], [0.0]], [[1.0, 1.0, 1.0]]], [[0.0, 0.0, -1.0], [0.0]])
    assert line_pieces(net, [-1.0], [1.0]).t.tolist() == [0, 0.5, 1]
    assert line_pieces(net, [0.0], [1.0]).t.tolist() == [0, 1]
    assert line_pieces(net, [1.0], [1.0]).t.tolist() == [0, 1]


def test_wrong_calls_say_which_argument():
    net = random_network((2, 3, 1))
    with pytest.raises(ValueError, match="net must be"):
        line_pieces(None, [0, 0], [1, 1])
    with pytest.raises(ValueError, match=r"start must have shape \(2,\)"):
        line_pieces(net, [0], [1, 1])
    with pytest.raises(ValueError, match="end must"):
        line_pieces(net, [0, 0], [np.nan, 1])


def test_what_overflows_is_refused_and_the_largest_segment_is_not():
    plain = ReLUNetwork([np.eye(2), [[1.0, 1.0]]], [[0.0, 0.0], [0.0]])
    assert line_pieces(plain, [-8e307, 0.0], [8e307, 0.0]).t.tolist() == [0, 0.5, 1]
    inner = ReLUNetwork([[[1e308, 1e308]], [[1e-308]]], [[5e307], [0.0]])
    last = ReLUNetwork([np.eye(2) * 1e200, [[1e200, 1.0]]], [[0.0, 0.0], [0.0]])
    for net, end in ((inner, 1.0), (last, 1.0), (plain, 1.7e308)):
        with pytest.raises(ValueError, match=r"net must have values on the segment .* overflow"):
            line_pieces(net, [-end, -end], [end, end])
