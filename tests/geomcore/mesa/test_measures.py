"""Flat areas: known ones by hand, agreement with samples, and what degenerates."""

import numpy as np
import pytest
from builders import random_network, wild_network
from hypothesis import given, settings
from hypothesis import strategies as st

from geomcore import Network, Polytope, ReLUNetwork, datasets, input_gradients, mesa_measures
from geomcore.layers import Affine, LpNorm, ReLU
from geomcore.mesa.measures import weighted_median

SQUARE = Polytope([[1, 0], [0, 1], [-1, 0], [0, -1]], [1, 1, 1, 1])


def face_network(P, *, scale=1.0, weights=None):
    """The sum of what points are beyond each face: flat on the polytope and nowhere else."""
    head = np.ones(len(P.offsets)) if weights is None else np.asarray(weights, dtype=float)
    return ReLUNetwork([scale * P.normals, head[None]], [-scale * P.offsets, [0.0]])


def shoelace(corners):
    x, y = corners.T
    return (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2


@pytest.mark.parametrize("seed", range(8))
def test_the_network_of_the_faces_is_flat_on_the_polytope_and_nowhere_else(seed):
    P = Polytope.of(datasets.polytope(10, faces=3 + seed, rng=seed))
    found = mesa_measures(face_network(P), P, box=1.5)
    area = shoelace(P.polygon(1.5))
    assert found.samples == 0 and found.box_area == 9
    assert found.polytope_area == pytest.approx(area, rel=1e-13)
    assert found.zero.fraction == pytest.approx(1, abs=1e-13)
    assert found.zero.area == pytest.approx(area, rel=1e-12)
    assert found.zero.jaccard == pytest.approx(1, abs=1e-12)
    assert found.zero.components == 1 and found.zero.error == 0
    assert sum(found.areas) == pytest.approx(9, rel=1e-13)
    # beyond one face only the gradient is a unit vector, so it is not below 1
    assert found.absolute[1].fraction == pytest.approx(1, abs=1e-12)


def test_areas_and_means_by_hand():
    # |gradient| is 0 on the square, 1 beside a side, sqrt 2 beyond a corner
    found = mesa_measures(face_network(SQUARE), SQUARE, box=2, thresholds=(0.5, 1.2, 2), margin=0.5)
    assert found.polytope_area == 4 and found.box_area == 16 and not found.is_clipped
    np.testing.assert_allclose(found.areas, [4, 5, 7])
    beside, corner = 4 * 0.5 * 2, 4 * 0.25
    np.testing.assert_allclose(
        found.norms, [0, (beside + corner * 2**0.5) / 5, (beside + (4 - corner) * 2**0.5) / 7]
    )
    assert found.median == 1 and found.errors == (0, 0, 0)
    low, middle, high = found.absolute
    assert (low.area, middle.area, high.area) == pytest.approx((4, 12, 16))
    assert (low.union, middle.union, high.jaccard) == pytest.approx((4, 12, 0.25))
    assert middle.intersection == pytest.approx(4) and middle.jaccard == pytest.approx(1 / 3)
    assert [flat.components for flat in found.absolute] == [1, 1, 1]
    # a norm of 1 is not below 1
    at = mesa_measures(face_network(SQUARE), SQUARE, box=2, thresholds=(1.0,), relative=(1.0,))
    assert at.absolute[0].area == pytest.approx(4) == at.relative[0].area
    # one below another part of the median
    found = mesa_measures(face_network(SQUARE), SQUARE, box=2, relative=(0.5, 1.1, 1.5))
    assert [flat.area for flat in found.relative] == pytest.approx([4, 12, 16])
    assert [flat.level for flat in found.relative] == [0.5, 1.1, 1.5]


@settings(max_examples=12)
@given(st.integers(0, 2**32 - 1))
def test_areas_agree_with_samples(seed):
    rng = np.random.default_rng(seed)
    P = Polytope.of(datasets.polytope(10, faces=int(rng.integers(3, 8)), rng=seed))
    net = random_network((2, 9, 4, 1), seed, scaled=True, bias=0.4)
    box = np.array([(-1.5, 1.0), (-1.2, 1.5)])
    found = mesa_measures(net, P, box=box, thresholds=(0.1, 0.3), relative=(0.5,))
    n = 100_000
    X = rng.uniform(*box.T, size=(n, 2))
    norms, slack = np.linalg.norm(input_gradients(net, X), axis=1), P.slack(X)
    inside, outside = slack <= 0, slack >= 0.2
    assert found.polytope_area / found.box_area == pytest.approx(inside.mean(), abs=0.01)
    close = dict(abs=5 * 0.5 / np.sqrt(inside.sum()))
    assert found.zero.fraction == pytest.approx((norms[inside] == 0).mean(), **close)
    for flat in found.absolute:
        is_flat = norms < flat.threshold
        assert flat.fraction == pytest.approx(is_flat[inside].mean(), **close)
        if is_flat.any():
            wanted = (is_flat & inside).sum() / (is_flat | inside).sum()
            assert flat.jaccard == pytest.approx(wanted, abs=0.02)
    assert (norms[outside] < found.median * (1 - 1e-9)).mean() < 0.5 + 0.01
    assert (norms[outside] <= found.median * (1 + 1e-9)).mean() > 0.5 - 0.01
    if found.median:
        wanted = (norms[inside] < found.relative[0].level).mean()
        assert found.relative[0].fraction == pytest.approx(wanted, **close)
    means = [norms[z].mean() for z in (inside, (slack > 0) & (slack < 0.2), outside)]
    np.testing.assert_allclose(found.norms, means, rtol=0.1)


def test_a_million_samples_agree_to_their_error():
    data = datasets.polytope(10, rng=3)
    first = random_network((2, 32, 1, 1), 3, scaled=True, bias=0.5)
    P, rng = Polytope.of(data), np.random.default_rng(0)
    X = rng.uniform(-1.5, 1.5, size=(10**6, 2))
    inside = P.slack(X) <= 0
    # the head is switched off on a part of the polytope
    shift = np.median(Network(first.layers[:3])(X[inside][:999]))
    biases = [first.biases[0], first.biases[1] - shift, first.biases[2]]
    net = ReLUNetwork(first.weights, biases)
    levels = {"thresholds": (0.2, 0.4), "relative": (0.5, 1.0, 1.5)}
    for part, least in ((net, 0.2), (Network(net.layers[:3]), 0.0)):
        found = mesa_measures(part, P, box=1.5, **levels)
        norms = np.linalg.norm(input_gradients(part, X), axis=1)
        assert least <= found.zero.fraction < 0.8
        pairs = [(found.zero.fraction, norms[inside] == 0)]
        # a level between slopes: the median is one of them
        pairs += [
            (flat.fraction, norms[inside] < flat.level * (1 - 1e-9))
            for flat in found.flat_sets[1:]
            if flat.level is not None
        ]
        for fraction, seen in pairs:
            error = np.sqrt(max(fraction * (1 - fraction), 1e-6) / len(seen))
            assert abs(fraction - seen.mean()) < 4 * error


def test_the_sampled_measures_agree_with_the_exact_ones():
    net = random_network((2, 12, 1), 1, scaled=True, bias=0.5)
    P = Polytope.of(datasets.polytope(10, rng=1))
    # a head with p = 1 is linear; an Lp head with p that is 1 but for rounding is sampled
    head = np.abs(net.weights[1])
    exact = Network([*net.layers[:2], LpNorm(head, [0.0], p=1.0)])
    near = Network([*net.layers[:2], LpNorm(head, [0.0], p=1 + 1e-12)])
    levels = {"thresholds": (0.8, 1.2), "relative": (0.5, 0.9)}
    found, other = (mesa_measures(n, P, box=1.5, rng=0, **levels) for n in (exact, near))
    assert found.samples == 0 and other.samples == 20_000
    for one, another in zip(found.flat_sets, other.flat_sets, strict=True):
        assert one.error == 0 < another.error
        assert abs(one.fraction - another.fraction) < 4 * another.error + 0.002
        assert one.jaccard == pytest.approx(another.jaccard, abs=0.03)
        assert another.components is None
    for i in range(3):
        assert abs(found.norms[i] - other.norms[i]) < 4 * other.errors[i]


def test_a_zone_with_one_sampled_point_has_no_finite_error():
    cube = Polytope([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]], [0.0, 0.0, 0.0])
    net = ReLUNetwork([np.eye(3), np.ones((1, 3))], [np.ones(3), [0.0]])
    found = mesa_measures(net, cube, box=1, samples=8, rng=0, margin=0.01)
    inside = round(found.areas[0] / found.box_area * found.samples)
    assert inside == 1 and found.errors[0] == np.inf and np.isfinite(found.norms[0])


