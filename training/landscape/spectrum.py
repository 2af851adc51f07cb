"""Eigenvalues of the Hessian: both ends, trace, density, flat directions, sharpness."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geomcore.arrays import as_count, as_positive, as_rng
from geomcore.display.lines import listed
from geomcore.foreign.choices import as_flag
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import counted
from geomcore.threads import single_threaded_blas
from geomcore.typing import Array, ArrayLike, LossName, Seed
from training.landscape.lanczos import outermost, quadrature
from training.landscape.operators import Curvature

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from geomcore.network import Network
    from training.typing import Loss

# Up to so many parameters the matrix is written out, and nothing is estimated.
DENSE = 400
# Eigenvalues, and singular values of the derivative of the outputs, that count as zero: relative.
FLAT = 1e-9


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The eigenvalues of a Hessian, as far as they were asked for; see `hessian_spectrum`.

    Attributes
    ----------
    count : int
        P, of the parameters that may move.
    top, bottom : ndarray, shape (k,)
        The largest eigenvalues, descending, and the smallest, ascending.
    top_vectors, bottom_vectors : ndarray, shape (k, P)
        Unit eigenvectors of these; each may be multiplied by -1.
    trace, trace_error : float
        And its standard error; 0 if it is exact but for rounding.
    grid, density, density_error : ndarray, shape (G,)
        Density of the eigenvalues, smoothed by a Gaussian of deviation `width`, and its standard
        error.
    width : float
    values : ndarray, shape (P,), or None
        All eigenvalues, ascending, of a matrix that was written out.
    flat : int or None
        Eigenvalues that are 0 to 1e-9 of the largest one; None if not all are known.
    fibre : int or None
        P minus the rank of the derivative of all outputs in the cell (squares of singular values to
        1e-9): directions in which no output moves at first order there. At a loss of zero the
        Hessian vanishes on these and nowhere else.
    is_converged : bool
        Whether all of `top` and `bottom` were found to the last digits.
    """

    count: int
    top: Array
    bottom: Array
    top_vectors: Array
    bottom_vectors: Array
    trace: float
    trace_error: float
    grid: Array
    density: Array
    density_error: Array
    width: float
    values: Array | None
    flat: int | None
    fibre: int | None
    is_converged: bool

    def __repr__(self):
        ends = {"largest": self.top[:3].tolist(), "smallest": self.bottom[:3].tolist()}
        return listed(self, {"count": self.count, **ends, "trace": self.trace})

    def plot(self) -> Figure:
        """Draw it; return the matplotlib figure."""
        from training.landscape import plot

        return plot.figure_of_spectrum(self)

    def summary(self) -> str:
        """Lines for people."""

        def told(values):
            more = ", ..." if len(values) > 5 else ""
            return ", ".join(f"{value:.4g}" for value in values[:5]) + more

        error = f" ± {self.trace_error:.2g} (standard error)" if self.trace_error else ""
        lines = [
            f"Hessian, {counted(self.count, 'parameter')}",
            f"  largest eigenvalues {told(self.top)}",
            f"  smallest eigenvalues {told(self.bottom)}",
            f"  trace {self.trace:.6g}{error}",
        ]
        if self.flat is not None:
            lines.append(
                f"  flat directions {self.flat}; no output moves at first order in {self.fibre}"
            )
        if not self.is_converged:
            lines.append("  some eigenvalues are not known to the last digits")
        return "\n".join(lines)


