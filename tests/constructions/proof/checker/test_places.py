"""Minima, radii and basins that the checker confirms, at their limits; and what `verify` says."""

import json
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from builders import random_network, random_points
from checker_examples import COLLAPSED, HELD, LINE, Example, root_below
from hypothesis import given
from hypothesis import strategies as st

from constructions import check_certificate, construct, merged, partial, suboptimal, verify
from constructions.proof.checker import CLAIMS, Case, _exact
from constructions.verdicts import SQUARED
from geomcore import ReLUNetwork, datasets
from geomcore.arrays import as_labels

# By hand


def test_no_strength_is_confirmed_that_leaves_nothing_of_the_smallest_singular_value():
    # the only hidden unit is off: the row (h, 1) is (0, 1), and does not move
    fields = {"verdict": "global minimum", "loss": 0.0, "class_weighted_loss": 0.0}
    fields |= {"accuracy": 1.0, "margins": [1.0], "distance": 0.0, "radius": 0.9}
    basin = {"radius": 0.2, "strength": 1.0, "rate": 3.9, "ball": 0.5}
    dead = Example([([[0]], [-1]), ([[0]], [2])], [[0]], [[2]], [0], **fields)
    assert not dead.refused(basin={**basin, "strength": 0.999})
    assert dead.refused(basin=basin) == {"basin"}


@pytest.mark.parametrize(("weight", "limit"), [(3.0, 0.43045), (0.25, 0.37577)])
def test_a_radius_has_room_for_the_motion_of_all_layers_before(weight, limit):
    # max(x, 0), then max(w h - w + 1, 0) at x = 1, where both are 1; w = 3 has the bias -1 and
    # the gap 2. The hidden output moves by r sqrt(2), so the second unit does by less than
    # r sqrt(2 w^2 + (1 + r sqrt 2)^2 + 1), which is its gap at the limit.
    gap = 2.0 if weight == 3 else 0.7
    layers = [([[1]], [0]), ([[weight]], [gap - weight]), ([[1]], [0])]
    assert limit * np.sqrt(2 * weight**2 + (1 + limit * np.sqrt(2)) ** 2 + 1) == pytest.approx(
        gap, rel=1e-4
    )
    fields = {"loss": 0.0, "class_weighted_loss": 0.0, "accuracy": 1.0, "margins": [0.1, 0.1]}
    deep = Example(layers, [[1]], [[gap]], [0], verdict="global minimum", distance=0.0, **fields)
    for radius, holds in ((0.999 * limit, True), (1.001 * limit, False)):
        assert deep.findings({**deep.fields, "radius": radius})["radius"] is holds


@pytest.mark.parametrize(("factor", "refused"), [(1 + 1e-6, False), (1 - 1e-6, True)])
def test_a_global_minimum_is_as_near_as_rtol_says(factor, refused):
    # relative to the norm of the last layer, sqrt(18) but for U
    rtol = HELD.fields["distance"] / np.sqrt(18.0) * factor
    assert ("distance" in HELD.refused(rtol=float(rtol))) is refused


def test_a_minimum_that_is_not_said_to_be_proved_is_none():
    assert "verdict" in COLLAPSED.refused(proved=False)
    assert "verdict" in LINE.refused(proved=False)


def test_a_local_minimum_is_none_on_a_kink_nor_where_its_cell_has_a_lower_loss():
    # 2 max(x, 0), of which x = 0 is on the kink: the best line of LINE
    fields = {k: LINE.fields[k] for k in ("loss", "loss_bound", "loss_floor", "lower_bound")}
    fields |= {"class_weighted_loss": 2.0, "accuracy": 2 / 3, "margins": [0.0], "distance": 0.0}
    layers, data = [([[1]], [0]), ([[2]], [0])], ([[0], [1], [1]], [[0], [1], [3]], [0, 1, 2])
    kink = Example(layers, *data, verdict="local minimum", **fields)
    assert kink.refused() == {"verdict"}
    moved = Example([([[1]], [1]), ([[2]], [-2])], *data, verdict="local minimum", **fields)
    assert not moved.refused()
    # max(x, 0), the best of the last layer alone: the two active points could both be fitted
    fields = {"loss": 1.5, "class_weighted_loss": 6.0, "accuracy": 0.25, "lower_bound": 0.125}
    fields |= {"margins": [root_below(1)], "distance": 0.0, "gradient_norm": 0.5}
    data = [[1], [2], [-1], [-2]], [[3], [1], [-1], [0]], [0, 1, 2, 3]
    loose = Example([([[1]], [0]), ([[1]], [0])], *data, verdict="local minimum", **fields)
    assert loose.refused() == {"verdict", "distance"}
    last = {"subset": ["W2", "b2"], "gradient_norm": 0.0}
    assert not loose.refused(**last)
    assert "verdict" in loose.refused(subset=["b1", "W2", "b2"])  # of which b1 is hidden
    assert loose.refused(lower_bound=0.1251) == {"verdict", "distance", "lower_bound"}


