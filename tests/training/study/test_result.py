"""What counts as returned, and as below, at the tolerance itself."""

import numpy as np

from training.study.result import Reference, StudyResult


def test_the_tolerance_itself_still_counts_as_returned_and_not_as_below():
    references = (Reference("a", 1.0, 0.25, None, 1.0), Reference("b", 8.0, 2.0, None, 1.0))
    columns = {
        "reference": np.repeat(["a", "b"], 4),
        "final_loss": np.array([0.5, 0.75, 1.25, 1.5, 5.0, 6.0, 10.0, 12.0]),
    }
    found = StudyResult(references, 0, columns)
    assert found.returned.tolist() == [False, True, True, False] * 2
    assert found.below.tolist() == [True, False, False, False] * 2
