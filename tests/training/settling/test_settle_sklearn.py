"""What scikit-learn minimizes, beside what `settle` is told: the table in docs/networks.md."""

import warnings

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor

from geomcore import from_sklearn
from geomcore.arrays import as_labels
from training.descent.losses import as_loss

RNG = np.random.default_rng(4)
X = RNG.normal(size=(60, 3))
# overlapping, so that there is a best network
LABELS = (X[:, 0] + RNG.normal(size=60) > 0).astype(int)
THREE = LABELS + (X[:, 1] + RNG.normal(size=60) > 0.5)
VALUES = np.c_[X[:, 0] * X[:, 1], np.sin(X[:, 2]), RNG.normal(size=60)]
CASES = {
    "two classes": (MLPClassifier, LABELS, "bce", [[0], [1]], 1),
    "three classes": (MLPClassifier, THREE, "cross_entropy", None, 1),
    "values": (MLPRegressor, VALUES, "mse", None, 2 * VALUES.shape[1]),
}


def trained(name, alpha):
    """The model at rest, as a network, and its data as `settle` takes them."""
    kind, y, loss, targets, times = CASES[name]
    options = {"solver": "lbfgs", "tol": 1e-12, "max_iter": 3000, "random_state": 0}
    model = kind(hidden_layer_sizes=(4,), alpha=alpha, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
        return model, from_sklearn(model), loss, as_labels(y, len(X), targets=targets).Y, times


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_its_loss_is_a_multiple_of_ours_and_alpha_is_of_weights_alone(name, alpha):
    model, net, loss, Y, times = trained(name, alpha)
    data = as_loss(loss).value(net(X), Y).mean()
    weights = sum((W**2).sum() for W in net.weights)
    assert times * model.loss_ == pytest.approx(data + times * alpha / 2 / len(X) * weights)


@pytest.mark.parametrize("name", CASES)
def test_no_weight_decay_has_its_critical_point(name):
    _, net, loss, Y, times = trained(name, 0.5)
    outputs = net(X)
    slope = as_loss(loss).gradient(outputs, Y).mean(axis=0)
    # The data term alone is at rest in the last biases, which no decay of all parameters leaves.
    size = np.abs(as_loss(loss).gradient(outputs, Y)).mean()
    assert np.abs(slope).max() < 0.01 * size
    decay = times * 0.5 / len(X)
    assert np.abs(slope + decay * net.biases[-1]).max() > 3 * np.abs(slope).max()
