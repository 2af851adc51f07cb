"""Cross-entropies at the outputs, against decimals of 80 digits, which take another road."""

from decimal import Decimal, localcontext
from itertools import pairwise

import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from constructions.critical import cell as calculus
from constructions.critical.balls import Balls
from constructions.critical.cell import Block, Cell
from constructions.critical.entropies import (
    ENTROPIES,
    _known,
    block_of,
    sigmoid,
    softmax,
    sum_to_one,
)
from constructions.critical.points import BITS, exactly
from constructions.proof.exact import precision
from training.descent.losses import LOSSES

NAMES = sorted(ENTROPIES)
STEP = Decimal(10) ** -25


def loss_of(name, outputs, Y, weights):
    """The formula of the docstring, in decimals, from lists of decimals."""
    total = Decimal(0)
    for w, f, y in zip(weights, outputs, Y, strict=True):
        if name == "bce":
            parts = [(1 + v.exp()).ln() - t * v for v, t in zip(f, y, strict=True)]
        else:
            parts = [sum(v.exp() for v in f).ln(), *(-t * v for v, t in zip(f, y, strict=True))]
        total += w * sum(parts)
    return total


def decimals(array):
    return [[Decimal(v) for v in row] for row in array.tolist()]


def shifted(outputs, *moves):
    outputs = [list(row) for row in outputs]
    for i, k, h in moves:
        outputs[i][k] += h
    return outputs


def case(seed, n=3, K=3, size=3.0):
    rng = np.random.default_rng(seed)
    Y = np.eye(K)[rng.integers(0, K, n)]
    Y[0] = rng.dirichlet(np.ones(K))
    return size * rng.standard_normal((n, K)), Y, rng.uniform(0.5, 2, n)


def kinds(outputs, Y, weights):
    """The same in floats, in balls, and in arbs."""
    yield np.asarray, (outputs, Y, weights)
    yield lambda found: found.mid, tuple(map(Balls, (outputs, Y, weights)))
    yield as_floats, tuple(map(exactly, (outputs, Y, weights)))


def as_floats(found):
    return np.array([float(v) for v in np.ravel(found)]).reshape(np.shape(found))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(3))
