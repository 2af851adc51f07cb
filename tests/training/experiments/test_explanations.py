"""Sentences about numbers that would read as mistakes."""

import numpy as np
import pytest

from training.experiments.explanations import explanations

ROW = {"name": "merge 0 1", "basin": 0.7, "balanced_basin": 0.9, "loss": 0.5, "closed_form": 0.5}

# By hand


def test_a_radius_without_end_is_explained_with_its_value():
    rows = [ROW, ROW | {"name": "merge 0 1 2", "balanced_basin": 8.2e11}]
    told = explanations(rows)["λ* balanced"]
    assert told.startswith("λ* balanced is 8.2e+11 for “merge 0 1 2”: ")
    assert "no size of the landscape" in told


def test_a_loss_beside_another_closed_form_is_explained():
    rows = [ROW, ROW | {"name": "paper 001", "closed_form": 0.4}, ROW | {"closed_form": np.nan}]
    told = explanations(rows)["closed form"]
    assert told.startswith("The losses of “paper 001” differ from their closed forms, and must")


# Laws


@pytest.mark.parametrize("change", [
    {"basin": np.nan, "balanced_basin": np.nan},
    {"balanced_basin": np.nan},
    {"loss": 1e-32, "closed_form": 0.0},
    {"loss": 0.5 + 1e-12},
    {"loss": np.nan},
])  # fmt: skip
def test_what_is_as_expected_needs_no_sentence(change):
    assert explanations([ROW | change]) == {}
