"""The regularisation path: the same optima as one by one, on a curve that rises and is concave."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.datasets import make_moons

from constructions import best_two_layer, regularisation_path

DECAYS = [0.01, 0.1, 0.03, 0.3]


@pytest.fixture(scope="module")
def moons():
    return make_moons(40, noise=0.15, random_state=3)


@pytest.fixture(scope="module")
def path(moons):
    return regularisation_path(*moons, DECAYS, gap=1e-3)


def test_each_is_the_optimum_of_its_decay(path, moons):
    assert path.weight_decays.tolist() == sorted(DECAYS, reverse=True)
    for decay, best in zip(path.weight_decays, path.optima, strict=True):
        alone = best_two_layer(*moons, weight_decay=decay, gap=1e-3)
        assert best.weight_decay == decay and best.gap <= 1e-3
        assert alone.lower_bound <= best.loss and best.lower_bound <= alone.loss


def test_the_loss_rises_with_the_decay_and_is_concave(path):
    omega = path.weight_decays[::-1]
    loss = np.array([o.loss for o in path.optima])[::-1]
    lower = np.array([o.lower_bound for o in path.optima])[::-1]
    assert (np.diff(loss) > 0).all()
    for k in (1, 2):
        t = (omega[k] - omega[k - 1]) / (omega[k + 1] - omega[k - 1])
        assert (1 - t) * lower[k - 1] + t * lower[k + 1] <= loss[k]


def test_errors_and_accuracies_are_those_of_the_networks(path, moons):
    X, y = moons
    frame = path.frame()
    assert list(frame.index) == path.weight_decays.tolist()
    for k, best in enumerate(path.optima):
        F = best.network(X)
        np.testing.assert_allclose(frame["error"].iloc[k], ((F - np.eye(2)[y]) ** 2).sum() / 40)
        assert frame["accuracy"].iloc[k] == (F.argmax(axis=1) == y).mean()
    assert "4 weight decays" in path.summary() and "TwoLayerPath(" in repr(path)


def test_a_constant_output_that_is_as_near_to_both_is_right_nowhere():
    path = regularisation_path([[0.0], [1.0]], ["a", "b"], [50.0])
    assert path.accuracies == 0 and path.optima[0].neurons == 0


def test_the_picture_shows_every_decay(path):
    fig = path.plot()
    top, middle, bottom = fig.axes
    np.testing.assert_allclose(top.lines[0].get_xdata(), path.weight_decays)
    np.testing.assert_allclose(top.lines[1].get_ydata(), [o.lower_bound for o in path.optima])
    np.testing.assert_allclose(middle.lines[0].get_ydata(), [o.neurons for o in path.optima])
    assert bottom.get_yscale() == "log" == bottom.get_xscale()
    plt.close(fig)


@pytest.mark.parametrize(
    "wrong",
    [[], [0.0, 1.0], [-1.0], [[1.0]], "x", [np.nan], [True], (0.5, True), np.array([True])],
    ids=repr,
)
def test_decays_are_positive_numbers(wrong):
    with pytest.raises(ValueError, match=r"^weight_decays must "):
        regularisation_path([[0.0], [1.0]], [[0.0], [1.0]], wrong)


def test_a_truth_value_is_no_seed():
    with pytest.raises(ValueError, match=r"^rng must be a .*, got True$"):
        regularisation_path([[0.0], [1.0]], [[0.0], [1.0]], [0.1], rng=True)
