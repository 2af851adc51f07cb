"""The masked network and its derivatives, against central differences in rational arithmetic."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from flint import arb

from constructions.critical import cell as calculus
from constructions.critical.balls import Balls
from constructions.critical.cell import Block, Cell
from constructions.critical.curvature import squares
from constructions.critical.entropies import block_of
from constructions.critical.points import exactly
from constructions.proof.exact import precision

WIDTHS = [(2, 3, 2), (1, 2, 2, 1), (2, 2), (3, 2, 3, 2, 2)]


def random_cell(widths, seed, N=4):
    """Whole numbers, so that rational arithmetic is quick; two kinks per hidden layer."""
    rng = np.random.default_rng(seed)
    X, Y = rng.integers(-3, 4, (N, widths[0])), rng.integers(-3, 4, (N, widths[-1]))
    masks = [rng.integers(0, 2, (N, w)).astype(float) for w in widths[1:-1]]
    kinks = [(l, i, 0) for l in range(len(masks)) for i in (0, N - 1)]
    for l, i, u in kinks:
        masks[l][i, u] = 0
    K, P = widths[-1], sum(b * (a + 1) for a, b in pairwise(widths))
    form, across = np.array([[2.0, 1.0], [1.0, 3.0]]), np.eye(K) + np.ones((K, K))
    blocks = [Block(slice(0, 2), form, across), Block(slice(2, 3), np.array([5.0]), np.eye(K))]
    theta, mu = rng.integers(-3, 4, P).astype(float), rng.integers(1, 4, len(kinks)).astype(float)
    cell = Cell(widths, X.astype(float), Y.astype(float), blocks, masks, kinks)
    return cell, theta, mu


def lagrangian(cell, theta, mu, lift=None):
    """The loss and mu . z in Fractions; `lift` adds to the output of one (layer, point, unit)."""
    theta, total, outputs = [Fraction(v) for v in theta], Fraction(0), []
    for i, x in enumerate(cell.X.tolist()):
        h, at = [Fraction(v) for v in x], 0
        for l, m in enumerate(cell.widths[1:]):
            n = len(h)
            z = [
                sum(theta[at + u * n + k] * h[k] for k in range(n)) + theta[at + m * n + u]
                for u in range(m)
            ]
            at += m * (n + 1)
            for j, (layer, point, u) in enumerate(cell.kinks):
                if (layer, point) == (l, i):
                    total += Fraction(mu[j]) * z[u]
            if l < len(cell.masks):
                h = [v * int(on) for v, on in zip(z, cell.masks[l][i], strict=True)]
                if lift is not None and lift[:2] == (l, i):
                    h[lift[2]] += lift[3]
        outputs.append([v - Fraction(y) for v, y in zip(z, cell.Y[i].tolist(), strict=True)])
    for block in cell.blocks:
        rows = outputs[block.rows]
        form = np.diag(block.form) if block.form.ndim == 1 else block.form
        for a, e in enumerate(rows):
            for b, f in enumerate(rows):
                for s, v in enumerate(e):
                    for t, w in enumerate(f):
                        total += Fraction(form[a, b]) * Fraction(block.across[s, t]) * v * w
    return total


def slope_of(function, h=Fraction(1, 10**12)):
    """A derivative, exact for polynomials but for the third power of h."""
    return float((function(h) - function(-h)) / (2 * h))


def in_balls(cell):
    blocks = [b._make([b.rows, *map(Balls, b[1:])]) for b in cell.blocks]
    return cell._replace(X=Balls(cell.X), Y=Balls(cell.Y), blocks=blocks)


def moved(theta, steps):
    theta = [Fraction(v) for v in theta]
    for j, h in steps:
        theta[j] += h
    return theta


@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_gradient_is_that_of_the_lagrangian(widths, seed):
    cell, theta, mu = random_cell(widths, seed)
    found = calculus.run(cell, theta, mu)
    slope = np.concatenate(calculus.gradient(found))
    expected = [
        slope_of(lambda h, j=j: lagrangian(cell, moved(theta, [(j, h)]), mu))
        for j in range(len(theta))
    ]
    np.testing.assert_allclose(slope, expected, rtol=1e-12, atol=1e-9)
    heights = sum(m * z for m, z in zip(mu, calculus.heights(cell, found), strict=True))
    assert calculus.loss(cell, found) + heights == float(lagrangian(cell, theta, mu))


@pytest.mark.parametrize("widths", WIDTHS)
def test_the_rise_at_a_kink_is_the_derivative_in_its_output(widths):
    cell, theta, mu = random_cell(widths, 2)
    found = calculus.rises(cell, calculus.run(cell, theta, mu))
    expected = [
        slope_of(lambda h, a=a: lagrangian(cell, theta, mu, lift=(*a, h))) for a in cell.kinks
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-9)


@pytest.fixture(params=[np.inf, 0.0])
def _long(request, monkeypatch):
    """With rows of all outputs, and without them."""
    monkeypatch.setattr(squares, "LONG", request.param)


@pytest.mark.usefixtures("_long")
@pytest.mark.parametrize("widths", WIDTHS)
def test_the_hessian_is_that_of_the_lagrangian(widths):
    cell, theta, mu = random_cell(widths, 3)
    balls = in_balls(cell)
    found = calculus.run(balls, Balls(theta), Balls(mu))
    H = calculus.hessian(balls, found, calculus.output_rows(balls, found))
    h = Fraction(1, 10**12)
    P = len(theta)
    for i in range(0, P, 3):
        for j in range(i, P, 2):
            corners = [
                s * t * lagrangian(cell, moved(theta, [(i, s * h), (j, t * h)]), mu)
                for s in (-1, 1)
                for t in (-1, 1)
            ]
            expected = float(sum(corners) / (4 * h * h))
            assert abs(H.mid[i, j] - expected) <= H.rad[i, j] + 1e-9 * max(1, abs(expected))
            assert H.mid[i, j] == H.mid[j, i]
    assert H.rad.max() < 1e-9 * np.abs(H.mid).max()


@pytest.mark.usefixtures("_long")
@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("parts", [0, 2])
def test_the_hessian_of_a_box_holds_those_in_it(widths, parts):
    cell, theta, mu = random_cell(widths, 6)
    cell = cell._replace(blocks=cell.blocks[:parts])
    balls, rng, reach = in_balls(cell), np.random.default_rng(0), 1e-3

    def at(theta, mu):
        found = calculus.run(balls, theta, mu)
        return calculus.hessian(balls, found, calculus.output_rows(balls, found))

    box = at(Balls(theta, np.full(len(theta), reach)), Balls(mu, np.full(len(mu), reach)))
    for _ in range(5):
        moved = theta + reach * rng.choice([-1.0, 1.0], len(theta))
        inner = at(Balls(moved), Balls(mu + reach * rng.choice([-1.0, 1.0], len(mu))))
        assert (box.lower <= inner.upper).all() and (inner.lower <= box.upper).all()


@pytest.mark.parametrize("loss", [None, "bce", "cross_entropy"])
@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("reach", [1e-10, 1e-3, 10.0])
def test_the_loss_in_a_box_holds_those_in_it_and_is_no_wider(loss, widths, reach):
    cell, theta, _ = random_cell(widths, 8)
    if loss is not None:
        cell = cell._replace(blocks=[block_of(loss, slice(0, 4), np.full(4, 0.25), widths[-1])])
    balls, exact, rng = in_balls(cell), calculus.in_arbs(in_balls(cell)), np.random.default_rng(0)
    found = calculus.loss_in_box(balls, Balls(theta, np.full(len(theta), reach)))
    plain = calculus.forwards(balls, Balls(theta, np.full(len(theta), reach)))
    assert found.rad <= calculus.loss(balls, plain).rad
    for _ in range(20):
        moved = theta + reach * rng.choice([-1.0, 1.0, 0.3], len(theta))
        with precision(192):
            value = calculus.loss(exact, calculus.forwards(exact, exactly(moved)))
            assert arb(float(found.mid), float(found.rad)).overlaps(value)


@pytest.mark.parametrize("loss", ["bce", "cross_entropy"])
def test_the_loss_at_large_logits_is_known_as_well_as_at_small_ones(loss):
    # logits of up to 2,600, that products of balls know to 1e-12, and points on the right side
    cell, theta, _ = random_cell((2, 3, 2), 9)
    block = block_of(loss, slice(0, 4), np.full(4, 0.25), 2)
    cell = cell._replace(X=100 * cell.X, blocks=[block])
    outputs = calculus.forwards(cell, theta).values[-1]
    right = outputs > 0 if loss == "bce" else outputs == outputs.max(axis=1, keepdims=True)
    balls = in_balls(cell._replace(Y=right.astype(float)))
    box = Balls(theta, np.full(len(theta), 1e-16))
    plain = calculus.loss(balls, calculus.forwards(balls, box)).rad
    assert plain > 1e-12 and calculus.loss_in_box(balls, box).rad < plain / 500


@pytest.mark.parametrize("widths", [(1, 2, 2, 1), (2, 3, 2)])
def test_without_a_loss_the_hessian_is_that_of_the_heights(widths):
    cell, theta, mu = random_cell(widths, 7)
    whole, none = in_balls(cell), in_balls(cell._replace(blocks=[]))

    def at(cell, mu):
        found = calculus.run(cell, Balls(theta), Balls(mu))
        return calculus.hessian(cell, found, calculus.output_rows(cell, found)).mid

    np.testing.assert_array_equal(at(none, mu), at(whole, mu) - at(whole, 0 * mu))


@pytest.mark.parametrize("widths", WIDTHS)
def test_rows_are_derivatives_of_outputs_and_of_heights(widths):
    cell, theta, _ = random_cell(widths, 4)
    balls = in_balls(cell)
    found = calculus.forwards(balls, Balls(theta))
    J, Z = calculus.output_rows(balls, found).mid, calculus.height_rows(balls, found).mid
    step = 1e-3
    for j in range(len(theta)):
        ends = [calculus.forwards(cell, theta + s * step * np.eye(len(theta))[j]) for s in (-1, 1)]
        difference = (ends[1].values[-1] - ends[0].values[-1]).ravel() / (2 * step)
        np.testing.assert_allclose(J[:, j], difference, rtol=1e-5, atol=1e-6)
        heights = [np.array(calculus.heights(cell, end)) for end in ends]
        np.testing.assert_allclose(
            Z[:, j], (heights[1] - heights[0]) / (2 * step), rtol=1e-5, atol=1e-6
        )


def test_arbs_and_balls_and_floats_give_the_same():
    cell, theta, mu = random_cell((2, 3, 2), 5)
    plain = np.concatenate(calculus.gradient(calculus.run(cell, theta, mu)))
    balls = calculus.gradient(calculus.run(in_balls(cell), Balls(theta), Balls(mu)))
    np.testing.assert_array_equal(np.concatenate([part.mid for part in balls]), plain)
    arbs = cell._replace(
        X=exactly(cell.X),
        Y=exactly(cell.Y),
        blocks=[Block(b.rows, exactly(b.form), exactly(b.across)) for b in cell.blocks],
        masks=[exactly(mask) for mask in cell.masks],
    )
    exact = np.concatenate(calculus.gradient(calculus.run(arbs, exactly(theta), exactly(mu))))
    assert all(a == arb(v) for a, v in zip(exact.tolist(), plain.tolist(), strict=True))
