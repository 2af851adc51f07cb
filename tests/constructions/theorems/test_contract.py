"""What every theorem of `construct` keeps: one row here for each row of `THEOREMS`."""

import inspect
import json
from pathlib import Path
from typing import NamedTuple, get_args

import naive
import numpy as np
import pytest

from constructions import ConstructionError, construct, verify
from constructions.building.draft import Draft, Refused
from constructions.theorems.table import THEOREMS
from geomcore import cumulative_parameters, datasets
from geomcore.arrays import as_labels, as_points
from training.commands.arguments.options import Method

XOR = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]]), np.array([0, 0, 1, 1])


class Row(NamedTuple):
    """A theorem with data on which it applies, and data on which it must refuse."""

    applies: tuple
    refuses: tuple
    reason: str  # part of why it refuses
    report: set  # what it has to say where it applies
    kinds: set
    options: dict  # a good value for each of its options
    wrong: dict  # a value that is refused, for each option that can be wrong


def _rows():
    cone, balls = datasets.single_cone(40, d=2, rng=1), datasets.concentric(40, d=2, rng=1)
    clusters, sequence = datasets.clusters(20, rng=0), datasets.sequential(20, rng=0)
    iris = datasets.iris()
    near = [[0.0], [1.0], [np.nextafter(1.0, 2.0)], [2.0], [2.0 + 5e-16], [3.0]]
    return {
        "clustered": Row(
            applies=clusters[:2],
            refuses=sequence[:2],
            reason="is not <",
            report={"hypotheses", "delta", "theta"},
            kinds={"circular cone"},
            options={"hidden_width": 3},
            wrong={"hidden_width": 2},
        ),
        "sequential": Row(
            applies=sequence[:2],
            refuses=XOR,
            reason="proved: for each, a point common to both convex hulls",
            report={"margins", "flatness"},
            kinds={"spread cone"},
            options={"base_points": "free", "robust": False},
            wrong={"base_points": "paper"},
        ),
        "cone": Row(
            applies=cone[:2],
            refuses=iris[:2],
            reason="exactly 2 classes, got 3",
            report={"inside", "faces"},
            kinds={"faces", "spread cone"},
            options={"cone": cone.info["cone"]},
            wrong={"cone": 5},
        ),
        "simplex": Row(
            applies=balls[:2],
            refuses=iris[:2],
            reason="exactly 2 classes, got 3",
            report={"inside", "faces"},
            kinds={"faces", "spread cone"},
            options={"simplex": balls.info["simplex"]},
            wrong={"simplex": np.ones((3, 2))},
        ),
        "universal": Row(
            applies=XOR,
            refuses=(np.array(near), np.array([0, 1, 0, 1, 0, 1])),
            reason="attempts",
            report={"peels", "layers"},
            kinds={"spread cone", "faces", "rest"},
            options={"beam": 2},
            wrong={"beam": 0},
        ),
    }


ROWS = _rows()


@pytest.fixture(params=ROWS)
def name(request):
    return request.param


def drafted(name, X, y, **given):
    """The draft of a theorem as `construct` asks for it, all options checked."""
    X = as_points(X)
    labels = as_labels(y, len(X))
    options = {
        option: check(given.get(option, _default(option)), X, labels)
        for option, check in THEOREMS[name].options.items()
    }
    return THEOREMS[name].draft(X, labels, np.random.default_rng(0), **options)


def _default(option):
    return inspect.signature(construct).parameters[option].default


# By hand


def test_there_is_one_row_for_each_theorem():
    assert list(ROWS) == list(THEOREMS)


def test_every_theorem_is_named_wherever_a_person_reads_their_names():
    names = ", ".join(f'"{name}"' for name in ("auto", *THEOREMS, "two-layer"))
    assert f"method : {{{names}}}" in inspect.getdoc(construct)
    shown = get_args(Method)[1].help
    assert shown.startswith(", ".join(THEOREMS) + ", or auto")
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    assert [name for name in THEOREMS if f"`{name}`" not in readme] == []


def test_the_keywords_of_construct_are_the_options_of_the_theorems():
    keywords = [
        p.name
        for p in inspect.signature(construct).parameters.values()
        if p.kind is p.KEYWORD_ONLY and p.name not in ("targets", "rng", "weight_decay")
    ]
    options = [option for theorem in THEOREMS.values() for option in theorem.options]
    assert sorted(keywords) == sorted(options)
    for name, row in ROWS.items():
        assert set(row.options) == set(THEOREMS[name].options)
        assert set(row.wrong) <= set(row.options)


def test_auto_refuses_what_all_refuse_with_every_reason():
    X, y = ROWS["universal"].refuses
    with pytest.raises(ConstructionError) as error:
        construct(X, y)
    assert list(error.value.reasons) == list(THEOREMS)
    for reason in error.value.reasons.values():
        assert reason in str(error.value)


# Against the naive oracle


