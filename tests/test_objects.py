"""How objects that public functions return show themselves: on a screen, in a notebook, as text."""

import dataclasses
import functools
import importlib
import inspect
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from builders import random_network

from constructions import (
    basin_of_return,
    best_neuron,
    best_two_layer,
    best_unit,
    construct,
    descent_basin,
    elimination_order,
    merged,
    recheck,
    regularisation_path,
    separate,
    two_layer_bound,
    verify,
)
from geomcore import (
    CircularCone,
    Dataset,
    Network,
    PolyhedralCone,
    Polytope,
    ReLUNetwork,
    affine_map_at,
    datasets,
    line_pieces,
    linear_regions,
    mesa_measures,
    slack_profile,
    truncation_defects,
    truncation_degree,
)
from geomcore.layers import Affine, LpNorm, ReLU
from geomcore.projection import class_mean_plane
from geomcore.truncation import truncation_steps

MODULES = ("geomcore", "geomcore.datasets", "geomcore.projection", "constructions")
EVIL = "</pre><script>alert(1)</script>\x1b[2J\n\u202e" + "x" * 200


@functools.cache
def objects():
    """Objects with large arrays, long chains and hostile labels, by name."""
    data = datasets.wine()
    found = construct(data.X, data.y)
    certificate = verify(found.network, data.X, data.y)
    few = datasets.clusters(n=8, classes=3, rng=0)
    odd = construct(few.X, np.array([EVIL + "a", EVIL + "b", "c"])[few.y])
    rng = np.random.default_rng(0)
    A = rng.standard_normal((300, 60))
    labels = [f"{EVIL}{i}" for i in range(40)]
    line = elimination_order(np.arange(40.0)[:, None], labels)
    stuck = elimination_order(np.arange(12.0)[:, None], [EVIL, "b", "c"] * 4)
    first, last = found.network.weights[0], found.network.weights[-1]
    pair, P = ReLUNetwork([[[-1.0]], [[1.0]]], [[1.0], [0.0]]), np.array([[0.0], [2.0], [3.0]])
    drawn = datasets.polytope(9, faces=99, rng=0)
    measured = mesa_measures(random_network((2, 9, 1)), Polytope.of(drawn), box=1.5)
    chain = [Affine(np.eye(3), np.zeros(3)), ReLU()] * 200
    return {
        "construction": found,
        "record": found.layers[0],
        "certificate": certificate,
        "check": certificate.checks[1],
        "recheck": recheck(
            dataclasses.replace(certificate, margins=(0.5,) * 99), found.network, data.X, data.y
        ),
        "hostile construction": odd,
        "hostile merge": merged(
            few.X, np.array([EVIL + "a", EVIL + "b", "c"])[few.y], [[EVIL + "a", EVIL + "b"], ["c"]]
        ),
        "hostile order": line,
        "stuck order": stuck,
        "hull certificate": separate(A, A[:5]).certificate,
        "inseparable": separate(A, A[:5]),
        "separation": separate(np.eye(60), np.eye(60) + 5),
        "basin": basin_of_return(odd.network, few.X),
        "data": datasets.digits(),
        "hostile data": few._replace(y=np.array([EVIL])[few.y * 0], name=EVIL),
        "targets": few._replace(y=np.eye(3)[few.y]),
        "network": found.network,
        "long network": ReLUNetwork([np.eye(2)] * 500, [np.zeros(2)] * 500),
        "chain": Network(chain),
        "foreign layer": Network([chain[0], LpNorm(np.eye(3), [0] * 3, p=2.25)]),
        "polyhedral cone": PolyhedralCone(np.zeros(61), np.eye(61)),
        "circular cone": CircularCone(np.zeros(61), np.ones(61), 1.0),
        "affine map": affine_map_at(found.network, data.X[0]),
        "defects": truncation_defects(odd.network, few.X),
        "steps": list(truncation_steps(odd.network, few.X)),
        "degree": truncation_degree(first, found.network.biases[0], data.X, data.y),
        "projection": class_mean_plane(data.X, data.y),
        "line": line_pieces(found.network, data.X[0], data.X[1]),
        "regions": linear_regions(random_network((2, 9, 9, 3)), [(-1, 1), (-1, 1)]),
        "polytope": Polytope.of(drawn),
        "profile of slack": slack_profile(random_network((2, 3, 1)), Polytope.of(drawn), box=1),
        "measures": measured,
        "flat set": measured.relative[0],
        "neuron": best_neuron(np.eye(3), np.eye(3)),
        "two-layer path": regularisation_path(P, pair(P), [0.1, 0.2]),
        "two-layer optimum": best_two_layer(P, pair(P), weight_decay=0.1),
        "two-layer bound": two_layer_bound(pair, P, pair(P), weight_decay=0.1),
        "unit": best_unit(np.eye(30), np.ones(30), activation="linear"),
        "descent basin": descent_basin(verify(pair, P, pair(P)), pair, P, pair(P), 0.1),
        "layer": Affine(last, np.zeros(len(last))),
    }


