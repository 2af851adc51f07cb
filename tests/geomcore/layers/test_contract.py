"""The contract that every kind of layer keeps; a new kind is one more row of `ROWS`."""

import copy
import json
import math
import pickle
from typing import NamedTuple

import numpy as np
import pytest

from geomcore import Network, input_jacobians, load, save
from geomcore.layers import KINDS, Affine, ExplainingAway, Layer, LearnedLpNorm, LpNorm, ReLU
from geomcore.parameters import flatten, split, unflatten
from geomcore.stack import stack
from training import SGD, perturbation_study, train
from training.study.identity import describe

N, T = 5, 3


class Row(NamedTuple):
    """One kind of layer.

    Attributes
    ----------
    make : callable
        From a generator, a layer of 4 inputs.
    oracle : callable
        From the tensors as nested lists and one row as a list, the output by loops.
    others : list of Layer
        What differs from ``make`` in one hyperparameter each.
    wrong : list of dict
        Hyperparameters that must be refused, with everything else as in ``make``.
    active : callable or None
        From the tensors and a row, which units are on the active side of their kinks.
    """

    make: object
    oracle: object
    others: tuple = ()
    wrong: tuple = ()
    active: object = None


def affine_by_loops(tensors, x):
    W, b = tensors
    return [
        sum(w * v for w, v in zip(row, x, strict=True)) + c for row, c in zip(W, b, strict=True)
    ]


def relu_by_loops(tensors, x):
    return [v if v > 0 else 0.0 for v in x]


def explaining_away_by_loops(tensors, x):
    """Of 3 steps of size 0.4."""
    (G,), state = tensors, list(x)
    for _ in range(3):
        z = [max(v, 0.0) for v in state]
        taken = [sum(g * v for g, v in zip(row, z, strict=True)) for row in G]
        state = [
            mu + 0.4 * ((first - less) - mu)
            for mu, first, less in zip(state, x, taken, strict=True)
        ]
    return [max(v, 0.0) for v in state]


def norm_by_loops(tensors, x):
    """Of order 3."""
    W, b = tensors
    terms = [sum(abs(w * v) ** 3 for w, v in zip(row, x, strict=True)) for row in W]
    return [term ** (1 / 3) + c for term, c in zip(terms, b, strict=True)]


def learned_norm_by_loops(tensors, x):
    W, b, r = tensors
    outputs = []
    for row, c, rho in zip(W, b, r, strict=True):
        p = 1 + math.log(1 + math.exp(rho))
        total = sum(abs(w * v) ** p for w, v in zip(row, x, strict=True))
        outputs.append(total ** (1 / p) + c)
    return outputs


def inhibiting(rng):
    return ExplainingAway(rng.normal(size=(4, 4)), steps=3, gamma=0.4)


ROWS = {
    "Affine": Row(
        lambda rng: Affine(rng.normal(size=(3, 4)), rng.normal(size=3)),
        affine_by_loops,
    ),
    "ExplainingAway": Row(
        inhibiting,
        explaining_away_by_loops,
        others=tuple(ExplainingAway(np.eye(4), *of) for of in ((0, 0.4), (2, 0.4), (3, 0.5))),
        wrong=(
            *({"steps": t} for t in (-1, 2.0, True, None, "3")),
            *({"gamma": v} for v in (0, -0.4, np.inf, np.nan, "0.4", None, True)),
        ),
        active=lambda tensors, x: [v > 0 for v in explaining_away_by_loops(tensors, x)],
    ),
    "LearnedLpNorm": Row(
        lambda rng: LearnedLpNorm(*(rng.normal(size=s) for s in ((3, 4), 3, 3))),
        learned_norm_by_loops,
    ),
    "LpNorm": Row(
        lambda rng: LpNorm(rng.normal(size=(3, 4)), rng.normal(size=3), 3.0),
        norm_by_loops,
        others=tuple(LpNorm(np.ones((3, 4)), np.ones(3), p) for p in (1.0, 1.5, 2.0, 40.0)),
        wrong=tuple({"p": p} for p in (0.5, np.inf, np.nan, "2", None, True)),
    ),
    "ReLU": Row(lambda rng: ReLU(), relu_by_loops, active=lambda tensors, x: [v > 0 for v in x]),
}


