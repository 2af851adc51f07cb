"""A point whose kinks hold nothing is shaken, and not farther than descents come back from."""

from types import SimpleNamespace

import numpy as np
import pytest

from training.settling import search


class Point(SimpleNamespace):
    """A critical point that is sound, with a loss of 1."""

    def is_sound(self, most):
        return self.loss <= most


def shaken(monkeypatch, back):
    """(lengths of shakes, point at the end) if descents come back from what `back` says."""
    lengths, problem = [], SimpleNamespace(loss_and_gradient=None)
    point = Point(theta=np.full(4, 0.5), loss=1.0, has_weak=True)

    def bfgs(function, theta, **given):
        lengths.append(round(float(np.linalg.norm(theta - point.theta)), 6))
        return SimpleNamespace(theta=theta)

    def at_end(problem, walk, clock):
        loss = 1.0 if back(lengths[-1]) else 2.0
        return Point(theta=walk.theta, loss=loss, has_weak=back(lengths[-1]) == "weak")

    monkeypatch.setattr(search, "bfgs", bfgs)
    monkeypatch.setattr(search, "_on_fits", lambda problem, theta: None)
    monkeypatch.setattr(
        search, "walked", lambda problem, theta, **given: SimpleNamespace(theta=theta)
    )
    monkeypatch.setattr(search, "_at_end", at_end)
    monkeypatch.setattr(search, "_has_weak_kinks", lambda problem, point: point.has_weak)
    monkeypatch.setattr(search, "lower_than_saddle", lambda problem, point: None)
    rng = np.random.default_rng(0)
    return lengths, search._without_weak_kinks(problem, point, rng, search.Clock(100.0))


def sizes(lengths):
    """The powers of ten next to lengths."""
    return np.round(np.log10(lengths)).astype(int).tolist()


@pytest.mark.parametrize(
    ("back", "seen"),
    [
        (lambda length: "", [-3, -4]),  # from nowhere: it is not tried from farther away
        (lambda length: "weak", [-3, -2, -1, -2, -1]),
        (lambda length: "weak" if length < 0.03 else "", [-3, -2, -1, -2]),
        (lambda length: "weak" if length < 0.003 else "", [-3, -2]),
        (lambda length: "weak" if length < 3e-4 else "", [-3, -4]),
        (lambda length: "strict" if length < 3e-4 else "", [-3, -4]),
        (lambda length: "strict", [-3]),
        (lambda length: "strict" if length > 0.003 else "weak", [-3, -2]),
    ],
)
def test_shakes_grow_until_descents_do_not_come_back(monkeypatch, back, seen):
    lengths, point = shaken(monkeypatch, back)
    assert sizes(lengths) == seen
    assert point.has_weak == (back(lengths[-1]) != "strict")
    assert point.loss == 1.0


def test_a_descent_is_slow_where_most_of_the_loss_is_left(monkeypatch):
    monkeypatch.setattr(search, "STRETCH", 10)

    def ends(losses):
        stop = search._when_slow(search.Clock(100.0), 0.9)
        return next((t for t, loss in enumerate(losses) if stop(t, None, loss, None)), None)

    assert ends(np.ones(40)) == 10
    assert ends(0.98 ** np.arange(40)) is None
    assert ends([*0.98 ** np.arange(20), *np.full(30, 0.68)]) == 30
    assert ends(np.full(40, 1e-12)) is None  # on its way to zero
    stop = search._when_slow(search.Clock(1e-9), 0.9)
    assert stop(0, None, 1.0, None)
