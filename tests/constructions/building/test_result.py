import numpy as np
import pytest

from constructions import construct

X = np.array([[0.0, 0.0], [1.0, 0.0], [3.0, 0.0], [4.0, 1.0]])
y = np.array([0, 0, 1, 1])


@pytest.mark.parametrize("method", ["sequential", "cone", "simplex"])
@pytest.mark.parametrize("power", [-900, -664, -300, 300, 664, 900])
def test_a_construction_is_the_same_at_every_size_but_for_its_first_layer(method, power):
    plain, moved = (construct(S, y, method) for S in (X, np.ldexp(X, power)))
    np.testing.assert_array_equal(moved.network(np.ldexp(X, power)), plain.network(X))
    first, *others = zip(plain.network.weights, moved.network.weights, strict=True)
    np.testing.assert_array_equal(np.ldexp(first[1], power), first[0])
    for a, b in others:
        np.testing.assert_array_equal(a, b)
    assert moved.report["loss"] == plain.report["loss"] < 1e-20
    for record, same in zip(moved.layers, plain.layers, strict=True):
        np.testing.assert_allclose(record.base, np.ldexp(same.base, power), rtol=1e-9)
        assert record.condition == pytest.approx(same.condition)
        W, b = moved.network.weights[record.index - 1], moved.network.biases[record.index - 1]
        size = max(np.abs(W).max(), np.abs(b).max())
        length = size * np.sqrt(((W / size) ** 2).sum() + ((b / size) ** 2).sum())
        hidden = np.ldexp(X, power)
        if record.index > 1:
            hidden = moved.network.hidden(hidden)[record.index - 2]
        assert record.margin == pytest.approx(np.abs(hidden @ W.T + b).min() / length)