def test_errors_are_as_large_as_they_say():
    net = random_network((2, 12, 1), 1, scaled=True, bias=0.5)
    P = Polytope.of(datasets.polytope(10, rng=1))
    head = np.abs(net.weights[1])
    levels = {"thresholds": (0.5, 0.7), "relative": ()}
    exact = Network([*net.layers[:2], LpNorm(head, [0.0], p=1.0)])
    near = Network([*net.layers[:2], LpNorm(head, [0.0], p=1 + 1e-12)])
    found = mesa_measures(exact, P, box=1.5, **levels)
    scores = []
    for seed in range(60):
        other = mesa_measures(near, P, box=1.5, samples=600, rng=seed, **levels)
        pairs = zip(found.flat_sets[1:], other.flat_sets[1:], strict=True)
        scores.append([(a.fraction - b.fraction) / b.error for a, b in pairs])
        pairs = zip(found.norms, other.norms, other.errors, strict=True)
        scores[-1] += [(a - b) / error for a, b, error in pairs]
    assert all(0.05 < flat.fraction < 0.95 for flat in found.absolute)
    spread = np.mean(np.square(scores), axis=0)
    assert (spread > 0.6).all() and (spread < 1.6).all()


def test_an_lp_head_with_p_1_is_the_linear_head_of_its_moduli():
    rng = np.random.default_rng(0)
    body = [Affine(rng.normal(size=(8, 2)), rng.normal(size=8)), ReLU()]
    w = rng.normal(size=(1, 8))
    P = Polytope.of(datasets.polytope(10, rng=0))
    one = mesa_measures(Network([*body, LpNorm(w, [0.3], p=1)]), P, box=1.5)
    two = mesa_measures(Network([*body, Affine(np.abs(w), [0.3])]), P, box=1.5)
    assert one.flat_sets == two.flat_sets and one.norms == two.norms


