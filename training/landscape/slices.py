"""The loss on grids along one or two directions: pictures, not proofs."""

from dataclasses import dataclass

import numpy as np

from geomcore.arrays import as_count, as_positive, as_rng, check_network
from geomcore.display.lines import listed
from geomcore.foreign.choices import as_choice
from geomcore.foreign.keywords import answers_keywords
from geomcore.network import Network
from geomcore.parameters import flatten
from geomcore.stack import stack
from training.descent.losses import as_loss
from training.descent.penalties import L2
from training.descent.problem import as_training_data
from training.descent.trainer import train_ensemble
from training.landscape.arguments import as_interval, check_decay
from training.landscape.directions import SCALES, as_direction, named_directions, scaled_like

# Numbers in the widest activations of a batch of networks.
AT_A_TIME = 2_000_000


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

    t: np.ndarray
    losses: np.ndarray
    direction: np.ndarray
    unit: float
    relative: float

    def __repr__(self):
        return listed(self, {"points": len(self.t), "unit": self.unit, "relative": self.relative})


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

    alpha: np.ndarray
    beta: np.ndarray
    losses: np.ndarray
    after: np.ndarray | None
    directions: np.ndarray
    units: np.ndarray
    relative: np.ndarray
    steps: int

    def __repr__(self):
        fields = {"grid": self.losses.shape, "units": self.units.tolist(), "steps": self.steps}
        return listed(self, fields)


@answers_keywords
def loss_slice(
    net,
    X,
    y,
    direction=None,
    *,
    extent=1.0,
    points=51,
    loss="mse",
    weight_decay=0.0,
    targets=None,
    scale="filter",
    rng=0,
):
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
    targets : array_like, optional
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
    problem = _Problem(net, X, y, loss, weight_decay, targets)
    scale = as_choice(scale, SCALES, "scale")
    if direction is None:
        rng = as_rng(rng)
        parts = [rng.standard_normal(tensor.shape) for tensor in net.tensors]
        direction = flatten(scaled_like(net, parts, scale))
    v = as_direction(net, direction)
    t = as_grid(extent, points, "extent")
    unit = _length(v)
    losses = problem.losses(problem.theta + t[:, None] * v)
    return LossSlice(t, losses, v, unit, problem.relative(unit))


@answers_keywords
def loss_surface(
    net,
    X,
    y,
    directions=None,
    *,
    extent=1.0,
    points=51,
    loss="mse",
    weight_decay=0.0,
    targets=None,
    scale="filter",
    steps=0,
    optimizer="auto",
    jobs=1,
    rng=0,
):
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
    problem = _Problem(net, X, y, loss, weight_decay, targets)
    first, second = named_directions(
        net, directions, as_choice(scale, SCALES, "scale"), as_rng(rng)
    )
    extents = extent if isinstance(extent, list | tuple) and len(extent) == 2 else (extent,) * 2
    counts = points if isinstance(points, list | tuple) and len(points) == 2 else (points,) * 2
    alpha, beta = (as_grid(e, n, "extent") for e, n in zip(extents, counts, strict=True))
    steps = as_count(steps, "steps", least=0)
    place = alpha[:, None, None] * first + beta[None, :, None] * second
    theta = problem.theta + place.reshape(-1, len(first))
    shape = (len(alpha), len(beta))
    after = problem.trained(theta, steps, optimizer, jobs).reshape(shape) if steps else None
    units = np.array([_length(v) for v in (first, second)])
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
    a, b, X, y, *, points=51, interval=(0.0, 1.0), loss="mse", weight_decay=0.0, targets=None
):
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
    problem = _Problem(a, X, y, loss, weight_decay, targets, name="a")
    check_network(b, Network, name="b")
    v = as_direction(a, b, "b") - problem.theta
    t = np.linspace(*as_interval(interval), as_count(points, "points", least=2))
    # the ends are the networks themselves, without the rounding of a + (b - a)
    theta = (1 - t)[:, None] * problem.theta + t[:, None] * (v + problem.theta)
    unit = _length(v)
    return LossSlice(t, problem.losses(theta), v, unit, problem.relative(unit))


def as_grid(extent, points, name):
    """Numbers from -extent to extent, 0 exactly in the middle."""
    extent = as_positive(extent, name)
    points = as_count(points, "points", least=3)
    if points % 2 == 0:
        raise ValueError(f"points must be odd, for the network is in the middle, got {points}")
    half = points // 2
    return extent * (np.arange(points) - half) / half


def _length(v):
    """The norm of a vector, also where squares overflow."""
    size = np.abs(v).max(initial=0)
    return float(size * np.linalg.norm(v / size)) if size > 0 else 0.0


class _Problem:
    """Points and a loss at which many networks of one shape are looked at."""

    def __init__(self, net, X, y, loss, weight_decay, targets, name="net"):
        check_network(net, Network, name=name)
        self.net, self.loss = net, as_loss(loss)
        check_decay(weight_decay)
        self.decay = float(weight_decay)
        self.X, self.labels = as_training_data(net, X, y, loss=self.loss, targets=targets)
        if hasattr(self.loss, "check"):
            self.loss.check(self.labels.Y)
        self.weights = self.loss.weights(self.labels.index)
        self.theta = flatten(net.tensors).astype(float)
        self.stacked, _ = stack([net])

    def relative(self, unit):
        """A length relative to that of the parameters."""
        size = _length(self.theta)
        return float(unit / size) if size > 0 else np.inf

    def losses(self, thetas):
        """Losses of networks (T, P), in batches."""
        widest = max(w for w in self.net.widths if w is not None)
        batch = max(1, AT_A_TIME // (len(self.X) * widest))
        out = np.empty(len(thetas))
        with np.errstate(over="ignore", invalid="ignore"):
            for i in range(0, len(thetas), batch):
                part = thetas[i : i + batch]
                outputs = self.stacked.output(self.tensors(part), self.X)
                values = self.loss.value(outputs, self.labels.Y) * self.weights
                # sums along rows do not depend on how many rows there are, products may
                decay = 0.5 * self.decay * (part * part).sum(axis=1)
                out[i : i + batch] = values.sum(axis=1) + decay
        return np.where(np.isfinite(out), out, np.inf)

    def tensors(self, thetas):
        """The parameters of networks, stacked."""
        shapes = [tensor.shape for tensor in self.net.tensors]
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
        parts = np.split(thetas, ends, axis=1)
        return [p.reshape(-1, *shape) for p, shape in zip(parts, shapes, strict=True)]

    def trained(self, thetas, steps, optimizer, jobs):
        """Losses after training from networks (T, P)."""
        stacks = self.tensors(thetas)
        nets = [self.net.rebuild([p[i] for p in stacks]) for i in range(len(thetas))]
        kind = {"loss": self.loss, "optimizer": optimizer, "jobs": jobs, "record": steps}
        if self.decay:
            kind["penalties"] = L2(self.decay / 2)
        done = train_ensemble(nets, self.X, self.labels, steps=steps, **kind)
        return self.losses(np.array([flatten(net.tensors) for net in done.networks]))