def radius_holds(layers, X, radius, distance=0.0):
    """Whether a radius holds, of a network that is at its targets."""
    weights, biases = (
        [np.array(part, float) for part in parts] for parts in zip(*layers, strict=True)
    )
    targets = ReLUNetwork(weights, biases)(np.array(X, float))
    fields = {"loss": 0.0, "class_weighted_loss": 0.0, "accuracy": 1.0}
    fields |= {"margins": [0.1] * (len(layers) - 1), "verdict": "global minimum"}
    fields["distance"] = distance
    example = Example(layers, X, targets, list(range(len(X))), radius=radius, **fields)
    return example.findings(example.fields)["radius"]


def test_a_radius_ends_where_the_nearest_unit_of_all_may_flip():
    # at x = 0 a unit with the bias b flips at the distance |b|
    far_and_near = [([[1], [1]], [8, 1]), ([[1, 1]], [0])]
    for layers in (far_and_near, [([[1], [1]], [1, 8]), ([[1, 1]], [0])]):
        assert radius_holds(layers, [[0]], np.nextafter(1, 0)) is True
        assert radius_holds(layers, [[0]], 1.0) is False
        assert radius_holds(layers, [[0], [0.5]], 1.0) is False


def test_a_radius_leaves_room_for_the_distance():
    layers = [([[1]], [1]), ([[1]], [0])]  # flips at 1
    for radius, holds in ((0.7499, True), (0.7501, False)):
        assert radius_holds(layers, [[0]], radius, distance=0.25) is holds


def test_a_basin_leaves_room_for_the_distance():
    # of COLLAPSED: radius + d + (radius + d) sqrt(outputs) / strength is the ball at the limit
    d, limit = 0.01, 0.041141
    far = {"distance": d, "rtol": 0.5}
    for radius, refused in ((0.999 * limit, False), (1.001 * limit, True)):
        basin = {**COLLAPSED.fields["basin"], "radius": radius}
        assert ("basin" in COLLAPSED.refused(basin=basin, **far)) is refused


def test_a_basin_has_positive_numbers_of_all_parameters_and_all_directions():
    basin = COLLAPSED.fields["basin"]
    assert "basin" in COLLAPSED.refused(basin={**basin, "strength": -basin["strength"]})
    assert "basin" in COLLAPSED.refused(basin={**basin, "radius": -0.01})
    assert "basin" in COLLAPSED.refused(subset=["W2", "b2"])
    assert "basin" in COLLAPSED.refused(distance=-1.0)
    # the motion of the hidden outputs, 0.17320..., and this are above 0.44188, the least direction
    strong = {**basin, "strength": 0.269, "rate": 0.28}
    assert "basin" in COLLAPSED.refused(basin=strong)
    assert "basin" not in COLLAPSED.refused(basin={**strong, "strength": 0.2685})


def case_of(example):
    """What the checker knows of an example."""
    pairs = zip(example.weights, example.biases, strict=True)
    tensors = [tensor for pair in pairs for tensor in pair]
    return Case(example.fields, tensors, example.X, example.targets, example.classes)


def test_outputs_move_by_the_motion_of_all_layers_and_of_the_solution_next_to_it():
    # of COLLAPSED in a ball of r, where the exact solution is d away
    case = case_of(COLLAPSED)
    for r, d in ((0.25, 0.0), (0.25, 0.5)):
        safe, (hidden, output), _ = case.motion(*_exact([r, d]))
        assert bool(safe)
        active = (1 + d) ** 2 + (1 + r) ** 2 + 1  # times r^2, of the point that is active
        assert float(hidden) == pytest.approx(r * np.sqrt(1 / 3), rel=1e-12)
        assert float(output) == pytest.approx(r * np.sqrt(active / 3 + 2 / 3), rel=1e-12)