@pytest.fixture(params=sorted(ROWS))
def row(request):
    return ROWS[request.param]


def followed(layer, outputs):
    """A network of this layer and an affine one with so many outputs."""
    width = layer.outputs or 4
    rng = np.random.default_rng(9)
    return Network([layer, Affine(rng.normal(size=(outputs, width)), np.zeros(outputs))])


class Here(NamedTuple):
    """T layers side by side at random points, and a random direction."""

    layer: Layer
    tensors: list
    X: np.ndarray
    grad: np.ndarray
    dtensors: list
    dX: np.ndarray
    dgrad: np.ndarray

    def moved(self, t):
        """The tensors, points and gradients at a place t along the direction."""
        tensors = [p + t * d for p, d in zip(self.tensors, self.dtensors, strict=True)]
        return tensors, self.X + t * self.dX, self.grad + t * self.dgrad


@pytest.fixture(params=[0, 1])
def here(row, request):
    rng = np.random.default_rng(request.param)
    layers = [row.make(rng) for _ in range(T)]
    tensors = [np.stack(p) for p in zip(*(layer.tensors for layer in layers), strict=True)]
    X = rng.normal(size=(T, N, 4))
    shape = layers[0].forward(tensors, X).shape
    return Here(
        layers[0],
        tensors,
        X,
        rng.normal(size=shape),
        [rng.normal(size=p.shape) for p in tensors],
        rng.normal(size=X.shape),
        rng.normal(size=shape),
    )


def slope(function, step=1e-6):
    """Central difference quotients of a function of t, or of each of several, at 0."""
    high, low = function(step), function(-step)
    if isinstance(high, list):
        return [(a - b) / (2 * step) for a, b in zip(high, low, strict=True)]
    return (high - low) / (2 * step)


# By hand


def test_the_table_has_a_row_for_every_kind_of_layer():
    assert sorted(ROWS) == sorted(KINDS)
    for name, row in ROWS.items():
        assert type(row.make(np.random.default_rng(0))) is KINDS[name]
        assert KINDS[name].__name__ == name


# Against the naive oracle


def test_outputs_are_those_of_the_loops(row):
    rng = np.random.default_rng(0)
    layer, X = row.make(rng), rng.normal(size=(N, 4))
    expected = [row.oracle([p.tolist() for p in layer.tensors], x) for x in X.tolist()]
    np.testing.assert_allclose(layer(X), expected, rtol=1e-13, atol=1e-13)


