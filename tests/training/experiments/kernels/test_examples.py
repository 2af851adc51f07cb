"""Units of the examples are what they say, and none is better than the best."""

import numpy as np
import pytest

from training.experiments.kernels import examples


@pytest.fixture(scope="module")
def runs():
    return examples.runs()


def test_what_a_kernel_puts_out_by_hand():
    found = {(r["activation"], r["kernel"], r["constraint"]): r for r in examples.fixed_rows()}
    assert found["linear", "1", "free"]["outputs"] == "-2, 0, 2"
    assert found["relu", "1", "kernel >= 0"]["outputs"] == "0, 0, 2"
    assert found["linear", "-1", "kernel >= 0"]["outputs"] == "0, 0, 0"


def test_no_run_is_better_than_the_best_unit_and_held_kernels_are_allowed(runs):
    assert len(runs) == 2 * 2 * 2 * 2 * 5
    for run in runs:
        assert run.loss >= run.best_loss - 1e-6
        assert not run.held or run.kernel >= 0
        x = np.array(examples.LINE)
        outputs = run.kernel * x if run.activation == "linear" else np.maximum(run.kernel * x, 0)
        np.testing.assert_allclose(run.outputs, outputs, atol=1e-12)
        slope = examples.TARGETS[run.targets]
        assert run.loss == pytest.approx(
            examples.losses_of([run.kernel], run.activation, slope)[0], rel=1e-9, abs=1e-15
        )


def test_a_rectified_unit_goes_nowhere_from_0_with_or_without_the_constraint(runs):
    own = [r for r in runs if r.activation == "relu" and r.start == 0]
    assert own and all(run.kernel == 0 and run.slope == 0 for run in own)
