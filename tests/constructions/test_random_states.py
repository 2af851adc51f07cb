"""Random states of scikit-learn as generators."""

import numpy as np
import pytest

from constructions.random_states import rng_of


def test_a_seed_is_that_of_the_generator_and_a_generator_is_itself():
    assert rng_of(7).random() == np.random.default_rng(7).random()
    rng = np.random.default_rng(0)
    assert rng_of(rng) is rng


def test_an_old_state_is_drawn_from_once():
    one, two = (rng_of(np.random.RandomState(4)).random() for _ in range(2))
    state = np.random.RandomState(4)
    assert one == two == np.random.default_rng(state.randint(2**31)).random()


def test_none_is_fresh():
    assert rng_of(None).random() != rng_of(None).random()


@pytest.mark.parametrize("wrong", ["x", 1.5, -1])
def test_anything_else_is_refused(wrong):
    with pytest.raises(ValueError):
        rng_of(wrong)
