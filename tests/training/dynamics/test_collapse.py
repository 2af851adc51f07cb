"""Neural collapse of networks, layer by layer."""

import numpy as np
import pytest
from builders import random_network, random_points, wild_network
from dynamics_by_loops import collapse

from constructions import construct
from geomcore import Network, ReLUNetwork, cumulative_parameters, datasets, truncate
from geomcore.layers import Affine
from training import BinaryCrossEntropy, neural_collapse


def labels(n, Q):
    return np.arange(n) % Q


# By hand


def test_a_network_whose_classes_are_a_simplex_frame():
    # each unit is on for its own class only, and the last layer reads them off
    net = ReLUNetwork([np.eye(3), np.eye(3)], [[-1.0] * 3, [0.0] * 3])
    X = (
        np.repeat(2 * np.eye(3), 2, axis=0)
        + np.tile([[0.0], [1.0]], (3, 3)) * (np.eye(3)[[1, 1, 2, 2, 0, 0]])
    )
    found = neural_collapse(net, X, np.repeat([0, 1, 2], 2))
    data, hidden, truncated = found.rows
    assert data.measures.nc1 == pytest.approx(2 / 39)  # (1/4/3) I within, 13/12 in the plane
    for row in (hidden, truncated):
        assert row.measures.nc4 == 0 and (row.rank, row.width) == (3, 3)
        np.testing.assert_allclose(row.measures[:5], 0, atol=1e-15)
    # the rows of the identity are e_c, the means e_c - 1/3, of norms sqrt(3) and sqrt(2)
    expected = 2 - 2 * 2 / (np.sqrt(3) * np.sqrt(2))
    assert hidden.measures.nc3 == pytest.approx(expected)
    centred = ReLUNetwork([np.eye(3), np.eye(3) - 1 / 3], [[-1.0] * 3, [1 / 3] * 3])
    assert neural_collapse(centred, X, np.repeat([0, 1, 2], 2)).hidden[0].measures.nc3 < 1e-15


def test_constructions_of_zero_loss_have_collapsed_at_the_last_hidden_layer():
    data = datasets.clusters(n=20, rng=0)
    found = neural_collapse(construct(data.X, data.y).network, data.X, data.y)
    last = found.hidden[-1].measures
    assert last.nc1 < 1e-20 and last.nc4 == 0 and last.between_rank == 2
    assert found.rows[0].measures.nc1 > 1e-4
    assert all(row.defect < 1e-12 for row in found.rows)


# Against loops


@pytest.mark.parametrize("widths", [(3, 3, 3, 3), (4, 3, 3), (2, 5, 4, 3)])
def test_every_layer_is_measured_by_the_definitions(widths):
    net, X, y = random_network(widths, 3, scaled=True), random_points(30, widths[0]), labels(30, 3)
    found = neural_collapse(net, X, y)
    outputs, chosen = [X, *net.hidden(X)], net(X).argmax(axis=1)
    assert [row.layer for row in found.hidden] == list(range(1, len(widths) - 1))
    for row in [found.rows[0], *found.hidden]:
        rest = np.eye(3)
        for W in reversed(net.weights[row.layer :]):
            rest = rest @ W
        expected = collapse(outputs[row.layer], y, 3, rest, chosen)
        np.testing.assert_allclose(row.measures[:7], expected, rtol=1e-8, atol=1e-10)
    for row, points in zip(found.truncated, truncate(net, X), strict=True):
        if widths[1] <= widths[0]:
            rest = cumulative_parameters(net)[0][-1]
            expected = collapse(points, y, 3, rest, chosen)
            np.testing.assert_allclose(row.measures[:7], expected, rtol=1e-8, atol=1e-10)
        else:
            expected = collapse(points, y, 3, None, chosen)
            got = [*row.measures[:5], row.measures.nc4]
            np.testing.assert_allclose(got, expected, rtol=1e-8, atol=1e-10)


# Laws


def test_scaling_units_changes_nothing_of_truncated_data():
    net, X, y = random_network((3, 3, 3), 1), random_points(20, 3), labels(20, 3)
    (W, V), (b, c) = net.weights, net.biases
    scaled = ReLUNetwork([1e3 * W, V / 1e3], [1e3 * b, c])
    one, other = neural_collapse(net, X, y), neural_collapse(scaled, X, y)
    for before, after in zip(one.rows, other.rows, strict=True):
        np.testing.assert_allclose(after.measures, before.measures, rtol=1e-9, atol=1e-12)


def test_two_labels_and_one_output_are_the_classes_zero_and_one():
    net, X = random_network((2, 3, 1), 2), random_points(12, 2)
    y = labels(12, 2)
    found = neural_collapse(net, X, y, loss=BinaryCrossEntropy())
    assert found.classes == 2
    V, H = net.weights[1], net.hidden(X)[0]
    difference = H[y == 1].mean(axis=0) - H[y == 0].mean(axis=0)
    cosine = (V[0] @ difference) / (np.linalg.norm(V) * np.linalg.norm(difference))
    assert found.hidden[0].measures.nc3 == pytest.approx(2 - 2 * cosine)
    logits = net(X)[:, 0]
    expected = collapse(H, y, 2, None, (logits > 0).astype(int))[-1]
    assert found.hidden[0].measures.nc4 == pytest.approx(expected)


# Degenerate


