"""What may be asked of a network."""

import numpy as np
import pytest

from constructions import verify
from geomcore import ReLUNetwork

NET = ReLUNetwork([[[1.0], [2.0]]], [[0.0, 0.0]])
X = [[0.0], [1.0], [2.0]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "hinge"}, "loss must be one of"),
        ({"loss": "cross-entropy"}, "did you mean 'cross_entropy'"),
        ({"weight_decay": -0.1}, "weight_decay must be a finite number, at least 0, got -0.1"),
        ({"weight_decay": np.nan}, "weight_decay must be a finite number, at least 0, got nan"),
        ({"weight_decay": np.inf}, "weight_decay must be a finite number, at least 0, got inf"),
        ({"weight_decay": "much"}, "weight_decay must be a finite number, at least 0, got 'much'"),
        ({"weight_decay": 0.1, "subset": "last"}, "subset must be None for a cross-entropy and"),
        ({"loss": "bce", "subset": ["W1"]}, "subset must be None for a cross-entropy and"),
    ],
)
def test_other_questions_are_refused_in_a_sentence(options, message):
    with pytest.raises(ValueError, match=message) as error:
        verify(NET, X, [0, 1, 1], **options)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("loss", "Y", "message"),
    [
        ("cross_entropy", [[1.0, 0.5], [1.0, 0.0], [0.0, 1.0]], "distributions"),
        ("cross_entropy", [[1.5, -0.5], [1.0, 0.0], [0.0, 1.0]], "distributions"),
        (
            "bce",
            [[1.5, 0.0], [1.0, 0.0], [0.0, 1.0]],
            r"lie in \[0, 1\] for bce, got values from 0 to",
        ),
        ("bce", [[0.5, -0.1], [1.0, 0.0], [0.0, 1.0]], r"lie in \[0, 1\] for bce"),
    ],
)
def test_targets_that_make_no_sense_for_a_loss_are_refused(loss, Y, message):
    with pytest.raises(ValueError, match=message):
        verify(NET, X, Y, loss=loss)


@pytest.mark.parametrize("loss", ["mse", "class_weighted"])
@pytest.mark.parametrize("zero", [0, 0.0, -0.0])
def test_no_decay_is_what_squared_errors_always_were(loss, zero):
    plain = verify(NET, X, [0, 1, 1], loss=loss)
    assert verify(NET, X, [0, 1, 1], loss=loss, weight_decay=zero) == plain
    assert plain.weight_decay == 0


def test_labels_of_any_kind_may_be_classified():
    found = verify(NET, X, ["no", "yes", "yes"], loss="cross_entropy")
    # logits x and 2 x of classes "no", "yes"
    terms = [np.log(2.0), np.log(1 + np.exp(-1.0)), np.log(1 + np.exp(-2.0))]
    assert found.loss == pytest.approx(np.mean(terms), rel=1e-14)
    assert found.accuracy == 1.0 and found.verdict == "not stationary"


def test_how_many_outputs_are_asked_for_depends_on_what_was_told():
    classes = r"one output per class \(3\), got 2; .* by targets=, rows of 2 numbers"
    entries = "net must have 3 outputs, as the targets have entries, got 2"
    for y, targets, message in (
        ([0, 1, 2], None, classes),
        (np.eye(3), None, entries),
        ([0, 1, 2], np.eye(3), entries),
        ([[0.0, 1.0, 0.0]] * 3, None, entries),
    ):
        with pytest.raises(ValueError, match=message):
            verify(NET, X, y, targets=targets)
    # rows of one number are no labels
    with pytest.raises(ValueError, match="net must have 1 output, as the targets have entries"):
        verify(NET, X, [[0.0], [1.0], [0.0]])