@answers_keywords
def hessian_spectrum(
    net: Network,
    X: ArrayLike,
    y: ArrayLike,
    k: int = 10,
    *,
    loss: LossName | Loss = "mse",
    weight_decay: float = 0.0,
    tensors: Sequence[str] | None = None,
    targets: ArrayLike | None = None,
    probes: int = 20,
    steps: int = 80,
    grid: int = 400,
    width: float | None = None,
    rng: Seed = 0,
) -> Spectrum:
    r"""Eigenvalues of the Hessian of the loss.

    Up to 400 parameters the matrix is written out. Beyond that both ends are found by Lanczos's
    method (ARPACK), the trace is estimated by Hutch++ [1]_, and the density by stochastic Lanczos
    quadrature [2]_, from products with directions only.

    Parameters
    ----------
    net : Network
    X : array_like, shape (N, d)
    y : array_like, shape (N,) or (N, k)
        Labels or targets.
    k : int
        Eigenpairs at either end.
    loss, weight_decay, tensors, targets : optional
        As for `hessian`.
    probes : int
        Random vectors, at least 2, for the density; a third of three times as many for the trace.
    steps : int
        Of Lanczos's method for each.
    grid : int
        Points at which the density is given.
    width : float, optional
        Deviation of the Gaussian. Default a hundredth of the range of the eigenvalues.
    rng : Generator or seed

    Returns
    -------
    Spectrum

    Raises
    ------
    ValueError
        If shapes do not fit or a number is not positive.

    References
    ----------
    .. [1] R. A. Meyer, C. Musco, C. Musco, D. P. Woodruff, "Hutch++: optimal stochastic trace
       estimation", 2021.
    .. [2] B. Ghorbani, S. Krishnan, Y. Xiao, "An investigation into neural net optimization via
       Hessian eigenvalue density", 2019.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> net = ReLUNetwork([[[1.0]]], [[0.0]])
    >>> found = hessian_spectrum(net, [[-1.0], [2.0]], [[0.0], [0.0]], k=1)
    >>> found.top.round(3), found.bottom.round(3), found.trace, found.flat
    (array([5.303]), array([1.697]), 7.0, 0)
    """
    for value, name, least in ((k, "k", 1), (probes, "probes", 2), (steps, "steps", 1)):
        as_count(value, name, least=least)
    as_count(grid, "grid", least=2)
    found = Curvature(
        net, X, y, loss=loss, weight_decay=weight_decay, tensors=tensors, targets=targets
    )
    rng = as_rng(rng)
    # threads that wait for each other cost more than they give where products are small
    with single_threaded_blas() if found.is_small else nullcontext():
        if found.count <= DENSE:
            return _written_out(found, k, grid, width)
        return _estimated(found, k, probes, steps, grid, width, rng)


def _written_out(found, k, grid, width):
    H = found.hessian_times(np.eye(found.count))
    values, vectors = np.linalg.eigh((H + H.T) / 2)
    k = min(k, found.count)
    singular = np.linalg.svd(found.output_derivative(), compute_uv=False)
    # squares of these are eigenvalues at a loss of zero, and are judged as such
    least = np.sqrt(FLAT) * max(singular.max(initial=0), np.finfo(float).tiny)
    rank = int((singular > least).sum())
    largest = np.abs(values).max()
    grid, width = _grid(values[0], values[-1], grid, width)
    density = _bells(grid, values, width).mean(axis=1)
    return Spectrum(
        count=found.count,
        top=values[::-1][:k],
        bottom=values[:k],
        top_vectors=vectors.T[::-1][:k],
        bottom_vectors=vectors.T[:k],
        trace=float(np.trace(H)),
        trace_error=0.0,
        grid=grid,
        density=density,
        density_error=np.zeros_like(density),
        width=width,
        values=values,
        flat=int((np.abs(values) <= FLAT * largest).sum()),
        fibre=found.count - rank,
        is_converged=True,
    )


def _estimated(found, k, probes, steps, grid, width, rng):
    top, top_vectors, is_top = outermost(found, k, "LA", rng.standard_normal(found.count))
    bottom, bottom_vectors, is_bottom = outermost(found, k, "SA", rng.standard_normal(found.count))
    trace, trace_error = _trace(found, probes, rng)
    nodes, shares = quadrature(found, probes, min(steps, found.count), rng)
    low, high = min(bottom[0], nodes.min()), max(top[0], nodes.max())
    grid, width = _grid(low, high, grid, width)
    each = np.stack([_bells(grid, t, width) @ w for t, w in zip(nodes, shares, strict=True)])
    return Spectrum(
        count=found.count,
        top=top,
        bottom=bottom,
        top_vectors=top_vectors,
        bottom_vectors=bottom_vectors,
        trace=trace,
        trace_error=trace_error,
        grid=grid,
        density=each.mean(axis=0),
        density_error=each.std(axis=0, ddof=1) / np.sqrt(len(each)),
        width=width,
        values=None,
        flat=None,
        fibre=None,
        is_converged=is_top and is_bottom,
    )