def test_in_more_dimensions_the_cube_is_found_flat():
    for d in (3, 5):
        cube = Polytope(np.vstack([np.eye(d), -np.eye(d)]), np.ones(2 * d))
        found = mesa_measures(face_network(cube), cube, box=1.25, samples=5000, rng=0)
        assert found.zero.fraction == 1 and found.zero.jaccard == 1
        assert 0 < found.zero.error < 0.01 and found.zero.components is None
        assert found.polytope_area / found.box_area == pytest.approx(0.8**d, rel=0.15)
        again = mesa_measures(face_network(cube), cube, box=1.25, samples=5000, rng=0)
        assert again.flat_sets == found.flat_sets


# What degenerates


def test_a_network_that_is_zero_is_flat_everywhere():
    zero = ReLUNetwork([np.zeros((3, 2)), np.zeros((1, 3))], [np.ones(3), [0.0]])
    found = mesa_measures(zero, SQUARE, box=2)
    assert found.zero.fraction == 1 and found.zero.area == 16 and found.zero.jaccard == 0.25
    assert found.median == 0 and found.norms == (0, 0, 0)
    for flat in found.relative:  # nothing to compare with
        assert flat.level is None and flat.fraction is None and flat.area is None
    assert "no slope to compare with" in found.summary()


def test_a_polytope_larger_than_the_box_has_no_exterior():
    found = mesa_measures(face_network(SQUARE), SQUARE, box=0.5)
    assert found.is_clipped and found.polytope_area == 1 and found.zero.fraction == 1
    assert found.areas == (1, 0, 0) and found.norms == (0, None, None) and found.median is None
    assert found.relative[0].fraction is None
    for box in ([(0, 3)] * 2, [(-3, 3), (0.5, 3)]):
        assert mesa_measures(face_network(SQUARE), SQUARE, box=box).is_clipped
    # an exterior of 1e-14 is rounding
    found = mesa_measures(face_network(SQUARE), SQUARE, box=1.2 + 1e-14, margin=0.2)
    assert found.areas[2] == 0 and found.norms[2] is None and found.median is None
    half = Polytope([[1.0, 0.0]], [0.0])
    found = mesa_measures(face_network(half), half, box=1)
    assert found.is_clipped and found.zero.fraction == 1 and found.polytope_area == 2


