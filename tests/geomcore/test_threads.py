import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from geomcore.threads import (
    LARGE,
    core_count,
    factorizing,
    limited_threads,
    single_threaded_blas,
)


def threads_of_blas():
    return [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"]


@pytest.fixture(autouse=True)
def _two_threads():
    import scipy.linalg  # noqa: F401  which brings a BLAS of its own

    with threadpool_limits(2, "blas"):
        yield


# By hand


def test_blas_is_limited_inside_and_free_again_after_the_last_one_leaves():
    before = threads_of_blas()
    assert max(before) == 2
    with single_threaded_blas():
        with single_threaded_blas():
            assert set(threads_of_blas()) == {1}
        assert set(threads_of_blas()) == {1}
    assert threads_of_blas() == before


def test_blas_is_free_again_after_an_error():
    with pytest.raises(ZeroDivisionError), single_threaded_blas():
        1 / 0  # noqa: B018
    assert max(threads_of_blas()) == 2


def test_blas_is_free_again_whoever_leaves_first():
    entered, leave = threading.Event(), threading.Event()

    def second():
        with single_threaded_blas():
            entered.set()
            leave.wait(60)

    with single_threaded_blas():
        other = threading.Thread(target=second)
        other.start()
        assert entered.wait(60)
    leave.set()
    other.join()
    assert max(threads_of_blas()) == 2


def test_threads_of_kernels_and_of_blas_are_limited_and_free_again():
    before = core_count()
    with limited_threads(before + 5):
        assert core_count() == before
        with limited_threads(1):
            assert core_count() == 1
            assert set(threads_of_blas()) == {1}
        assert core_count() == before
    assert max(threads_of_blas()) == 2


def test_only_large_matrices_are_worth_a_limit():
    with factorizing(np.empty((1, LARGE))):
        assert set(threads_of_blas()) == {1}
    with factorizing(np.empty((1, LARGE - 1))):
        assert max(threads_of_blas()) == 2