def _trace(found, probes, rng):
    """Trace and its standard error: exact on a random range, by random vectors beside it."""
    signs = np.array([-1.0, 1.0])
    sketch = found.hessian_times(rng.choice(signs, size=(found.count, probes)))
    Q, _ = np.linalg.qr(sketch)
    inside = float(np.einsum("pi,pi->", Q, found.hessian_times(Q)))
    G = rng.choice(signs, size=(found.count, probes))
    G -= Q @ (Q.T @ G)
    outside = np.einsum("pi,pi->i", G, found.hessian_times(G))
    return inside + float(outside.mean()), float(outside.std(ddof=1) / np.sqrt(probes))


def _grid(low, high, grid, width):
    """Where the density is given, and the width of the Gaussian."""
    # equal eigenvalues have a range of rounding, and zeros none at all
    reach = max(high - low, 1e-6 * max(abs(low), abs(high))) or 1.0
    width = reach / 100 if width is None else as_positive(width, "width")
    return np.linspace(low - 3 * width, high + 3 * width, grid), float(width)


def _bells(grid, centers, width):
    z = (grid[:, None] - centers) / width
    return np.exp(-0.5 * z**2) / (width * np.sqrt(2 * np.pi))


@answers_keywords
def sharpness(
    net: Network,
    X: ArrayLike,
    y: ArrayLike,
    *,
    loss: LossName | Loss = "mse",
    weight_decay: float = 0.0,
    targets: ArrayLike | None = None,
    invariant: bool = False,
    rng: Seed = 0,
) -> float:
    r"""Largest eigenvalue of the Hessian, raw or invariant under the rescaling of units.

    Multiplying what comes into a hidden unit by s > 0 and what goes out by 1/s changes no output
    but changes the Hessian, by which the raw sharpness can be made arbitrarily large. The invariant
    one is the largest eigenvalue of :math:`D H D`, :math:`D = \mathrm{diag}|\theta|`: curvature for
    *relative* changes of the parameters (the elementwise adaptive sharpness of [1]_, to second
    order), which such a rescaling leaves as it is.

    Parameters
    ----------
    net, X, y, loss, weight_decay, targets
        As for `hessian`. (Weight decay itself is not invariant.)
    invariant : bool
    rng : Generator or seed
        For the start of Lanczos's method.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If shapes do not fit.

    References
    ----------
    .. [1] J. Kwon, J. Kim, H. Park, I. K. Choi, "ASAM: adaptive sharpness-aware minimization for
       scale-invariant learning of deep neural networks", 2021.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> X, y = [[1.0], [2.0]], [[1.0], [2.0]]
    >>> nets = [ReLUNetwork([[[s]], [[1 / s]]], [[0.0], [0.0]]) for s in (1.0, 100.0)]
    >>> [round(sharpness(net, X, y), 3) for net in nets]
    [13.708, 50001.801]
    >>> [round(sharpness(net, X, y, invariant=True), 9) for net in nets]
    [10.0, 10.0]
    """
    invariant = as_flag(invariant, "invariant")
    found = Curvature(net, X, y, loss=loss, weight_decay=weight_decay, targets=targets)
    scale = np.abs(found.parameters) if invariant else np.ones(found.count)

    class Scaled:
        count = found.count

        @staticmethod
        def hessian_times(v):
            v = np.asarray(v)
            factor = scale.reshape(-1, *[1] * (v.ndim - 1))
            return factor * found.hessian_times(factor * v)

    if found.count <= DENSE:
        H = Scaled.hessian_times(np.eye(found.count))
        return float(np.linalg.eigvalsh((H + H.T) / 2)[-1])
    start = as_rng(rng).standard_normal(found.count)
    return float(outermost(Scaled, 1, "LA", start)[0][0])
