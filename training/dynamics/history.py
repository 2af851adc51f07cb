"""Truncation over the steps of training: what each layer does to each class, at every record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from geomcore.arrays import as_count, as_labels, as_points, as_rtol, check_network
from geomcore.display.lines import listed
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import counted
from geomcore.network import ReLUNetwork
from geomcore.typing import Array, ArrayLike, Booleans, Integers, LossName, NDArray, Seed
from training.descent.losses import as_loss
from training.descent.trainer import train
from training.dynamics.chains import Truncation, means_and_spreads, norms, truncations
from training.dynamics.classes import as_classes
from training.dynamics.moments import check_goes_on

if TYPE_CHECKING:
    import pandas as pd

    from training.descent.problem import Snapshot
    from training.typing import Constraint, Engine, Loss, Optimizer, Penalty, StoppingRule

# Bytes of parameters and of activations that wait, and are worked on, at a time.
WAITING = 32_000_000
# Records of a run unless it is told otherwise.
RECORDS = 200
# A history has numbers for each class; of values to fit there would be as many as points.
MOST_CLASSES = 1000


@dataclass(frozen=True, eq=False)
class TruncationHistory:
    """What the layers did to the classes while networks were trained; see `truncation_history`.

    R records, T trials, L - 1 hidden layers, Q classes. After the end of a trial all is nan, and
    so is all of a network with cumulative weights or base points that are larger than any float.

    Attributes
    ----------
    classes : ndarray, shape (Q,)
    steps : ndarray of int, shape (R,)
        Steps done before each record.
    losses : ndarray, shape (R, T)
    backward, forward, mixed : ndarray, shape (R, T, L - 1, Q)
        Fraction of each class in the backward cone S- of the layer (it is collapsed), in the
        forward cone S+ (it is kept), and in neither (it is projected onto a face).
    dead : ndarray, shape (R, T, L - 1, Q)
        Fraction of the points for which all units of the layer are off in the network itself.
    spread : ndarray, shape (R, T, L - 1, Q)
        Root mean square distance of the truncated class from its mean, after the layer.
    data_spread : ndarray, shape (Q,)
        The same of the data.
    distance : ndarray, shape (R, T, L - 1, Q)
        Of the mean of the truncated class from the base point of the layer.
    base : ndarray, shape (R, T, L - 1, d_0)
        Base points -W^+ b, in the space of the data.
    smallest_angle, largest_angle : ndarray, shape (R, T, L - 1)
        Between two of the vectors W^+ e_i, in radians; the edges of the cone, where it is one.
    rank, condition, defect : ndarray, shape (R, T, L - 1)
        Of the cumulative weights, and how far truncated data are from representing the layer, as
        in `geomcore.truncation_defects`.
    widths : tuple of int
        (d_0, ..., d_L).
    """

    classes: NDArray[Any]
    steps: Integers
    losses: Array
    backward: Array
    forward: Array
    mixed: Array
    dead: Array
    spread: Array
    data_spread: Array
    distance: Array
    base: Array
    smallest_angle: Array
    largest_angle: Array
    rank: Array
    condition: Array
    defect: Array
    widths: tuple[int, ...]

    def __repr__(self):
        R, T = self.losses.shape
        return listed(self, {"widths": self.widths, "records": R, "trials": T})

    @property
    def relative_spread(self) -> Array:
        """The spread relative to that of the data; nan for a class of one point."""
        size = np.where(self.data_spread > 0, self.data_spread, np.nan)
        return self.spread / size

    @property
    def motion(self) -> Array:
        """Distance of each base point from where it was at the first record, (R, T, L - 1)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return norms(self.base - self.base[:1])

    @property
    def is_cone(self) -> Booleans:
        """Whether the layer has a cone: its cumulative weights are surjective, (R, T, L - 1)."""
        return self.rank == np.array(self.widths[1:-1])

    def frame(self) -> pd.DataFrame:
        """One row per record, trial, layer and class, as a `pandas.DataFrame`.

        Trials and layers have the columns trial (from 0) and layer (from 1); rows of trials that
        have ended, or overflow, are left out.
        """
        import pandas as pd

        shape = self.backward.shape
        index = np.indices(shape).reshape(4, -1)
        r, t, l, q = index
        columns = {
            "step": self.steps[r],
            "trial": t,
            "layer": l + 1,
            "class": self.classes[q],
            "loss": self.losses[r, t],
        }
        per_class = ("backward", "forward", "mixed", "dead", "spread", "relative_spread")
        columns |= {name: getattr(self, name).ravel() for name in (*per_class, "distance")}
        per_layer = ("motion", "smallest_angle", "largest_angle", "rank", "condition", "defect")
        columns |= {name: getattr(self, name)[r, t, l] for name in per_layer}
        return pd.DataFrame(columns).dropna(subset=["backward"]).reset_index(drop=True)

    def summary(self) -> str:
        """A few lines for people: for each layer how much of each class is collapsed at the end."""
        R, T = self.losses.shape
        lines = [f"{counted(R, 'record')} of {counted(T, 'trial')}, widths {self.widths}"]
        known = ~np.isnan(self.rank).all(axis=2)
        # Trials that have a first and a last record with numbers.
        trials = np.flatnonzero(known.any(axis=0))
        first = [np.flatnonzero(known[:, t])[0] for t in trials]
        last = [np.flatnonzero(known[:, t])[-1] for t in trials]
        over = int((~np.isnan(self.losses) & ~known).any(axis=0).sum())
        if over:
            lines.append(f"{counted(over, 'trial')} left the range of floats, where all is nan")
        for l in range(len(self.widths) - 2) if len(trials) else ():
            start, end = (np.median(self.backward[at, trials, l], axis=0) for at in (first, last))
            told = ", ".join(
                f"{label} {a:.0%} -> {b:.0%}"
                for label, a, b in zip(self.classes.tolist(), start, end, strict=True)
            )
            rank = np.median(self.rank[last, trials, l])
            defect = self.defect[:, :, l]
            lines.append(
                f"layer {l + 1}, rank {rank:.0f} of {self.widths[l + 1]}, defect up to "
                f"{defect[~np.isnan(defect)].max(initial=0):.1e}; collapsed: {told}"
            )
        return "\n".join(lines)


