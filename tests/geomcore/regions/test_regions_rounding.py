"""Maps in a row and the plane's own map: their rounding is in that of a unit, or there is none."""

from fractions import Fraction

import numpy as np
import pytest

from geomcore import Network, ReLUNetwork, line_pieces, linear_regions
from geomcore.layers import Affine, ReLU
from geomcore.regions.plane import map_of_square

BOX = [(-1.0, 1.0), (-1.0, 1.0)]
PAIR = [[1.0, 0.0], [0.0, 1.0]]


def chain(*weights, last=1.0):
    """Affine maps without biases in a row, a ReLU, and the sum of its units."""
    body = [Affine(W, np.zeros(len(W))) for W in weights]
    return Network([*body, ReLU(), Affine(np.full((1, len(weights[-1])), last), [0.0])])


def exactly(matrices, x):
    """Their product with x in rational numbers."""
    value = [Fraction(t) for t in x]
    for W in matrices:
        value = [
            sum(Fraction(w) * v for w, v in zip(row, value, strict=True))
            for row in np.asarray(W, dtype=float).tolist()
        ]
    return value


def test_a_product_that_cancels_to_its_rounding_is_not_determined():
    first = [[0.7, 0.0], [0.3, 0.0], [0.9, 0.0]]
    found = linear_regions(chain(first, [[-0.3, -0.8, 0.5]]), BOX)
    assert exactly([first, [[-0.3, -0.8, 0.5]]], [1.0, 0.0])[0] > 0  # 2.8e-17: two regions
    assert len(found) == 1 and found.undetermined == 1
    # 1e17 + 1 - 1e17, in all three orders
    for row in ([1e17, 1.0, -1e17], [1e17, -1e17, 1.0], [1.0, 1e17, -1e17]):
        assert linear_regions(chain([[1.0, 0.0]] * 3, [row]), BOX).undetermined == 1
    # the same before a third map, and in the biases only: 0.1 + 0.2 - 0.3 is above 0
    assert linear_regions(chain(first, [[-0.3, -0.8, 0.5]], [[1e20]]), BOX).undetermined == 1
    body = [Affine(np.zeros((3, 2)), [0.1, 0.2, 0.3]), Affine([[1.0, 1.0, -1.0]], [0.0])]
    net = Network([*body, ReLU(), Affine([[1.0]], [0.0])])
    assert linear_regions(net, BOX).undetermined == 1


@pytest.mark.parametrize("seed", range(3))
def test_what_is_not_marked_is_right_behind_two_maps_that_cancel(seed):
    rng = np.random.default_rng(seed)
    told = 0
    for _ in range(40):
        k = int(rng.integers(2, 5))
        first = np.column_stack([np.round(rng.uniform(0.1, 1, k), 1), np.zeros(k)])
        last = np.round(rng.uniform(-1, 1, (1, k)), 1)
        rest = -last[0, :-1] @ first[:-1, 0] / first[-1, 0]
        last[0, -1] = np.round(rest, rng.choice([2, 12]))
        slope = exactly([first, last], [1.0, 0.0])[0]
        found = linear_regions(chain(first, last), BOX)
        if not found.is_vague.any():
            told += 1
            on = [slope * Fraction(x) > 0 for x in found.centroids[:, 0].tolist()]
            assert found.patterns[:, 0].tolist() == on
            assert len(found) == (2 if slope else 1)
    assert told > 3


def test_a_product_that_underflows_is_not_determined_and_zeros_are():
    tiny = 1e-200 * np.eye(2)
    found = linear_regions(chain(tiny, tiny, last=1e300), BOX)
    assert len(found) == 1 and found.undetermined == 1  # four in truth
    assert linear_regions(chain(tiny, tiny, 1e250 * np.eye(2)), BOX).undetermined == 1
    # in the biases only
    body = [Affine(np.zeros((1, 2)), [1e-200]), Affine([[-1e-200]], [0.0])]
    net = Network([*body, ReLU(), Affine([[1.0]], [0.0])])
    assert linear_regions(net, BOX).undetermined == 1
    # products of zeros are zeros
    assert linear_regions(chain(np.zeros((2, 2)), tiny), BOX).undetermined == 0
    assert linear_regions(chain(tiny, np.zeros((2, 2))), BOX).undetermined == 0
    # a product of 1e-310 is off by no more than 1e-14 of it
    found = linear_regions(chain(1e-155 * np.eye(2), 1e-155 * np.eye(2)), BOX)
    assert len(found) == 4 and found.undetermined == 0


