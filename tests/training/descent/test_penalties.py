"""Penalties: what they pull on, and their derivatives."""

import numpy as np
import pytest
from builders import random_data, random_start
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geomcore.stack import stack
from training.descent.constraints import NonNegative
from training.descent.optimizers import SGD
from training.descent.penalties import L1, L2, NegativePart, SmoothL0
from training.descent.trainer import train

PENALTIES = {
    "L1": L1(0.3),
    "L2": L2(0.3),
    "negative part": NegativePart(0.3),
    "smooth L0": SmoothL0(0.3, width=0.5),
}
TENSORS = arrays(np.float64, (2, 3, 4), elements=st.floats(-10, 10))


def tensors_of(net):
    return dict(zip(stack([net])[0].names, stack([net])[1], strict=True))


# By hand


def test_a_penalty_pulls_on_the_tensors_it_names_and_on_no_others():
    net, (X, Y) = random_start((3, 4, 2)), random_data((3, 4, 2))
    plain = tensors_of(train(net, X, Y, optimizer=SGD(0.1), steps=1).network)
    pulled = tensors_of(
        train(net, X, Y, optimizer=SGD(0.1), steps=1, penalties=L2(0.5, ["W2"])).network
    )
    np.testing.assert_allclose(pulled["W2"], plain["W2"] - 0.1 * tensors_of(net)["W2"])
    for name in ("W1", "b1", "b2"):
        np.testing.assert_array_equal(pulled[name], plain[name])


# Against the naive oracle


@pytest.mark.parametrize("name", sorted(PENALTIES))
def test_gradient_of_a_penalty_is_its_derivative(name):
    penalty, rng, step = PENALTIES[name], np.random.default_rng(0), 1e-6
    p = rng.standard_normal((2, 3, 4))
    gradient = penalty.gradient(p)
    for at in np.ndindex(p.shape):
        shift = np.zeros_like(p)
        shift[at] = step
        slope = (penalty.value(p + shift) - penalty.value(p - shift)) / (2 * step)
        assert slope[at[0]] == pytest.approx(gradient[at], abs=1e-8)
        assert slope[1 - at[0]] == 0


# Laws


def test_a_smooth_count_of_small_width_counts_entries_and_pulls_on_none_far_from_zero():
    p = np.array([[0.0, 3.0, -2.0, 0.0, 1e-300, 1e300]])
    count = SmoothL0(2.0, width=1e-3)
    assert count.value(p) == [6.0]
    gradient = count.gradient(p)
    assert gradient[0, :4].tolist() == [0.0] * 4
    assert gradient[0, 5] == 0
    assert gradient[0, 4] == pytest.approx(2e-294)


@given(TENSORS)
def test_penalties_are_never_negative_and_vanish_at_zero(p):
    for penalty in PENALTIES.values():
        assert (penalty.value(p) >= 0).all()
        assert (penalty.value(0 * p) == 0).all()


def test_penalties_change_nothing_in_place():
    p = np.random.default_rng(0).standard_normal((2, 3, 4))
    kept = p.copy()
    for penalty in PENALTIES.values():
        penalty.value(p), penalty.gradient(p)
    np.testing.assert_array_equal(p, kept)


# Bad input


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"penalties": 0.1}, "penalties must be objects with tensors, gradient"),
        ({"penalties": [NonNegative()]}, "penalties must be objects with tensors, gradient"),
        ({"penalties": L1(0.1, ["W3"])}, "tensors must be a list of some of W1, b1, W2"),
        ({"penalties": L1(0.1, "W1")}, "tensors must be a list of some of"),
    ],
)
def test_wrong_arguments_are_named(changes, message):
    X, Y = random_data((3, 4, 2))
    with pytest.raises(ValueError, match=message):
        train(**{"net": random_start((3, 4, 2)), "X": X, "Y": Y, **changes})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: L1(0.0), "weight must be a positive number"),
        (lambda: L2(np.nan), "weight must be a positive number"),
        (lambda: NegativePart(-1.0), "weight must be a positive number"),
        (lambda: SmoothL0(np.inf), "weight must be a positive number"),
        (lambda: SmoothL0(1.0, width=0.0), "width must be a positive number"),
    ],
)
def test_numbers_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
