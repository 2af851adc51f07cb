"""Networks kept while they are trained: what a film is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from geomcore.arrays import as_count
from geomcore.display.lines import listed, told_in_brief
from geomcore.foreign.keywords import answers_keywords
from geomcore.network import Network
from training.dynamics.chains import norms
from training.dynamics.moments import check_goes_on

if TYPE_CHECKING:
    from training.descent.problem import Snapshot

FRAMES = 200  # ten seconds
WAITING = 250_000_000  # bytes of networks that are kept


@told_in_brief
class Frame(NamedTuple):
    """One moment of a training.

    Attributes
    ----------
    step : int
        Steps done before it.
    loss : float
    network : Network
    """

    step: int
    loss: float
    network: Network


@answers_keywords
class FilmReel:
    """A callback for `training.train` and `training.train_ensemble` that keeps one network.

    Parameters
    ----------
    trial : int, optional
        Which one, if there are many.
    frames : int, optional
        How many moments are kept at most; two or more.

    Raises
    ------
    ValueError
        If an argument is no such number; when it is called, if it has followed another training
        before.

    Notes
    -----
    Training is quick at first and slow for long, so that moments after equal numbers of steps show
    next to nothing. They are chosen from the records evenly in half of the steps and half
    of the way that the parameters have come: where all is quick there are more of them. The
    first and the last record are always among them. At most twice as many networks wait
    in memory, and fewer where they take more than 250 MB.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> from training import train
    >>> net = ReLUNetwork([[[1.0]], [[1.0]]], [[-1.0], [0.0]])
    >>> reel = FilmReel(frames=5)
    >>> done = train(net, [[0.0], [3.0]], [[0.0], [1.0]], steps=100, record=1, callbacks=reel)
    >>> [frame.step for frame in reel.frames()]
    [0, 3, 28, 58, 100]
    """

    def __init__(self, *, trial: int = 0, frames: int = FRAMES) -> None:
        self.trial, self.most = as_count(trial, "trial", least=0), as_count(frames, "frames", 2)
        self._kept, self._ways = [], []
        self._last, self._room = None, 2 * self.most

    def __repr__(self):
        return listed(self, {"trial": self.trial, "frames": self.most, "kept": len(self._kept)})

    def __call__(self, snapshot: Snapshot) -> None:
        """Keep the network; of a `training.descent.problem.Snapshot`."""
        (at,) = np.nonzero(snapshot.trials == self.trial)
        if not len(at):
            return
        if self._kept:
            check_goes_on(snapshot, self._kept[-1].network.widths, self._kept[-1].step)
        a = int(at[0])
        here = np.concatenate([p[a].ravel() for p in snapshot.params])
        way = 0.0
        if self._last is None:
            self._room = max(4, min(self._room, WAITING // here.nbytes))
        else:
            with np.errstate(over="ignore", invalid="ignore"):
                way = float(norms(here - self._last))
        # A network that has left the range of floats goes nowhere any more.
        self._ways.append((self._ways[-1] if self._ways else 0.0) + np.nan_to_num(way, posinf=0))
        self._last = here  # type: ignore[assignment]
        self._kept.append(Frame(int(snapshot.step), float(snapshot.losses[a]), snapshot.network(a)))
        if len(self._kept) > self._room:
            self._kept, self._ways = self._evenly(self._room // 2)

    def frames(self) -> list[Frame]:
        """The moments of the film; a list of `Frame`, at most as many as wanted."""
        return self._evenly(self.most)[0]

    def _evenly(self, count):
        """So many of what is kept, with the ways to them."""
        n = len(self._kept)
        if n <= count:
            return self._kept, self._ways
        parts = [np.array([frame.step for frame in self._kept], dtype=float), np.array(self._ways)]
        place = sum((part - part[0]) / ((part[-1] - part[0]) or 1.0) for part in parts)
        order = np.arange(count)
        nearest = np.searchsorted(place, np.linspace(0, place[-1], count))
        # Each one once: later where there are too few, and early enough for the rest.
        chosen = np.maximum.accumulate(nearest - order) + order
        chosen = np.minimum(chosen, n - count + order)
        return [[given[i] for i in chosen] for given in (self._kept, self._ways)]
