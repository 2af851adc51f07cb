"""Penalties, constraints, stopping rules and callbacks of the trainer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geomcore.network import ReLUNetwork
from training.chain import stack
from training.constraints import MaxNorm, NonNegative, UnitColumns
from training.losses import LOSSES
from training.optimizers import SGD, Adam
from training.penalties import L1, L2, NegativePart
from training.stopping import AccuracyFor, LossBelow, Plateau, Progress
from training.trainer import train, train_ensemble

PENALTIES = {"L1": L1(0.3), "L2": L2(0.3), "negative part": NegativePart(0.3)}
CONSTRAINTS = {
    "non-negative": NonNegative(),
    "unit columns": UnitColumns(),
    "norm": MaxNorm(1.5),
}
TENSORS = arrays(np.float64, (2, 3, 4), elements=st.floats(-10, 10))


def random_network(widths=(3, 4, 2), seed=0):
    rng = np.random.default_rng(seed)
    pairs = list(zip(widths[1:], widths[:-1], strict=True))
    weights = [rng.standard_normal(shape) / np.sqrt(shape[1]) for shape in pairs]
    return ReLUNetwork(weights, [0.3 * rng.standard_normal(m) for m, _ in pairs])


def random_data(n=9, seed=1):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 3)), rng.dirichlet(np.ones(2), n)


def tensors_of(net):
    return dict(zip(stack([net])[0].names, stack([net])[1], strict=True))


# By hand


def test_a_penalty_pulls_on_the_tensors_it_names_and_on_no_others():
    net, (X, Y) = random_network(), random_data()
    plain = tensors_of(train(net, X, Y, optimizer=SGD(0.1), steps=1).network)
    pulled = tensors_of(
        train(net, X, Y, optimizer=SGD(0.1), steps=1, penalties=L2(0.5, ["W2"])).network
    )
    np.testing.assert_allclose(pulled["W2"], plain["W2"] - 0.1 * tensors_of(net)["W2"])
    for name in ("W1", "b1", "b2"):
        np.testing.assert_array_equal(pulled[name], plain[name])


def test_a_constraint_holds_after_every_step_for_the_tensors_it_names():
    seen = []
    train(
        random_network(),
        *random_data(),
        steps=5,
        constraints=[NonNegative(["W1"]), UnitColumns(["W2"])],
        callbacks=lambda snapshot: seen.append((snapshot.step, tensors_of(snapshot.network()))),
    )
    assert [step for step, _ in seen] == [0, 1, 2, 3, 4, 5]
    assert (seen[0][1]["W1"] < 0).any()
    for _, tensors in seen[1:]:
        assert (tensors["W1"] >= 0).all()
        np.testing.assert_allclose(np.linalg.norm(tensors["W2"][0], axis=0), 1.0)
        assert (tensors["b1"] < 0).any()


def test_callbacks_see_the_trials_that_are_still_running():
    networks = [ReLUNetwork([[[w]]], [[0.0]]) for w in (1.0, 5.0)]
    seen = []
    result = train_ensemble(
        networks,
        [[1.0]],
        [[1.0]],
        optimizer=SGD(0.1),
        steps=3,
        stop=LossBelow(0.0),
        callbacks=[lambda snapshot: seen.append((snapshot.step, snapshot.trials.tolist()))],
    )
    assert seen == [(0, [0, 1]), (1, [1]), (2, [1]), (3, [1])]
    assert result.stop_reasons == ["loss threshold", "step budget"]


def test_a_callback_gets_the_network_and_loss_of_its_moment():
    losses = []

    def look(snapshot):
        again = train(snapshot.network(), *random_data(), steps=0).final_loss
        losses.append((again, snapshot.losses[0]))

    result = train(random_network(), *random_data(), steps=4, callbacks=look)
    assert [again for again, _ in losses] == result.losses.tolist()
    assert [loss for _, loss in losses] == result.losses.tolist()


def test_accuracy_must_last_for_the_number_of_records_asked_for():
    # One weight climbs from 0 to 1, the threshold 1/2 lies between the targets 0 and 1.
    net, X, Y = ReLUNetwork([[[0.0]]], [[0.0]]), [[1.0], [0.0]], [[1.0], [0.0]]
    options = {"optimizer": SGD(0.2), "steps": 50}
    first = train(net, X, Y, stop=AccuracyFor(1.0), **options)
    third = train(net, X, Y, stop=AccuracyFor(1.0, records=3), **options)
    assert first.stop_reason == third.stop_reason == "accuracy"
    assert third.steps == first.steps + 2


def test_a_unit_that_is_dead_everywhere_is_on_a_plateau():
    net = ReLUNetwork([[[1.0]], [[1.0]]], [[-5.0], [1.0]])
    result = train(net, [[1.0], [2.0]], [[0.5], [1.5]], stop=Plateau(records=4, rtol=1e-6))
    assert (result.steps, result.stop_reason) == (4, "plateau")


def test_one_logit_takes_two_labels():
    net, X = ReLUNetwork([[[0.0]]], [[0.0]]), [[-1.0], [1.0]]
    options = {"loss": "bce", "optimizer": Adam(0.5), "steps": 90}
    result = train(net, X, ["no", "yes"], stop=AccuracyFor(1.0, 5), **options)
    assert result.stop_reason == "accuracy"
    assert result.network(X)[0] < 0 < result.network(X)[1]


# Against autodiff and the naive oracle


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_one_step_agrees_with_automatic_differentiation(loss):
    torch = pytest.importorskip("torch")
    net, (X, Y) = random_network((3, 5, 4, 2)), random_data()
    rate = 0.1
    trained = train(net, X, Y, loss=loss, optimizer=SGD(rate), steps=1).network
    tensors = [torch.tensor(p[0], requires_grad=True) for p in stack([net])[1]]
    out, target = torch.tensor(X), torch.tensor(Y)
    for l in range(0, len(tensors), 2):
        out = out @ tensors[l].T + tensors[l + 1]
        out = torch.relu(out) if l + 2 < len(tensors) else out
    if loss == "cross_entropy":
        value = torch.nn.functional.cross_entropy(out, target)
    elif loss == "bce":
        value = 2 * torch.nn.functional.binary_cross_entropy_with_logits(out, target)
    else:
        # All rows of Y differ: nine classes of one point each.
        value = ((out - target) ** 2).sum() / (1 if loss == "class_weighted" else len(X))
    value.backward()
    for old, new in zip(tensors, stack([trained])[1], strict=True):
        expected = (old - rate * old.grad).detach().numpy()
        np.testing.assert_allclose(new[0], expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", sorted(PENALTIES))
def test_gradient_of_a_penalty_is_its_derivative(name):
    penalty, rng, step = PENALTIES[name], np.random.default_rng(0), 1e-6
    p = rng.standard_normal((2, 3, 4))
    gradient = penalty.gradient(p)
    for at in np.ndindex(p.shape):
        shift = np.zeros_like(p)
        shift[at] = step
        slope = (penalty.value(p + shift) - penalty.value(p - shift)) / (2 * step)
        assert slope[at[0]] == pytest.approx(gradient[at], abs=1e-8)
        assert slope[1 - at[0]] == 0


# Laws


@pytest.mark.parametrize("name", sorted(CONSTRAINTS))
@given(TENSORS)
def test_a_projection_done_twice_is_done_once(name, p):
    constraint = CONSTRAINTS[name]
    once = constraint.project(p)
    np.testing.assert_allclose(constraint.project(once), once, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("name", ["non-negative", "norm"])
@given(TENSORS, TENSORS)
def test_no_allowed_point_is_nearer_than_the_projection(name, p, other):
    constraint = CONSTRAINTS[name]
    allowed = constraint.project(other)
    for t in range(2):
        nearest = np.linalg.norm(p[t] - constraint.project(p)[t])
        assert nearest <= np.linalg.norm(p[t] - allowed[t]) * (1 + 1e-9) + 1e-12


@given(TENSORS)
def test_penalties_are_never_negative_and_vanish_at_zero(p):
    for penalty in PENALTIES.values():
        assert (penalty.value(p) >= 0).all()
        assert (penalty.value(0 * p) == 0).all()


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99), st.integers(1, 5))
def test_a_plateau_is_where_less_than_the_fraction_has_gone_since_the_last_look(kept, rtol, k):
    losses, found = [], []
    for step in range(3 * k + 1):
        losses.append(np.array([kept ** (step / k)]))
        progress = Progress(step, losses, np.array([0]))
        found.append(bool(Plateau(records=k, rtol=rtol).met(progress)[0]))
    if abs(kept - (1 - rtol)) > 1e-9:
        stuck = kept > 1 - rtol
        assert found == [stuck and step > 0 and step % k == 0 for step in range(3 * k + 1)]


def test_terms_change_nothing_in_place():
    p = np.random.default_rng(0).standard_normal((2, 3, 4))
    kept = p.copy()
    for penalty in PENALTIES.values():
        penalty.value(p), penalty.gradient(p)
    for constraint in CONSTRAINTS.values():
        constraint.project(p)
    np.testing.assert_array_equal(p, kept)


def test_groups_and_threads_change_no_bit(monkeypatch):
    X, Y = random_data(30)
    networks = [random_network(seed=seed) for seed in range(11)]
    options = {"steps": 20, "batch_size": 8, "stop": LossBelow(0.5), "engine": "numpy"}
    together = train_ensemble(networks, X, Y, rngs=range(11), **options)
    monkeypatch.setattr("training.trainer.WORKING_SET", 20_000)
    for jobs in (1, 3):
        grouped = train_ensemble(networks, X, Y, rngs=range(11), jobs=jobs, **options)
        np.testing.assert_array_equal(grouped.losses, together.losses)
        np.testing.assert_array_equal(grouped.final_losses, together.final_losses)
        np.testing.assert_array_equal(grouped.steps, together.steps)
        assert grouped.networks == together.networks
        assert grouped.stop_reasons == together.stop_reasons


def test_names_of_tensors_are_letters_and_numbers_of_layers():
    chain, params = stack([random_network((2, 3, 1))])
    assert chain.names == ["W1", "b1", "W2", "b2"]
    assert [params[i].shape for i in chain.select(["b2", "W1"])] == [(1, 3, 2), (1, 1)]


# Bad input


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"penalties": 0.1}, "penalties must be objects with tensors, gradient"),
        ({"penalties": [NonNegative()]}, "penalties must be objects with tensors, gradient"),
        ({"constraints": [L1(0.1)]}, "constraints must be objects with tensors, project"),
        ({"penalties": L1(0.1, ["W3"])}, r"tensors must be a list of some of \['W1', 'b1', 'W2'"),
        ({"penalties": L1(0.1, "W1")}, "tensors must be a list of some of"),
        ({"constraints": NonNegative([])}, "tensors must be a list of some of"),
        ({"callbacks": [3]}, "callbacks must be objects with __call__"),
        ({"optimizer": 0.1}, "optimizer must have start and update"),
        ({"loss": "cross_entropy", "Y": np.ones((9, 2))}, "Y must hold distributions"),
        ({"loss": "bce", "Y": 2 * np.ones((9, 2))}, r"Y must lie in \[0, 1\]"),
    ],
)
def test_wrong_arguments_are_named(changes, message):
    X, Y = random_data()
    with pytest.raises(ValueError, match=message):
        train(**{"net": random_network(), "X": X, "Y": Y, **changes})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: L1(0.0), "weight must be a positive number"),
        (lambda: L2(np.nan), "weight must be a positive number"),
        (lambda: NegativePart(-1.0), "weight must be a positive number"),
        (lambda: MaxNorm(np.inf), "limit must be a positive number"),
        (lambda: AccuracyFor(1.5), r"level must lie in \[0, 1\]"),
        (lambda: AccuracyFor(0.9, records=0), "records must be a whole number"),
        (lambda: Plateau(records=0), "records must be a whole number"),
        (lambda: Plateau(rtol=1.0), r"rtol must lie in \[0, 1\)"),
    ],
)
def test_numbers_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_jobs_must_be_a_count():
    with pytest.raises(ValueError, match="jobs must be a whole number"):
        train_ensemble([random_network()], *random_data(), jobs=0)
