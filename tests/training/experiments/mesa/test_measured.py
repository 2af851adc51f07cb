"""What is measured of a network, on networks made by hand."""

import numpy as np
import pytest

from geomcore import Network, ReLUNetwork, input_gradients
from geomcore.layers import Affine, LpNorm, ReLU
from training.descent.trainer import train
from training.experiments.mesa.measured import measures_of, norms_at, scalar_of
from training.experiments.mesa.networks import draw


def by_faces(task, *, slope=3.0, bias=0.0, last=-1.0, more=()):
    """A head output that is 0 on the polytope and grows from each face on, and units beyond."""
    W = np.vstack([task.polytope.normals, *[row[None] for row, _, _ in more]])
    b = np.concatenate([-task.polytope.offsets, [c for _, c, _ in more]])
    w = np.concatenate([np.full(len(task.polytope.offsets), slope), [v for _, _, v in more]])
    return ReLUNetwork([W, w[None], [[last]]], [b, [bias], [0.1]])


@pytest.fixture(scope="module")
def task():
    return draw(3, 2)


# By hand


def test_the_sum_of_slacks_is_flat_on_the_polytope_and_nowhere_else(task):
    row = measures_of(by_faces(task), task, 0)
    for kind in ("zero", "0.5", "1", "2", "relative"):
        assert row[f"head_area_{kind}"] == pytest.approx(1, abs=1e-9)
        assert row[f"head_overlap_{kind}"] == pytest.approx(1, abs=1e-9)
        assert row[f"head_points_{kind}"] == 1 and row[f"head_error_{kind}"] == 0
    assert row["head_interior"] == 0 and row["head_exterior"] >= 3 > row["head_level"] > 0.3
    assert row["on_inside"] == 0 and row["centre_on"] == 0 and np.isnan(row["centre_weight_on"])
    assert row["negative_mass"] == row["negative_share"] == row["negative"] == 0
    assert not row["collapsed"] and row["accuracy"] > 0.9 and row["w3"] == -1


def test_a_head_below_zero_inside_is_flat_for_the_logit_and_not_for_itself(task):
    tilt = (np.array([2.0, 0.0]), 9.0, 1.0)  # on everywhere
    row = measures_of(by_faces(task, bias=-12.5, more=[tilt]), task, 0)
    assert row["head_area_1"] == row["head_points_1"] == 0
    assert row["logit_area_zero"] > 0.2 and row["logit_points_zero"] > 0.2
    assert row["centre_on"] == 1 and row["centre_weight_on"] == 1
    assert row["centre_slope_on"] == 2 and row["centre_cancelled"] == 0


def test_opposite_units_cancel_at_the_centre(task):
    pair = [(np.array([2.0, 0.0]), 9.0, 1.0), (np.array([1.0, 0.0]), 9.0, -2.0)]
    row = measures_of(by_faces(task, more=pair), task, 0)
    assert row["centre_cancelled"] == pytest.approx(1) and row["centre_on"] == 2
    assert row["negative"] == 1 and row["negative_mass"] == 2 and row["negative_mean"] == -2
    assert row["negative_share"] == pytest.approx(2 / (6 * 3 + 4))
    # Nothing cancels of units whose head weights are 0.
    silent = [(W, b, 0.0) for W, b, _ in pair]
    row = measures_of(by_faces(task, more=silent), task, 0)
    assert row["centre_cancelled"] == 0 == row["centre_weight_on"] and row["centre_on"] == 2
    # In an Lp head the sign says nothing.
    net = by_faces(task, more=pair)
    lp = Network([net.layers[0], ReLU(), LpNorm(*net.layers[2].tensors, p=1), *net.layers[3:]])
    row = measures_of(lp, task, 0)
    assert row["negative_share"] == 0 and row["centre_cancelled"] == 0 and row["p"] == 1


def test_a_run_has_collapsed_if_all_training_points_get_one_answer(task):
    dead = by_faces(task, slope=1.0, bias=-99.0, last=1.0)
    assert (dead(task.X) > 0).all()
    row = measures_of(dead, task, 0)
    assert row["collapsed"] and row["accuracy"] < 0.5
    negative = dead.rebuild([*dead.tensors[:-1], np.array([-0.1])])
    row = measures_of(negative, task, 0)
    assert row["collapsed"] and row["accuracy"] == row["majority"]
    assert row["logit_area_zero"] == pytest.approx(1)


def test_the_majority_rate_alone_is_no_collapse(task):
    """Two answers that happen to be right as often as one."""
    weights = [np.eye(2)[:1], [[1.0]], [[-1.0]]]
    net = ReLUNetwork(weights, [[0.0], [0.0], [0.5]])
    row = measures_of(net, task, 0)
    assert not row["collapsed"]


# Laws


def test_small_weights_and_scales_of_units(task):
    net = by_faces(task, more=[(np.array([1.0, 1.0]), 5.0, 0.005)])
    row = measures_of(net, task, 0)
    assert row["below_0.01"] == 1 and row["below_0.1"] == 1 and row["least_weight"] == 0.005
    scaled = net.rebuild(
        [net.tensors[0] * 100, net.tensors[1] * 100, net.tensors[2] / 100, *net.tensors[3:]]
    )
    other = measures_of(scaled, task, 0)
    assert other["below_0.1"] == 7 and other["centre_weight_on"] < row["centre_weight_on"] / 99
    for key in ("centre_slope_on", "head_area_1", "negative_share", "head_level"):
        assert other[key] == pytest.approx(row[key])


def test_norms_are_those_of_input_gradients(task):
    net = by_faces(task)
    for scalar, upto in (("head", Network(net.layers[:3])), ("logit", net)):
        assert scalar_of(net, scalar) == upto
        G = input_gradients(upto, task.test)
        assert np.allclose(norms_at(net, scalar, task.test), np.sqrt((G**2).sum(axis=1)))


def test_the_level_is_a_tenth_of_the_median_in_the_exterior(task):
    row, net = measures_of(by_faces(task), task, 0), by_faces(task)
    slack = task.polytope.slack(task.test)
    norms = norms_at(net, "logit", task.test[slack >= 0.2])
    assert row["logit_level"] == pytest.approx(0.1 * np.median(norms))
    near = norms_at(net, "logit", task.test[(slack > 0) & (slack < 0.2)])
    assert np.median(near) != pytest.approx(np.median(norms))


def test_the_loss_is_that_of_training(task):
    net = by_faces(task)
    result = train(net, task.X, task.y, loss="bce", steps=0)
    assert measures_of(net, task, 0)["loss"] == pytest.approx(result.final_loss)


def test_in_higher_dimension_areas_are_sampled_with_errors():
    task = draw(0, 3)
    row = measures_of(by_faces(task), task, 0)
    # Never quite sure, even if all samples agree.
    assert row["head_area_zero"] == 1 and 0 < row["head_error_zero"] < 0.01
    assert row == pytest.approx(measures_of(by_faces(task), task, 0), nan_ok=True)


def test_the_affine_layer_of_a_network_need_not_be_a_relu_network(task):
    net = by_faces(task)
    layers = [Affine(*net.tensors[:2]), ReLU(), Affine(*net.tensors[2:4]), ReLU()]
    general = Network([*layers, Affine(*net.tensors[4:])])
    assert measures_of(general, task, 0) == pytest.approx(measures_of(net, task, 0), nan_ok=True)
