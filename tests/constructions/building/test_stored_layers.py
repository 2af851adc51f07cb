import numpy as np

from constructions.building.assembly import standard_frame
from constructions.building.stored_layers import StoredLayers

# Laws


def test_what_the_layers_are_once_stored_is_known():
    rng = np.random.default_rng(0)
    X = 1e6 + rng.normal(size=(9, 2))
    frame = standard_frame(X)
    stored = StoredLayers(X, frame)
    flat = [np.linalg.qr(rng.normal(size=(4, 4)))[0] * [1, 1e-5, 1e-5, 1e-5] for _ in range(4)]
    for W in flat:
        stored.extend(W, np.full(4, 9.0))
        np.testing.assert_allclose(stored.W, W, atol=1e-9)
        base = stored.base(np.zeros(4))
        np.testing.assert_allclose(stored.W @ base + stored.b, 0, atol=1e-9)
    # all units stay active: the outputs are the affine map itself
    Z = np.hstack([frame(X), np.zeros((9, 2))])
    assert (stored.hidden > 0).all()
    np.testing.assert_allclose(stored.hidden, Z @ stored.W.T + stored.b, atol=1e-9)
