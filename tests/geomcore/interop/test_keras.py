import os

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "torch")
pytest.importorskip("torch")
pytest.importorskip("keras")

import keras

from geomcore import from_keras

L = keras.layers


def stacked(shape, *layers):
    return keras.Sequential([keras.Input(shape), *layers])


def points(shape):
    return np.random.default_rng(0).normal(size=(9, *shape)).astype(np.float32)


def out(model, X):
    return keras.ops.convert_to_numpy(model(X, training=False))


def randomised(model):
    """The model with other biases and statistics than zeros and ones."""
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(0.1, 1, size=w.shape) for w in model.get_weights()])
    return model


def functional(*layers, shape=(3,)):
    start = here = keras.Input(shape)
    for part in layers:
        here = part(here)
    return keras.Model(start, here)


def normalised():
    layer = L.Normalization()
    layer.adapt(np.random.default_rng(2).normal(2, 3, size=(50, 3)))
    return layer


SHARED = L.Dense(3, activation="relu")
INNER = stacked((3,), L.Dense(4, "relu"), L.Dense(3))
MODELS = {
    "dense": stacked((3,), L.Dense(4, activation="relu"), L.Dense(2)),
    "without biases": stacked((3,), L.Dense(4, use_bias=False), L.ReLU(), L.Dense(2)),
    "all layers": stacked(
        (2, 2, 1), L.Flatten(), L.Rescaling(1 / 255, offset=-1), L.Dense(5), L.Activation("relu"),
        L.BatchNormalization(), L.Dropout(0.3), L.Identity(), L.Dense(4), L.ReLU(), L.Dense(3),
    ),
    "normalised": stacked((3,), normalised(), L.Dense(2)),
    "batch normalisation without scale": stacked(
        (3,), L.BatchNormalization(scale=False, center=False), L.Dense(2),
    ),
    "functional": functional(L.Dense(4, activation="relu"), L.Dense(2)),
    "one layer three times": functional(SHARED, SHARED, SHARED),
    "a model in a model": stacked((3,), INNER, L.ReLU(), L.Dense(2)),
    "a model in a functional one": functional(INNER, L.Dense(2)),
    "float64": stacked((3,), L.Dense(4, "relu", dtype="float64"), L.Dense(2, dtype="float64")),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*rounding may differ", "ignore:.*ends in a ReLU")
@pytest.mark.parametrize("name", MODELS)
def test_a_model_computes_the_same(name):
    model = MODELS[name] if name == "normalised" else randomised(MODELS[name])
    X = points(model.input_shape[1:])
    net = from_keras(model)
    ours = net(X.reshape(len(X), -1).astype(np.float64))
    np.testing.assert_allclose(ours, out(model, X), rtol=2e-6, atol=2e-6)


def test_weights_are_the_same_numbers():
    model = randomised(MODELS["dense"])
    net = from_keras(model)
    np.testing.assert_array_equal(net.weights[1], model.get_weights()[2].T)
    np.testing.assert_array_equal(net.biases[0], model.get_weights()[1])


@pytest.mark.parametrize("end", ["softmax", "sigmoid", "log_softmax", L.Softmax()])
def test_probabilities_at_the_end_are_left_off_and_that_is_told(end):
    body = L.Dense(3)
    ends = [L.Activation(end)] if isinstance(end, str) else [end]
    with pytest.warns(UserWarning, match=r"model: the .* at the end \(layer .* is left off"):
        net = from_keras(stacked((2,), body, *ends))
    assert net == from_keras(stacked((2,), body))


# Bad input


class Own(keras.Model):
    def call(self, x):
        return x


def joined():
    start = keras.Input((3,))
    here = L.Dense(3, activation="relu")(start)
    return keras.Model(start, L.Add(name="skip")([here, start]))


def forked():
    start = keras.Input((3,))
    here = L.Dense(3)(start)
    return keras.Model(start, [here, L.ReLU()(here)], name="fork")


def called(model):
    model(np.ones((1, 3), np.float32))
    return model


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (3, "model must be a keras.Model, got int"),
        (keras.Sequential([L.Dense(2)]), "model must be built"),
        (
            called(Own(name="own")),
            r"layer 'own' \(Own\) computes what only its code tells",
        ),
        (joined(), r"layer 'skip' \(Add\) joins two branches"),
        (forked(), r"layer 'fork' \(Functional\) has 2 outputs and not one"),
        (
            stacked((8, 8, 1), L.Conv2D(2, 3, name="conv"), L.Flatten(), L.Dense(2)),
            r"layer 'conv' \(Conv2D\) is neither",
        ),
        (stacked((4, 3), L.Dense(2, name="d"), L.Flatten()), r"'d' \(Dense\) takes 3 numbers, 12"),
        (stacked((None, 3), L.Dense(2)), "must have one input of known shape"),
        (stacked((3,), L.Dense(2, "gelu", name="d")), r"'d' \(Dense\) has the activation 'gelu'"),
        (stacked((3,), L.Dense(2, lambda x: x, name="d")), "has the activation '<lambda>'"),
        (stacked((3,), L.ReLU(max_value=6, name="six")), r"layer 'six' \(ReLU\) is neither"),
        (stacked((3,), L.ReLU(max_value=0, name="no")), r"layer 'no' \(ReLU\) is neither"),
        (stacked((3,), L.LeakyReLU(name="leak")), r"layer 'leak' \(LeakyReLU\) is neither"),
        (
            stacked((3,), L.Softmax(name="s"), L.Dense(2, name="d")),
            r"'s' \(Softmax\) is not at the",
        ),
    ],
)
def test_other_models_are_refused_by_the_name_of_the_layer(model, sentence):
    with pytest.raises(ValueError, match=sentence):
        from_keras(model)


def test_a_function_named_relu_is_not_taken_for_one():
    def relu(x):
        return -x

    with pytest.raises(ValueError, match="has the activation 'relu'"):
        from_keras(stacked((3,), L.Dense(2, relu)))