@pytest.mark.parametrize(("r", "d"), [(0.0, 0.0), (0.3, 0.0), (0.25, 0.5)])
def test_the_hessian_is_bounded_by_derivatives_and_bends_of_the_outputs(r, d):
    # of COLLAPSED: of the active point |P_21| is at most 1 + d + r in the ball, and only it bends
    found = case_of(COLLAPSED).motion(*_exact([r, d]), bent=True)
    first = ((1 + d + r) ** 2 + (1 + r) ** 2 + 1) / 3 + 2 / 3
    motion = r * np.sqrt(((1 + d) ** 2 + (1 + r) ** 2 + 1) / 3 + 2 / 3)
    assert float(found[2]) == pytest.approx(2 * (first + np.sqrt(1 / 3) * motion), rel=1e-12)
    assert float(found[1][-1]) == pytest.approx(motion, rel=1e-12)


def test_three_layers_bend_by_the_largest_eigenvalue_of_what_each_pair_does():
    # max(x, 0), max(3 h, 0), 2 g at x = 1 with the target 4, where it is 6: all stays as it is at
    # r = 0, so that this is the Hessian but for signs that are all taken to be the same
    layers = [([[1]], [0]), ([[3]], [0]), ([[2]], [0])]
    fields = {"loss": 4.0, "class_weighted_loss": 4.0, "accuracy": 1.0, "margins": [0.1, 0.1]}
    deep = Example(layers, [[1]], [[4]], [0], verdict="undetermined", proved=False, **fields)
    s = np.sqrt([1 + 1, 1 + 1, 9 + 1])  # |(x, 1)| for the inputs 1, 1 and 3
    q = [6, 2, 1]
    M = np.array([[0, 0, 0], [2 * s[0], 0, 0], [3 * s[0], 1 * s[1], 0]])
    first, second = np.square(q) @ s**2, np.linalg.eigvalsh(M + M.T)[-1]
    case = case_of(deep)
    # the best last layer leaves no loss, so that nothing bends at the exact point
    assert float(case.motion(_exact(0.0)[()], bent=True)[2]) == pytest.approx(2 * first, rel=1e-12)
    # within r = 1/8 the residual is the motion
    r = 0.125
    _, moves, bound = case.motion(_exact(r)[()], bent=True)
    x = [1, 1, 3]
    for l in range(3):
        s[l] = np.hypot(x[l] + (float(moves[l - 1]) if l else 0), 1)
    q = np.zeros((4, 3))  # row l + 1: layer l
    P = np.array([[0, 0, 0], [1, 0, 0], [3, 1, 0], [6, 2, 1]])
    for l in range(3):
        for j in range(l + 1):
            between = [P[l + 1, i] * q[i, j] for i in range(j + 1, l + 1)]
            q[l + 1, j] = P[l + 1, j] + r * np.linalg.norm(between)
    M = np.array([[q[3, i] * q[i, j] * s[j] for j in range(3)] for i in range(3)])
    first, second = q[3] ** 2 @ s**2, np.linalg.eigvalsh(M + M.T)[-1]
    assert float(bound) == pytest.approx(2 * (first + second * float(moves[2])), rel=1e-11)


def test_a_basin_of_descent_leaves_room_for_the_distance_and_ends_at_the_inverse_of_the_step():
    own = COLLAPSED.fields["descent"]
    far = {"rtol": 0.5, "basin": None}
    for radius, d, refused in ((0.028, 0.0, False), (0.028, 0.001, True), (0.0265, 0.001, False)):
        changed = {**own, "radius": radius, "curvature": 4.74}
        found = COLLAPSED.refused(descent=changed, distance=d, **far)
        assert ("descent" in found) is refused, (radius, d)
    # with the solution next to it also the bound of the Hessian is larger
    near = {**own, "radius": 0.0265}
    assert "descent" not in COLLAPSED.refused(descent=near, **far)
    assert "descent" in COLLAPSED.refused(descent=near, distance=0.001, **far)
    # 1 / 4.7305 = 0.21139
    slow = {**own, "rate": 0.028}
    for step, refused in ((0.2113, False), (0.2115, True), (0.195, False), (0.19, True)):
        assert ("descent" in COLLAPSED.refused(descent=slow, step=step)) is refused, step
    # both ends may be attained: 1 = 0.125 x 8, and 2 x 0.125 x 0.25^2 is the rate
    ends = {**own, "radius": 0.02, "strength": 0.25, "rate": 0.015625, "curvature": 8.0}
    assert "descent" not in COLLAPSED.refused(descent=ends, step=0.125)
    assert "descent" in COLLAPSED.refused(descent=ends, step=np.nextafter(0.125, 1))
    fast = {**ends, "rate": np.nextafter(0.015625, 1)}
    assert "descent" in COLLAPSED.refused(descent=fast, step=0.125)
    for subset in (["W2", "b2"], ["cumulative"]):
        assert "descent" in COLLAPSED.refused(subset=subset)
    assert "descent" not in COLLAPSED.refused(subset=["W1", "b1", "W2", "b2"])


