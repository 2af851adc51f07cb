"""What was kept of a seed is taken as it was written, or not at all."""

import copy

import numpy as np
import pytest

from training.experiments.mesa.protocol import MESA, NONNEG
from training.experiments.mesa.stored import KINDS, networks_of
from training.experiments.mesa.survey import survey
from training.output.pieces import Pieces

SMALL = {"dims": (2,), "seeds": 1, "seed": 3, "epochs": 1}
MODELS = ("lp", "lp-learned", "linear", "hard")


@pytest.fixture(scope="module")
def piece():
    pieces = {}
    survey(NONNEG, MODELS, **SMALL, pieces=pieces)
    return pieces["d 2 seed 3"]


# By hand


def test_what_was_written_is_taken(piece):
    nets = networks_of(piece, MODELS, 2)
    assert [*nets] == ["lp", "lp-learned", "linear", "flipped", "hard"]
    for key, net in nets.items():
        assert all(map(np.array_equal, net.tensors, piece[key]["tensors"]))
    assert nets["lp-learned"].layers[2].p == piece["lp-learned"]["row"]["p"]


@pytest.mark.parametrize("d", [3, 10])
def test_names_and_types_are_those_of_every_dimension(d):
    (row,) = survey(MESA, ("lp",), **SMALL | {"dims": (d,)}).rows
    assert row.keys() - KINDS.keys() == {"d", "seed", "model", "left_out"}


# Bad input


def put(*path, value):
    """What puts a value in its place."""

    def change(piece):
        for name in path[:-1]:
            piece = piece[name]
        piece[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (put("lp", "row", "loss", value="abc"), "loss of lp is not of type float"),
        (put("lp", "row", "loss", value=None), "loss of lp is not of type float"),
        (put("lp", "row", "accuracy", value=1), "accuracy of lp is not of type float"),
        (put("hard", "row", "epochs", value=True), "epochs of hard is not of type int"),
        (put("hard", "row", "epochs", value=1.5), "epochs of hard is not of type int"),
        (put("hard", "row", "collapsed", value=0), "collapsed of hard is not of type bool"),
        (put("lp", "row", "stopped_by", value=3), "stopped_by of lp is not of type str"),
        (put("lp", "row", "more", value=3.0), "the row of lp has other names"),
        (put("lp", "row", value=[1]), "row of lp is not a dict"),
        (put("lp", "tensors", value={}), "tensors of lp is not a list"),
        (put("lp", "tensors", 0, value=np.zeros((32, 3))), "the tensors of lp have other shapes"),
        (put("lp", "tensors", 1, value=np.zeros(32, int)), "the tensors of lp have other shapes"),
        (put("lp", "tensors", 1, value=[0.0] * 32), "the tensors of lp have other shapes"),
        (put("lp", "tensors", 1, value=np.full(32, np.nan)), "nan"),
        (put("lp", "norms", value={}), "the gradients of lp have other shapes"),
        (put("lp", "norms", "head", value=np.zeros(1)), "the gradients of lp have other shapes"),
        (put("lp", "row", "p", value=np.nan), "p of lp is of another head"),
        (put("lp", "row", "p", value=0.5), "p must"),
        (put("flipped", "row", "p", value=1.0), "p of flipped is of another head"),
        (put("lp", value=[1]), "parts of lp are missing"),
        (put("lp", value={}), "parts of lp are missing"),
        (lambda piece: piece.pop("flipped"), "it is not of lp, lp-learned, linear, flipped, hard"),
    ],
)
def test_what_was_changed_ends_in_a_sentence(piece, tmp_path, change, told):
    changed = copy.deepcopy(piece)
    change(changed)
    with Pieces.open(tmp_path / "p.sqlite", {}) as pieces:
        pieces["d 2 seed 3"] = changed  # with its digest
        with pytest.raises(ValueError, match=r"p\.sqlite must be the file") as caught:
            survey(NONNEG, MODELS, **SMALL, pieces=pieces)
    message = str(caught.value)
    assert "the piece d 2 seed 3 in it is damaged" in message and told in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize("piece", [[1], {}, None, "abc", 3])
def test_something_else_is_no_piece(piece):
    with pytest.raises(
        ValueError, match=r"^pieces must be the file of .* is damaged: it is not of"
    ):
        survey(NONNEG, MODELS, **SMALL, pieces={"d 2 seed 3": piece})