def test_flatness_that_does_not_meet_the_polytope():
    # flat on the left of -1.5 only
    net = ReLUNetwork([[[1.0, 0.0]], [[1.0]]], [[1.5], [0.0]])
    found = mesa_measures(net, SQUARE, box=2)
    assert found.zero.fraction == 0 and found.zero.jaccard == 0 and found.zero.components == 1
    assert found.zero.area == pytest.approx(2) and found.zero.union == pytest.approx(6)
    steep = mesa_measures(ReLUNetwork([[[1.0, 0.0]]], [[0.0]]), SQUARE, box=2)
    assert steep.zero.area == 0 and steep.zero.components == 0 and steep.zero.largest == 0


def test_a_polytope_outside_of_the_box_is_refused():
    far = Polytope(SQUARE.normals, SQUARE.offsets + SQUARE.normals @ [9, 9])
    for P in (far, Polytope([[1.0, 0.0], [-1.0, 0.0]], [0.0, 0.0])):
        with pytest.raises(ValueError, match="polytope must have parts in the box, found none"):
            mesa_measures(face_network(P), P, box=2)
    cube = Polytope(np.vstack([np.eye(3), -np.eye(3)]), np.repeat([-8.0, 9.0], 3))
    with pytest.raises(ValueError, match="polytope must have points in the box, found none"):
        mesa_measures(face_network(cube), cube, box=2, samples=99, rng=0)


@pytest.mark.parametrize("scale", [1e-150, 1e-8, 1e8, 1e150])
def test_the_scale_of_the_output_changes_levels_only(scale):
    net = random_network((2, 9, 1), 2, scaled=True, bias=0.5)
    P = Polytope.of(datasets.polytope(10, rng=2))
    large = ReLUNetwork([net.weights[0] * scale, net.weights[1]], [net.biases[0] * scale, [0.0]])
    one = mesa_measures(net, P, box=1.5, thresholds=(0.2,), relative=(0.5, 0.9))
    two = mesa_measures(large, P, box=1.5, thresholds=(0.2 * scale,), relative=(0.5, 0.9))
    for a, b in zip(one.flat_sets, two.flat_sets, strict=True):
        assert a.fraction == pytest.approx(b.fraction, abs=1e-9)
        assert a.components == b.components
    assert two.median == pytest.approx(one.median * scale, rel=1e-9)
    # of the plane
    box, P2 = 1.5 * 1e60, Polytope(P.normals, P.offsets * 1e60)
    wide = ReLUNetwork([net.weights[0], net.weights[1]], [net.biases[0] * 1e60, [0.0]])
    three = mesa_measures(wide, P2, box=box, thresholds=(0.2,), relative=(0.5,), margin=0.2e60)
    assert three.zero.fraction == pytest.approx(one.zero.fraction, abs=1e-9)
    assert three.absolute[0].fraction == pytest.approx(one.absolute[0].fraction, abs=1e-9)
    assert three.relative[0].jaccard == pytest.approx(one.relative[0].jaccard, abs=1e-9)
    np.testing.assert_allclose(np.array(three.areas) / 1e120, one.areas, rtol=1e-9)


def test_a_gradient_that_cancels_is_zero_within_its_rounding():
    rng = np.random.default_rng(0)
    W = rng.normal(size=(40, 2)) * 1e6
    # each line twice with opposite weights: zero everywhere, of sums of 1e6
    pairs = ReLUNetwork(
        [np.vstack([W, W]) * 0.1, np.hstack([np.ones((1, 40)), -np.ones((1, 40))]) / 3],
        [np.concatenate([W[:, 0], W[:, 0]]), [0.0]],
    )
    shuffled = rng.permutation(80)
    net = ReLUNetwork(
        [pairs.weights[0][shuffled], pairs.weights[1][:, shuffled]],
        [pairs.biases[0][shuffled], [0.0]],
    )
    for P, options in ((SQUARE, {}), (Polytope(np.eye(2), [1.0, 1.0]), {})):
        found = mesa_measures(net, P, box=2, **options)
        assert found.zero.fraction == pytest.approx(1) and found.absolute[0].fraction == 1
        assert set(found.norms) <= {0, None} and not found.median
    from geomcore.mesa.sampling import sampled

    pieces = sampled(net, SQUARE, np.array([(-2.0, 2.0)] * 2), 0, 0.2, 999, rng)
    assert pieces.is_zero.all() and (pieces.norms == 0).all()
    # a slope of one part in 1e10 of what cancels is one
    tilted = ReLUNetwork(
        [net.weights[0], net.weights[1] * (1 + 1e-10 * (np.arange(80) == 3))], net.biases
    )
    assert mesa_measures(tilted, SQUARE, box=2).zero.fraction < 1


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_whatever_the_network_fractions_are_fractions(seed):
    rng = np.random.default_rng(seed)
    net = wild_network(rng)
    d = net.widths[0]
    P = Polytope(rng.normal(size=(5, d)), rng.uniform(0.4, 1, 5))
    try:
        found = mesa_measures(net, P, box=1.5, samples=50, rng=rng)
    except ValueError as error:
        assert "overflow" in str(error) or "found none" in str(error)
        return
    for flat in found.flat_sets:
        if flat.fraction is None:
            assert not found.median
            continue
        assert 0 <= flat.jaccard <= 1 and 0 <= flat.fraction <= 1
        assert flat.intersection <= flat.union * (1 + 1e-12)
        assert flat.area <= found.box_area * (1 + 1e-9)
        assert flat.fraction >= found.zero.fraction
    repr(found), found.summary(), found.frame()


