"""When a network is sparse."""

import numpy as np

from training.experiments.sparse.speed import add_speed, first_below

STEPS = np.array([0, 1, 10, 100])


def row(loop, **more):
    about = {"data": "patches", "seed": 0, "treatment": "free", "penalty": 1.0}
    return (
        about
        | {"decoder_bias": "mean", "interaction": "dictionary", "gamma": "fixed", "loop": loop}
        | more
    )


def test_both_are_measured_by_the_one_that_ends_higher():
    rows = [row(0, name="a"), row(6, name="b"), row(6, name="c", interaction="learned")]
    course = {"a": [0.5, 0.4, 0.3, 0.2], "b": [0.5, 0.2, 0.21, 0.1], "c": [0.1] * 4}
    courses = {
        ("patches", 0, name): {"steps": STEPS, "active": np.array(v)} for name, v in course.items()
    }
    add_speed(rows, courses)
    assert rows[0]["steps_to_sparse"] == 100 and rows[1]["steps_to_sparse"] == 1
    assert "steps_to_sparse" not in rows[2]


def test_what_rises_again_is_not_there_yet():
    assert first_below(STEPS, np.array([0.1, 0.5, 0.1, 0.1]), 0.2) == 10
    assert first_below(STEPS, np.array([0.1, 0.1, 0.1, 0.5]), 0.2) == np.inf
    assert first_below(STEPS, np.zeros(4), 0.0) == 0
    assert first_below(STEPS, np.array([0.1, np.nan, 0.1, 0.1]), 0.2) == 10
