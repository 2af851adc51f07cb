"""The explaining-away layer: its fixed points, when it comes to them, and who may take it."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import constructions
import training
from geomcore import (
    Network,
    activation_pattern,
    affine_map_at,
    cumulative_parameters,
    input_gradients,
    input_jacobians,
    line_pieces,
    linear_regions,
    to_onnx,
    to_torch,
    truncate,
    truncation_defects,
)
from geomcore.layers import Affine, ExplainingAway, ReLU
from geomcore.layers.chains import chain_of

SHAPES = [(3, 3), (5, 3), (3, 8), (1, 1), (1, 4), (4, 1)]


def dictionary(shape, seed=0):
    """Columns of all norms from a third to three."""
    rng = np.random.default_rng(seed)
    D = rng.normal(size=shape)
    return D / np.linalg.norm(D, axis=0) * 3 ** rng.uniform(-1, 1, size=shape[1])


def states(G, first, gamma, steps, mu):
    """The loop from any state, written once more."""
    for _ in range(steps):
        mu = mu + gamma * ((first - G @ np.maximum(mu, 0)) - mu)
    return mu


# By hand


def test_without_steps_it_is_the_relu():
    X = np.array([[-1.0, 2.0], [0.0, -0.0]])
    np.testing.assert_array_equal(ExplainingAway(np.eye(2), 0, 0.5)(X), ReLU()(X))


def test_one_step_of_one_unit():
    layer = ExplainingAway([[3.0]], 1, 0.25)
    np.testing.assert_array_equal(layer(np.array([[4.0], [-4.0]])), [[1.0], [0.0]])


def test_the_entry_of_a_row_is_what_the_unit_of_that_row_loses():
    layer = ExplainingAway([[0.0, 1.0], [0.0, 0.0]], 1, 1.0)
    np.testing.assert_array_equal(layer(np.array([[5.0, 2.0]])), [[3.0, 2.0]])


def test_a_dictionary_gives_its_products_less_the_identity():
    layer = ExplainingAway.of_dictionary([[3.0, 1.0], [4.0, 0.0]], 2, 0.01)
    np.testing.assert_array_equal(layer.G, [[24.0, 3.0], [3.0, 0.0]])
    assert ExplainingAway.of_dictionary([[3.0], [4.0]], 2).gamma == pytest.approx(1 / 25)
    assert ExplainingAway.of_dictionary([[0.3], [0.4]], 2).gamma == 1


# Against cvxpy


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("penalty", [0.0, 0.1, 1.0])
def test_the_fixed_point_is_a_minimiser_of_the_non_negative_lasso(shape, penalty):
    D, rng = dictionary(shape), np.random.default_rng(1)
    X = rng.normal(size=(4, shape[0]))
    layer = ExplainingAway.of_dictionary(D, 8000)
    Z = layer(X @ D - penalty)
    assert layer.defects(X @ D - penalty).max() < 1e-9
    for x, z in zip(X, Z, strict=True):
        slope = D.T @ (D @ z - x) + penalty
        assert z.min() >= 0 and slope.min() > -1e-9 and np.abs(z * slope).max() < 1e-8
        free = cp.Variable(shape[1], nonneg=True)
        problem = cp.Problem(
            cp.Minimize(0.5 * cp.sum_squares(x - D @ free) + penalty * cp.sum(free))
        )
        problem.solve(solver=cp.CLARABEL)
        found = 0.5 * np.sum((x - D @ z) ** 2) + penalty * z.sum()
        assert found == pytest.approx(problem.value, rel=1e-6, abs=1e-7)


def test_a_decoder_bias_moves_the_bias_of_the_encoder():
    D, rng = dictionary((4, 6)), np.random.default_rng(2)
    x, b_d, penalty = rng.normal(size=4), rng.normal(size=4), 0.2
    z = ExplainingAway.of_dictionary(D, 8000)((x @ D - penalty - b_d @ D)[None])[0]
    slope = D.T @ (D @ z + b_d - x) + penalty
    assert slope.min() > -1e-9 and np.abs(z * slope).max() < 1e-8


# Laws


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_deviations_shrink_below_the_limit_and_grow_above_it_where_all_units_are_on(shape):
    # A dictionary of full rank and no more units than coordinates, and codes far from 0.
    D = dictionary((max(shape), min(shape)), seed=3)
    first = D.T @ D @ np.full(D.shape[1], 1e3)
    layer = ExplainingAway.of_dictionary(D, 1)
    limit = layer.stability().limit
    assert limit == pytest.approx(2 / max(1, np.linalg.norm(D, 2) ** 2), rel=1e-12)
    fixed = np.full(D.shape[1], 1e3)
    top = np.linalg.eigh(layer.G)[1][:, -1]
    for factor, grows in ((0.97, False), (1.03, True)):
        gamma = factor * limit
        if grows and np.linalg.norm(D, 2) < 1:
            continue  # There a limit of 2 is that of the units that are off.
        moved = states(layer.G, first, gamma, 30, fixed + 1e-3 * top) - fixed
        assert (np.linalg.norm(moved) > 1e-3) == grows


def test_units_that_are_off_settle_below_two_only():
    layer = ExplainingAway.of_dictionary([[0.1]], 1)
    assert layer.stability().limit == 2
    for gamma, grows in ((1.9, False), (2.1, True)):
        moved = states(layer.G, np.array([-1.0]), gamma, 20, np.array([-1.001])) + 1
        assert (abs(moved[0]) > 1e-3) == grows


@given(st.integers(0, 10**6), st.integers(1, 6), st.floats(0.05, 0.99))
def test_a_dictionary_of_small_norm_settles_from_everywhere(seed, m, gamma):
    rng = np.random.default_rng(seed)
    D = rng.normal(size=(3, m))
    D *= np.sqrt(2) / np.linalg.norm(D, 2) * rng.uniform(0.1, 1)
    first = D.T @ rng.normal(size=3) - 0.1
    G, one, two = D.T @ D - np.eye(m), *rng.normal(size=(2, m)) * 10
    far = np.linalg.norm(one - two)
    for _ in range(20):
        one, two = (states(G, first, gamma, 1, mu) for mu in (one, two))
        near = np.linalg.norm(one - two)
        assert near <= far * (1 + 1e-12) + 1e-12
        far = near


@given(st.integers(0, 10**6), st.integers(1, 6))
def test_any_inhibition_of_small_norm_is_a_contraction_below_its_limit(seed, m):
    rng = np.random.default_rng(seed)
    G = rng.normal(size=(m, m))
    G *= rng.uniform(0.01, 0.99) / np.linalg.norm(G, 2)
    gamma = rng.uniform(0.01, 0.999) * ExplainingAway(G, 1, 1.0).stability().limit
    first, one, two = rng.normal(size=(3, m))
    moved = [states(G, first, gamma, 1, mu) for mu in (one, two)]
    assert np.linalg.norm(moved[0] - moved[1]) < np.linalg.norm(one - two)


def test_no_limit_is_known_where_units_excite_each_other():
    found = ExplainingAway([[0.0, -3.0], [-3.0, 0.0]], 1, 0.1).stability()
    assert found.limit == 0 and not found.is_stable and "none is known" in found.reason
    found = ExplainingAway([[0.0, 3.0], [0.0, 0.0]], 1, 0.1).stability()
    assert found.limit == 0


def test_a_dictionary_of_repeated_columns_is_still_semidefinite():
    D = np.repeat(dictionary((3, 2)), 20, axis=1)
    assert ExplainingAway.of_dictionary(D, 1).stability().is_stable
    assert ExplainingAway.of_dictionary(1e6 * D, 1).stability().is_stable
    assert ExplainingAway.of_dictionary(np.zeros((2, 3)), 1).stability().limit == 2


def test_training_lowers_the_loss_through_the_loop():
    rng = np.random.default_rng(0)
    goal = ExplainingAway.of_dictionary(dictionary((3, 4)), 5)
    X = rng.normal(size=(50, 4))
    net = Network([ExplainingAway(np.zeros((4, 4)), 5, goal.gamma)])
    result = training.train(net, X, goal(X), steps=400, optimizer=training.Adam(0.05))
    assert result.final_loss < 1e-2 * result.losses[0]


def test_gradients_on_many_points_are_those_of_few():
    rng = np.random.default_rng(0)
    D = dictionary((2, 4))
    net = Network([Affine(D.T, np.zeros(4)), ExplainingAway.of_dictionary(D, 3)])
    X = rng.normal(size=(5000, 2))
    many = input_gradients(net, X, 1)
    np.testing.assert_allclose(many[:50], input_jacobians(net, X[:50])[:, 1], rtol=1e-12)


# Divergence


def test_a_loop_that_overflows_is_refused_with_the_step_size_that_settles():
    layer = ExplainingAway.of_dictionary([[3.0]], 3000, gamma=1.9)
    with pytest.raises(
        ValueError, match=r"^gamma must be below 0\.222, where the loop settles .* got 1\.9"
    ):
        layer(np.array([[1.0]]))
    # A state of -inf has a unit of 0, which would pass for a number.
    even, odd = (ExplainingAway([[1e200]], steps, 1.0) for steps in (2, 3))
    for layer in (even, odd):
        with pytest.raises(ValueError, match="overflows within"):
            layer(np.array([[1e200]]))


def test_inputs_that_are_too_large_and_units_that_excite_are_told_apart():
    stable = ExplainingAway.of_dictionary([[3.0]], 2, gamma=0.2)
    with pytest.raises(ValueError, match=r"^X must be smaller, the loop overflows within 2 steps"):
        stable(np.array([[1.7e308]]))
    excited = ExplainingAway([[0.0, -9.0], [-9.0, 0.0]], 2000, gamma=0.5)
    with pytest.raises(ValueError, match=r"^G must be one whose loop settles, .*: at gamma 0.5"):
        excited(np.ones((1, 2)))


def test_above_the_limit_it_may_go_round_without_end():
    layer = ExplainingAway.of_dictionary([[2.0]], 1000, gamma=0.6)
    assert not layer.stability().is_stable
    assert layer.defects(np.array([[1.0]]))[0] > 0.1
    below = ExplainingAway.of_dictionary([[2.0]], 1000, gamma=0.4)
    assert below.defects(np.array([[1.0]]))[0] < 1e-12


def test_training_that_overflows_is_a_result_that_says_so():
    net = Network([ExplainingAway([[9.0]], 300, 1.9)])
    X = np.array([[1.0]])
    done = training.train(net, X, X, steps=5)
    assert done.stop_reason == "diverged"


def test_a_loop_for_which_no_step_size_is_known_is_told_so():
    layer = ExplainingAway([[0.0, -5.0], [-5.0, 0.0]], 500, 1.0)
    told = r"no step size is known .* \(G \+ I is indefinite, \|G\| 5\): at gamma 1 it overflows"
    with pytest.raises(ValueError, match=told):
        layer(np.ones((1, 2)))
    # Its symmetric part is I, so that G + I is not what is wrong.
    turning = ExplainingAway([[0.0, 5.0], [-5.0, 0.0]], 500, 1.0).stability()
    assert (turning.limit, turning.reason) == (0, "none is known: G is not symmetric, |G| 5")


@pytest.mark.parametrize("scale", [1e-300, 1e-10, 1e10, 1e300])
def test_units_scale_with_their_input(scale):
    layer = ExplainingAway.of_dictionary(dictionary((3, 4)), 30)
    X = np.random.default_rng(0).normal(size=(5, 4))
    np.testing.assert_allclose(layer(scale * X), scale * layer(X), rtol=1e-12, atol=0)


# Bad input


def test_what_cannot_be_a_loop_is_refused():
    for G, match in (
        (np.ones((2, 3)), r"^G must be square.* \(2, 3\)$"),
        (np.empty((0, 0)), "^G must be square"),
        ([[np.nan]], "^G must be finite"),
        ([1.0], "^G must have 2 axes"),
    ):
        with pytest.raises(ValueError, match=match):
            ExplainingAway(G, 1, 0.1)
    with pytest.raises(ValueError, match=r"^D must have columns whose products are finite"):
        ExplainingAway.of_dictionary([[1e200]], 1)
    for shape in ((3, 0), (0, 3)):
        with pytest.raises(ValueError, match=r"^D must have at least one row and one column"):
            ExplainingAway.of_dictionary(np.empty(shape), 1)
    # The products are finite, the square of the norm is not.
    with pytest.raises(ValueError, match=r"^D must have a norm whose square is finite, got 3.16e"):
        ExplainingAway.of_dictionary(np.full((1, 10), 1e154), 3)
    assert ExplainingAway.of_dictionary(np.full((1, 10), 1e154), 3, 0.1).gamma == 0.1
    with pytest.raises(ValueError, match=r"layers\[1\] must take 2 inputs"):
        Network([Affine(np.eye(2), np.zeros(2)), ExplainingAway(np.eye(3), 1, 0.1)])


D = dictionary((2, 4))
NET = Network([Affine(D.T, np.zeros(4)), ExplainingAway.of_dictionary(D, 3), Affine(D, [0, 0])])
X, Y = np.random.default_rng(0).normal(size=(6, 2)), [0, 0, 0, 1, 1, 1]
REFUSALS = {
    "verify": lambda: constructions.verify(NET, X, Y),
    "basin_of_return": lambda: constructions.basin_of_return(NET, X),
    "linear_regions": lambda: linear_regions(NET, [(-1, 1), (-1, 1)]),
    "line_pieces": lambda: line_pieces(NET, X[0], X[1]),
    "affine_map_at": lambda: affine_map_at(NET, X[0]),
    "activation_pattern": lambda: activation_pattern(NET, X),
    "cumulative_parameters": lambda: cumulative_parameters(NET),
    "truncate": lambda: truncate(NET, X),
    "truncation_defects": lambda: truncation_defects(NET, X),
    "to_onnx": lambda: to_onnx(NET),
    "to_torch": lambda: to_torch(NET),
    "exact_slice": lambda: training.exact_slice(NET, np.ones(NET.parameter_count), X, Y),
    "barrier": lambda: training.barrier(NET, NET, X, Y),
    "matched": lambda: training.matched(NET, NET),
    "settle": lambda: training.settle(NET, X, Y),
    "neural_collapse": lambda: training.neural_collapse(NET, X, Y),
    "truncation_history": lambda: training.truncation_history(NET, X, Y, steps=1),
    "compiled engine": lambda: training.train(NET, X, Y, engine="compiled"),
}


@pytest.mark.parametrize("tool", REFUSALS)
def test_what_knows_affine_layers_only_says_so(tool):
    with pytest.raises(ValueError, match=r"ReLUNetwork|ReLUs|Affine") as caught:
        REFUSALS[tool]()
    assert str(caught.value).startswith(("net must", "a must", "other must", "engine must"))


def test_the_compiled_chain_does_not_know_it():
    assert chain_of(NET.layers) is None