def test_a_median_with_weights():
    assert weighted_median(np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 1.0])) == 2
    assert weighted_median(np.array([1.0, 2.0]), np.array([1.0, 1.0])) == 1.5
    assert weighted_median(np.array([1.0, 2.0]), np.array([1.0, 1.0 + 1e-15])) == 1.5
    assert weighted_median(np.array([1.0, 5.0, 2.0]), np.array([0.0, 1.0, 0.5])) == 5
    assert weighted_median(np.array([7.0]), np.array([0.2])) == 7
    assert weighted_median(np.array([1e308, 1.5e308]), np.array([1.0, 1.0])) == 1.25e308
    # no weight at the lower end
    assert weighted_median(np.array([0.0, 1.0, 9.0]), np.array([0.0, 2.0, 0.0])) == 1


def test_tables_and_lines():
    found = mesa_measures(face_network(SQUARE), SQUARE, box=2)
    table = found.frame()
    assert table["kind"].tolist() == ["zero", *["absolute"] * 3, *["relative"] * 2]
    assert table["fraction"].tolist() == [1.0] * 6 or (table["fraction"] == 1).all()
    text = found.summary()
    assert "exactly" in text and "gradient zero: 100.0% of the polytope" in text
    cube = Polytope(np.vstack([np.eye(3), -np.eye(3)]), np.ones(6))
    text = mesa_measures(face_network(cube), cube, box=0.9, samples=99, rng=0).summary()
    none = mesa_measures(face_network(SQUARE), SQUARE, box=2, thresholds=(), relative=[])
    assert none.flat_sets == (none.zero,)
    assert "99 samples" in text and "only the part in the box" in text


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"net": None}, "net must be"),
        ({"polytope": [[1.0]]}, "polytope must be a Polytope"),
        ({"polytope": Polytope(np.eye(3), np.ones(3))}, "polytope must be in dimension 2"),
        ({"box": [(0, 1)]}, "box must be a number or 2 pairs"),
        ({"box": 0}, "box must be a positive number"),
        ({"output": 1}, "output must be a whole number from 0 to 0"),
        ({"net": Network([ReLU()]), "output": 2}, "output must be a whole number from 0 to 1"),
        ({"output": True}, "output must be a whole number"),
        ({"thresholds": (1.0, -1.0)}, "thresholds must be positive"),
        ({"thresholds": 1.0}, "thresholds must have 1 axis"),
        ({"relative": (0.0,)}, "relative must be positive"),
        ({"margin": 0}, "margin must be a positive number"),
        ({"samples": 1}, "samples must be a whole number, at least 2"),
        ({"rng": "x"}, "rng must be"),
    ],
)
def test_wrong_calls_say_which_argument(change, told):
    with pytest.raises(ValueError, match=told):
        mesa_measures(**{"net": face_network(SQUARE), "polytope": SQUARE, "box": 2, **change})
    huge = ReLUNetwork([np.eye(3) * 1e200, np.eye(3)[:1] * 1e200], [np.zeros(3), [0.0]])
    with pytest.raises(ValueError, match="net must have gradients on the box that are finite"):
        mesa_measures(huge, Polytope(np.eye(3), np.ones(3)), box=1, samples=50, rng=0)
