"""What `geomcore trained` kept is taken as it was written, or not at all."""

import numpy as np
import pytest
from tampered import refuses_all, replace

from training.experiments.trained import stored
from training.experiments.trained.survey import survey
from training.output.pieces import Pieces

OPTIONS = {"starts": 2, "seed": 0, "steps": 40, "thresholds": [1e-1, 1e-5]}
CHECKS = {
    "separability": lambda piece, digits: stored.check_separability(piece),
    "constructed": stored.check_constructed,
    "mse, start 0": lambda piece, digits: stored.check_run(piece, digits, is_first=True),
    "mse, start 1": lambda piece, digits: stored.check_run(piece, digits, is_first=False),
    "examined mse, start 0": lambda piece, digits: stored.check_examined(piece),
}


@pytest.fixture(scope="module")
def kept(tiny):
    """A function that resumes a survey, and its pieces."""
    with Pieces.open(None, {}) as pieces:

        def resume():
            return survey(tiny, losses=("mse",), **OPTIONS, pieces=pieces)

        resume()
        yield resume, pieces


def test_what_was_written_is_taken(kept, tiny):
    resume, pieces = kept
    for name, check in CHECKS.items():
        check(pieces[name], tiny)
    assert len(resume().networks) > 1


@pytest.mark.parametrize("name", CHECKS)
def test_a_piece_of_another_form_is_told(kept, tiny, name):
    _, pieces = kept
    from training.output.forms import formed

    def check():
        formed(pieces, name, lambda piece: CHECKS[name](piece, tiny))

    assert refuses_all(pieces, name, check) > 5


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("separability", "programs", "3"),
        ("separability", "subsets", []),
        ("constructed", "layers", []),
        ("constructed", "networks", [[np.eye(3), np.zeros(3)]]),
        ("constructed", "networks", [[]]),
        ("constructed", "networks", [[np.zeros(3), np.eye(3)]]),
        (
            "constructed",
            "examined",
            {"verdict": "?", "proved": True, "cell_radius": 0.0, "basin": 0.0},
        ),
        ("mse, start 0", "networks", []),
        ("mse, start 0", "rungs", [[0.1, 7]]),
        ("mse, start 0", "rungs", [[0.1, -1]]),
        ("mse, start 0", "rungs", []),
        ("mse, start 0", "runs", []),
        ("mse, start 1", "losses", np.zeros(1)),
        ("examined mse, start 1", "verdict", "best of all"),
    ],
)
def test_what_it_cannot_be_is_told_by_the_survey(kept, name, key, value):
    resume, pieces = kept
    right = pieces[name]
    replace(pieces, name, right | {key: value})
    with pytest.raises(ValueError, match=f"the piece {name} in it is damaged: "):
        resume()
    replace(pieces, name, right)


@pytest.mark.parametrize(
    ("table", "key", "value"), [("layers", "layer", 9), ("classes", "class", 8)]
)
def test_a_row_of_a_layer_or_digit_that_is_not_there_is_told(kept, tiny, table, key, value):
    piece = kept[1]["mse, start 1"]
    piece[table][0][key] = value
    with pytest.raises(ValueError, match=f"there is no .* {value}"):
        stored.check_run(piece, tiny, is_first=False)
