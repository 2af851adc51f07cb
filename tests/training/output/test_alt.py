"""What pictures show, in words."""

import numpy as np
import pytest

from geomcore.arrays import as_labels
from training.output import alt

LABELS = as_labels(["ant", "bee", "bee"], 3)

# By hand


def test_truncation_is_told_layer_by_layer():
    piled = np.array([[False, False], [False, True], [False, True]])
    assert alt.truncation_in_words(LABELS, piled) == (
        "3 panels of 3 points in 2 classes: ant (1), bee (2); layer 1 makes one point of class "
        "bee; in the end 1 are not"
    )


def test_margins_name_the_class_that_is_collapsed_and_what_is_in_between():
    told = alt.margins_in_words(LABELS, [np.array([0.5, -0.1, -0.2]), np.array([0.0, 0.1, 0.2])])
    assert "layer 1 collapses class bee, smallest margin 1.0e-01" in told
    assert "layer 2 collapses no whole class, 1 point in between" in told


def test_outputs_tell_the_largest_distance_of_each_class_and_what_is_wrong():
    told = alt.outputs_in_words(LABELS, np.array([[1, 0], [0, 1], [1.0, 0.5]]))
    assert "ant: 0.0e+00, bee: 1.1e+00; 1 output nearer to another target" in told


# Laws


@pytest.mark.parametrize("count", [1, 2, 50, 600])
def test_a_text_has_a_bound_whatever_the_number_and_the_names_of_classes(count):
    y = [f"{j:05}" + "x" * 5000 + "\x1b\ud800" for j in range(count)]
    labels = as_labels(y, count)
    texts = [
        alt.classes_in_words(labels),
        alt.truncation_in_words(labels, np.arange(9)[:, None] > np.arange(count) % 9),
        alt.margins_in_words(labels, [np.linspace(-1, 1, count)] * 30),
        alt.outputs_in_words(labels, np.zeros((count, count))),
        alt.piles_in_words(labels, 5),
    ]
    for text in texts:
        assert len(text) < 12_000
        assert text.isprintable()
