"""Networks with non-negative weights beside free ones: constraints, pieces, measures, figures."""

import numpy as np
import pytest
from tampered import refuses_all, replace

from geomcore.datasets import bundled
from geomcore.threads import limited_threads
from training.experiments.kernels import at_scale, examples, plot_kernels
from training.output.pieces import Pieces


@pytest.fixture(scope="module")
def runs():
    return examples.runs()


@pytest.fixture(scope="module")
def scale():
    return at_scale.at_scale(2, jobs=2)


def test_networks_keep_their_constraints_and_share_split_and_start(scale):
    W = scale.features
    assert (W["first layer >= 0"] >= 0).all() and (W["all weights >= 0"] >= 0).all()
    assert (W["free"] < 0).any()
    names = [row["treatment"] for row in scale.rows]
    assert names == [*list(at_scale.TREATMENTS) * 2, "NMF"]
    assert all(0.8 < row["accuracy"] <= 1 for row in scale.rows[:-1])


def test_pieces_that_are_there_are_not_trained_again_and_threads_change_nothing(scale):
    pieces = {}
    first = at_scale.at_scale(1, jobs=1, pieces=pieces)
    assert first.rows[:4] == scale.rows[:4]
    told = []
    again = at_scale.at_scale(1, jobs=1, pieces=pieces, told=lambda *k: told.append(k))
    assert again.rows == first.rows and told == []


@pytest.mark.filterwarnings("ignore:Maximum number of iterations")
def test_factors_are_the_same_whatever_the_threads():
    X = bundled.digits(standardize=False).X[:400] / at_scale.LARGEST
    found = []
    for jobs in (1, 2):
        with limited_threads(jobs):
            found.append(at_scale._factors(X, 0))
    assert (found[0] == found[1]).all()


def test_the_shape_of_a_layer_by_hand():
    found = at_scale.shape_of(np.array([[3.0, 0.0], [0.0, -2.0]]))
    assert found == {"sparsity": 1.0, "overlap": 0.0, "zeros": 0.5}
    assert at_scale.shape_of(np.full((2, 4), -1.0)) == pytest.approx(
        {"sparsity": 0.0, "overlap": 1.0, "zeros": 0.0}
    )
    empty = at_scale.shape_of(np.zeros((2, 4)))
    assert np.isnan(empty["sparsity"]) and np.isnan(empty["overlap"]) and empty["zeros"] == 1
    tiny = at_scale.shape_of(np.array([[1e-200, 1e-200], [1e200, 0.0]]))
    assert tiny["sparsity"] == pytest.approx(0.5)


def test_tables_and_figures(runs, scale):
    rows = at_scale.overview(scale)
    assert [row["treatment"] for row in rows][-1] == "NMF" and rows[-1]["accuracy"] is None
    words = at_scale.in_words(rows)
    assert words[-1]["accuracy"] == "-" and ", " in words[0]["accuracy"]
    assert len(at_scale.differences(scale)) == 3
    drawn = list(plot_kernels.figures(runs, scale, rows))
    assert [key for key, *_ in drawn] == ["losses", "kernels", "measures", "features"]
    for _, fig, caption, alt in drawn:
        assert caption and alt
        plot_kernels.plt.close(fig)


# Pieces that were changed


@pytest.fixture(scope="module")
def pieces():
    rng = np.random.default_rng(0)
    with Pieces.open(None, {}) as pieces:
        for name in at_scale.TREATMENTS:
            pieces[f"seed 0, {name}"] = [rng.random(shape) for shape in at_scale.SHAPES]
        yield pieces


def test_tensors_of_another_form_are_told(pieces):
    assert len(at_scale.at_scale(1, pieces=pieces).rows) == len(at_scale.TREATMENTS) + 1
    assert refuses_all(pieces, "seed 0, free", lambda: at_scale.at_scale(1, pieces=pieces)) == 3


@pytest.mark.parametrize("k", range(4))
@pytest.mark.parametrize("bad", ["more", "shape", "nan", "whole", "fewer"])
def test_numbers_that_are_no_network_are_told(pieces, k, bad):
    name = "seed 0, free"
    right = pieces[name]
    tensors = [*right]
    tensors[k] = {
        "more": np.concatenate([right[k], right[k]]),
        "shape": right[k].T.reshape(-1),
        "nan": np.full(right[k].shape, np.nan),
        "whole": np.zeros(right[k].shape, int),
        "fewer": right[k],
    }[bad]
    if bad == "fewer":
        del tensors[k]
    if bad == "shape" and right[k].ndim == 1:
        tensors[k] = right[k][None]
    replace(pieces, name, tensors)
    with pytest.raises(ValueError, match=f"the piece {name} in it is damaged"):
        at_scale.at_scale(1, pieces=pieces)
    replace(pieces, name, right)
