"""What an output does as points go out of the polytope."""

import numpy as np
import pytest
from builders import random_network
from scipy.stats import rankdata, spearmanr

from geomcore import Network, Polytope, ReLUNetwork, slack_profile
from geomcore.layers import ReLU
from geomcore.mesa.profile import correlation, ranks

SQUARE = Polytope([[1, 0], [0, 1], [-1, 0], [0, -1]], [1, 1, 1, 1])
FACES = ReLUNetwork([SQUARE.normals, np.ones((1, 4))], [-SQUARE.offsets, [0.0]])


def test_the_network_of_the_faces_is_flat_inside_and_rises_outside():
    found = slack_profile(FACES, SQUARE, box=2, bins=20, rng=0)
    assert found.counts.sum() == 20_000 and found.ends.shape == (20, 2)
    inside = found.ends[:, 1] < 0
    assert (found.high[inside] == 0).all()
    outside = found.ends[:, 0] > 0.01
    # at least the slack, at most twice: beyond a corner both faces count
    assert (found.low[outside] >= found.ends[outside, 0]).all()
    assert (found.high[outside] <= 2 * found.ends[outside, 1]).all()
    assert found.rising == 1 and found.distance_correlation > 0.9
    assert 0.8 < found.rank_correlation < 1
    down = ReLUNetwork(FACES.weights[:1] + (-FACES.weights[1],), FACES.biases)
    fell = slack_profile(down, SQUARE, box=2, bins=20, rng=0)
    assert fell.rank_correlation == pytest.approx(-found.rank_correlation)
    assert fell.distance_correlation == pytest.approx(-found.distance_correlation)
    assert fell.rising < 1


def test_bins_hold_the_quartiles_of_their_points():
    net = random_network((3, 8, 1), 0)
    P = Polytope(np.vstack([np.eye(3), -np.eye(3)]), np.ones(6))
    found = slack_profile(net, P, box=1.5, bins=7, samples=500, rng=3)
    from geomcore.mesa.polytope import as_box
    from geomcore.mesa.sampling import drawn

    X = drawn(as_box(1.5, 3), 500, np.random.default_rng(3))
    slack, values = P.slack(X), net(X)[:, 0]
    edges = np.linspace(slack.min(), slack.max(), 8)
    seen = 0
    for k in range(7):
        last = slack <= edges[k + 1] if k == 6 else slack < edges[k + 1]
        mine = values[(slack >= edges[k]) & last]
        if not len(mine):
            continue
        np.testing.assert_array_equal(found.ends[seen], edges[k : k + 2])
        assert found.counts[seen] == len(mine)
        got = found.low[seen], found.median[seen], found.high[seen]
        np.testing.assert_allclose(got, np.quantile(mine, [0.25, 0.5, 0.75]))
        seen += 1
    assert seen == len(found.counts) and found.counts.sum() == 500
    assert found.rank_correlation == pytest.approx(spearmanr(slack, values).statistic)
    wanted = np.corrcoef(np.maximum(slack, 0), values)[0, 1]
    assert found.distance_correlation == pytest.approx(wanted)
    assert found.frame()["points"].sum() == 500


def test_bins_without_points_are_left_out():
    found = slack_profile(FACES, SQUARE, box=2, bins=90, samples=5, rng=0)
    assert 1 < len(found.counts) <= 5 and found.counts.sum() == 5
    assert np.isfinite(found.median).all() and (found.ends[:, 0] < found.ends[:, 1]).all()
    assert len(found.frame()) == len(found.counts)


def test_ranks_of_ties_are_their_mean():
    values = np.random.default_rng(0).integers(0, 9, 50).astype(float)
    np.testing.assert_array_equal(ranks(values), rankdata(values) - 1)


def test_what_is_constant_has_no_correlation():
    zero = ReLUNetwork([np.zeros((2, 2)), np.zeros((1, 2))], [np.ones(2), [3.0]])
    found = slack_profile(zero, SQUARE, box=2, rng=0, samples=99)
    assert found.rank_correlation is None and found.distance_correlation is None
    assert found.rising == 1
    inside = slack_profile(FACES, SQUARE, box=0.5, rng=0, samples=99)
    assert inside.distance_correlation is None and inside.median.max() == 0
    one = slack_profile(FACES, SQUARE, box=2, bins=1, rng=0, samples=9)
    assert one.rising is None and one.counts.tolist() == [9]


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1e150, 1e300])
def test_correlations_of_any_scale(scale):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 50))
    assert correlation(a * scale, b) == pytest.approx(np.corrcoef(a, b)[0, 1])
    # the same up to rounding
    assert correlation(np.array([1.0, 1.0 + 1e-16, 1.0]), np.array([1.0, 2.0, 3.0])) is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"net": 3}, "net must be"),
        ({"polytope": None}, "polytope must be a Polytope"),
        ({"box": "x"}, "box must"),
        ({"output": -1}, "output must be a whole number"),
        (
            {"net": Network([ReLU()]), "output": 2},
            "output must be a whole number from 0 to 1, got 2",
        ),
        ({"bins": 0}, "bins must be a whole number, at least 1"),
        ({"samples": 1}, "samples must be a whole number, at least 2"),
    ],
)
def test_wrong_calls_say_which_argument(change, told):
    with pytest.raises(ValueError, match=told):
        slack_profile(**{"net": FACES, "polytope": SQUARE, "box": 2, **change})
    huge = ReLUNetwork([np.eye(2) * 1e200, [[1e200, 1]]], [np.zeros(2), [0.0]])
    with pytest.raises(ValueError, match="net must have outputs on the box that are finite"):
        slack_profile(huge, SQUARE, box=1, rng=0)