def test_a_dead_layer_is_told_as_such():
    net = ReLUNetwork([np.eye(3), np.eye(3)], [[-99.0] * 3, [0.0] * 3])
    found = neural_collapse(net, random_points(9, 3), labels(9, 3))
    for row in found.rows[1:]:
        assert row.measures.between_rank == 0 and np.isnan(row.measures[:7]).all()
    assert np.isfinite(found.rows[0].measures[:6]).all()


def test_a_layer_without_weights_is_told_as_such():
    net = ReLUNetwork([np.zeros((2, 3)), np.ones((2, 2))], [[1.0, 0.0], [0.0, 0.0]])
    found = neural_collapse(net, random_points(9, 3), labels(9, 2))
    assert found.hidden[0].rank == 0 and found.hidden[0].measures.between_rank == 0


def test_a_rank_deficient_layer_comes_with_its_defect():
    weights = [np.eye(2), [[1.0, 1.0], [-1.0, -1.0]], np.eye(2)]
    net = ReLUNetwork(weights, [[0.0, 0.0], [-1.0, 0.0], [0.0, 0.0]])
    found = neural_collapse(net, [[2.0, 3], [1, 1], [0, 1], [3, 3]], [0, 0, 1, 1])
    assert [(row.rank, row.width) for row in found.hidden] == [(2, 2), (1, 2)]
    assert found.hidden[1].defect > 1 and "layer 2 has rank 1 of 2" in found.summary()


def test_one_class_and_a_network_without_hidden_layers():
    net = ReLUNetwork([np.ones((1, 2))], [[0.0]])
    found = neural_collapse(net, [[1.0, 2.0], [3.0, 4.0]], ["a", "a"])
    assert len(found.rows) == 1 and np.isnan(found.rows[0].measures[:7]).all()
    assert not found.hidden and not found.truncated


def test_numbers_beyond_all_floats_are_refused():
    net = ReLUNetwork([np.eye(2), 1e200 * np.eye(2), np.eye(2)], [[0.0, 0.0]] * 3)
    with pytest.raises(ValueError, match="finite"):
        neural_collapse(net, [[1e200, 0], [0, 1e200]], [0, 1])


@pytest.mark.parametrize("seed", range(40))
def test_networks_of_any_size_are_measured_or_refused(seed):
    rng = np.random.default_rng(seed)
    net = wild_network(rng)
    X = rng.choice([1, 1e150, 1e-150, 1e300]) * random_points(7, net.widths[0], seed)
    try:
        found = neural_collapse(net, X, rng.normal(size=(3, net.widths[-1]))[np.arange(7) % 3])
    except ValueError as refusal:
        assert str(refusal).startswith("net must ")
        return
    for row in found.rows:
        known = np.array(row.measures[:7])
        known = known[~np.isnan(known)]
        assert (known >= 0).all() and np.isfinite(known).all()


# Results


def test_its_frame_and_summary_have_a_row_for_each_layer_and_space():
    net, X, y = random_network((3, 3, 3, 3), 1), random_points(12, 3), labels(12, 3)
    found = neural_collapse(net, X, y)
    frame = found.frame()
    assert frame.space.tolist() == ["data", *["hidden", "truncated"] * 2]
    assert frame.nc1.tolist() == [row.measures.nc1 for row in found.rows]
    assert len(found.summary().splitlines()) == 1 + 5
    for value in (found, found.rows[0]):
        lines = repr(value).split("\n")
        assert len(lines) <= 5 and max(map(len, lines)) <= 80


# Bad input


@pytest.mark.parametrize(
    ("net", "y", "reason"),
    [
        (Network([Affine(np.eye(3), np.zeros(3))]), [0, 1, 2], "net must be a ReLUNetwork"),
        (random_network((3, 3, 3)), [0, 1], "y must have one label per point"),
        (random_network((2, 3, 3)), [0, 1, 2], "X must have 2 columns"),
        (random_network((3, 3, 2)), [0, 1, 2], "targets must say what the 2 outputs"),
    ],
)
def test_wrong_calls_get_one_sentence(net, y, reason):
    with pytest.raises(ValueError, match=reason):
        neural_collapse(net, np.eye(3), y)


def test_a_name_that_is_nearly_right_is_named():
    with pytest.raises(TypeError, match="targets"):
        neural_collapse(random_network((3, 3, 3)), np.eye(3), [0, 1, 2], target=np.eye(3))


@pytest.mark.parametrize("size", [1e-300, 1e-150])
def test_weights_of_any_size_have_the_same_alignment(size):
    net = random_network((2, 3, 4, 3), 1)
    X, y = random_points(12, 2), np.arange(12) % 3
    zero = [np.zeros_like(b) for b in net.biases]
    usual = neural_collapse(ReLUNetwork(net.weights, zero), X, y)
    found = neural_collapse(ReLUNetwork([size * W for W in net.weights], zero), X, y)
    assert found.rows[0].measures.nc3 == pytest.approx(usual.rows[0].measures.nc3)


def test_as_many_classes_as_points_are_measured():
    X = random_points(400, 2)
    net = random_network((2, 3, 1), 1)
    found = neural_collapse(net, X, np.linspace(0, 1, 400)[:, None])
    assert found.classes == 400 and np.isnan(found.hidden[0].measures.nc1)
    assert 0 <= found.hidden[0].measures.nc4 <= 1