class TruncationRecorder:
    """A callback for `training.train` and `training.train_ensemble` that keeps the truncation.

    Parameters
    ----------
    X : array_like, shape (N, d_0)
        Points to follow, at least one; they need not be those of the training.
    y : array_like, shape (N,) or (N, k)
        Their labels, or targets, whose distinct rows are the classes.
    rtol : float, optional
        As in `geomcore.truncation_map`.

    Raises
    ------
    ValueError
        If there are no points, the labels do not fit them, or there are more than 1,000 classes;
        when it is called, if it has followed another training before.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> from training import train
    >>> net = ReLUNetwork([[[1.0]], [[1.0]]], [[-1.0], [0.0]])
    >>> recorder = TruncationRecorder([[0.0], [3.0]], [0, 1])
    >>> done = train(net, [[0.0], [3.0]], [[0.0], [1.0]], steps=20, record=10, callbacks=recorder)
    >>> recorder.history().backward[:, 0, 0]
    array([[1., 0.],
           [1., 0.],
           [1., 0.]])
    """

    def __init__(self, X: ArrayLike, y: ArrayLike, *, rtol: float | None = None) -> None:
        self.X = as_points(X).astype(np.float64, copy=False)
        if not len(self.X):
            raise ValueError("X must hold at least one point, got none")
        self.labels = as_labels(y, len(self.X))
        Q = len(self.labels.classes)
        if Q > MOST_CLASSES:
            raise ValueError(f"y must have at most {MOST_CLASSES:,} classes, got {Q:,}")
        as_rtol(rtol, (1, 1))
        self.rtol = rtol
        self._records, self._waiting, self._bytes, self._done = [], [], 0, []
        self._widths = None

    def __call__(self, snapshot: Snapshot) -> None:
        """Take down the networks of a `training.descent.problem.Snapshot`."""
        if self._widths is None:
            template = snapshot.stacked.template
            check_network(template, ReLUNetwork)
            as_points(self.X, d=template.widths[0])
            if len(template.widths) < 3:
                raise ValueError(f"net must have a hidden layer, got widths {template.widths}")
            self._widths = template.widths  # type: ignore[assignment]
        check_goes_on(snapshot, self._widths, self._records[-1][0] if self._records else -1)
        self._records.append((snapshot.step, snapshot.trials.copy(), snapshot.losses.copy()))
        self._waiting.append([p.copy() for p in snapshot.params])
        numbers = sum(p.size for p in snapshot.params)
        numbers += len(snapshot.trials) * len(self.X) * max(self._widths)  # type: ignore[call-overload]
        self._bytes += 8 * numbers
        if self._bytes > WAITING:
            self._work_off()

    def _work_off(self):
        """Truncate by all networks that wait, at once."""
        if self._waiting:
            params = [np.concatenate(parts) for parts in zip(*self._waiting, strict=True)]
            index, Q = self.labels.index, len(self.labels.targets)
            self._done.append(truncations(params, self.X, index, Q, rtol=self.rtol))
        self._waiting, self._bytes = [], 0

    def history(self) -> TruncationHistory:
        """What was recorded so far.

        Returns
        -------
        TruncationHistory

        Raises
        ------
        ValueError
            If nothing was.
        """
        self._work_off()
        if not self._records:
            raise ValueError("the recorder must be given to train as a callback first, it is empty")
        R = len(self._records)
        T = 1 + max(int(trials.max()) for _, trials, _ in self._records)
        rows = np.repeat(np.arange(R), [len(trials) for _, trials, _ in self._records])
        columns = np.concatenate([trials for _, trials, _ in self._records])

        def placed(values):
            out = np.full((R, T, *values.shape[1:]), np.nan)
            out[rows, columns] = values
            return out

        parts = [np.concatenate(part) for part in zip(*self._done, strict=True)]
        index = self.labels.index
        members = (index == np.arange(len(self.labels.targets))[:, None]).astype(float)
        return TruncationHistory(
            classes=self.labels.classes,
            steps=np.array([step for step, _, _ in self._records]),
            losses=placed(np.concatenate([losses for _, _, losses in self._records])),
            data_spread=means_and_spreads(self.X[None], index, members)[1][0],
            widths=self._widths,  # type: ignore[arg-type]
            **{name: placed(part) for name, part in zip(Truncation._fields, parts, strict=True)},
        )