def test_a_step_is_a_positive_double_also_where_no_basin_is_claimed():
    largest = float(np.finfo(float).max)
    for step in (5e-324, 0.1, 1, largest):
        assert not LINE.refused(step=step)
    for step in (0, 0.0, -5e-324, -0.1, int(largest) + 1, "0.1", True, [0.1]):
        assert LINE.refused(step=step) == {"step"}


# What is asked


@pytest.mark.parametrize(
    ("asked", "value"),
    [
        ("loss_name", "cross_entropy"),
        ("loss_name", "bce"),
        ("weight_decay", -1),
        ("weight_decay", -0.5),
        ("weight_decay", "0"),
        ("weight_decay", True),
    ],
)
@pytest.mark.parametrize("example", [LINE, COLLAPSED])
def test_of_another_loss_nothing_is_examined(asked, value, example):
    stated = {**example.fields, asked: value}
    data = example.X, example.targets, example.classes
    found = check_certificate(stated, example.weights, example.biases, *data)
    assert [finding.field for finding in found] == list(CLAIMS)
    assert {(f.holds, f.detail) for f in found} == {(None, "the loss is not a squared error alone")}


@pytest.mark.parametrize("decay", [0.1, 1, 10**400])
def test_with_weight_decay_nothing_is_examined_unless_there_is_one_hidden_layer(decay):
    for example in (LINE, COLLAPSED):
        found = example.findings({**example.fields, "weight_decay": decay})
        left = example is LINE or decay == 10**400
        assert ({*found.values()} == {None}) == left
        # whose loss is more than 0 then
        assert left or found["loss_bound"] is found["loss"] is False


@pytest.mark.parametrize("none", [0, 0.0])
def test_without_weight_decay_all_is_examined(none):
    for example in (LINE, COLLAPSED):
        assert not example.refused(weight_decay=none)
        assert example.findings({**example.fields, "weight_decay": none})["weight_decay"] is True


def test_what_is_too_large_is_not_begun_and_says_so():
    # one point more than 2**12, of 2**12 coordinates
    X, y = np.broadcast_to(0.0, (2**12 + 1, 2**12)), np.zeros(2**12 + 1, int)
    weights, biases = [np.zeros((1, 2**12))], [np.zeros(1)]
    found = check_certificate({}, weights, biases, X, np.zeros((1, 1)), y)
    assert {(f.holds, f.detail) for f in found} == {(None, "too large for exact arithmetic")}


def test_of_a_critical_point_near_by_distance_radius_slack_and_verdict_are_left_open():
    found = LINE.findings({**LINE.fields, "critical": {"argument": "fit"}})
    assert {field for field, holds in found.items() if holds is None} == {
        *("exact", "smallest_eigenvalue", "checks", "bits", "critical"),
        *("distance", "radius", "slack", "verdict"),
    }
    assert False not in found.values()
    # the rest is examined as before
    assert LINE.findings({**LINE.fields, "critical": {}, "loss": 1.0})["loss"] is False
    assert LINE.findings({**LINE.fields, "critical": {}, "verdict": "x"})["verdict"] is None
    assert LINE.findings({**LINE.fields, "critical": None, "slack": 0.0})["slack"] is True


@pytest.mark.parametrize("slack", [1e-300, -1.0, 1.0])
def test_a_slack_is_zero(slack):
    assert LINE.refused(slack=slack) == {"slack"}


