"""Moving, scaling, permuting the data: an equally valid network with as many layers."""

import numpy as np
import pytest
import sklearn.datasets
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions import construct
from constructions.proof.enclosure import enclose
from geomcore import datasets
from geomcore.arrays import as_labels

MAKE = {
    "clustered": lambda seed: datasets.clusters(12, rng=seed),
    "sequential": lambda seed: datasets.sequential(15, rng=seed),
    "cone": lambda seed: datasets.single_cone(15, d=2, gap=0.3, rng=seed),
    "simplex": lambda seed: datasets.concentric(15, d=2, gap=0.3, rng=seed),
    "universal": lambda seed: datasets.concentric(15, d=2, rng=seed),
    "auto": lambda seed: datasets.concentric(15, d=2, rng=seed),
}
FREE = sorted({*MAKE} - {"clustered"})  # clusters are balls, so units matter to them


def constructed(X, y, method):
    """A network whose loss is proved to be below 1e-18."""
    found = construct(X, y, method)
    labels = as_labels(y, len(X))
    enclosure = enclose(found.network, np.array(X, float), labels)
    assert enclosure.undecided == enclosure.kinks == 0
    assert not len(enclosure.clean)
    assert enclosure.loss_bound <= 1e-18
    return found


def layers(X, y, method):
    return len(constructed(X, y, method).network.weights)


# By hand


def test_a_power_of_two_is_folded_into_the_first_layer():
    X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0]
    one, other = constructed(X, y, "universal"), constructed(8 * np.array(X), y, "universal")
    np.testing.assert_array_equal(8 * other.network.weights[0], one.network.weights[0])
    for W, V in zip(one.network.weights[1:], other.network.weights[1:], strict=True):
        np.testing.assert_array_equal(W, V)


@pytest.mark.parametrize("name", ["wine", "breast_cancer"])
def test_raw_features_need_no_standardising(name):
    X, y = getattr(sklearn.datasets, f"load_{name}")(return_X_y=True)
    Q = len(np.unique(y))
    assert constructed(X, y, "sequential").network.widths == (X.shape[1],) * (Q + 1) + (Q,)
    assert constructed(X, y, "auto").method == "sequential"
    assert layers(X, y, "universal") <= Q + 1


# Laws


@pytest.mark.parametrize("method", sorted(MAKE))
@pytest.mark.parametrize("shift", [1e3, -1e6])
def test_translated_data_get_as_many_layers(method, shift):
    data = MAKE[method](0)
    plain = layers(data.X, data.y, method)
    assert layers(data.X + shift, data.y, method) == plain


@pytest.mark.parametrize("method", FREE)
@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_data_in_other_units_get_as_many_layers(method, scale):
    data = MAKE[method](1)
    plain = layers(data.X, data.y, method)
    assert layers(scale * data.X, data.y, method) == plain


@pytest.mark.parametrize("method", FREE)
@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_one_feature_in_other_units_changes_no_layer(method, scale):
    data = MAKE[method](2)
    units = np.ones(data.X.shape[1])
    units[0] = scale
    plain = layers(data.X, data.y, method)
    assert layers(data.X * units, data.y, method) == plain


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.sampled_from(["sequential", "cone", "universal", "auto"]))
def test_points_coordinates_and_classes_may_be_permuted(seed, method):
    data = MAKE[method](seed % 40)
    rng = np.random.default_rng(seed)
    plain = layers(data.X, data.y, method)
    rows, columns = rng.permutation(len(data.X)), rng.permutation(data.X.shape[1])
    slack = 0 if method in ("sequential", "cone") else 1  # ties in the search for peels
    assert abs(layers(data.X[rows], data.y[rows], method) - plain) <= slack
    assert abs(layers(data.X[:, columns], data.y, method) - plain) <= slack
    assert abs(layers(data.X, data.y.max() - data.y, method) - plain) <= slack


@settings(max_examples=8, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.floats(-1e6, 1e6), st.integers(-6, 6))
def test_random_labels_anywhere_get_universal_networks(seed, shift, power):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(20, 2)), rng.integers(0, 3, 20)
    moved = 10.0**power * (X + shift)
    assert abs(layers(moved, y, "universal") - layers(X, y, "universal")) <= 2


# Bad input


@pytest.mark.parametrize("scale", [1.0, 1e-6, 1e6])
def test_contradictions_are_seen_in_any_units(scale):
    with pytest.raises(ValueError, match="rows 0 and 2"):
        construct(scale * np.array([[1.0, 3.0], [2.0, 2.0], [1.0, 3.0]]), [0, 1, 1])
