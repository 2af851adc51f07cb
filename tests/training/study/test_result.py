"""What counts as returned, and as below, at the tolerance itself."""

import numpy as np
import pytest

from training.study.result import Reference, StudyResult


def test_the_tolerance_itself_still_counts_as_returned_and_not_as_below():
    references = (Reference("a", 1.0, 0.25, None, 1.0), Reference("b", 8.0, 2.0, None, 1.0))
    columns = {
        "reference": np.repeat(["a", "b"], 4),
        "initial_loss": np.full(8, 99.0),
        "final_loss": np.array([0.5, 0.75, 1.25, 1.5, 5.0, 6.0, 10.0, 12.0]),
        "steps": np.ones(8, int),
        "stop_reason": np.array(["step budget"] * 8),
    }
    found = StudyResult(references, 0, columns)
    assert found.returned.tolist() == [False, True, True, False] * 2
    columns["initial_loss"] = columns["final_loss"]
    stayed = StudyResult(references, 0, columns).outcome == "stayed"
    assert stayed.tolist() == found.returned.tolist()
    assert found.below.tolist() == [True, False, False, False] * 2


@pytest.mark.parametrize(
    ("losses", "quartiles"),
    [
        ([4.0], [4, 4, 4]),
        ([1.0, 2.0], [1, 1, 1]),
        ([3.0, 1.0, 2.0], [1, 2, 2]),
        ([4.0, 3.0, 2.0, 1.0], [1, 2, 3]),
        ([np.inf, 1.0, 2.0, np.inf], [1, 2, np.inf]),
        ([5.0, 4.0, 3.0, 2.0, 1.0], [2, 3, 4]),
    ],
)
def test_median_and_quartiles_are_losses_of_trials(losses, quartiles):
    n = len(losses)
    found = StudyResult((Reference("a", 1.0, 0.25, None, 1.0),), 0, columns_of(losses))
    row = found.frame("scale").iloc[0]
    assert [row.q25, row["median"], row.q75] == quartiles
    by_hand = [sorted(losses)[int(q * (n - 1))] for q in (0.25, 0.5, 0.75)]
    assert by_hand == quartiles
    assert row.initial == row.distance == quartiles[1]


def columns_of(losses):
    n = len(losses)
    return {
        "reference": np.array(["a"] * n),
        "scale": np.full(n, 0.5),
        "trial": np.arange(n),
        "initial_loss": np.array(losses),
        "final_loss": np.array(losses),
        "steps": np.zeros(n, int),
        "stop_reason": np.array(["step budget"] * n),
        "accuracy": np.ones(n),
        "distance": np.array(losses),
        "pattern_returned": np.ones(n, bool),
    }