def each(value):
    return value if type(value) in (list, tuple) else [value]


def class_of(name):
    """The class of objects that a docstring names, or None."""
    for module in MODULES:
        found = getattr(importlib.import_module(module), name, None)
        if inspect.isclass(found):
            return found
    return None


NAMES = [
    *("construction", "record", "certificate", "check", "recheck", "hostile construction"),
    *(
        "hostile merge",
        "hostile order",
        "stuck order",
        "hull certificate",
        "inseparable",
        "separation",
        "basin",
    ),
    *("data", "hostile data", "targets", "network", "long network", "chain", "foreign layer"),
    *("polyhedral cone", "circular cone", "affine map", "defects", "steps", "degree"),
    *("projection", "layer", "line", "regions", "descent basin", "polytope", "measures"),
    *("flat set", "profile of slack", "unit", "neuron", "two-layer bound"),
    "two-layer optimum",
    "two-layer path",
]


def test_every_object_is_looked_at():
    assert set(NAMES) == set(objects())


@pytest.mark.parametrize("name", NAMES)
def test_a_repr_has_at_most_five_lines_of_80_columns(name):
    for value in each(objects()[name]):
        lines = repr(value).split("\n")
        assert 1 <= len(lines) <= 5 and max(map(len, lines)) <= 80, repr(value)
        assert all(line.isprintable() for line in lines)
        assert lines[0].startswith(type(value).__name__ + "(")


def test_what_exported_functions_return_is_among_them():
    seen = {type(value) for name in NAMES for value in each(objects()[name])}
    for module in map(importlib.import_module, MODULES):
        for key in getattr(module, "__all__", dir(module)):
            function = getattr(module, key)
            doc = inspect.getdoc(function) or ""
            if not inspect.isfunction(function) or "Returns\n---" not in doc:
                continue
            returns = re.split(r"\n\w+\n---", doc.partition("Returns\n---")[2])[0]
            for word in set(re.findall(r"\b[A-Z]\w+", returns)):
                assert class_of(word) in seen | {None}, f"{module.__name__}.{key} returns {word}"


# Notebooks

SHOWN = [
    *("construction", "certificate", "hostile construction", "hostile merge", "hostile order"),
    "stuck order",
    *("inseparable", "separation", "data", "hostile data", "targets", "network", "long network"),
    *("chain", "foreign layer"),
]


@pytest.mark.parametrize("name", SHOWN)
def test_a_notebook_shows_the_summary_and_no_tag_of_a_label(name):
    value = objects()[name]
    tags, texts = [], []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: tags.append(tag)
    parser.handle_data = texts.append
    html = value._repr_html_()
    parser.feed(html)
    assert tags[:3] == ["div", "strong", "table"]
    assert set(tags[3:]) <= {"tr", "th", "td", "svg", "rect", "circle"} and "<script" not in html
    # Word by word but for the marks between a name and its value.
    shown = re.sub(r"[\s:]+", "", "".join(texts))
    assert shown == re.sub(r"[\s:]+", "", type(value).__name__ + value.summary())


def test_a_summary_is_a_text_of_printable_lines():
    for name in SHOWN:
        text = objects()[name].summary()
        assert type(text) is str and text
        lines = text.splitlines()
        assert all(line.isprintable() for line in lines), name
        assert isinstance(objects()[name], Dataset) or max(map(len, lines)) <= 80, name


def test_what_is_there_once_is_told_of_in_the_singular():
    net = ReLUNetwork([[[1.0]]], [[0.0]])
    X, y = np.array([[0.0], [1.0]]), np.array([[0.0], [1.0]])
    texts = [net.summary(), verify(net, X, y).summary(), verify(net, X, y * 0 + 1).summary()]
    texts += [Network([ReLU(), Affine([[1.0]], [0.0])]).summary(), construct(X, [0, 1]).summary()]
    texts += [separate(X[:1], X[1:]).summary(), Dataset(X[:1], np.zeros(1), "one", {}).summary()]
    assert not re.findall(r"\b1 (?!class\b)\w+s\b", "\n".join(texts))
    with pytest.raises(ValueError, match=r"layers\[1\] must take 1 input, as many as"):
        Network([Affine([[1.0]], [0.0]), Affine(np.eye(2), np.zeros(2))])
    with pytest.raises(ValueError, match=r"weights\[1\] must have 1 column, the width"):
        ReLUNetwork([[[1.0]], np.eye(2)], [[0.0], np.zeros(2)])


