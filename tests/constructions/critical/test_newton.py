"""A zero is proved where there is exactly one, and nowhere else."""

import numpy as np
import pytest

from constructions.critical.balls import Balls
from constructions.critical.newton import _never_contracts, solution_near


def polynomial(coefficients, centre):
    """(value at the centre, derivative in a box) of a polynomial of one unknown, in balls."""
    slopes = np.polynomial.polynomial.polyder(coefficients)

    def at(coefficients, x):
        total = Balls(np.zeros((1, 1)))
        for c in coefficients[::-1]:
            total = total * x + Balls(np.array([[c]]))
        return total

    value = at(coefficients, Balls(np.array([[centre]]))).reshape(1)
    return value, lambda radius: at(slopes, Balls(np.array([[centre]]), radius.reshape(1, 1)))


def test_the_root_of_two_is_near_1_4142():
    box = solution_near(*polynomial([-2.0, 0.0, 1.0], 1.4142))
    assert abs(1.4142 - np.sqrt(2)) <= box.image[0] < box.radius[0] < 1e-4


@pytest.mark.parametrize(
    ("coefficients", "centre"),
    [
        ([1.0, 0.0, 1.0], 0.1),  # no zero
        ([0.0, 0.0, 1.0], 0.0),  # two that are one
        ([0.0, 0.0, 1.0], 1e-9),
        ([1e-20, 0.0, 1.0], 1e-10),
        ([-1e-30, 0.0, 1.0], 0.0),  # two that are near
        ([1.0], 0.0),  # a constant
        ([-2.0, 0.0, 1.0], 0.0),  # a slope of 0
        ([np.inf, 1.0], 0.0),
    ],
)
def test_where_there_is_no_simple_zero_none_is_proved(coefficients, centre):
    assert solution_near(*polynomial(coefficients, centre)) is None


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_a_zero_in_one_unknown_is_none_in_both(order):
    # x = 0.1 and y^2 + 1 = 0: x alone contracts
    line, slope = polynomial([-0.1, 1.0], 0.0)
    square, rise = polynomial([1.0, 0.0, 1.0], 0.1)
    value = Balls(np.array([line.mid[0], square.mid[0]])[order])

    def derivative(radius):
        x, y = radius[order]
        parts = slope(np.array([x])), rise(np.array([y]))
        return Balls(
            np.diag(np.array([p.mid[0, 0] for p in parts])[order]),
            np.diag(np.array([p.rad[0, 0] for p in parts])[order]),
        )

    assert solution_near(value, derivative) is None


def test_a_box_in_which_the_system_is_not_smooth_is_no_proof():
    value, derivative = polynomial([-2.0, 0.0, 1.0], 1.4142)
    assert solution_near(value, lambda radius: None) is None
    assert solution_near(value, lambda r: derivative(r) if (r == 0).all() else None) is None


def test_a_short_side_of_a_box_catches_up_with_a_long_one():
    # x moves by 1e-30 of its own and by 1e-13 of what y may be, which is 1e-16
    rad = np.array([[0.1, 1e-13], [0.0, 0.0]])
    box = solution_near(Balls(np.array([1e-30, 1e-16])), lambda radius: Balls(np.eye(2), rad))
    assert 1e-29 < box.image[0] < box.radius[0] < 1e-28
    assert 1e-16 <= box.image[1] < box.radius[1] < 3e-16


@pytest.mark.parametrize("seed", range(20))
def test_linear_systems_have_their_solution_in_the_box(seed):
    rng = np.random.default_rng(seed)
    A = rng.integers(-9, 10, (4, 4)).astype(float) + 20 * np.eye(4)
    x = rng.integers(-5, 6, 4).astype(float)
    off = 10.0 ** rng.uniform(-12, 3, 4)
    centre = x + off
    value = Balls(A) @ Balls(centre) - Balls(A @ x)
    box = solution_near(value, lambda radius: Balls(A))
    assert (np.abs(centre - x) <= box.radius).all()


def test_a_system_with_two_solutions_in_the_box_is_not_proved():
    # x^2 + y^2 = 1 and x y = 1/2 touch at (1/2)^(1/2) (1, 1)
    c = np.sqrt(0.5)
    value = Balls(np.array([2 * c * c - 1, c * c - 0.5]), np.full(2, 1e-16))

    def derivative(radius):
        x, y = Balls(np.array(c), radius[0]), Balls(np.array(c), radius[1])
        rows = [[2 * x.mid, 2 * y.mid], [y.mid, x.mid]]
        return Balls(np.array(rows), np.array([2 * radius, radius[::-1]]))

    assert solution_near(value, derivative) is None


def test_where_no_box_will_do_larger_ones_are_not_tried():
    # at the double zero of (x - 1e-3)^2 the slope in a box is never nearly the one at its centre
    value, slope = polynomial([1e-6, -2e-3, 1.0], 0.0)
    seen = []
    assert solution_near(value, lambda radius: seen.append(radius) or slope(radius)) is None
    assert len(seen) == 2


@pytest.mark.parametrize(
    ("rest", "never"),
    [
        ([[1.0]], True),
        ([[0.999]], False),
        ([[0.5, 0.4], [0.4, 0.5]], False),
        ([[0.5, 0.6], [0.6, 0.5]], True),
        ([[0.1, 100.0], [1e-4, 0.1]], False),
        ([[0.1, 100.0], [0.1, 0.1]], True),
        ([[0.9, 0.0], [0.0, 1.1]], False),  # more than 1, but of no positive vector
        ([[2.0, 0.0], [0.0, 0.0]], False),
        ([[0.0]], False),
    ],
)
def test_a_matrix_never_contracts_if_it_shrinks_no_entry_of_some_vector(rest, never):
    rest = np.array(rest)
    assert _never_contracts(rest, np.full(len(rest), 0.125)) is never
    if never:
        assert np.abs(np.linalg.eigvals(rest)).max() >= 1


def test_where_rounding_is_all_that_is_not_known_the_first_box_does():
    rad = np.array([[0.1, 1e-13], [0.0, 0.0]])  # as above
    asked = []

    def derivative(radius):
        asked.append(radius)
        return Balls(np.eye(2), rad)

    box = solution_near(Balls(np.array([1e-30, 1e-16])), derivative)
    assert len(asked) == 2 and not asked[0].any() and (asked[1] == box.radius).all()
    again = solution_near(Balls(np.array([1e-30, 1e-16])), derivative, Balls(np.eye(2), rad))
    assert len(asked) == 3 and (again.image == box.image).all()


@pytest.mark.parametrize("off", [0.0, 1e-3, -1e-3, 0.5])
def test_what_is_said_of_the_centre_is_no_part_of_the_proof(off):
    value, derivative = polynomial([-2.0, 0.0, 1.0], 1.4142)
    box = solution_near(value, derivative, Balls(np.array([[2.8284 + off]])))
    assert abs(1.4142 - np.sqrt(2)) <= box.image[0] < box.radius[0]
    assert box.jacobian.lower[0, 0] <= 2 * (1.4142 - box.radius[0])
    for none in ([1.0, 0.0, 1.0], [0.0, 0.0, 1.0]):
        value, derivative = polynomial(none, 0.1)
        assert solution_near(value, derivative, Balls(np.array([[1.0 + off]]))) is None
    for wrong in (np.zeros((1, 1)), np.full((1, 1), np.inf)):
        assert solution_near(*polynomial([-2.0, 0.0, 1.0], 1.4142), Balls(wrong)) is None
