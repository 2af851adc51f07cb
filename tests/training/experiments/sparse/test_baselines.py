"""What others do with the same points."""

import os
import subprocess
import sys

import numpy as np
import pytest

from training.experiments.sparse.baselines import _largest, dictionary_learning, top_k
from training.experiments.sparse.measures import recovery
from training.experiments.sparse.protocol import QUICK, task_of

TASK = task_of("synthetic", 0, QUICK._replace(points=3000, synthetic_units=12))


def test_the_largest_of_each_row_are_left():
    u = np.array([[3.0, -1.0, 2.0, 1.0], [-1.0, -2.0, 0.0, -3.0], [1.0, 1.0, 0.0, 0.5]])
    assert (_largest(u, 2) == [[3, 0, 2, 0], [0, 0, 0, 0], [1, 1, 0, 0]]).all()
    assert (_largest(u, 4) == np.maximum(u, 0)).all() and (_largest(u, 9) >= 0).all()


def test_a_top_k_autoencoder_has_k_units_on_and_learns():
    D, row = top_k(TASK, 3, 300, 64, 0.005, 0)
    _, start = top_k(TASK, 3, 0, 64, 0.005, 0)
    assert row["active"] <= 3 / 12 and row["missed"] < 0.6 * start["missed"]
    assert np.allclose(np.linalg.norm(D, axis=0), 1, atol=1e-5)
    assert (top_k(TASK, 3, 20, 64, 0.005, 1)[0] == top_k(TASK, 3, 20, 64, 0.005, 1)[0]).all()


def test_dictionary_learning_has_unit_columns_and_codes_above_0():
    D, row = dictionary_learning(TASK, 0.5, 1000, 0)
    assert D.shape == (6, 12) and np.linalg.norm(D, axis=0).max() < 1 + 1e-9
    assert row["missed"] < 0.2 and 0 < row["active"] < 0.6 and row["sum"] > 0
    assert recovery(D, TASK.truth).mean > 0.6
    assert row["sum"] == pytest.approx(row["cost"], rel=0.05)


def test_every_blas_is_loaded_before_its_threads_are_limited():
    script = (
        "from threadpoolctl import threadpool_info\n"
        "import training.experiments.sparse.survey\n"
        "from geomcore.threads import single_threaded_blas\n"
        "with single_threaded_blas():\n"
        "    from sklearn.decomposition import MiniBatchDictionaryLearning\n"
        "    print(*(one['num_threads'] for one in threadpool_info() if one['user_api'] == 'blas'))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(ran.stdout.split()) == {"1"}
