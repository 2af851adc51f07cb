"""Steps, slopes and curvatures that the checker confirms, at their limits."""

import numpy as np
import pytest
from checker_examples import SADDLE, STEEP, Example


def test_a_saddle_is_refused_where_the_gradient_is_not_zero():
    # the loss falls along the line, which has a slope
    for order in (1, True, 2, 3, 1.0, "2", None, 10**400):
        witness = {**STEEP.fields["witness"], "order": order, "coefficient": -1e-300}
        del witness["slope"]
        assert {"verdict", "witness"} <= STEEP.refused(verdict="saddle", witness=witness)
    # the first coefficient is a slope, and told as one
    witness = {**STEEP.fields["witness"], "order": 1, "coefficient": -1.0}
    del witness["slope"]
    assert "witness" in STEEP.refused(witness=witness)
    # max(1 + s, 0) (1 + t) with target 0 in s = -2 t + t^2, t = 0: curved along (s, t), and steep
    layers = [([[0]], [1]), ([[1]], [0])]
    fields = {"loss": 1.0, "class_weighted_loss": 1.0, "accuracy": 1.0, "margins": [1.0]}
    witness = {"direction": [{"weights": [[0.0]], "biases": [1.0]}], "step": 0.5}
    witness["direction"].append({"weights": [[-1.0]], "biases": [0.0]})
    witness |= {"loss": 0.5625, "curvature": -4.0}
    steep = Example(layers, [[0]], [[0]], [0], verdict="saddle", witness=witness, **fields)
    # (1 + t)^2 (1 - t)^2 = 1 - 2 t^2 + t^4 has no slope, but the bias of the output has
    steep.fields["gradient_norm"] = float(2 * np.sqrt(3.0))
    assert steep.refused() == {"witness", "verdict"}
    assert not steep.refused(verdict="undetermined", proved=False)


def test_of_a_line_the_first_coefficient_that_is_not_zero_has_to_fall():
    # -2 t^2 + t^4 of the square of SADDLE: order 2 as a coefficient, not order 3 or 4
    witness = {**SADDLE.fields["witness"], "order": 2, "coefficient": -1.0}
    del witness["curvature"]
    assert not SADDLE.refused(witness=witness)
    for order in (1, 3, 4, 5, True, 2.0):
        assert "witness" in SADDLE.refused(witness={**witness, "order": order})


@pytest.mark.parametrize("idle", [False, True])
def test_the_order_of_a_coefficient_is_that_of_its_power(idle):
    # t max(1 + t x, 0) at -2, 1, 0 with targets -1/2, 1/2, 0: loss 1/6 - 2/3 t^3 + 5/3 t^4; with
    # or without a second unit that is on a kink, and plays no part
    layers = [([[0]], [1]), ([[0]], [0])]
    moves = [([[1]], [0]), ([[1]], [0])]
    if idle:
        layers = [([[0], [0]], [1, 0]), ([[0, 0]], [0])]
        moves = [([[1], [0]], [0, 0]), ([[1, 0]], [0])]
    witness = {"direction": [{"weights": W, "biases": b} for W, b in moves]}
    witness |= {"step": 0.25, "loss": 0.163, "order": 3, "coefficient": -0.66}
    fields = {"loss": 1 / 6, "class_weighted_loss": 0.5, "accuracy": 1 / 3, "verdict": "saddle"}
    fields |= {"loss_bound": np.nextafter(1 / 6, 1), "loss_floor": np.nextafter(1 / 6, 0)}
    data = [[-2], [1], [0]], [[-0.5], [0.5], [0]], [0, 1, 2]
    margins = [0.0] if idle else [1.0]
    cubic = Example(layers, *data, witness=witness, margins=margins, **fields)
    assert not cubic.refused()
    for order in (2, 4, 5, 6):
        assert {"witness", "verdict"} <= cubic.refused(witness={**witness, "order": order})


def test_a_saddle_on_a_kink_has_no_slope():
    # t max(x + t, 0) + max(x + t, 0) at 0 and -5 with targets 1 and -1: 1 - t - t^2 / 2 + ...,
    # while the gradient on the side of the dead unit is 0
    moves = [([[0]], [1]), ([[1]], [0])]
    witness = {"direction": [{"weights": W, "biases": b} for W, b in moves]}
    witness |= {"step": 0.25, "loss": 0.74, "order": 2, "coefficient": -0.4}
    fields = {"loss": 1.0, "class_weighted_loss": 2.0, "accuracy": 0.5, "margins": [0.0]}
    layers, data = [([[1]], [0]), ([[1]], [0])], ([[0], [-5]], [[1], [-1]], [0, 1])
    steep = Example(layers, *data, verdict="saddle", witness=witness, **fields)
    assert steep.refused() == {"witness", "verdict"}
    del witness["order"], witness["coefficient"]
    assert not steep.refused(verdict="not stationary", witness={**witness, "slope": -1.0})


