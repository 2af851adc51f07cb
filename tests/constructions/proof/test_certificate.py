import hashlib
import json
import re

import numpy as np
import pytest
from builders import random_network
from hypothesis import given, settings
from hypothesis import strategies as st

from constructions import Certificate, verify
from constructions.proof.certificate import (
    data_digest,
    largest,
    network_digest,
)
from constructions.verdicts import LOSS_NAMES, SQUARED, check_loss
from geomcore import ReLUNetwork
from geomcore.arrays import as_labels

NET = ReLUNetwork([[[-1.0]], [[1.0]]], [[1.0], [0.0]])
X, Y = [[0.0], [2.0], [3.0]], [[1.0], [0.0], [0.0]]


def fields(**changes):
    return json.loads(verify(NET, X, [[1.5], [0.0], [0.0]]).to_json()) | changes


# By hand


def test_version_3_says_what_it_is_about_first():
    stated = fields()
    assert list(stated)[:6] == ["format", "version", "network", "data", "points", "widths"]
    assert (stated["version"], stated["loss_name"], stated["exact"]) == (3, "mse", False)
    assert re.fullmatch("[0-9a-f]{64}", stated["network"])
    assert stated["witness"]["loss"] < stated["loss_floor"]


def test_digests_are_those_of_the_bytes_that_the_docstring_names():
    parts = b"".join(
        f"{name} {shape}\n".encode() + np.array(values, "<f8").tobytes()
        for name, shape, values in (
            ("W1", "1 1", [-1.0]),
            ("b1", "1", [1.0]),
            ("W2", "1 1", [1.0]),
            ("b2", "1", [0.0]),
        )
    )
    assert network_digest(NET) == hashlib.sha256(parts).hexdigest()
    parts = b"X 3 1\n" + np.array([0.0, 2, 3], "<f8").tobytes()
    parts += b"Y 3 1\n" + np.array([1.0, 0, 0], "<f8").tobytes()
    parts += b"classes 3\n" + np.array([1, 0, 0], "<i8").tobytes()
    assert data_digest(np.array(X), as_labels(Y, 3)) == hashlib.sha256(parts).hexdigest()


def test_a_certificate_is_indented_by_two():
    lines = verify(NET, X, Y).to_json().splitlines()
    assert lines[0] == "{" and lines[1] == '  "format": "geomcore certificate",'


# Laws


@pytest.mark.parametrize("loss", LOSS_NAMES)
def test_a_certificate_survives_json(loss):
    for targets in (Y, [[1.5], [0.0], [0.0]], [[1.0], [1.0], [1.0]]):
        if loss not in SQUARED and targets != [[1.0], [1.0], [1.0]]:
            continue
        found = verify(NET, X, targets, loss=loss)
        again = Certificate.from_json(found.to_json())
        assert again == found and again.loss_name == loss
        assert again.to_json() == found.to_json()


def test_infinite_numbers_survive_json():
    found = verify(ReLUNetwork([[[2.0]]], [[1.0]]), [[0.0], [1.0]], [[1.0], [3.0]])
    assert found.radius == found.activation_margin == np.inf
    assert Certificate.from_json(found.to_json()) == found


@pytest.mark.parametrize("text", ["inf", "-inf"])
def test_infinities_are_read_in_either_direction(text):
    again = Certificate.from_json(json.dumps(fields(radius=text)))
    assert again.radius == float(text)


def test_networks_that_differ_have_different_digests():
    W, b = np.arange(4.0).reshape(2, 2), np.zeros(2)
    nets = [
        ReLUNetwork([W], [b]),
        ReLUNetwork([W.T], [b]),
        ReLUNetwork([W], [b + 5e-324]),
        ReLUNetwork([W.reshape(1, 4)], [[0.0]]),
        ReLUNetwork([W.reshape(4, 1)], [np.zeros(4)]),
        ReLUNetwork([W, np.eye(2)], [b, b]),
    ]
    assert len({network_digest(net) for net in nets}) == len(nets)
    assert network_digest(ReLUNetwork([W], [-b])) == network_digest(nets[0])  # -0 is 0


def test_data_that_differ_have_different_digests():
    points = np.array([[0.0, 1.0], [2.0, 3.0]])
    ways = [
        (points, as_labels([0, 1], 2)),
        (points[::-1], as_labels([0, 1], 2)),
        (points, as_labels([1, 0], 2)),
        (points, as_labels([0, 0], 2)),  # as with the target 1
        (points, as_labels([0, 1], 2, targets=[[1.0], [1.0]])),
        (points, as_labels([0, 0], 2, targets=[[2.0]])),
        (points.reshape(4, 1), as_labels([0, 1, 0, 1], 4)),
    ]
    assert len({data_digest(*way) for way in ways}) == len(ways)
    float32 = points.astype(np.float32).astype(float)
    assert data_digest(float32, as_labels(["a", "b"], 2)) == data_digest(*ways[0])


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_random_certificates_survive_json(seed):
    rng = np.random.default_rng(seed)
    net = random_network((2, 3, 2), rng)
    points, y = rng.normal(size=(5, 2)), rng.integers(0, 2, 5)
    found = verify(net, points, y, targets=rng.normal(size=(len(set(y)), 2)))
    assert Certificate.from_json(found.to_json()) == found


