"""The gradient that the checker finds, and the size that its terms have, which floats may miss."""

import numpy as np
import pytest
from checker_examples import STEEP, Example
from flint import fmpq

from constructions.proof.checker import Case

FIELDS = {"loss": 1.0, "class_weighted_loss": 1.0, "accuracy": 1.0, "verdict": "undetermined"}


def gradient(example):
    """The norm of the gradient, and of the sums of the sizes of its terms."""
    pairs = zip(example.weights, example.biases, strict=True)
    tensors = [tensor for pair in pairs for tensor in pair]
    case = Case(example.fields, tensors, example.X, example.targets, example.classes)
    return [float(number) for number in case.gradient]


def test_of_one_layer_the_terms_are_outputs_and_targets_times_inputs():
    # (1, 1) is the largest input, 1 the output there; 2/3 of (1, 1, 1) and of the targets 0, 1, 3
    size = (2 * 1 + 2 / 3 * (0 + 1 + 3)) * np.sqrt(2)
    assert gradient(STEEP) == pytest.approx([4 / 3 * np.sqrt(2), size], rel=1e-12)


def test_weight_decay_adds_its_part_of_each_parameter():
    # 4/3 down in weight and bias, of which the weight is 1 and the bias 0
    case = Case(
        STEEP.fields, [np.array([[1.0]]), np.zeros(1)], STEEP.X, STEEP.targets, STEEP.classes
    )
    case.decay = fmpq(1, 2)
    norm, size = np.hypot(1 / 2 - 4 / 3, 4 / 3), np.sqrt((2 + 8 / 3) ** 2 * 2 + 1 / 4)
    assert [float(number) for number in case.gradient] == pytest.approx([norm, size], rel=1e-12)


@pytest.mark.parametrize(("bias", "part"), [(None, 0), (-5, 0), (0.5, 0), (1, 9)])
def test_of_two_layers_the_terms_pass_the_weights_of_units_that_may_be_on(bias, part):
    # 2 max(x, 0) - 1 at 1 and 2 with the targets 0 and 4: the errors are 1 and -1, of which the
    # last layer reads (1, 1) and (2, 1), and the first one, times 2, the same. The largest output
    # has terms of the size 2 * 2 + 1, twice that and the targets are 14, and 28 behind the weight.
    layers = [([[1]], [0]), ([[2]], [-1])]
    if bias is not None:  # 9 max(b - x, 0) is 0, but floats may see it on where b = 1
        layers = [([[1], [-1]], [0, bias]), ([[2, 9]], [-1])]
    example = Example(layers, [[1], [2]], [[0], [4]], [0, 1], margins=[0.0], **FIELDS)
    expected = [np.sqrt(1 + 4), np.sqrt((14**2 + 28**2 + (part * 14) ** 2) * (2**2 + 1))]
    assert gradient(example) == pytest.approx(expected, rel=1e-12)


def test_a_unit_that_is_on_at_one_point_has_a_part():
    # with 4 max(x - 3/2, 0), which is 2 at the second point, and the target 6 there: the errors
    # are the same. The output has terms of the size 2 * 2 + 4 / 2 + 1, twice that and 6 are 20.
    layers = [([[1], [1]], [0, -1.5]), ([[2, 4]], [-1])]
    example = Example(layers, [[1], [2]], [[0], [6]], [0, 1], margins=[0.0], **FIELDS)
    norm = 1 + 0.5**2 + 2**2 + (4 * 2) ** 2 + 4**2
    size = 20**2 * (2**2 + 0.5**2 + 1) + 20**2 * (2**2 + 4**2) * (2**2 + 1)
    assert gradient(example) == pytest.approx([np.sqrt(norm), np.sqrt(size)], rel=1e-12)


def test_only_what_may_move_has_a_gradient():
    layers = [([[1]], [0]), ([[2]], [-1])]
    for subset, norm in ((["W1"], 2), (["b1"], 0), (["W2"], 1), (["b2"], 0), (["W1", "b2"], 2)):
        example = Example(
            layers, [[1], [2]], [[0], [4]], [0, 1], margins=[0.0], subset=subset, **FIELDS
        )
        assert gradient(example)[0] == pytest.approx(norm, rel=1e-12)


@pytest.mark.parametrize("scale", [2.0**-6, 1.0, 2.0**6])
@pytest.mark.parametrize(("factor", "small"), [(1 + 1e-6, True), (1 - 1e-6, False)])
def test_a_slope_counts_as_zero_by_the_size_of_terms_whatever_the_direction_is(
    scale, factor, small
):
    # t max(x + t, 0) + max(x + t, 0) at 0 and -5 with targets 1 and -1: 1 - t - t^2 / 2 + ... along
    # (1, 1), for which the slope is 1 in an option of gtol = 1 / (2 sqrt(2) size)
    moves = [{"weights": [[0]], "biases": [scale]}, {"weights": [[scale]], "biases": [0]}]
    witness = {"direction": moves, "step": 0.25 / scale, "loss": 0.74}
    witness |= {"order": 2, "coefficient": -0.4 * scale**2}
    fields = FIELDS | {"class_weighted_loss": 2.0, "accuracy": 0.5, "verdict": "saddle"}
    layers, data = [([[1]], [0]), ([[1]], [0])], ([[0], [-5]], [[1], [-1]], [0, 1])
    size = np.sqrt((1 + 1) ** 2 * 1 + (1 + 1) ** 2 * (5**2 + 1))
    gtol = float(factor / (2 * np.sqrt(2) * size))
    steep = Example(layers, *data, margins=[0.0], gtol=gtol, witness=witness, **fields)
    assert steep.refused() == (set() if small else {"witness", "verdict"})