def test_a_loss_that_rises_at_first_along_a_line_is_no_saddle():
    # the output along the line is x (-t^2 + 2 t^3) with target x: loss 1 + 2 t^2 - 4 t^3 + ...
    layers = [([[0]], [1]), ([[0]], [1]), ([[1]], [-1])]
    moves = [([[1]], [0]), ([[-1]], [1]), ([[-2]], [2])]
    witness = {"direction": [{"weights": W, "biases": b} for W, b in moves]}
    witness |= {"step": 1, "loss": 0.5, "order": 3, "coefficient": -4.0}
    fields = {"loss": 1.0, "class_weighted_loss": 2.0, "accuracy": 0.5}
    fields |= {"margins": [1.0, 1.0], "verdict": "saddle", "witness": witness}
    rising = Example(layers, [[-1], [1]], [[-1], [1]], [0, 1], **fields)
    assert rising.refused() == {"witness", "verdict"}
    assert not rising.refused(proved=False)  # the step is as it says
    # half as far along: 1 + t^2 / 2 - t^3 / 2 + ...
    half = [{"weights": (np.array(W) / 2).tolist(), "biases": [b[0] / 2]} for W, b in moves]
    witness |= {"direction": half, "step": 2, "coefficient": -0.5}
    assert rising.refused(witness=witness) == {"witness", "verdict"}
    assert not rising.refused(witness=witness, proved=False)


def test_a_step_backwards_shows_nothing_of_a_one_sided_slope():
    # the loss falls along t < 0, and a little along t > 0 at once
    layers = [([[1.0], [0.0]], [0.0, -1.0]), ([[1.0, 1.0]], [0.0])]
    witness = {"direction": [{"weights": [[0], [0]], "biases": [0, -1]}], "step": -11, "loss": 2.0}
    witness["direction"].append({"weights": [[0, 0]], "biases": [0.125]})
    fields = {"loss": 100.0, "class_weighted_loss": 100.0, "accuracy": 1.0, "margins": [0.5]}
    fields |= {"gradient_norm": 40.0, "verdict": "not stationary"}
    back = Example(layers, [[1]], [[11]], [0], witness={**witness, "slope": -2.0}, **fields)
    # the units are at 1 and -1: the residual is -10, through both weights of the input and biases
    back.fields["gradient_norm"] = 40.0
    assert back.refused() == {"witness", "verdict"}
    faster = [
        {"weights": part["weights"], "biases": (22 * np.array(part["biases"])).tolist()}
        for part in witness["direction"]
    ]
    quick = {**witness, "direction": faster, "step": -0.5, "slope": -44.0}
    assert back.refused(witness=quick) == {"witness", "verdict"}
    curved = {**SADDLE.fields["witness"], "step": -0.5}
    assert not SADDLE.refused(witness=curved)  # both sides are honest of a curvature


def test_a_witness_that_is_not_proved_has_one_derivative_all_the_same():
    witness = STEEP.fields["witness"]
    rest = {key: value for key, value in witness.items() if key != "slope"}
    for other in (rest, {**rest, "slope": "x"}, {**rest, "slope": True}, {**witness, "order": 2}):
        assert "witness" in STEEP.refused(proved=False, verdict="undetermined", witness=other)


def test_an_unproved_witness_has_to_hold_the_cumulative_bias():
    # the last bias alone moves, by 3: (x + b) with targets 0 and 3
    layers = [([[1]], [1]), ([[0]], [0])]
    fields = {"loss": 4.5, "class_weighted_loss": 9.0, "accuracy": 0.5, "margins": [0.5]}
    still = {"weights": [[0]], "biases": [0]}
    move = {"weights": [[0]], "biases": [1]}
    witness = {"direction": [still, move], "step": 1, "loss": 2.5, "slope": -3.0}
    free = Example(layers, [[0], [1]], [[0], [3]], [0, 1], verdict="undetermined", **fields)
    free.fields |= {"proved": False, "gradient_norm": float(np.sqrt(9 + 36.0)), "witness": witness}
    assert not free.refused()
    assert "witness" in free.refused(subset=["cumulative"])


