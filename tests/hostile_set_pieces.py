"""Networks with data, each built around one trap; `hostile.draw` twists them further.

Each function draws weights, biases, points and target vectors.
"""

import numpy as np
import rational


def linear_saddle(rng):
    """All units on, too few of them: they carry the small singular values of the data."""
    d = int(rng.integers(2, 5))
    m = int(rng.integers(1, d))
    sizes = rng.integers(1, 9, d) * np.exp2(rng.integers(-3, 4))
    X = np.vstack([np.eye(d), -np.eye(d)]) * rng.integers(1, 3)
    few = np.eye(d)[rng.choice(d, m, replace=False)]
    reach = float(np.abs(X).max()) + rng.integers(1, 4)
    weights, biases, size = [few], [np.full(m, reach)], 1.0
    for _ in range(int(rng.integers(0, 3))):
        c = float(np.exp2(rng.integers(-2, 3)))
        weights.append(np.eye(m) * c)
        biases.append(np.zeros(m))
        size *= c
    weights.append((few * sizes).T / size)
    biases.append(-weights[-1] @ np.full(m, reach * size))
    return weights, biases, X, X * sizes


def blind_layer(rng):
    """Zero loss at one point, whose first hidden output is all rounding of numbers of 1e15."""
    d, m = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    X = np.repeat(rng.normal(size=(1, d)), rng.integers(1, 4), axis=0)
    W = np.exp2(rng.uniform(44, 51)) * rng.normal(size=(m, d))
    weights, biases = [W], [rng.uniform(8, 80, m) - W @ X[0]]
    for l in range(int(rng.integers(1, 3))):
        size = 10.0 ** -rng.integers(6, 13) if l == 0 else 1.0
        weights.append(size * rng.normal(size=(m, m)))
        biases.append(rng.choice([-1.0, 1.0, 1.0, 1.0], m))
    hidden = X[0]
    for W, b in zip(weights, biases, strict=True):
        hidden = (W @ hidden + b).clip(0)
    weights.append(rng.normal(size=(1, m)))
    y = np.array([float(rng.integers(-1, 2))])
    biases.append(y - weights[-1] @ hidden)
    return weights, biases, X, np.repeat([y], len(X), axis=0)


def wrong_sign(rng):
    """A pre-activation that has the wrong sign in floating point, at any scale.

    The layer has one row, repeated, so that nothing but this sign decides the point.
    """
    d, m = int(rng.integers(3, 8)), int(rng.integers(1, 3))  # two products cannot do it
    while True:
        x, w = rng.normal(size=d), rng.normal(size=d)
        w[-1] = -(w[:-1] @ x[:-1]) / x[-1]
        value = 0.0
        for a, b in zip(w.tolist(), x.tolist(), strict=True):
            value += a * b
        exactly = (rational.matrix([w]) * rational.matrix([x]).transpose())[0, 0]
        if value and (value > 0) != (exactly > 0):
            break
    c = float(np.exp2(-rng.choice([0, 300, 490, 520, 560, 600, 700])))
    X = np.repeat([x], rng.integers(1, 4), axis=0)
    weights, biases = [np.repeat([w * c], m, axis=0)], [np.zeros(m)]
    weights.append(np.exp2(rng.integers(40, 60)) / c * rng.integers(1, 4, (1, m)))
    biases.append(np.array([float(rng.integers(-1, 2))]))
    out = biases[-1] + (weights[-1] @ (weights[0] @ x).clip(0) if rng.random() < 0.5 else 0.0)
    return weights, biases, X, np.repeat([out], len(X), axis=0)