def test_data_have_a_picture_where_there_is_something_to_draw():
    plane = Dataset(np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([0, 1]), "two", {})
    assert plane.thumbnail().count("<circle") == 2
    assert objects()["data"].thumbnail().count("<circle") == 500
    assert objects()["targets"].thumbnail().count("<circle") == len(objects()["targets"].X)
    for X, y in ((np.zeros((0, 2)), np.zeros(0)), ([[np.nan, 1.0]], [0]), (np.zeros((1, 0)), [0])):
        assert Dataset(np.array(X), np.array(y), "none", {}).thumbnail() is None


def test_the_repr_of_targets_counts_them():
    assert repr(objects()["targets"]).endswith("d=3, targets=3)")


def test_the_summary_of_targets_counts_them():
    assert objects()["targets"].summary().endswith("3 features, 3 targets per point")
    one = Dataset(np.eye(1), np.zeros((1, 1)), "one", {})
    assert one.summary() == "one: 1 point, 1 feature, 1 target per point"


def test_the_summary_tells_what_a_network_is_to_put_out_for_each_class():
    wanted = {"targets": np.array([[-1.0], [0.5]])}
    two = Dataset(np.eye(3), np.array(["b", "a", "a"]), "two", wanted)
    assert two.summary() == "two: 3 points, 3 features, 2 classes: a (2) as -1, b (1) as 0.5"
    wide = two._replace(info={"targets": np.eye(2)})
    assert wide.summary().endswith("2 classes with 2 targets each: a (2), b (1)")
    assert two.targets is two.info["targets"] and wide._replace(info={}).targets is None


# Tables


def test_a_frame_is_a_table_with_a_row_for_each_part():
    found = objects()
    rows = {
        "construction": len(found["construction"].layers),
        "certificate": len(found["certificate"].checks),
        "hostile order": 40,
        "stuck order": 3,
        "data": len(found["data"].X),
        "targets": len(found["targets"].X),
        "long network": 999,
        "chain": 400,
    }
    for name, count in rows.items():
        table = found[name].frame()
        assert isinstance(table, pd.DataFrame) and len(table) == count, name


def test_the_frame_of_an_order_says_what_is_stuck():
    table = objects()["stuck order"].frame()
    assert table["separable"].tolist() == [False] * 3 and table["margin"].isna().all()
    order = elimination_order([[0.0], [2.0], [3.0]], ["a", "b", "b"]).frame()
    assert order["label"].tolist() == ["a", "b"] or order["label"].tolist() == ["b", "a"]
    assert order["margin"].tolist() == [1.0, np.inf] and order["separable"].tolist() == [True] * 2


def test_the_frame_of_a_construction_has_its_layers():
    found = objects()["construction"]
    table = found.frame()
    assert table["label"].tolist() == [record.label for record in found.layers]
    assert table["margin"].tolist() == [record.margin for record in found.layers]
    assert table.index.tolist() == [record.index for record in found.layers]


def test_the_frame_of_data_names_features_and_labels():
    iris = datasets.iris()
    assert iris.frame().columns.tolist() == [*iris.info["feature_names"], "y"]
    digits = objects()["data"].frame()
    assert digits.columns[0] == "pixel_0_1"  # pixel_0_0 is always blank
    assert digits["y"].tolist() == objects()["data"].y.tolist()
    taken = Dataset(np.zeros((1, 2)), np.array([5]), "taken", {"feature_names": ["y", "z"]})
    assert taken.frame().columns.tolist() == ["x0", "x1", "y"] and taken.frame()["y"][0] == 5
    assert objects()["targets"].frame().columns.tolist() == ["x0", "x1", "x2", "y0", "y1", "y2"]


def test_the_frame_and_the_summary_of_a_network_count_its_parameters():
    for name in ("network", "long network", "chain", "foreign layer"):
        net = objects()[name]
        assert net.frame()["parameters"].sum() == net.parameter_count
        assert f"{net.parameter_count:,} parameters" in net.summary().splitlines()[0]
        assert len(net.summary().splitlines()) <= 42
