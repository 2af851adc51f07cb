import warnings

import numpy as np
import pytest
from sklearn.datasets import load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)

from geomcore import from_sklearn

X, Y = load_wine(return_X_y=True)
SCALERS = {
    "standard": StandardScaler(),
    "no mean": StandardScaler(with_mean=False),
    "no deviation": StandardScaler(with_std=False),
    "nothing": StandardScaler(with_mean=False, with_std=False),
    "range": MinMaxScaler((-2, 5)),
    "largest": MaxAbsScaler(),
    "skipped": "passthrough",
    "twice": make_pipeline(StandardScaler(), MinMaxScaler()),
}


def fitted(model, y=Y, points=X):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(points, y)


def classifier(**given):
    return MLPClassifier((5, 4), max_iter=20, random_state=0, **given)


def regressor(**given):
    return MLPRegressor(hidden_layer_sizes=(5, 4), max_iter=20, random_state=0, **given)


def softmax(Z):
    Z = np.exp(Z - Z.max(axis=1, keepdims=True))
    return Z / Z.sum(axis=1, keepdims=True)


# By hand


@pytest.mark.parametrize("name", SCALERS)
def test_a_scaler_before_a_classifier_is_folded_in(name):
    model = fitted(make_pipeline(SCALERS[name], classifier()))
    with pytest.warns(UserWarning, match=r"the softmax at the end \(.*\) is left off") as told:
        net = from_sklearn(model)
    assert told[0].filename == __file__
    assert ("rounding may differ" in str(told[0].message)) == (name not in ("nothing", "skipped"))
    assert net.widths == (13, 5, 4, 3)
    np.testing.assert_allclose(softmax(net(X)), model.predict_proba(X), rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(model.classes_[net(X).argmax(axis=1)], model.predict(X))


def test_of_two_classes_the_output_is_the_logit_of_the_second():
    names = np.where(Y == 1, "b", "a").astype(object)
    model = fitted(make_pipeline(StandardScaler(), classifier()), names)
    told = "the sigmoid at the end .* is left off.*; the one output is the logit of 'b'"
    with pytest.warns(UserWarning, match=told):
        net = from_sklearn(model)
    assert net.widths == (13, 5, 4, 1)
    probabilities = 1 / (1 + np.exp(-net(X)[:, 0]))
    np.testing.assert_allclose(probabilities, model.predict_proba(X)[:, 1], rtol=1e-10)
    np.testing.assert_array_equal(np.where(net(X)[:, 0] > 0, "b", "a"), model.predict(X))


def test_labels_of_which_several_hold_have_a_logit_each():
    model = fitted(classifier(), np.stack([Y == 0, Y > 1], axis=1).astype(int))
    with pytest.warns(UserWarning, match="sigmoid at the end"):
        net = from_sklearn(model)
    np.testing.assert_allclose(1 / (1 + np.exp(-net(X))), model.predict_proba(X), rtol=1e-10)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("outputs", [1, 2])
def test_a_regressor_computes_the_same(recwarn, dtype, outputs):
    points = (X / 1000).astype(dtype)
    y = points[:, :outputs] if outputs > 1 else points[:, 0]
    model = fitted(regressor(), y, points)
    assert model.coefs_[0].dtype == dtype
    net = from_sklearn(model)
    assert not recwarn.list
    np.testing.assert_array_equal(net.weights[0], model.coefs_[0].T)
    wanted = model.predict(points).reshape(len(X), -1)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(net(points.astype(float)), wanted, rtol=50 * eps, atol=50 * eps)


def test_layers_without_activation_become_one():
    model = fitted(regressor(activation="identity"), X[:, 0])
    with pytest.warns(UserWarning, match=r"became one \(layer 2, layer 3\)"):
        net = from_sklearn(model)
    assert net.widths == (13, 1)
    np.testing.assert_allclose(net(X)[:, 0], model.predict(X), rtol=1e-10)


# Bad input


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (3, "must be an MLPClassifier or MLPRegressor, or a Pipeline .* got int"),
        (StandardScaler(), "got StandardScaler"),
        (classifier(), "model must be fitted, the MLPClassifier is not"),
        (make_pipeline(StandardScaler(), regressor()), "model must be fitted, the MLPRegressor is"),
        (fitted(regressor(activation="tanh"), X[:, 0]), "activation 'tanh' is neither"),
        (
            fitted(make_pipeline(MinMaxScaler(clip=True), regressor()), X[:, 0]),
            "step 'minmaxscaler', a MinMaxScaler with clip=True, is neither",
        ),
        (
            fitted(make_pipeline(RobustScaler(), regressor()), X[:, 0]),
            "step 'robustscaler', a RobustScaler, is neither",
        ),
        (
            fitted(make_pipeline(PolynomialFeatures(2), StandardScaler(), regressor()), X[:, 0]),
            "step 'polynomialfeatures', a PolynomialFeatures, is neither",
        ),
    ],
)
def test_other_models_are_refused(model, sentence):
    with pytest.raises(ValueError, match=sentence):
        from_sklearn(model)