def test_the_loss_of_the_exact_network_is_zero_but_for_rounding(name):
    X, y = ROWS[name].applies
    net = construct(X, y, name).network
    assert naive.exact_loss(net.weights, net.biases, X, np.eye(max(y) + 1)[y]) <= 1e-20


# Laws


def test_where_it_applies_zero_loss_is_proved_from_the_network_alone(name):
    X, y = ROWS[name].applies
    found = construct(X, y, name)
    assert found.method == name
    certificate = verify(found.network, X, y)
    assert (certificate.verdict, certificate.proved) == ("global minimum", True)
    assert certificate.loss_bound <= 1e-20 and certificate.accuracy == 1


def test_the_report_holds_what_the_theorem_has_to_say(name):
    X, y = ROWS[name].applies
    report = construct(X, y, name).report
    assert ROWS[name].report | {"skipped", "loss", "parameters"} <= set(report)
    assert json.loads(json.dumps(report)) == report
    assert report["skipped"] == {}


def test_every_hidden_layer_is_described(name):
    X, y = ROWS[name].applies
    found = construct(X, y, name)
    hidden = len(found.network.weights) - 1
    assert len(found.layers) == len(found.order) == hidden
    assert found.order == [record.label for record in found.layers]
    assert set(found.order) <= set(found.classes) == set(y.tolist())
    assert {record.kind for record in found.layers} <= ROWS[name].kinds
    for index, (record, W, b) in enumerate(
        zip(found.layers, *cumulative_parameters(found.network), strict=False), start=1
    ):
        assert record.index == index and f"layer {index}: {record.kind}" in found.summary()
        np.testing.assert_array_equal(record.W, W)
        np.testing.assert_array_equal(record.b, b)
        assert record.margin > 0


def test_each_class_is_one_point_after_the_last_layer_that_is_said_to_collapse_it(name):
    X, y = ROWS[name].applies
    draft = drafted(name, X, y)
    assert isinstance(draft, Draft)
    assert len(draft.layers) == len(draft.kinds) == len(draft.order)
    Z, left = draft.frame(X), list(draft.order)
    for W, b in draft.layers:
        Z = np.maximum(Z @ W.T + b, 0)
        q = left.pop(0)
        if q not in left:
            assert np.ptp(Z[y == q], axis=0).max() <= 1e-9 * np.abs(Z).max()
    ends = np.stack([Z[y == q].mean(axis=0) for q in np.unique(y)])
    assert np.linalg.matrix_rank(np.c_[ends, np.ones(len(ends))]) == len(ends)
    json.dumps(draft.report)


def test_equal_seeds_give_equal_networks(name):
    X, y = ROWS[name].applies
    assert construct(X, y, name).network == construct(X, y, name, rng=0).network
    assert construct(X, y, name, rng=7).network == construct(X, y, name, rng=7).network


def test_its_own_options_are_accepted(name):
    X, y = ROWS[name].applies
    found = construct(X, y, name, **ROWS[name].options)
    assert verify(found.network, X, y).verdict == "global minimum"


# Bad input


def test_where_it_must_refuse_it_says_why(name):
    X, y = ROWS[name].refuses
    with pytest.raises(Refused, match=ROWS[name].reason) as refusal:
        drafted(name, X, y)
    with pytest.raises(ConstructionError) as error:
        construct(X, y, name)
    assert error.value.reasons == {name: str(refusal.value)}
    assert str(error.value) == f"{name} does not apply: {refusal.value}"
    assert set(error.value.certificates) <= set(y.tolist())


def test_auto_passes_over_it_and_keeps_the_reason(name):
    X, y = ROWS[name].refuses
    try:
        skipped = construct(X, y).report["skipped"]
    except ConstructionError as error:
        skipped = error.reasons
    assert ROWS[name].reason in skipped[name]
    earlier = list(THEOREMS)[: list(THEOREMS).index(name)]
    assert list(skipped)[: len(earlier) + 1] == [*earlier, name]


def test_wrong_options_are_refused_before_any_work_is_done(name, monkeypatch):
    def never(*arguments, **options):
        raise AssertionError("a draft was begun")

    X, y = ROWS["clustered"].applies
    for method, theorem in THEOREMS.items():
        monkeypatch.setitem(THEOREMS, method, theorem._replace(draft=never))
    for option, value in ROWS[name].wrong.items():
        for method in ("auto", name):
            with pytest.raises(ValueError, match=option) as error:
                construct(X, y, method, **{option: value})
            assert not isinstance(error.value, ConstructionError)


def test_options_of_another_method_are_refused_or_say_how_only(name):
    other = "clustered" if name == "sequential" else "sequential"
    X, y = ROWS[other].applies
    for option, value in ROWS[name].options.items():
        if THEOREMS[name].exclusive:
            with pytest.raises(ValueError, match=f"{option} goes with method '{name}'"):
                construct(X, y, other, **{option: value})
        else:
            found = construct(X, y, other, **{option: value})
            assert found.network == construct(X, y, other).network
