"""What a settled network tells."""

from dataclasses import replace

import numpy as np
import pytest
from settling_problems import on_a_kink, shaken

from training import settle
from training.settling.settled import RUNAWAY


@pytest.fixture(scope="module")
def settled():
    net, X, Y = on_a_kink()
    W1, b1, W2, b2 = net.tensors
    order = [3, 0, 2, 1]  # the kink is at the last row, and all outputs are 8 times as large
    return settle(shaken(net.rebuild([W1, b1, 8 * W2, b2]), 0.02), X[order], 8 * Y[order])


def test_it_names_the_kinks_from_layer_one_and_by_the_rows_of_X(settled):
    (kink,) = settled.kinks
    scale = 8 * settled.network.weights[1][0, 0]
    assert kink[:3] == (1, 3, 0)
    assert kink.multiplier == pytest.approx(0.05 * scale, rel=1e-9)
    assert kink.rise == pytest.approx(0.15 * scale, rel=1e-9)
    assert kink.room == pytest.approx(0.05 * scale, rel=1e-9)


def test_its_frame_has_one_row_for_each_kink(settled):
    frame = settled.frame()
    assert list(frame.columns) == ["layer", "point", "unit", "multiplier", "rise", "room"]
    assert len(frame) == 1 and frame.room[0] == settled.kinks[0].room


def test_its_summary_says_why_it_ended_and_where_it_sits(settled):
    text = settled.summary()
    assert text.startswith("critical point; squared error: ")
    assert "1 kink, least room" in text and "layer 1, point 3, unit 0" in text


def test_its_summary_names_ten_kinks_and_counts_the_others(settled):
    (kink,) = settled.kinks
    many = replace(settled, kinks=(kink._replace(multiplier=kink.rise * (1 - 1e-6)),) * 1234)
    text = many.summary()
    assert text.count("layer 1, point 3") == 10 and text.endswith("  and 1,224 more")
    below, bound = text.splitlines()[-2].split("multiplier ")[1].split(" of ")
    assert float(below) < float(bound)


def test_the_spectrum_is_of_the_directions_in_which_outputs_change_and_kinks_stay(settled):
    # outputs change with the slope to the right and with the bias of the output
    w, v = settled.network.weights[0][0, 0], settled.network.weights[1][0, 0]
    rows = np.array([[0, 0, 0, 1], [0, 0, 0, 1], [v, 1, w, 1], [2 * v, 1, 2 * w, 1]])[:, [0, 2, 3]]
    curvature = rows.T @ rows / 2
    basis = np.linalg.svd(rows)[2][:2].T
    expected = np.linalg.eigvalsh(basis.T @ curvature @ basis)
    np.testing.assert_allclose(settled.spectrum, expected, rtol=1e-8)
    assert settled.smallest_eigenvalue == settled.spectrum[0]
    assert settled.is_critical and not settled.is_fitted


def test_it_is_far_where_it_moved_by_half_its_size_and_the_loss_fell(settled):
    size = float(np.linalg.norm(settled.network.packed()[0]))
    moved = replace(settled, moved=0.51 * size, loss_before=1.01 * settled.loss)
    assert moved.is_far and "that is far" in moved.summary()
    for change in ({"moved": 0.49 * size}, {"loss_before": 1.0009 * settled.loss}):
        near = replace(moved, **change)
        assert not near.is_far and "that is far" not in near.summary()


@pytest.mark.parametrize("reason", [RUNAWAY, "no critical point found in 3 seconds"])
def test_what_is_not_settled_says_so_with_its_gradient(settled, reason):
    other = replace(settled, reason=reason, kinks=(), spectrum=np.zeros(0), gradient_norm=2.5e-4)
    assert "not settled: where it ended the gradient is 2.5e-04" in other.summary()
    assert "not settled" not in settled.summary()
