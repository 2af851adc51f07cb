"""Which sets of kinks are tried next to a stored network."""

import numpy as np
from planted import planted

from constructions import verify
from constructions.critical import search
from geomcore import ReLUNetwork


def test_no_kinks_at_all_are_tried_whatever_is_near_its_kink(monkeypatch):
    made = (planted((2, 3, 2), 14, [], seed) for seed in range(100))
    net, X, Y = next(one for one in made if one is not None)
    assert verify(net, X, Y).verdict == "local minimum"
    monkeypatch.setattr(search, "candidates", lambda net, X: [[(0, 0, 0)], [(0, 1, 1)]])
    found = verify(net, X, Y)
    assert found.verdict == "local minimum" and found.kinks == ()


def test_at_loss_zero_no_kinks_are_tried_first(monkeypatch):
    rng = np.random.default_rng(0)
    W, V = rng.standard_normal((6, 3)), rng.standard_normal((1, 6))
    net, X = ReLUNetwork([W, V], [[0.3] * 6, [0]]), rng.standard_normal((12, 3))
    sets = [[(0, i, 0)] for i in range(3)]
    monkeypatch.setattr(search, "candidates", lambda net, X: list(sets))
    monkeypatch.setattr(search, "fits", lambda cell, theta: True)
    seen = []
    monkeypatch.setattr(search, "_with_kinks", lambda *a: (None, seen.append(a[-1].kinks) or ""))
    verify(net, X, net(X))
    assert seen == [[], *sets]
