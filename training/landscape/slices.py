"""The loss on grids along one or two directions: pictures, not proofs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from geomcore.arrays import as_count, as_positive, as_rng, check_network
from geomcore.display.lines import listed
from geomcore.foreign.choices import as_choice
from geomcore.foreign.keywords import answers_keywords
from geomcore.network import Network
from geomcore.parameters import flatten
from geomcore.typing import Array, ArrayLike, LossName, Seed
from training.landscape.arguments import as_interval
from training.landscape.directions import SCALES, as_direction, named_directions, scaled_like
from training.landscape.sampled import Sampled, length

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from training.landscape.directions import TrajectoryPlane
    from training.typing import Loss, Optimizer, Scale


@dataclass(frozen=True, eq=False)
class LossSlice:
    """The loss on a grid along a line; see `loss_slice`.

    Attributes
    ----------
    t : ndarray, shape (T,)
        0 is one of them.
    losses : ndarray, shape (T,)
        inf where it overflows.
    direction : ndarray, shape (P,)
    unit : float
        What t = 1 moves: the norm of `direction`.
    relative : float
        The same relative to the norm of the parameters; inf if these are zero.
    """

    t: Array
    losses: Array
    direction: Array
    unit: float
    relative: float

    def __repr__(self):
        return listed(self, {"points": len(self.t), "unit": self.unit, "relative": self.relative})

    def plot(self) -> Figure:
        """Draw it; return the matplotlib figure."""
        from training.landscape import plot

        return plot.figure_of_slice(self)


@dataclass(frozen=True, eq=False)
class LossSurface:
    """The loss on a grid in a plane; see `loss_surface`.

    Attributes
    ----------
    alpha, beta : ndarray, shape (A,) and (B,)
        0 is one of them.
    losses : ndarray, shape (A, B)
        At the network plus alpha times the first direction and beta times the second one.
    after : ndarray, shape (A, B), or None
        Losses after training from there.
    directions : ndarray, shape (2, P)
        Orthogonal.
    units, relative : ndarray, shape (2,)
        What 1 moves along each, and that relative to the norm of the parameters.
    steps : int
        Of that training.
    """

    alpha: Array
    beta: Array
    losses: Array
    after: Array | None
    directions: Array
    units: Array
    relative: Array
    steps: int

    def __repr__(self):
        fields = {"grid": self.losses.shape, "units": self.units.tolist(), "steps": self.steps}
        return listed(self, fields)

    def plot(self, trajectory: TrajectoryPlane | None = None) -> Figure:
        """Draw it, with a `TrajectoryPlane` whose plane it is; return the matplotlib figure."""
        from training.landscape import plot

        return plot.figure_of_surface(self, trajectory)


@answers_keywords
def loss_slice(
    net: Network,
    X: ArrayLike,
    y: ArrayLike,
    direction: ArrayLike | Network | None = None,
    *,
    extent: float = 1.0,
    points: int = 51,
    loss: LossName | Loss = "mse",
    weight_decay: float = 0.0,
    targets: ArrayLike | None = None,
    scale: Scale = "filter",
    rng: Seed = 0,
) -> LossSlice:
    """The loss on a grid along a line through a network.

    Parameters
    ----------
    net : Network
        It is not changed.
    X : array_like, shape (N, d)
    y : array_like, shape (N,) or (N, k)
        Labels or targets.
    direction : array_like, shape (P,), or Network, optional
        Default a random one, see `random_direction`.
    extent : float
        The grid goes from -extent to extent times the direction.
    points : int
        Odd, so that the network itself is on the grid.
    loss : str or loss object
        Any that `training.train` knows.
    weight_decay : float
        Half of it times the sum of the squares of all parameters is added.
    targets : array_like, shape (Q, k), optional
        What the network is to put out for each label in sorted order.
    scale : str
        Of a random direction, as for `random_direction`.
    rng : Generator or seed

    Returns
    -------
    LossSlice

    Raises
    ------
    ValueError
        If an argument does not fit.

    See Also
    --------
    training.exact_slice : without a grid.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> net = ReLUNetwork([[[1.0]]], [[0.0]])
    >>> found = loss_slice(net, [[1.0]], [[1.0]], [0.0, 2.0], points=3)
    >>> found.t, found.losses, found.unit
    (array([-1.,  0.,  1.]), array([4., 0., 4.]), 2.0)
    """
    problem = Sampled(net, X, y, loss, weight_decay, targets)
    scale = as_choice(scale, SCALES, "scale")
    if direction is None:
        rng = as_rng(rng)
        parts = [rng.standard_normal(tensor.shape) for tensor in net.tensors]
        direction = flatten(scaled_like(net, parts, scale))
    v = as_direction(net, direction)
    t = as_grid(extent, points, "extent")
    unit = length(v)
    losses = problem.losses(problem.theta + t[:, None] * v)
    return LossSlice(t, losses, v, unit, problem.relative(unit))


@answers_keywords
def loss_surface(
    net: Network,
    X: ArrayLike,
    y: ArrayLike,
    directions: Sequence[ArrayLike | Network] | None = None,
    *,
    extent: float | tuple[float, float] = 1.0,
    points: int | tuple[int, int] = 51,
    loss: LossName | Loss = "mse",
    weight_decay: float = 0.0,
    targets: ArrayLike | None = None,
    scale: Scale = "filter",
    steps: int = 0,
    optimizer: Optimizer | Literal["auto"] = "auto",
    jobs: int = 1,
    rng: Seed = 0,
) -> LossSurface:
    """The loss on a grid in a plane through a network, and after training from there.

    Parameters
    ----------
    net, X, y, loss, weight_decay, targets, scale, rng
        As for `loss_slice`.
    directions : pair of array_like, shape (P,), optional
        Default two random ones. The second one is made orthogonal to the first and keeps its norm.
    extent : float or pair of float
        The grid goes from -extent to extent along each direction.
    points : int or pair of int
        Odd.
    steps : int
        If positive, every network of the grid is trained so many steps of full batches.
    optimizer : optional
        As for `training.train_ensemble`.
    jobs : int
        Threads for that.

    Returns
    -------
    LossSurface

    Raises
    ------
    ValueError
        If an argument does not fit, or the directions are parallel.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> net = ReLUNetwork([[[1.0]]], [[0.0]])
    >>> found = loss_surface(net, [[1.0]], [[1.0]], [[1.0, 0.0], [1.0, 1.0]], points=3)
    >>> found.directions[1].round(3), found.losses.round(3)[:, 1]
    (array([0.   , 1.414]), array([1., 0., 1.]))
    """
    problem = Sampled(net, X, y, loss, weight_decay, targets)
    first, second = named_directions(
        net, directions, as_choice(scale, SCALES, "scale"), as_rng(rng)
    )
    extents = extent if isinstance(extent, list | tuple) and len(extent) == 2 else (extent,) * 2
    counts = points if isinstance(points, list | tuple) and len(points) == 2 else (points,) * 2
    alpha, beta = (as_grid(e, n, "extent") for e, n in zip(extents, counts, strict=True))
    steps, jobs = as_count(steps, "steps", least=0), as_count(jobs, "jobs")
    place = alpha[:, None, None] * first + beta[None, :, None] * second
    theta = problem.theta + place.reshape(-1, len(first))
    shape = (len(alpha), len(beta))
    after = problem.trained(theta, steps, optimizer, jobs).reshape(shape) if steps else None
    units = np.array([length(v) for v in (first, second)])
    return LossSurface(
        alpha=alpha,
        beta=beta,
        losses=problem.losses(theta).reshape(shape),
        after=after,
        directions=np.stack([first, second]),
        units=units,
        relative=np.array([problem.relative(unit) for unit in units]),
        steps=steps,
    )


@answers_keywords
def interpolate(
    a: Network,
    b: Network,
    X: ArrayLike,
    y: ArrayLike,
    *,
    points: int = 51,
    interval: tuple[float, float] = (0.0, 1.0),
    loss: LossName | Loss = "mse",
    weight_decay: float = 0.0,
    targets: ArrayLike | None = None,
) -> LossSlice:
    """The loss on a grid on the line through two networks: (1 - t) a + t b.

    Parameters
    ----------
    a, b : Network
        Of one shape.
    X, y, loss, weight_decay, targets
        As for `loss_slice`.
    points : int
        At least 2.
    interval : (float, float)
        Of t.

    Returns
    -------
    LossSlice
        Its direction is b - a.

    Raises
    ------
    ValueError
        If an argument does not fit.

    See Also
    --------
    training.barrier : the largest loss on the way, with proof.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> a, b = (ReLUNetwork([[[w]]], [[0.0]]) for w in (0.0, 2.0))
    >>> interpolate(a, b, [[1.0]], [[0.0]], points=3).losses
    array([0., 1., 4.])
    """
    problem = Sampled(a, X, y, loss, weight_decay, targets, name="a")
    check_network(b, Network, name="b")
    end = as_direction(a, b, "b")
    v = end - problem.theta
    t = np.linspace(*as_interval(interval), as_count(points, "points", least=2))  # type: ignore[call-overload]
    # the ends are the networks themselves, without the rounding of a + (b - a)
    theta = (1 - t)[:, None] * problem.theta + t[:, None] * end
    unit = length(v)
    return LossSlice(t, problem.losses(theta), v, unit, problem.relative(unit))


def as_grid(extent, points, name):
    """Numbers from -extent to extent, 0 exactly in the middle."""
    extent = as_positive(extent, name)
    points = as_count(points, "points", least=3)
    if points % 2 == 0:
        raise ValueError(f"points must be odd, for the network is in the middle, got {points}")
    half = points // 2
    return extent * ((np.arange(points) - half) / half)