def test_value_slope_and_curvature_are_those_of_the_formula(name, seed):
    outputs, Y, weights = case(seed)
    (n, K), rows = outputs.shape, np.random.default_rng(seed).standard_normal((9, 2))
    with localcontext() as context, precision(BITS):
        context.prec = 80
        exact = decimals(outputs), decimals(Y), [Decimal(w) for w in weights.tolist()]

        def at(*moves):
            return loss_of(name, shifted(exact[0], *moves), *exact[1:])

        places = [(i, k) for i in range(n) for k in range(K)]
        slope = [float((at((*p, STEP)) - at((*p, -STEP))) / (2 * STEP)) for p in places]
        second = [
            [
                float(
                    (
                        at((*p, STEP), (*q, STEP))
                        - at((*p, STEP), (*q, -STEP))
                        - at((*p, -STEP), (*q, STEP))
                        + at((*p, -STEP), (*q, -STEP))
                    )
                    / (4 * STEP * STEP)
                )
                for q in places
            ]
            for p in places
        ]
        value = float(at())
        for floats, (f, y, w) in kinds(outputs, Y, weights):
            block = block_of(name, slice(0, n), w, K)
            own = rows if isinstance(f, np.ndarray) and f.dtype != object else Balls(rows)
            assert np.allclose(floats(block.value(f, y)), value, rtol=1e-13)
            found = floats(block.slope(f, y)).ravel()
            assert np.allclose(found, slope, rtol=1e-12, atol=1e-14)
            if isinstance(own, Balls) != isinstance(f, Balls):
                continue  # nobody takes second derivatives in arbs
            found = floats(block.curved(f, y, own))
            assert np.allclose(found, np.array(second) @ rows, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", NAMES)
def test_they_are_the_losses_that_training_has(name):
    outputs, Y, weights = case(7, size=30.0)
    block, own = block_of(name, slice(0, 3), weights, 3), LOSSES[name]
    assert np.isclose(block.value(outputs, Y), weights @ own.value(outputs, Y))
    assert np.allclose(block.slope(outputs, Y), weights[:, None] * own.gradient(outputs, Y))
    rows = np.random.default_rng(0).standard_normal((9, 1))
    bent = weights[:, None] * own.curvature(outputs, Y, rows.reshape(3, 3))
    assert np.allclose(block.curved(outputs, Y, rows), bent.reshape(9, 1))


def test_squared_errors_are_blocks_as_well():
    outputs, Y, weights = case(3)
    for floats, (f, y, w) in kinds(outputs, Y, weights):
        block = block_of("class_weighted", slice(0, 3), w, 3)
        assert isinstance(block, Block)
        gaps = outputs - Y
        assert np.isclose(floats(block.value(f, y)), weights @ (gaps**2).sum(axis=1))
        assert np.allclose(floats(block.slope(f, y)), 2 * weights[:, None] * gaps)
    rows = np.random.default_rng(0).standard_normal((9, 2))
    for block, own in (
        (block_of("mse", slice(0, 3), weights, 3), rows),
        (block_of("mse", slice(0, 3), Balls(weights), 3), Balls(rows)),
    ):
        found = block.curved(outputs, Y, own)
        found = found if isinstance(found, np.ndarray) else found.mid
        assert np.allclose(found, 2 * np.repeat(weights, 3)[:, None] * rows)


def test_blocks_have_the_numbers_of_their_weights():
    weights = np.ones(2)
    assert block_of("mse", slice(0, 2), weights, 3).across.dtype == float
    assert isinstance(block_of("mse", slice(0, 2), Balls(weights), 3).across, Balls)
    entries = block_of("mse", slice(0, 2), exactly(weights), 3).across.ravel()
    assert {type(entry) for entry in entries} == {arb}


@pytest.mark.parametrize(
    ("rows", "do"),
    [
        ([[0.5, 0.5], [0.25, 0.75]], True),
        ([[1.0, 0.0], [0.0, 1.0]], True),
        ([[2.0, -1.0]], True),
        ([[0.5, 0.5], [0.5, 0.75]], False),
        ([[0.3, 0.7]], False),  # in floats 1, in truth 5e-17 less
        ([[0.0, 0.0]], False),
        ([[1.0, 1.0]], False),
    ],
)
def test_targets_sum_to_one_if_each_row_does_so_exactly(rows, do):
    assert sum_to_one(np.array(rows)) is do


HUGE = [0.0, 1.0, -40.0, 700.0, -745.0, 1e4, -1e4, 1e300, -1e300]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("f", HUGE)
def test_balls_hold_what_arbs_of_many_bits_say_however_large_the_logits_are(name, f):
    outputs, Y = np.array([[f, 0.5]]), np.array([[0.25, 0.75]])
    one = np.ones(1)
    with precision(2000), np.errstate(all="ignore"):
        sharp = block_of(name, slice(0, 1), exactly(one), 2)
        value, slope = (
            sharp.value(exactly(outputs), exactly(Y)),
            sharp.slope(exactly(outputs), exactly(Y)),
        )
    with precision(BITS), np.errstate(all="ignore"):
        for radius in (0.0, 1e-9, 1.0):
            block = block_of(name, slice(0, 1), Balls(one), 2)
            balls = Balls(outputs, np.full((1, 2), radius))
            found = [block.value(balls, Balls(Y)), *block.slope(balls, Balls(Y))[0]]
            for ball, exact in zip(found, [value, *slope[0]], strict=True):
                assert arb(float(ball.lower)) <= exact <= arb(float(ball.upper))
                assert radius or ball.rad <= 1e-12 * max(1.0, abs(f))


@settings(max_examples=40, deadline=None)
@given(
    arrays(float, (2, 3), elements=st.floats(-800, 800)),
    arrays(float, (2, 3), elements=st.sampled_from([0.0, 1e-12, 0.1, 5.0, 1e3, np.inf])),
    st.integers(0, 99),
)
def test_a_ball_of_logits_gives_the_probabilities_of_all_of_them(mid, rad, seed):
    reach = np.where(np.isfinite(rad), rad, 1e4)
    outputs = mid + reach * np.random.default_rng(seed).uniform(-1, 1, mid.shape) * (1 - 1e-12)
    for function in (softmax, sigmoid):
        with np.errstate(all="ignore"), precision(BITS):
            balls, one = function(Balls(mid, rad)), function(outputs)
        assert (balls.lower <= one + 1e-13).all() and (one - 1e-13 <= balls.upper).all()
        assert (balls.upper <= 1 + 1e-12).all() and (balls.lower >= -1e-12).all()
        known = function(Balls(mid))
        assert (known.rad <= 1e-14).all()


def test_outputs_of_which_nothing_is_known_leave_the_loss_unknown():
    Y, unknown = np.array([[1.0, 0.0]]), Balls(np.zeros((1, 2)), np.full((1, 2), np.inf))
    for name in NAMES:
        block = block_of(name, slice(0, 1), Balls(np.ones(1)), 2)
        with np.errstate(all="ignore"):
            value, slope = block.value(unknown, Y), block.slope(unknown, Y)
        assert np.isinf(value.rad) and (slope.lower <= -1 + Y[:, ::-1]).all()
        assert (slope.upper >= 1 - Y).all() and (slope.rad <= 1).all()


def test_what_is_known_keeps_its_radius_and_what_is_not_a_number_is_not_known():
    found = _known(Balls([1.0, 2.0, np.nan], [0.0, 5e-324, 0.0]))
    assert (found.rad >= [0.0, 5e-324, np.inf]).all() and found.rad[:2].max() == 5e-324


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("widths", [(2, 3, 2), (1, 2, 2, 3), (2, 2)])
def test_hessian_of_a_cell_is_the_difference_of_its_gradients(name, widths):
    rng, N, K = np.random.default_rng(len(widths)), 4, widths[-1]
    X, Y, weights = rng.standard_normal((N, widths[0])), np.eye(K)[rng.integers(0, K, N)], None
    masks = [rng.integers(0, 2, (N, w)).astype(float) for w in widths[1:-1]]
    kinks = [(l, 1, 0) for l in range(len(masks))]
    for l, i, u in kinks:
        masks[l][i, u] = 0
    weights = rng.uniform(0.5, 2, N)
    P = sum(b * (a + 1) for a, b in pairwise(widths))
    theta, mu = rng.standard_normal(P), rng.uniform(1, 2, len(kinks))
    numbers = [(Balls, masks), (exactly, [exactly(m) for m in masks])]
    balls, arbs = (
        Cell(widths, c(X), c(Y), [block_of(name, slice(0, N), c(weights), K)], m, kinks)
        for c, m in numbers
    )
    with precision(BITS):
        found = calculus.run(balls, Balls(theta), Balls(mu))
        H = calculus.hessian(balls, found, calculus.output_rows(balls, found))
        h, columns = arb(2) ** -60, []
        for j in range(P):
            slopes = []
            for side in (h, -h):
                at = exactly(theta)
                at[j] += side
                slopes.append(
                    np.concatenate(calculus.gradient(calculus.run(arbs, at, exactly(mu))))
                )
            columns.append([float(v) for v in (slopes[0] - slopes[1]) / (2 * h)])
    assert np.allclose(H.mid, np.array(columns).T, rtol=1e-11, atol=1e-12)
    assert np.isfinite(H.rad).all() and (H.rad < 1e-11).all()
