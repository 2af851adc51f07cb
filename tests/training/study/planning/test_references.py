"""The references of a study: the states and the merges of a data set, with their verdicts."""

import numpy as np
import pytest

from constructions import construct
from constructions.theorems.enumeration import partitions
from geomcore import datasets
from training.study.perturbation import norm_per_scale
from training.study.planning.references import check_comparable, judged, merges, states
from training.study.study import perturbation_study

DATA = datasets.clusters(rng=0, n=20)

# By hand


def test_a_zero_loss_construction_is_judged_a_global_minimum_with_a_certified_radius():
    net = construct(DATA.X, DATA.y).network
    found = judged("zero", net, DATA.X, DATA.y)
    assert (found.name, found.verdict) == ("zero", "global minimum")
    assert found.certified_radius > 0


def test_three_classes_have_eight_states_and_the_first_one_has_loss_zero():
    found = states(DATA.X, DATA.y)
    assert len({one.name for one in found}) == 8
    assert found[0].verdict == "global minimum"
    error = found[0].network(DATA.X) - np.eye(3)[DATA.y]
    assert (error**2).sum(axis=1).mean() < 1e-20


def test_three_classes_have_four_merges_whose_loss_is_the_scatter_of_the_labels():
    found = merges(DATA.X, DATA.y)
    losses = [((one.network(DATA.X) - np.eye(3)[DATA.y]) ** 2).sum(axis=1).mean() for one in found]
    np.testing.assert_allclose(sorted(losses), [1 / 3, 1 / 3, 1 / 3, 2 / 3], rtol=1e-9)
    assert {one.verdict for one in found} == {"local minimum"}


# Laws


def test_every_perturbation_within_the_certified_radius_returns():
    for one in [judged("zero", construct(DATA.X, DATA.y).network, DATA.X, DATA.y)] + merges(
        DATA.X, DATA.y
    ):
        scale = 0.99 * one.certified_radius / norm_per_scale(one.network)
        found = perturbation_study(
            one.network, DATA.X, DATA.y, scales=[scale], trials=10, steps=20, seed=0
        )
        assert set(found.outcome) <= {"stayed", "returned"}
        assert found.columns["pattern_returned"].all()
        assert (found.columns["final_loss"] <= found.columns["initial_loss"]).all()


# Bad input


def test_too_many_classes_to_compare_are_refused():
    X, y = np.eye(6), np.arange(6)
    with pytest.raises(ValueError, match="the states of 6 classes are 64"):
        states(X, y)
    with pytest.raises(ValueError, match="the merges of 6 classes are 202"):
        merges(X, y)


def test_the_merges_of_very_many_classes_are_not_even_counted():
    for some in ({"states": True}, {"merges": True}):
        with pytest.raises(ValueError, match="of 30 classes are more than a million"):
            check_comparable(30, **some)


@pytest.mark.parametrize("Q", range(1, 8))
def test_merges_are_counted_as_they_are_listed(Q):
    some = [groups for groups in partitions(list(range(Q))) if len(groups) < Q]
    if len(some) <= 20:
        check_comparable(Q, merges=True)
    else:
        with pytest.raises(ValueError, match=f"classes are {len(some):,}, at most 20"):
            check_comparable(Q, merges=True)
