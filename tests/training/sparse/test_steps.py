"""Steps in place are those of the optimizers."""

import numpy as np
import pytest

from training import SGD, Adam
from training.sparse.steps import InPlace


class Signs:
    """Somebody's own optimizer."""

    def start(self, params):
        return [np.zeros(1)]

    def update(self, params, gradients, state, step):
        moved = [p - 0.1 * (step + 1) * np.sign(g) for p, g in zip(params, gradients, strict=True)]
        return moved, state


OPTIMIZERS = [
    SGD(0.1),
    SGD(0.1, momentum=0.9),
    SGD(0.1, clip=0.5),
    SGD(0.1, momentum=0.5, clip=1.0),
    Adam(0.01),
    Adam(0.1, beta1=0.0, beta2=0.5, eps=1e-3),
    Adam(0.01, clip=0.1),
    Signs(),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_steps_are_those_of_the_optimizer(optimizer, dtype):
    rng = np.random.default_rng(0)
    vector = rng.normal(size=50).astype(dtype)
    params, move = [vector[None].astype(float)], InPlace(optimizer, vector)
    state = optimizer.start(params)
    for step in range(20):
        gradient = rng.normal(size=50).astype(dtype)
        params, state = optimizer.update(params, [gradient[None].astype(float)], state, step)
        move(gradient.copy())
    tolerance = 1e-12 if dtype == np.float64 else 1e-4
    np.testing.assert_allclose(vector, params[0][0], rtol=tolerance, atol=tolerance)
    assert vector.dtype == dtype


def test_what_is_not_a_number_stays_none():
    for optimizer in (SGD(0.1), Adam(0.1)):
        vector = np.ones(3)
        with np.errstate(all="ignore"):
            InPlace(optimizer, vector)(np.array([np.nan, 1.0, np.inf]))
        assert np.isnan(vector[0]) and np.isfinite(vector[1])