def test_a_product_that_overflows_is_refused_and_one_that_cancels_far_up_is_told():
    big = 1e200 * np.eye(2)
    with pytest.raises(ValueError, match=r"net must have values on the box .* overflow"):
        linear_regions(chain(big, big), BOX)
    with pytest.raises(ValueError, match=r"net must have values on the box .* overflow"):
        linear_regions(chain([[1e200, 0.0]] * 2, [[1e200, -1e200]]), BOX)
    assert linear_regions(chain([[1e100, 0.0]] * 2, [[1e200, -1e200]]), BOX).undetermined == 1


def test_on_a_segment_the_rounding_of_a_product_bends_nothing():
    first, last = [[1.0], [0.1], [0.1], [0.1]], [[0.3, -1.0, -1.0, -1.0]]
    product = np.array(last) @ np.array(first)
    assert 0 < abs(product[0, 0]) < 1e-16
    assert len(line_pieces(chain(first, last), [-1.0], [1.0])) == 1
    assert len(line_pieces(chain(first, [[0.4, -1.0, -1.0, -1.0]]), [-1.0], [1.0])) == 2


def test_an_underflow_of_the_plane_is_not_determined():
    big = ReLUNetwork([1e300 * np.eye(2), [[1.0, 1.0]]], [[0.0, 0.0], [0.0]])
    small = [(-1e-99, 1e-99)] * 2
    found = linear_regions(big, small, basis=1e-250 * np.eye(2))
    assert len(found) == 1 and found.undetermined == 1  # four in truth
    assert len(linear_regions(big, small, basis=1e-200 * np.eye(2))) == 4
    # 1.5 times the least float is no float; the least float is one, and is not rounded
    least = 5e-324 * np.eye(2)
    assert linear_regions(big, [(-1.5, 1.5)] * 2, basis=least).undetermined == 1
    found = linear_regions(big, BOX, basis=least)
    assert len(found) == 4 and found.undetermined == 0
    # one coordinate of input space only, which no unit reads
    blind = ReLUNetwork([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [[1.0, 1.0]]], [[0.0, 0.0], [0.0]])
    basis = [[1.0, 0.0, 1e-300], [0.0, 1.0, 0.0]]
    found = linear_regions(blind, [(-1e-90, 1e-90)] * 2, basis=basis)
    assert len(found) == 4 and found.undetermined == 0


@pytest.mark.parametrize("shift", [0.5, 0.25, 1e-4, -1e-4])
def test_an_origin_that_cancels_the_middle_of_the_box_moves_no_line(shift):
    third, low = 1 / 3, 1e9
    origin = [-(low + shift) * third, 0.0]
    net = ReLUNetwork([[[1.0, 0.0]], [[1.0]]], [[0.0], [0.0]])
    found = linear_regions(net, [(low, low + 1), (0, 1)], origin, [[third, 0.0], [0.0, 1.0]])
    # where the unit is zero, in parts of the side: in floats it is off by 1e-7
    zero = float(-Fraction(origin[0]) / Fraction(third) - Fraction(low))
    assert found.undetermined == 0
    assert len(found) == (2 if zero > 0 else 1)
    on = found.areas[found.patterns[:, 0]].sum()
    assert on == pytest.approx(1 - max(zero, 0), abs=1e-12)


def test_each_number_of_the_plane_is_rounded_once():
    rng = np.random.default_rng(0)
    box = np.array([[1e9, 1e9 + 0.3], [-0.1, 0.7]])
    basis = rng.normal(size=(2, 5)) * [1.0, 1e-160, 1e160, 1e-320, 1.0]
    origin = -1e9 * basis[0]
    first, is_lost = map_of_square(box, origin, basis)
    low, high = ([Fraction(t) for t in end] for end in box.T.tolist())
    for k in range(5):
        u, v, start = (Fraction(float(t)) for t in (*basis[:, k], origin[k]))
        middle = [(a + b) / 2 for a, b in zip(low, high, strict=True)]
        exact = [u * (high[0] - low[0]) / 2, v * (high[1] - low[1]) / 2]
        exact.append(start + middle[0] * u + middle[1] * v)
        assert first[k].tolist() == [float(value) for value in exact]
    assert is_lost.tolist() == [False, False, False, True, False]
    first, _ = map_of_square(np.array([[0.0, 1e100], [0.0, 1.0]]), np.zeros(2), 1e250 * np.eye(2))
    assert np.isinf(first).any()
    with pytest.raises(ValueError, match=r"net must have values on the box .* overflow"):
        net = ReLUNetwork([PAIR, [[1.0, 1.0]]], [[0.0, 0.0], [0.0]])
        linear_regions(net, [(0.0, 1e100), (0.0, 1.0)], basis=1e250 * np.eye(2))
