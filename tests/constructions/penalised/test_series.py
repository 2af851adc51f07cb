"""Power series of a loss along a line, against decimals of 80 digits."""

from decimal import Decimal, localcontext

import numpy as np
import pytest

from constructions.critical.points import exactly
from constructions.penalised.series import loss_series
from constructions.proof.exact import precision

ORDER = 4


def at(loss, outputs, Y, weights, t):
    """The loss at t from the series of the outputs, in decimals."""
    total = Decimal(0)
    for i, w in enumerate(weights):
        f = [
            sum(Decimal(term[i, k]) * t**n for n, term in enumerate(outputs))
            for k in range(Y.shape[1])
        ]
        y = [Decimal(v) for v in Y[i].tolist()]
        if loss == "cross_entropy":
            part = sum(v.exp() for v in f).ln() - sum(a * b for a, b in zip(f, y, strict=True))
        elif loss == "bce":
            part = sum((1 + v.exp()).ln() - a * v for v, a in zip(f, y, strict=True))
        else:
            part = sum((v - a) ** 2 for v, a in zip(f, y, strict=True))
        total += Decimal(w) * part
    return total


@pytest.mark.parametrize("loss", ["mse", "cross_entropy", "bce"])
@pytest.mark.parametrize("size", [1.0, 30.0])
def test_the_series_sums_to_the_loss(loss, size):
    rng, (N, K) = np.random.default_rng(0), (3, 2)
    outputs = [size * rng.standard_normal((N, K)), *rng.standard_normal((ORDER, N, K))]
    Y, weights = rng.dirichlet(np.ones(K), N), rng.uniform(0.5, 2, N)
    with localcontext() as context, precision(256):
        context.prec = 80
        found = loss_series(loss, [exactly(f) for f in outputs], Y, exactly(weights))
        assert len(found) == ORDER + 1
        coefficients = [Decimal(c.mid().str(70, radius=False)) for c in found]
        for t in (Decimal("1e-6"), Decimal("-1e-6")):
            value = sum(c * t**n for n, c in enumerate(coefficients))
            # the first term that is left out has power 5
            assert abs(value - at(loss, outputs, Y, weights.tolist(), t)) < Decimal("1e-24")


def test_balls_of_large_logits_stay_small():
    outputs = [np.array([[900.0, -900.0], [1e300, 0.0]]), np.ones((2, 2)) * [1.0, -1.0]]
    Y, weights = np.array([[1.0, 0.0], [0.0, 1.0]]), exactly(np.ones(2))
    with precision(128):
        # of the second point softmax and sigmoid of f_1 are 1, and the sigmoid of f_2 is a half
        for loss, steep in (("cross_entropy", 2.0), ("bce", 1.5)):
            value, slope = loss_series(loss, [exactly(f) for f in outputs], Y, weights)
            assert abs(float(value.mid()) / 1e300 - 1) < 1e-12 and value.rel_accuracy_bits() > 60
            assert abs(float(slope.mid()) - steep) < 1e-12 and float(slope.rad()) < 1e-12
