"""The explaining-away layer: units that take from each other what they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from geomcore.arrays import as_array, as_count, as_points, as_positive, freeze
from geomcore.display.lines import told_in_brief
from geomcore.foreign.wording import counted
from geomcore.layers.layer import Layer
from geomcore.typing import Array, ArrayLike, Booleans, Floats

# Differences between G and its transpose, relative to its largest entry, that are rounding.
SYMMETRY = 1e-12
# Before the reason for which there is no limit.
UNKNOWN = "none is known: "


@told_in_brief
class Stability(NamedTuple):
    """For which step sizes an inner loop holds its fixed points.

    Attributes
    ----------
    limit : float
        Below it steps are stable, see `ExplainingAway.stability`; 0 if none is known to be.
    gamma : float
        The step size of the layer.
    reason : str
        What the limit follows from.
    """

    limit: float
    gamma: float
    reason: str

    @property
    def is_stable(self) -> bool:
        """Whether the step size is below the limit."""
        return self.gamma < self.limit


@dataclass(frozen=True, eq=False, repr=False)
class ExplainingAway(Layer):
    r"""Rectified units that inhibit each other for some steps (a locally competitive network).

    .. math:: z_t = \sigma(\mu_t), \qquad \mu_{t+1} = \mu_t + \gamma (\mu_0 - G z_t - \mu_t)

    from :math:`\mu_0`, the input, to :math:`\sigma(\mu_{t^*})`, the output, after :math:`t^*`
    steps, with :math:`\sigma` the ReLU [1]_. G is trained through the loop, as in [2]_.

    Parameters
    ----------
    G : array_like, shape (m, m)
        Entry (i, j) is what unit j takes from unit i.
    steps : int
        :math:`t^* \ge 0`; with 0 it is a `ReLU`.
    gamma : float
        Step size, above 0.

    Raises
    ------
    ValueError
        If `G` is not square or not finite, or a number is out of range; when called, if the loop
        overflows, with the step size up to which it is stable.

    See Also
    --------
    ExplainingAway.of_dictionary : G from a dictionary, whose fixed points are sparse codes.
    ExplainingAway.stability : the step sizes for which the loop settles.
    ExplainingAway.defects : how far it is from that.

    Notes
    -----
    For :math:`G = D^T D - I` and :math:`\mu_0 = D^T x - \lambda` a fixed point has
    :math:`z = \sigma(z - (D^T (D z - x) + \lambda))`. This is the optimality condition of
    :math:`\tfrac12 |x - D z|^2 + \lambda \sum_i z_i` over :math:`z \ge 0`, a convex problem: z
    is one of its minimisers, and each of them is such a z.

    Units are told to be active by what they are after the last step. The map has kinks also
    where a unit changes sides at an earlier one.

    Derivatives run through the loop again: time O(N t* m^2), and O(N t* m) numbers of memory.

    References
    ----------
    .. [1] C. J. Rozell, D. H. Johnson, R. G. Baraniuk, B. A. Olshausen, "Sparse coding via
       thresholding and local competition in neural circuits", 2008.
    .. [2] K. Gregor, Y. LeCun, "Learning fast approximations of sparse coding", 2010.

    Examples
    --------
    Two units that share nearly everything; the second one is explained away:

    >>> layer = ExplainingAway([[0.0, 0.9], [0.9, 0.0]], steps=200, gamma=0.5)
    >>> layer, layer(np.array([[1.0, 0.5]])).round(6)
    (ExplainingAway(2 -> 2, steps=200, gamma=0.5), array([[1., 0.]]))
    """

    G: Array
    steps: int
    gamma: float

    letters = ("G",)

    if TYPE_CHECKING:  # the fields are made arrays of what is given

        def __init__(self, G: ArrayLike, steps: int, gamma: float) -> None: ...

    def __post_init__(self) -> None:
        G = as_array(self.G, "G", 2)
        if G.shape[0] != G.shape[1] or not G.size:
            raise ValueError(f"G must be square, one row and column per unit, got shape {G.shape}")
        object.__setattr__(self, "G", freeze(G))
        object.__setattr__(self, "steps", as_count(self.steps, "steps", least=0))
        object.__setattr__(self, "gamma", as_positive(self.gamma, "gamma"))

    @classmethod
    def of_dictionary(cls, D: ArrayLike, steps: int, gamma: float | None = None) -> Self:
        r"""The layer with :math:`G = D^T D - I`.

        Parameters
        ----------
        D : array_like, shape (d, m)
            A dictionary, one column per unit, of any norms.
        steps : int
        gamma : float, optional
            Default :math:`1 / \max(1, \|D\|^2)`, half of what is stable.

        Examples
        --------
        >>> ExplainingAway.of_dictionary([[2.0, 0.0]], steps=3)
        ExplainingAway(2 -> 2, steps=3, gamma=0.25)
        """
        D = as_array(D, "D", 2)
        if not D.size:
            raise ValueError(f"D must have at least one row and one column, got shape {D.shape}")
        with np.errstate(over="ignore", invalid="ignore"):
            G = D.T @ D
        if not np.isfinite(G).all():
            raise ValueError(
                f"D must have columns whose products are finite, got {np.abs(D).max():.3g}"
            )
        G[np.diag_indices(len(G))] -= 1
        if gamma is None:
            norm = float(np.linalg.norm(D, 2))
            if not np.isfinite(norm * norm):
                raise ValueError(
                    f"D must have a norm whose square is finite, got {norm:.3g}; "
                    f"or give the step size as gamma"
                )
            gamma = 1 / max(1.0, norm * norm)
        return cls(G, steps, gamma)

    def stability(self) -> Stability:
        r"""For which step sizes the loop settles, as a `Stability`.

        Where the units S are on, the loop multiplies deviations by
        :math:`(1 - \gamma) I - \gamma G_{:S}`, whose factors are :math:`1 - \gamma` and
        :math:`1 - \gamma (1 + \kappa)` for the eigenvalues :math:`\kappa` of :math:`G_{SS}`. If G
        is symmetric with no eigenvalue below -1, as :math:`D^T D - I` is, those of all
        :math:`G_{SS}` lie between its own, so that deviations stay bounded, and die out where
        :math:`G_{SS} + I` is not singular, for

        .. math:: \gamma < 2 / \max(1, 1 + \kappa_{\max}) = 2 / \max(1, \|D\|^2),

        and grow above it where all units are on. That is a statement on the neighbourhood of a
        fixed point. For :math:`\|D\|^2 \le 2` and :math:`\gamma < 1` the loop also comes to one
        from everywhere, if there is any: a step is an average of the identity and of a map that
        does not increase distances. For any other G the limit is :math:`2 / (1 + \|G\|)` if
        :math:`\|G\| < 1`, where the loop is a contraction.

        Examples
        --------
        >>> ExplainingAway.of_dictionary([[2.0, 0.0]], steps=3).stability().limit
        0.5
        """
        G = self.G
        is_symmetric = np.abs(0.5 * G - 0.5 * G.T).max() <= 0.5 * SYMMETRY * np.abs(G).max()
        if is_symmetric:
            # Halves first: sums of huge entries would overflow.
            values = np.linalg.eigvalsh(0.5 * G + 0.5 * G.T)
            if values[0] >= -1 - SYMMETRY * max(1.0, values[-1]) * len(G):
                limit = 2 / max(1.0, 1 + float(values[-1]))
                return Stability(limit, self.gamma, "G + I is positive semidefinite")
        norm = float(np.linalg.norm(G, 2))
        if norm < 1:
            return Stability(2 / (1 + norm), self.gamma, "the norm of G is below 1")
        why = "G + I is indefinite" if is_symmetric else "G is not symmetric"
        return Stability(0.0, self.gamma, f"{UNKNOWN}{why}, |G| {norm:.3g}")

    def defects(self, X: Floats) -> Floats:
        r"""How far the units after the last step are from a fixed point, (N,).

        .. math:: \max_i | z - \sigma(\mu_0 - G z) |_i

        Examples
        --------
        >>> pair, x = [[0.0, 0.9], [0.9, 0.0]], np.array([[1.0, 0.5]])
        >>> [ExplainingAway(pair, steps, 0.5).defects(x).round(6) for steps in (0, 9, 99)]
        [array([0.5]), array([0.001055]), array([0.])]
        """
        X = as_points(X, d=self.inputs)
        z = self(X)
        return np.abs(z - np.maximum(X - z @ self._tensors_in(z.dtype)[0].T, 0)).max(axis=1)

    @property
    def inputs(self) -> int:
        return len(self.G)

    @property
    def outputs(self) -> int:
        return len(self.G)

    def __call__(self, X: Floats) -> Floats:
        X = X if X.dtype == np.float32 else X.astype(np.float64, copy=False)
        with np.errstate(over="ignore", invalid="ignore"):
            last = self._last(self._tensors_in(X.dtype)[0], X)
        if not np.isfinite(last).all():
            raise ValueError(self._overflowed(np.abs(X).max()))
        return np.maximum(last, 0)

    def _overflowed(self, largest):
        """What is wrong with a loop that overflows from inputs up to this one."""
        found = self.stability()
        told = f"within {counted(self.steps, 'step')} from inputs up to {largest:.3g}"
        if found.is_stable:
            return f"X must be smaller, the loop overflows {told}"
        if not found.limit:
            return (
                f"G must be one whose loop settles, and no step size is known for which it does "
                f"({found.reason.removeprefix(UNKNOWN)}): at gamma {self.gamma:.3g} it overflows "
                f"{told}"
            )
        return (
            f"gamma must be below {found.limit:.3g}, where the loop settles ({found.reason}), "
            f"got {self.gamma:.3g}: it overflows {told}"
        )

    def active(self, X: Floats, out: Floats) -> Booleans | None:
        return out > 0

    def forward(self, tensors: Sequence[Floats], X: Floats) -> Floats:
        return np.maximum(self._last(tensors[0], X), 0)

    def tangent(
        self,
        tensors: Sequence[Floats],
        X: Floats,
        out: Floats,
        dtensors: Sequence[Floats],
        dX: Floats,
    ) -> Floats:
        (G,), (dG,) = tensors, dtensors
        states = self._states(G, X)
        return self._tangents(G, states, dG, dX)[-1] * (states[-1] > 0)

    def gradients(
        self, tensors: Sequence[Floats], X: Floats, out: Floats, grad: Floats
    ) -> list[Floats]:
        states = self._states(tensors[0], X)
        pulled = self._pulled(tensors[0], states, grad)
        return [self._by_G(tensors[0], [(pulled, [np.maximum(mu, 0) for mu in states])])]

    def cotangent(self, tensors: Sequence[Floats], X: Floats, out: Floats, grad: Floats) -> Floats:
        return self._by_X(self._pulled(tensors[0], self._states(tensors[0], X), grad))

    def gradients_tangent(
        self,
        tensors: Sequence[Floats],
        X: Floats,
        out: Floats,
        grad: Floats,
        dtensors: Sequence[Floats],
        dX: Floats,
        dgrad: Floats,
    ) -> list[Floats]:
        (G,), (dG,) = tensors, dtensors
        states = self._states(G, X)
        moved = self._tangents(G, states, dG, dX)
        pulled = self._pulled(G, states, grad)
        changed = self._pulled(G, states, dgrad, dG, pulled)
        held = [np.maximum(mu, 0) for mu in states]
        rates = [rate * (mu > 0) for rate, mu in zip(moved, states, strict=True)]
        return [self._by_G(G, [(changed, held), (pulled, rates)])]

    def cotangent_tangent(
        self,
        tensors: Sequence[Floats],
        X: Floats,
        out: Floats,
        grad: Floats,
        dtensors: Sequence[Floats],
        dX: Floats,
        dgrad: Floats,
    ) -> Floats:
        (G,), (dG,) = tensors, dtensors
        states = self._states(G, X)
        pulled = self._pulled(G, states, grad)
        return self._by_X(self._pulled(G, states, dgrad, dG, pulled))

    def __repr__(self):
        # Short enough for one line of a summary.
        width = f"{self.inputs} -> {self.outputs}"
        return f"ExplainingAway({width}, steps={self.steps}, gamma={self.gamma:.4g})"

    def _step(self, G, first, mu):
        """The state after one more step."""
        taken = np.maximum(mu, 0) @ G.swapaxes(-1, -2)
        np.subtract(first, taken, out=taken)
        taken *= self.gamma
        taken += (1 - self.gamma) * mu
        return taken

    def _start(self, G, X):
        """The first state, one for each of the layers side by side."""
        return np.broadcast_to(X, np.broadcast_shapes(X.shape, (*G.shape[:-2], 1, 1)))

    def _last(self, G, X):
        mu = first = self._start(G, X)
        for _ in range(self.steps):
            mu = self._step(G, first, mu)
        return mu

    def _states(self, G, X):
        """The states of all steps, the first one among them."""
        states = [self._start(G, X)]
        for _ in range(self.steps):
            states.append(self._step(G, states[0], states[-1]))
        return states

    def _tangents(self, G, states, dG, dX):
        """How the states change along a direction."""
        first = self._start(G, dX)
        rates = [first]
        for mu in states[:-1]:
            taken = (rates[-1] * (mu > 0)) @ G.swapaxes(-1, -2)
            taken += np.maximum(mu, 0) @ dG.swapaxes(-1, -2)
            rates.append((1 - self.gamma) * rates[-1] + self.gamma * (first - taken))
        return rates

    def _pulled(self, G, states, grad, dG=None, held=None):
        """Gradients by the states of all steps; with `dG` and `held`, how those `held` change."""
        pulled = [grad * (states[-1] > 0)]
        for t in range(self.steps - 1, -1, -1):
            taken = pulled[0] @ G
            if held is not None:
                taken += held[t + 1] @ dG
            taken *= states[t] > 0
            pulled.insert(0, (1 - self.gamma) * pulled[0] - self.gamma * taken)
        return pulled

    def _by_G(self, G, terms):
        """The gradient by G, from pairs of gradients by the states and units of all steps."""
        total = np.zeros(np.broadcast_shapes(G.shape, (*terms[0][0][0].shape[:-2], 1, 1)))
        for pulled, units in terms:
            for after, z in zip(pulled[1:], units[:-1], strict=True):
                total -= self.gamma * (after.swapaxes(-1, -2) @ z)
        return total

    def _by_X(self, pulled):
        """The gradient by the input, which is the first state and part of each step."""
        total = pulled[0].copy()
        for after in pulled[1:]:
            total += self.gamma * after
        return total
