"""Claims C: verdicts follow the numbers, whichever way these fall, and runs are what they say."""

import numpy as np
import pytest

from training.experiments.kernels import at_scale, claims_kernels, examples, plot_kernels


@pytest.fixture(scope="module")
def runs():
    return examples.runs()


@pytest.fixture(scope="module")
def scale():
    return at_scale.at_scale(2, jobs=2)


def verdict_of(runs, claim):
    verdicts, _ = claims_kernels.verdicts(runs)
    return next(row["verdict"] for row in verdicts if row["claim"] == claim)


def test_what_a_kernel_puts_out_by_hand():
    found = {(r["activation"], r["kernel"], r["constraint"]): r for r in examples.fixed_rows()}
    assert found["linear", 1.0, "free"]["outputs"] == "-2, 0, 2"
    assert found["relu", 1.0, "kernel >= 0"]["outputs"] == "0, 0, 2"
    assert found["linear", -1.0, "kernel >= 0"]["outputs"] == "0, 0, 0"


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


def test_verdicts_on_what_is_found(runs):
    assert verdict_of(runs, "C1") == "does not hold"
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


def test_networks_keep_their_constraints_and_share_split_and_start(scale):
    W = scale.features
    assert (W["first layer >= 0"] >= 0).all() and (W["all weights >= 0"] >= 0).all()
    assert (W["free"] < 0).any()
    names = [row["treatment"] for row in scale.rows]
    assert names == [*list(at_scale.TREATMENTS) * 2, "NMF"]
    assert all(0.8 < row["accuracy"] <= 1 for row in scale.rows[:-1])


def test_pieces_that_are_there_are_not_trained_again_and_threads_change_nothing(scale):
    pieces = {}
    first = at_scale.at_scale(1, jobs=1, pieces=pieces)
    assert first.rows[:4] == scale.rows[:4]
    told = []
    again = at_scale.at_scale(1, jobs=1, pieces=pieces, told=lambda *k: told.append(k))
    assert again.rows == first.rows and told == []


def test_the_shape_of_a_layer_by_hand():
    found = at_scale.shape_of(np.array([[3.0, 0.0], [0.0, -2.0]]))
    assert found == {"sparsity": 1.0, "overlap": 0.0, "zeros": 0.5}
    assert at_scale.shape_of(np.full((2, 4), -1.0)) == pytest.approx(
        {"sparsity": 0.0, "overlap": 1.0, "zeros": 0.0}
    )
    empty = at_scale.shape_of(np.zeros((2, 4)))
    assert np.isnan(empty["sparsity"]) and np.isnan(empty["overlap"]) and empty["zeros"] == 1
    tiny = at_scale.shape_of(np.array([[1e-200, 1e-200], [1e200, 0.0]]))
    assert tiny["sparsity"] == pytest.approx(0.5)


def test_tables_and_figures(runs, scale):
    rows = at_scale.overview(scale)
    assert [row["treatment"] for row in rows][-1] == "NMF" and rows[-1]["accuracy"] is None
    words = at_scale.in_words(rows)
    assert words[-1]["accuracy"] == "-" and " to " in words[0]["accuracy"]
    assert len(at_scale.differences(scale)) == 3
    drawn = list(plot_kernels.figures(runs, scale, rows))
    assert [key for key, *_ in drawn] == ["losses", "kernels", "measures", "features"]
    for _, fig, caption, alt in drawn:
        assert caption and alt
        plot_kernels.plt.close(fig)