# Bad input


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 1}, "version 1, which does not say all"),
        ({"version": 2}, "version 2, which does not say all"),
        ({"version": 4}, "must hold a certificate of version 3, got version"),
        ({"version": True}, "must hold a certificate of version 3, got version"),
        ({"verdict": "best"}, "verdict"),
        ({"loss_name": ["mse"]}, "loss_name"),
        ({"loss": "nan"}, "loss"),
        ({"loss": True}, "loss"),
        ({"points": 2.5}, "points"),
        ({"margins": {}}, "margins"),
        ({"subset": [1]}, "subset"),
        ({"basin": {}}, "basin"),
        ({"basin": {"radius": 1, "rate": 1, "ball": 1, "strength": 1, "more": 1}}, "basin"),
        ({"witness": {"step": 1.0}}, "witness"),
        ({"witness": "none"}, "witness"),
        ({"checks": [{"name": "a", "passed": 1, "value": None, "detail": ""}]}, "checks"),
        ({"checks": [{"name": "a"}]}, "checks"),
    ],
)
def test_a_wrong_field_is_named(change, words):
    with pytest.raises(ValueError, match=words):
        Certificate.from_json(json.dumps(fields(**change)))


@pytest.mark.parametrize("extra", [{"cost": "plain"}, {"more": 1}])
def test_unknown_fields_are_refused(extra):
    with pytest.raises(ValueError, match="must have the fields"):
        Certificate.from_json(json.dumps(fields(**extra)))


def test_an_unknown_key_of_a_witness_is_refused():
    stated = fields()
    stated["witness"]["more"] = 1
    with pytest.raises(ValueError, match="witness has unknown keys"):
        Certificate.from_json(json.dumps(stated))


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"format": 1' + "0" * 5000 + "}", "{" * 10, b"\xff\xfe", '{"format": NaN}'],
)
def test_what_is_no_json_ends_in_a_sentence(text):
    with pytest.raises(ValueError, match="text must be a"):
        Certificate.from_json(text)


@pytest.mark.parametrize("depth", [400, 600, 900, 5000])
@pytest.mark.parametrize("field", ["points", "basin", "checks", "network"])
def test_nesting_ends_in_a_sentence(depth, field):
    text = json.dumps(fields(**{field: "here"})).replace('"here"', "[" * depth + "]" * depth)
    with pytest.raises(ValueError, match="certificate"):
        Certificate.from_json(text)


def test_a_number_too_large_for_a_double_is_refused():
    text = json.dumps(fields()).replace('"gtol": 1e-09', '"gtol": 1' + "0" * 400)
    with pytest.raises(ValueError):
        Certificate.from_json(text)


ODD = [None, True, -1, 0.5, 1e308, 10**400, "", "inf", "x" * 10**5, "\x1b\u202e", [], [[[]]], {}]
ODD += [{"radius": {}}, [[0.5]], "global minimum", {"name": 1}]


def places(value, path=()):
    """The path of every entry of nested dicts and lists."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, entry in pairs:
        yield (*path, key)
        if isinstance(entry, dict | list):
            yield from places(entry, (*path, key))


def replaced(value, path, entry):
    if not path:
        return entry
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], entry)
    return copy


def test_a_wrong_value_anywhere_gives_a_certificate_or_a_short_sentence():
    stated = fields()
    assert stated["witness"]
    for path in places(stated):
        for entry in ODD:
            text = json.dumps(replaced(stated, path, entry))
            try:
                Certificate.from_json(text).to_json()
            except ValueError as error:
                assert str(error).isprintable() and len(str(error)) < 280


def test_a_network_bounds_the_size_of_its_certificates():
    net = random_network((30, 60, 40, 3))
    rng = np.random.default_rng(0)
    found = verify(net, rng.normal(size=(4, 30)), rng.normal(size=(4, 3)))
    assert found.witness is not None
    # With room to spare: numbers have 24 characters at most, in lines of their own.
    assert len(found.to_json()) < 45 * net.parameter_count + 10_000 < largest(net)


def test_a_file_that_is_too_large_for_its_network_is_not_read(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(fields(margins=[0.5] * 300_000)))
    with pytest.raises(ValueError, match=r"a\.json must be a certificate of at most 1,048,832"):
        Certificate.from_file(path, NET)
    assert len(Certificate.from_file(path).margins) == 300_000


def test_a_file_that_is_no_certificate_is_named(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(fields(points="many")))
    with pytest.raises(ValueError, match=r"a\.json: text must hold a certificate .*points"):
        Certificate.from_file(tmp_path / "a.json")
    (tmp_path / "a.json").write_text(json.dumps(fields()))
    assert Certificate.from_file(tmp_path / "a.json").verdict
    with pytest.raises(ValueError, match="net must be a ReLUNetwork or None, got str"):
        Certificate.from_file(tmp_path / "a.json", net="net.npz")


@pytest.mark.parametrize("loss", ["median", ["mse"], None, 1])
def test_no_other_losses_have_certificates(loss):
    with pytest.raises(ValueError, match="loss must be one of"):
        check_loss(loss)


def test_a_loss_that_is_nearly_right_is_answered_with_the_right_one():
    with pytest.raises(ValueError, match=r"got 'MSE', did you mean 'mse'\?"):
        check_loss("MSE")
    with pytest.raises(ValueError, match=r"or 'class_weighted', got 'cross_entropy'$"):
        check_loss("cross_entropy", SQUARED)