def test_a_lower_bound_and_a_gap_may_be_attained():
    # |x| at -1 and 1 with targets 0: the best last layer of one unit leaves 0
    assert not COLLAPSED.refused(lower_bound=0.0, gap=0.0)
    assert COLLAPSED.refused(gap=-5e-324) == {"gap"}
    # one point of every class at one place: 1/4 is what is left, exactly, of a loss of 1/2
    layers, data = [([[0]], [0])], ([[0], [0]], [[0], [1]], [0, 1])
    fields = {"loss": 0.5, "class_weighted_loss": 1.0, "accuracy": 0.5, "margins": []}
    fields |= {"lower_bound": 0.25, "gap": 0.25, "gradient_norm": 1.0}
    half = Example(layers, *data, verdict="undetermined", proved=False, **fields)
    assert not half.refused() and not half.refused(gap="inf")
    assert half.refused(lower_bound=np.nextafter(0.25, 1)) == {"lower_bound"}
    assert half.refused(gap=np.nextafter(0.25, 0)) == {"gap"}
    assert not half.refused(lower_bound=-1.0, gap=0.3)


@pytest.mark.parametrize("name", SQUARED)
def test_points_share_the_loss_by_its_name(name):
    # errors 1, 1 and 3 of classes 0, 0 and 1: means (1 + 1 + 9) / 3 and 1 + 9
    layers, data = [([[0]], [0])], ([[0], [1], [2]], [[1], [3]], [0, 0, 1])
    fields = {"loss": 11 / 3, "class_weighted_loss": 10.0, "accuracy": 2 / 3, "margins": []}
    own = 10.0 if name == "class_weighted" else 11 / 3
    ends = {"loss_bound": np.nextafter(own, 20), "loss_floor": np.nextafter(own, 0)}
    # derivative in the output 2 w e, w = 1/3, or 1/2, 1/2, 1: weight and bias
    slopes = np.array([1, 1, 3]) * ([1, 1, 2] if name == "class_weighted" else [2 / 3] * 3)
    ends |= {"gradient_norm": float(np.hypot(slopes @ [0, 1, 2], slopes.sum()))}
    made = Example(
        layers, *data, loss_name=name, verdict="undetermined", proved=False, **ends, **fields
    )
    made.fields["gap"] = own
    assert not made.refused()
    for field in ("loss", "class_weighted_loss", "loss_bound"):
        assert field in made.refused(**{field: made.fields[field] * 0.99})


# Against `verify`

BALLS = datasets.clusters(15, rng=0)


@cache
def network(method):
    """A constructed network, with its data."""
    if method in ("clustered", "sequential", "cone", "simplex", "universal"):
        draw = {"sequential": "sequential", "cone": "single_cone", "simplex": "concentric"}
        data = getattr(datasets, draw.get(method, "clusters"))(30, rng=0)
        return construct(data.X, data.y, method).network, data
    if method == "merge":
        return merged(BALLS.X, BALLS.y, [[0], [1, 2]]).network, BALLS
    if method == "partial":
        return partial(BALLS.X, BALLS.y, [0.5, 1, 1]).network, BALLS
    return suboptimal(BALLS.X, BALLS.y, [int(s) for s in method]).network, BALLS


def certified(net, X, y, **options):
    """The certificate of `verify`, and the arguments of `check_certificate` that go with it."""
    labels = as_labels(y, len(X))
    certificate = json.loads(verify(net, X, y, **options).to_json())
    return certificate, net.weights, net.biases, X, labels.targets, labels.index


def doubted(*arguments):
    """What is not confirmed."""
    return {f.field: f.detail for f in check_certificate(*arguments) if f.holds is False}


def test_minus_zero_is_zero_in_a_digest():
    net = ReLUNetwork([[[-1.0, -0.0]], [[1.0]]], [[1.0], [-0.0]])
    X, y = np.array([[-0.0, 1.0], [2.0, -0.0]]), np.array([[1.0], [-0.0]])
    assert not doubted(*certified(net, X, y))


def test_many_dead_points_are_one_constant():
    net = ReLUNetwork([[[-1.0]], [[1.0]]], [[1.0], [0.0]])
    X, y = (
        np.array([[0.0], [2.0], [3.0], [4.0], [5.0]]),
        np.array([[1.0], [0.0], [0.0], [0.0], [0.0]]),
    )
    assert verify(net, X, y).verdict == "global minimum"
    assert not doubted(*certified(net, X, y))


@pytest.mark.parametrize("loss", ["mse", "class_weighted"])
@pytest.mark.parametrize(
    "method",
    ["clustered", "sequential", "cone", "simplex", "universal", "merge", "partial", "000", "011"],
)
def test_what_verify_says_of_a_construction_holds(method, loss):
    net, data = network(method)
    assert not doubted(*certified(net, data.X, data.y, loss=loss))


SUBSETS = ["last", "cumulative", "W4", "b4", ("W1", "b1"), ("b2", "W4", "b4")]