@pytest.mark.parametrize(("nearer", "examined"), [(1 + 2**-10, True), (1 - 2**-10, None)])
def test_a_gradient_in_floats_is_compared_where_their_signs_are_sure(nearer, examined):
    # the terms of the pre-activation d are 1 and d - 1, and their sizes nearly 2; the residual is
    # d - 1
    d = 2.0**-29 * nearer
    fields = {"loss": (1 - d) ** 2, "class_weighted_loss": (1 - d) ** 2, "accuracy": 1.0}
    fields |= {"margins": [0.0], "verdict": "undetermined", "proved": False}
    near = Example([([[1]], [d - 1]), ([[1]], [0])], [[1]], [[1]], [0], **fields)
    norm = float(2 * (1 - d) * np.sqrt(3 + d * d))
    for stated, holds in ((norm, examined), (1.01 * norm, examined and False)):
        assert near.findings({**near.fields, "gradient_norm": stated})["gradient_norm"] is holds


def test_a_witness_lowers_the_loss_below_what_is_said_of_it():
    for loss in (STEEP.fields["loss_floor"], STEEP.fields["loss_bound"]):
        witness = {**STEEP.fields["witness"], "loss": loss}
        assert {"witness", "verdict"} <= STEEP.refused(witness=witness)


def test_no_entry_of_what_is_held_may_move():
    # (w, v) x + b at x = (1, 1) with target 3, the weights being held: w may not move for the bias
    layers, fields = [([[1, 0]], [0])], {"loss": 4.0, "class_weighted_loss": 4.0, "accuracy": 1.0}
    fields |= {"margins": [], "verdict": "not stationary", "subset": ["b1"], "gradient_norm": 4.0}
    bias = {
        "direction": [{"weights": [[0, 0]], "biases": [1]}],
        "step": 1,
        "loss": 1,
        "slope": -4.0,
    }
    held = Example(layers, [[1, 1]], [[3]], [0], witness=bias, **fields)
    assert not held.refused()
    for weights in ([[1, 0]], [[0, 1]], [[1, 1]]):
        direction = [{"weights": weights, "biases": [0.0]}]
        witness = {**bias, "direction": direction, "loss": 1 if sum(weights[0]) == 1 else 0}
        assert {"witness", "verdict"} <= held.refused(witness=witness)


@pytest.mark.parametrize(("off", "follows"), [(2.0**-45, True), (1e-6, False), (0.5, False)])
@pytest.mark.parametrize("output", [0, 1])
def test_each_bias_follows_its_cumulative_weight_but_for_rounding(off, follows, output):
    # x = 1, 2 through max(x + 1, 0), of which 1 is the cumulative bias; outputs (1, -1) x + c
    layers = [([[1]], [1]), ([[1], [-1]], [-1, 1])]
    move = {"weights": [[-1], [1]], "biases": [1.0, -1.0]}
    move["biases"][output] += off
    witness = {"direction": [{"weights": [[0]], "biases": [0]}, move], "step": 0.5, "slope": -1.0}
    witness["loss"] = 4.9
    fields = {"loss": 5.0, "class_weighted_loss": 5.0, "accuracy": 1.0, "margins": [0.5]}
    both = Example(
        layers,
        [[1], [2]],
        [[0, 0]],
        [0, 0],
        verdict="undetermined",
        proved=False,
        subset=["cumulative"],
        witness=witness,
        **fields,
    )
    assert ("witness" in both.refused()) is not follows
    # an output that stays where it is has a bias that stays
    still = {"weights": [[-1], [0]], "biases": [1.0, 0.0]}
    if output:
        still = {"weights": [[0], [1]], "biases": [0.0, -1.0]}
    witness = {**witness, "direction": [witness["direction"][0], still]}
    assert not both.refused(witness=witness)


def test_a_verdict_that_is_not_said_to_be_proved_is_not_examined_but_the_step_is():
    assert STEEP.findings({**STEEP.fields, "proved": False})["verdict"] is None
    witness = {**STEEP.fields["witness"], "slope": -100.0}
    assert STEEP.findings({**STEEP.fields, "proved": False, "witness": witness})["witness"]
    witness["step"] = 3.0
    assert "witness" in STEEP.refused(proved=False, witness=witness)
