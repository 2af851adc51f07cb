"""Verdicts on claim C follow the numbers, whichever way these fall."""

import pytest

from training.experiments.kernels import claims_kernels, examples


@pytest.fixture(scope="module")
def runs():
    return examples.runs()


def verdict_of(runs, claim):
    verdicts, _ = claims_kernels.verdicts(runs)
    return next(row["verdict"] for row in verdicts if row["claim"] == claim)


def test_verdicts_on_what_is_found(runs):
    assert verdict_of(runs, "C1") == "does not hold"
    first = claims_kernels.verdicts(runs)[0][0]
    assert "Beyond that example" in first["reason"] and "linear 8, relu 4" in first["reason"]
    assert verdict_of(runs, "C2, linear") == "does not hold"
    assert verdict_of(runs, "C2, relu") == "holds with a correction"


def test_verdicts_fall_the_other_way_with_other_numbers(runs):
    def told(change):
        return [change(run) for run in runs]

    # the constraint holds the linear unit at 0 and nothing else is changed
    other = told(
        lambda r: r._replace(outputs=(0.0,) * 5) if r.held and r.activation == "linear" else r
    )
    assert verdict_of(other, "C1") == "holds with a correction"
    # ... and costs it something for both targets
    other = [r._replace(best_loss=8.0) if r.held and r.activation == "linear" else r for r in other]
    assert verdict_of(other, "C1") == "holds"
    printed = examples.PRINTED["linear"]
    other = told(lambda r: r._replace(outputs=printed) if r.activation == "linear" else r)
    assert verdict_of(other, "C2, linear") == "holds"
    # zeros that only the constraint brings about, and that are the best there is
    other = told(lambda r: r._replace(outputs=(0.0, 0, 0, 2, 4)) if not r.held else r)
    other = [r._replace(best_loss=r.loss) for r in other]
    assert verdict_of(other, "C2, relu") == "holds"
    other = told(lambda r: r._replace(outputs=(1.0,) * 5) if r.activation == "relu" else r)
    assert verdict_of(other, "C2, relu") == "does not hold"
