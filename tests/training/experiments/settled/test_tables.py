"""What is told of a settled network: layers against cones known by hand, kinks, words."""

import numpy as np
import pytest

from geomcore import ReLUNetwork, truncation_defects
from training.experiments.settled import tables
from training.settling.settled import RUNAWAY, KinkedPair, Settled

# The cone of the first layer has its base at (1, 1): it collapses what is below and left of it.
CORNER = ReLUNetwork([np.eye(2), np.eye(2)], [[-1.0, -1.0], [0.0, 0.0]])
X = np.array([[0.0, 0.0], [0.5, 0.0], [3.0, 0.0], [3.0, 2.0]])
Y = np.array(["a", "a", "b", "c"])


def settled(**fields):
    given = {
        "network": CORNER,
        "reason": "critical point",
        "loss": 0.25,
        "loss_before": 0.5,
        "moved": 0.125,
        "moved_by_rescaling": 0.0,
        "is_fitted": False,
        "kinks": (),
        "gradient_norm": 1e-16,
        "spectrum": np.array([-0.5, 2.0]),
    }
    return Settled(**given | fields)


# By hand


def test_points_are_counted_in_the_cones_of_a_layer():
    (row,) = tables.layer_rows(CORNER, X, Y)
    assert (row["layer"], row["units"], row["rank"], row["is_cone"]) == (1, 2, 2, True)
    assert (row["collapsed"], row["face"], row["alone"]) == (0.5, 0.25, 0.25)
    assert row["dead"] == 0 and row["defect"] == 0 and row["condition"] == 1
    assert row["angle"] == pytest.approx(np.pi / 2)


def test_a_layer_with_dependent_rows_has_no_cone_and_says_its_defect():
    net = ReLUNetwork([[[1.0, 0.0], [-1.0, 0.0]], np.eye(2)], [[0.0, 0.5], [0.0, 0.0]])
    (row,) = tables.layer_rows(net, X, Y)
    known = truncation_defects(net, X)[0]
    assert (row["rank"], row["is_cone"]) == (1, False)
    assert row["defect"] == pytest.approx(known.defect) and row["defect"] > 0.1
    (words,) = tables.layer_words([row])
    assert words["cone"] == "no" and words["rank"] == "1"


def test_units_that_are_never_on_are_counted():
    net = ReLUNetwork([np.eye(2), np.eye(2)], [[-9.0, 0.0], [0.0, 0.0]])
    assert tables.layer_rows(net, X, Y)[0]["dead"] == 1


def test_it_is_told_how_far_a_network_moved_and_that_it_was_far():
    near, far = tables.told(settled()), tables.told(settled(moved=5.0))
    assert "critical point of the squared error" in near
    assert "from 0.5 to 0.25" in near and "moved by 0.12" in near
    assert "far" not in near and "That is far" in far
    assert "no critical point" in tables.told(settled(reason=RUNAWAY))


def test_eigenvalues_that_are_negative_are_told():
    assert "1 of them negative" in tables.bends(settled())
    assert "negative" not in tables.bends(settled(spectrum=np.array([1.0])))
    assert tables.bends(settled(spectrum=np.zeros(0))) == ""


def test_kinks_have_their_multiplier_its_bound_and_the_room_between():
    kinks = [KinkedPair(1, 7, 2, 0.25, 1.0)] * 30
    rows = tables.kink_rows(settled(kinks=tuple(kinks)))
    assert len(rows) == tables.SHOWN
    assert rows[0] == {
        "layer": "1", "point": "7", "unit": "2",
        "multiplier": "0.25", "of at most": "1", "room": "0.25",
    }  # fmt: skip


# Laws


@pytest.mark.parametrize("widths", [(2, 5, 3), (2, 2, 2, 3), (4, 3, 3), (1, 1, 1), (3, 3)])
def test_every_point_is_collapsed_moved_or_left_alone(widths):
    rng = np.random.default_rng(0)
    shapes = zip(widths[1:], widths[:-1], strict=True)
    net = ReLUNetwork(
        [rng.normal(size=shape) for shape in shapes], [rng.normal(size=m) for m in widths[1:]]
    )
    points = rng.normal(size=(20, widths[0]))
    rows = tables.layer_rows(net, points, np.arange(20) % 3)
    assert len(rows) == len(widths) - 2
    for row in rows:
        assert row["collapsed"] + row["face"] + row["alone"] == pytest.approx(1)
