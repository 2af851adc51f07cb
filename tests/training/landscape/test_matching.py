"""Matching renumbers units, and never makes two networks farther apart."""

from itertools import permutations

import numpy as np
import pytest
from builders import random_network, random_points
from hypothesis import given, settings
from hypothesis import strategies as st
from training_lines import permuted

from geomcore import ReLUNetwork
from training import matched


def distance(a, b):
    return sum(((p - q) ** 2).sum() for p, q in zip(a.tensors, b.tensors, strict=True))


@settings(max_examples=30)
@given(
    st.sampled_from([(2, 3, 1), (1, 4, 4, 2), (2, 3, 3, 3, 1), (2, 1)]), st.integers(0, 2**32 - 1)
)
def test_the_function_stays_and_the_distance_does_not_grow(widths, seed):
    rng = np.random.default_rng(seed)
    net, other = random_network(widths, rng), random_network(widths, rng)
    found = matched(net, other)
    X = random_points(5, widths[0], rng)
    np.testing.assert_allclose(found(X), net(X), rtol=1e-10, atol=1e-10)
    assert distance(found, other) <= distance(net, other) * (1 + 1e-12)
    assert matched(permuted(net, rng), net) == net


@pytest.mark.parametrize("seed", range(5))
def test_with_one_hidden_layer_it_is_the_best_of_all_permutations(seed):
    net, other = random_network((2, 4, 1), seed), random_network((2, 4, 1), seed + 100)
    best = min(
        distance(
            ReLUNetwork(
                [net.weights[0][[*p]], net.weights[1][:, [*p]]],
                [net.biases[0][[*p]], net.biases[1]],
            ),
            other,
        )
        for p in permutations(range(4))
    )
    assert distance(matched(net, other), other) == pytest.approx(best, rel=1e-12)


def test_wrong_calls_say_which_argument():
    net = random_network((2, 3, 1))
    for given_, told in (
        ((None, net), "net must be"),
        ((net, None), "other must be"),
        ((net, random_network((2, 2, 1))), "other must have widths"),
    ):
        with pytest.raises(ValueError, match=told):
            matched(*given_)
    with pytest.raises(ValueError, match="starts must"):
        matched(net, net, starts=0)


def test_large_weights_do_not_hide_small_ones():
    a, b = (
        ReLUNetwork([[[1e7], [p], [q]], [[1e7, p, q]]], [[0, 0, 0], [0]])
        for p, q in ((1, 2), (2, 1))
    )
    assert matched(b, a) == a
    huge = ReLUNetwork([[[1e200], [2e200]], [[1.0, 2.0]]], [[0, 0], [0]])
    assert matched(permuted(huge, np.random.default_rng(0)), huge) == huge