@answers_keywords
def truncation_history(
    net: ReLUNetwork,
    X: ArrayLike,
    y: ArrayLike,
    *,
    loss: LossName | Loss = "mse",
    optimizer: Optimizer | Literal["auto"] = "auto",
    learning_rate: float | None = None,
    batch_size: int | None = None,
    drop_last: bool = False,
    steps: int = 1000,
    stop: StoppingRule | Sequence[StoppingRule] = (),
    penalties: Penalty | Sequence[Penalty] = (),
    constraints: Constraint | Sequence[Constraint] = (),
    rng: Seed = None,
    record: int | None = None,
    engine: Engine = "auto",
    targets: ArrayLike | None = None,
    rtol: float | None = None,
) -> TruncationHistory:
    r"""Train a network and follow what its layers do to each class.

    At each record, for each hidden layer with cumulative parameters :math:`W, b` and each
    class: the fractions of the truncated points that lie in the backward cone
    :math:`S_-` (all :math:`a_i = (Wx + b)_i \le 0`; they become the base point), in the forward
    cone :math:`S_+` (all :math:`a_i \ge 0`; they stay, if W is square) and in neither; the spread
    of the class after the truncation map of the layer; the base point :math:`-W^+ b` and the
    distance of the class from it; angles of the edges :math:`W^+ e_i`; rank and condition of W.

    Parameters
    ----------
    net : ReLUNetwork
        With at least one hidden layer; it is not changed.
    X : array_like, shape (N, d_0)
    y : array_like, shape (N,) or (N, k)
        Labels, or targets, whose distinct rows are the classes.
    loss, optimizer, learning_rate, batch_size, drop_last, steps, stop : optional
        As for `training.train`.
    penalties, constraints, rng, engine : optional
        As for `training.train`.
    record : int, optional
        Steps between records; default a 200th of `steps`.
    targets : array_like, shape (Q, k), optional
        Output wanted for each label in sorted order; default one-hot rows, or 0 and 1 for
        a network with one output, two labels and binary cross-entropy.
    rtol : float, optional
        A singular value of cumulative weights counts as zero below ``rtol`` times the
        largest one; see `geomcore.truncation_map`.

    Returns
    -------
    TruncationHistory

    Raises
    ------
    ValueError
        If an argument does not fit, or there is no hidden layer.
    TypeError
        If there is no argument of a name; the nearest one is named.

    See Also
    --------
    TruncationRecorder : the same for many networks, or for other points.

    Notes
    -----
    A layer whose cumulative weights have dependent rows, as is the rule in trained
    networks, has no cone: :math:`W^+ e_i` are then no edges, and the truncated points are
    not what the network computes. ``rank`` and ``defect`` say where this is so; sectors of a
    layer are those of the network if the layers before it have no defect, and ``dead`` is
    taken from the network itself. A first layer that widens is completed as by
    `geomcore.truncate`; spreads and distances are then those in the padded space, base points are
    given by their coordinates in the space of the data, which do not depend on how it is completed.

    Examples
    --------
    The base point of one unit, off at 0 and on at 3:

    >>> from geomcore import ReLUNetwork
    >>> net = ReLUNetwork([[[1.0]], [[1.0]]], [[-1.0], [0.0]])
    >>> history = truncation_history(net, [[0.0], [3.0]], [[0.0], [1.0]], steps=40, record=20)
    >>> history.steps, history.base[:, 0, 0, 0].round(2)
    (array([ 0, 20, 40]), array([1.  , 1.41, 1.42]))
    """
    if record is None:
        record = max(1, as_count(steps, "steps", least=0) // RECORDS)
    loss = as_loss(loss)
    X, labels = as_classes(net, X, y, loss=loss, targets=targets)
    recorder = TruncationRecorder(X, y, rtol=rtol)
    train(
        net,
        X,
        labels,
        loss=loss,
        optimizer=optimizer,
        learning_rate=learning_rate,
        batch_size=batch_size,
        drop_last=drop_last,
        steps=steps,
        stop=stop,
        penalties=penalties,
        constraints=constraints,
        callbacks=recorder,
        rng=rng,
        record=record,
        engine=engine,
    )
    return recorder.history()
