"""Compiled shuffles against NumPy's: every number, and where they leave the generator."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.descent.batches import Shuffles, permuted
from training.descent.compiled import shuffling
from training.descent.compiled.shuffling import permute


@pytest.fixture(autouse=True, scope="module")
def no_few():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shuffling, "_left", 0)
        yield


def both(n, epochs, make, used=0):
    """Rows and final states of both ways from equal generators."""
    found = []
    for way in (permute, permuted):
        rng, rows = make(), np.full((epochs, n), -1)
        rng.integers(5, size=used, dtype=np.int32)
        way(rng, rows)
        found.append((rows, rng.bit_generator.state))
    return found


def assert_same(found, expected):
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_equal(found[1], expected[1])


# By hand


def test_one_point_has_one_order_and_draws_nothing():
    rng, rows = np.random.default_rng(0), np.full((3, 1), -1)
    before = rng.bit_generator.state
    permute(rng, rows)
    assert rows.tolist() == [[0], [0], [0]]
    assert rng.bit_generator.state == before


# Against NumPy


@given(st.integers(0, 2**63), st.integers(1, 400), st.integers(0, 4), st.integers(0, 3))
def test_numbers_and_state_are_those_of_numpy(seed, n, epochs, used):
    # After an odd number of draws of 32 bits half a number is left.
    assert_same(*both(n, epochs, lambda: np.random.default_rng(seed), used))


@pytest.mark.parametrize("n", [2, 255, 256, 257, 65536, 65537, 100_000])
def test_sizes_about_powers_of_two(n):
    assert_same(*both(n, 2, lambda: np.random.default_rng(n)))


@pytest.mark.parametrize("state", [0, 1, 2**64 - 1, 2**64, 2**128 - 1])
@pytest.mark.parametrize("inc", [1, 2**64 - 1, 2**64 + 1, 2**128 - 1])
def test_states_whose_halves_carry(state, inc):
    def make():
        generator = np.random.PCG64()
        told = generator.state
        told["state"] = {"state": state, "inc": inc}
        generator.state = told
        return np.random.Generator(generator)

    assert_same(*both(9, 5, make))


@pytest.mark.parametrize("kind", [np.random.PCG64DXSM, np.random.SFC64, np.random.MT19937])
def test_other_generators_are_left_to_numpy(kind):
    assert_same(*both(30, 3, lambda: np.random.Generator(kind(1))))


def test_another_numpy_is_left_to_itself(monkeypatch):
    monkeypatch.setattr(shuffling, "_is_as_numpy", lambda: False)
    monkeypatch.setattr(shuffling, "shuffle", None)
    assert_same(*both(30, 3, lambda: np.random.default_rng(1)))


def test_this_numpy_is_recognised():
    assert shuffling._is_as_numpy()


def test_a_numpy_that_shuffles_differently_is_noticed(monkeypatch):
    monkeypatch.setattr(shuffling, "permuted", lambda rng, rows: permuted(rng, rows[:, ::-1]))
    assert not shuffling._is_as_numpy.__wrapped__()


def test_numbers_are_the_same_without_compilation_and_nothing_warns():
    program = (
        "import numpy as np; from training.descent.compiled import shuffling; shuffling._left = 0;"
        "rows = np.empty((2, 40), np.int64); shuffling.permute(np.random.default_rng(5), rows);"
        "print(shuffling._is_as_numpy(), rows.tolist())"
    )
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        env=environment,
    )
    rows = np.empty((2, 40), dtype=np.int64)
    permuted(np.random.default_rng(5), rows)
    assert done.stdout.strip() == f"True {rows.tolist()}", done.stderr


# Laws


def test_shuffles_do_not_depend_on_how_many_are_asked_for_at_a_time():
    slow = Shuffles(11, [np.random.default_rng(t) for t in range(3)])
    fast = Shuffles(11, [np.random.default_rng(t) for t in range(3)], permute)
    expected = slow.epochs(0, 6, range(3))
    for first, stop in ((0, 1), (1, 4), (3, 6)):
        np.testing.assert_array_equal(
            fast.epochs(first, stop, range(3)), expected[:, first:stop], strict=True
        )


def test_the_first_points_of_a_process_are_left_to_numpy(monkeypatch):
    monkeypatch.setattr(shuffling, "_left", 60)
    monkeypatch.setattr(shuffling, "_is_as_numpy", lambda: True)
    calls = []
    monkeypatch.setattr(shuffling, "_permute", lambda rng, rows: calls.append(rows.shape))
    rng, expected = np.random.default_rng(1), np.random.default_rng(1)
    for n, epochs in ((10, 2), (10, 4), (10, 3)):
        rows, others = np.zeros((2, epochs, n), dtype=np.int64)
        permute(rng, rows)
        permuted(expected, others)
        assert (rows == others).all() != bool(calls)
    assert calls == [(3, 10)]


def test_trials_that_share_a_generator_draw_one_after_the_other():
    found = []
    for way in (permute, permuted):
        rng = np.random.default_rng(3)
        found.append(Shuffles(7, [rng, rng], way).epochs(0, 3, range(2)))
    np.testing.assert_array_equal(*found)
    assert not np.array_equal(found[0][0], found[0][1])