@pytest.mark.parametrize("subset", SUBSETS, ids=str)
@pytest.mark.parametrize("state", ["000", "001", "110", "111"])
def test_what_verify_says_of_a_state_in_some_tensors_holds(state, subset):
    net, data = network(state)
    assert not doubted(*certified(net, data.X, data.y, subset=subset, loss="class_weighted"))


@given(st.integers(0, 2**32 - 1))
def test_what_verify_says_of_a_small_network_of_integers_holds(seed):
    # integers make kinks, dead layers, ties, zero layers and equal points likely
    rng = np.random.default_rng(seed)
    widths = rng.integers(1, 4, size=rng.integers(2, 5))
    weights = [rng.integers(-2, 3, size=(m, n)) for n, m in pairwise(widths)]
    net = ReLUNetwork(weights, [rng.integers(-2, 3, size=m) for m in widths[1:]])
    X = rng.integers(-2, 3, size=(rng.integers(1, 7), widths[0])).astype(float)
    Y = rng.integers(-1, 2, size=(len(X), widths[-1]))
    subset = [None, "last", "cumulative", net.names[:1]][rng.integers(4)]
    assert not doubted(*certified(net, X, Y, subset=subset, loss=str(rng.choice(SQUARED))))


@given(st.integers(0, 2**32 - 1), st.integers(-300, 300))
def test_what_verify_says_holds_on_all_scales(seed, scale):
    net, X = random_network([2, 3, 2], seed), random_points(5, 2, rng=seed)
    Y = random_points(5, 2, rng=seed + 1)
    weights, biases = list(net.weights), list(net.biases)
    weights[0], biases[0] = weights[0] * 10.0**scale, biases[0] * 10.0**scale
    weights[1] = weights[1] * 10.0 ** -(scale // 2)
    assert not doubted(*certified(ReLUNetwork(weights, biases), X, Y))


@pytest.mark.parametrize("method", ["clustered", "merge", "011"])
def test_no_float_of_a_true_certificate_can_be_made_untrue(method):
    net, data = network(method)
    certificate, *rest = certified(net, data.X, data.y)
    worse = {
        "loss_bound": lambda v: v * (1 - 1e-6) - 1e-300,
        "loss_floor": lambda v: v * (1 + 1e-6) + 1e-300,
        "lower_bound": lambda v: v * (1 + 1e-6) + 1e-300,
        "accuracy": lambda v: v * (1 - 1e-6),
        "activation_margin": lambda v: v * (1 + 1e-6),
        "margins": lambda v: [1.001 * m for m in v],
        "distance": lambda v: v and v / 10,
        "radius": lambda v: v and 2 * v,
        "basin": lambda v: v and {**v, "radius": 2 * v["radius"]},
        "witness": lambda v: v and {**v, "step": 3 * v["step"], "loss": v["loss"] / 2},
        "network": lambda v: rest and v[::-1],
        "data": lambda v: v[::-1],
    }
    if certificate["verdict"] == "not stationary":
        del worse["lower_bound"]  # a bound need not be close
    if certificate["verdict"] == "local minimum":
        worse["verdict"] = lambda v: "global minimum"
    for field, change in worse.items():
        if certificate[field] is not None:
            assert field in doubted({**certificate, field: change(certificate[field])}, *rest)


@pytest.mark.parametrize("layers", [2, 3, 4, 5])
def test_the_basin_of_descent_of_a_deep_network_is_confirmed_and_no_smaller_curvature(layers):
    net = ReLUNetwork([[[1.0]]] * layers, [[1.0], *[[0.5]] * (layers - 2), [0.0]])
    X, Y = np.array([[0.0], [1.0]]), net([[0.0], [1.0]])
    stated = json.loads(verify(net, X, Y, step=1e-3).to_json())
    labels = as_labels(Y, 2)
    data = [part.tolist() for part in (X, labels.targets, labels.index)]
    tensors = [[t.tolist() for t in part] for part in (net.weights, net.biases)]

    def refused(**changes):
        changed = stated | {"descent": stated["descent"] | changes}
        return {f.field for f in check_certificate(changed, *tensors, *data) if f.holds is False}

    assert not refused()
    curvature, radius = (stated["descent"][key] for key in ("curvature", "radius"))
    assert refused(curvature=curvature * (1 - 1e-4)) == {"descent"}
    assert refused(radius=radius * (1 + 1e-4)) == {"descent"}