def test_the_tangent_is_the_limit_of_difference_quotients(here):
    out = here.layer.forward(here.tensors, here.X)
    found = here.layer.tangent(here.tensors, here.X, out, here.dtensors, here.dX)
    expected = slope(lambda t: here.layer.forward(*here.moved(t)[:2]))
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("which", ["gradients", "cotangent"])
def test_second_derivatives_are_limits_of_difference_quotients(here, which):
    def first(t):
        tensors, X, grad = here.moved(t)
        return getattr(here.layer, which)(tensors, X, here.layer.forward(tensors, X), grad)

    out = here.layer.forward(here.tensors, here.X)
    found = getattr(here.layer, f"{which}_tangent")(
        here.tensors, here.X, out, here.grad, here.dtensors, here.dX, here.dgrad
    )
    expected = slope(first)
    if which == "gradients":
        found, expected = flatten(found), flatten(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_step_of_training_follows_the_difference_quotients(row):
    rng = np.random.default_rng(2)
    net = followed(row.make(rng), 2)
    X, Y = rng.normal(size=(N, 4)), rng.normal(size=(N, 2))

    def loss(theta):
        return ((unflatten(net, theta)(X) - Y) ** 2).sum(axis=1).mean()

    theta = flatten(net)
    expected = [slope(lambda t, e=e: loss(theta + t * e)) for e in np.eye(len(theta))]
    trained = train(net, X, Y, optimizer=SGD(0.1), steps=1).network
    np.testing.assert_allclose((theta - flatten(trained)) / 0.1, expected, rtol=1e-6, atol=1e-7)


def test_input_jacobians_are_limits_of_difference_quotients(row):
    rng = np.random.default_rng(3)
    net, X = Network([row.make(rng)]), rng.normal(size=(N, 4))
    quotients = [slope(lambda t, e=e: net(X + t * e)) for e in np.eye(4)]
    np.testing.assert_allclose(
        input_jacobians(net, X), np.stack(quotients, axis=2), rtol=1e-6, atol=1e-7
    )


def test_the_sides_of_the_kinks_are_those_of_the_loops(row):
    rng = np.random.default_rng(4)
    layer, X = row.make(rng), rng.normal(size=(N, 4))
    found = layer.active(X, layer(X))
    assert (found is None) == (row.active is None)
    if found is not None:
        tensors = [p.tolist() for p in layer.tensors]
        np.testing.assert_array_equal(found, [row.active(tensors, x) for x in X.tolist()])
        assert found.any() and not found.all()


# Laws


def test_pull_backs_are_adjoint_to_the_tangent(here):
    out = here.layer.forward(here.tensors, here.X)
    forth = here.layer.tangent(here.tensors, here.X, out, here.dtensors, here.dX)
    back = here.layer.gradients(here.tensors, here.X, out, here.grad)
    to_input = here.layer.cotangent(here.tensors, here.X, out, here.grad)
    expected = flatten(back) @ flatten(here.dtensors) + np.vdot(to_input, here.dX)
    np.testing.assert_allclose(np.vdot(here.grad, forth), expected, rtol=1e-10, atol=1e-10)


def test_layers_side_by_side_are_the_single_ones(here):
    for X in (here.X, here.X[0]):
        out = here.layer.forward(here.tensors, X)
        assert out.shape[:2] == (T, N) or not here.tensors
        back = here.layer.gradients(here.tensors, X, out, here.grad)
        to_input = here.layer.cotangent(here.tensors, X, out, here.grad)
        assert [p.shape for p in back] == [p.shape for p in here.tensors]
        for t in range(T if here.tensors else 1):
            own, x = [p[t] for p in here.tensors], X[t] if X.ndim == 3 else X
            single = here.layer.rebuild(own)
            one = single(x)
            np.testing.assert_allclose(out[t] if out.ndim == 3 else out, one, rtol=1e-12)
            gradients = single.gradients(own, x, one, here.grad[t])
            for found, expected in zip(back, gradients, strict=True):
                np.testing.assert_allclose(found[t], expected, rtol=1e-11, atol=1e-12)
            pulled = single.pull_back(x, one, here.grad[t])
            assert pulled.shape == x.shape
            np.testing.assert_allclose(to_input[t], pulled, rtol=1e-11, atol=1e-12)


def test_nothing_is_changed_in_place(here):
    before = copy.deepcopy([here.tensors, here.X, here.grad, here.dtensors, here.dX, here.dgrad])
    out = here.layer.forward(here.tensors, here.X)
    kept = out.copy()
    along = (here.dtensors, here.dX, here.dgrad)
    here.layer.tangent(here.tensors, here.X, out, here.dtensors, here.dX)
    for which in ("gradients", "cotangent"):
        getattr(here.layer, which)(here.tensors, here.X, out, here.grad)
        getattr(here.layer, f"{which}_tangent")(here.tensors, here.X, out, here.grad, *along)
    after = [here.tensors, here.X, here.grad, here.dtensors, here.dX, here.dgrad]
    np.testing.assert_equal(after, before)
    np.testing.assert_array_equal(out, kept)


def test_no_points_give_no_outputs_and_gradients_of_zero(row):
    layer = row.make(np.random.default_rng(0))
    out = layer(np.empty((0, 4)))
    assert len(out) == 0
    assert layer.pull_back(np.empty((0, 4)), out, out).shape == (0, 4)
    for tensor, gradient in zip(
        layer.tensors, layer.gradients(layer.tensors, np.empty((0, 4)), out, out), strict=True
    ):
        np.testing.assert_array_equal(gradient, np.zeros(tensor.shape))


def test_float32_points_stay_float32(row):
    layer, X = row.make(np.random.default_rng(0)), np.ones((N, 4), np.float32)
    out = layer(X)
    assert out.dtype == np.float32
    assert layer.pull_back(X, out, out).dtype == np.float32


def test_the_widths_are_those_of_the_rows(row):
    layer = row.make(np.random.default_rng(0))
    assert layer.inputs in (None, 4)
    assert layer(np.ones((1, 4))).shape[1] == (4 if layer.outputs is None else layer.outputs)
    assert (layer.inputs is None) == (layer.outputs is None)


def same(layer, other):
    """Equal in both directions, and to the last bit."""
    assert layer == other and other == layer
    assert type(layer) is type(other) and layer.hyperparameters == other.hyperparameters
    assert flatten(layer.tensors).tobytes() == flatten(other.tensors).tobytes()
    for tensor in other.tensors:
        assert not tensor.flags.writeable


def test_copies_and_rebuilt_layers_are_equal_and_read_only(row):
    for layer in (row.make(np.random.default_rng(0)), *row.others):
        same(layer, layer.rebuild(layer.tensors))
        same(layer, copy.copy(layer))
        same(layer, copy.deepcopy(layer))
        same(layer, pickle.loads(pickle.dumps(layer)))
        assert type(layer).__name__ in repr(layer)


def test_a_file_and_a_vector_keep_everything(row, tmp_path):
    for layer in (row.make(np.random.default_rng(0)), *row.others):
        net = Network([layer, ReLU()])
        save(net, tmp_path / "net.npz")
        same(layer, load(tmp_path / "net.npz").layers[0])
        same(layer, unflatten(net, flatten(net)).layers[0])
        same(layer, net.rebuild(net.tensors).layers[0])


def test_every_difference_is_seen(row):
    layer = row.make(np.random.default_rng(0))
    others = list(row.others)
    for k, tensor in enumerate(layer.tensors):
        changed = [p.copy() for p in layer.tensors]
        changed[k].flat[-1] = np.nextafter(tensor.flat[-1], 9)
        others.append(layer.rebuild(changed))
    others.append(Affine(np.eye(4), [0, 0, 0, 7]))
    for other in others:
        assert layer != other
        assert Network([layer]) != Network([other])
        assert describe(Network([layer])) != describe(Network([other]))
    again = pickle.loads(pickle.dumps(layer))
    assert describe(Network([layer])) == describe(Network([again]))
    json.dumps(describe(Network([layer])))


def test_a_perturbation_study_of_it_runs(row):
    rng = np.random.default_rng(0)
    net = followed(row.make(rng), 1)
    X = rng.normal(size=(N, 4))
    study = perturbation_study(net, X, net(X), scales=[0.1], trials=2, steps=3, seed=0)
    assert len(study.frame()) == 2 and np.isfinite(study.frame()["final_loss"]).all()


def test_hyperparameters_must_agree_in_a_stack(row):
    layer = row.make(np.random.default_rng(0))
    for other in row.others:
        with pytest.raises(ValueError, match=r"networks\[1\] must have the shape of the others"):
            stack([Network([layer]), Network([other])])


# Bad input


def test_wrong_hyperparameters_are_refused_by_name(row):
    layer = row.make(np.random.default_rng(0))
    tensors = dict(zip(layer.letters, layer.tensors, strict=True))
    for wrong in row.wrong:
        with pytest.raises(ValueError, match=f"^{next(iter(wrong))} must be"):
            type(layer)(**tensors, **{**layer.hyperparameters, **wrong})
    assert row.wrong or not layer.hyperparameters, "no wrong hyperparameter is tried"


def test_tensors_of_another_number_are_refused(row):
    layer = row.make(np.random.default_rng(0))
    with pytest.raises(ValueError):
        layer.rebuild([*layer.tensors, np.ones(1)])
    with pytest.raises(ValueError, match="vector must have"):
        split(np.ones(flatten(layer.tensors).size + 1), [p.shape for p in layer.tensors])
