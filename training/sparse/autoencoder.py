"""Sparse autoencoders: rectified units, an inner loop between them, and a dictionary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geomcore.arrays import as_array, as_count, as_layer, as_number, as_points, as_positive, freeze
from geomcore.foreign.choices import as_choice
from geomcore.foreign.wording import counted
from geomcore.layers import Affine, ExplainingAway, ReLU
from geomcore.network import Network
from geomcore.typing import Array, ArrayLike, Floats
from training.sparse.treatments import TREATMENTS, InverseSquares, row_norms

if TYPE_CHECKING:
    from training.typing import Treatment

INTERACTIONS = ("dictionary", "detached", "learned")
# Points whose units are in memory at a time.
BLOCK = 8192


@dataclass(frozen=True, eq=False, repr=False)
class SparseAutoencoder:
    r"""An autoencoder of one layer of rectified units that inhibit each other.

    .. math:: \mu_0 = W_e x + b_e, \qquad z = \sigma(\mu_{t^*}), \qquad \hat x = W_d z + b_d,

    with :math:`\mu_{t + 1} = \mu_t + \gamma (\mu_0 - G \sigma(\mu_t) - \mu_t)`, the layer
    `geomcore.layers.ExplainingAway`. Without steps it is the plain autoencoder.

    Parameters
    ----------
    W_e : array_like, shape (m, d)
        Encoder, one row per unit.
    b_e : array_like, shape (m,)
    W_d : array_like, shape (d, m)
        Dictionary, one column per unit.
    b_d : array_like, shape (d,)
    G : array_like, shape (m, m), optional
        Default :math:`W_d^T W_d - I`.
    loop : int
        :math:`t^*`, the steps of the loop.
    gamma : float
        Their size.

    Raises
    ------
    ValueError
        If the shapes do not fit together, a value is nan or inf, or a number is out of range.

    Examples
    --------
    >>> one = SparseAutoencoder([[2.0, 0.0]], [-1.0], [[0.5], [0.0]], [0.0, 0.0])
    >>> one, one.encode([[3.0, 1.0]]), one([[3.0, 1.0]])
    (SparseAutoencoder(d=2, units=1, loop=0), array([[5.]]), array([[2.5, 0. ]]))
    """

    W_e: Array
    b_e: Array
    W_d: Array
    b_d: Array
    G: Array | None = None
    loop: int = 0
    gamma: float = 0.1

    if TYPE_CHECKING:  # the fields are made arrays of what is given

        def __init__(
            self,
            W_e: ArrayLike,
            b_e: ArrayLike,
            W_d: ArrayLike,
            b_d: ArrayLike,
            G: ArrayLike | None = None,
            loop: int = 0,
            gamma: float = 0.1,
        ) -> None: ...

    def __post_init__(self) -> None:
        W_e, b_e = as_layer(self.W_e, self.b_e, name=("W_e", "b_e"))
        W_d, b_d = as_layer(self.W_d, self.b_d, name=("W_d", "b_d"))
        if W_d.shape != W_e.shape[::-1]:
            raise ValueError(f"W_d must have shape {W_e.shape[::-1]}, got {W_d.shape}")
        if self.G is None:
            # So that a dictionary whose products overflow is refused.
            G = ExplainingAway.of_dictionary(W_d, 0, 1.0).G
        else:
            G = as_array(self.G, "G", 2)
        if G.shape != (len(W_e), len(W_e)):
            raise ValueError(f"G must have shape {(len(W_e), len(W_e))}, got {G.shape}")
        parts = {"W_e": W_e, "b_e": b_e, "W_d": W_d, "b_d": b_d, "G": G}
        for name, value in parts.items():
            object.__setattr__(self, name, freeze(value))
        object.__setattr__(self, "loop", as_count(self.loop, "loop", least=0))
        object.__setattr__(self, "gamma", as_positive(self.gamma, "gamma"))

    @property
    def units(self) -> int:
        """Number m of units."""
        return len(self.W_e)

    @property
    def norms(self) -> Array:
        """Norms of the columns of the dictionary, (m,)."""
        return row_norms(self.W_d.T)

    @property
    def inner(self) -> ExplainingAway | ReLU:
        """The layer between encoder and dictionary, an `ExplainingAway` or a `ReLU`."""
        return ExplainingAway(self.G, self.loop, self.gamma) if self.loop else ReLU()  # type: ignore[arg-type]

    def network(self) -> Network:
        """The same map as a `geomcore.Network`, which can be saved, differentiated and trained."""
        return Network([*self.encoder().layers, Affine(self.W_d, self.b_d, names=("W_d", "b_d"))])

    def encoder(self) -> Network:
        """The part up to the units, as a `geomcore.Network`."""
        return Network([Affine(self.W_e, self.b_e, names=("W_e", "b_e")), self.inner])

    def encode(self, X: ArrayLike) -> Floats:
        """Units z at the rows of `X`, (N, d) to (N, m); float32 stays float32."""
        return self.encoder()(as_points(X, d=self.W_e.shape[1]))

    def decode(self, Z: ArrayLike) -> Floats:
        """What units stand for, (N, m) to (N, d)."""
        Z = as_points(Z, d=self.units, name="Z")
        return Affine(self.W_d, self.b_d)(Z)

    def __call__(self, X: ArrayLike) -> Floats:
        """Reconstructions of the rows of `X`."""
        return self.decode(self.encode(X))

    def objective(
        self, X: ArrayLike, *, penalty: float, treatment: Treatment = "free", alpha: float = 0.01
    ) -> float:
        r"""What `train_sparse` lowers.

        .. math:: \tfrac{1}{N} \sum_x \Big( \tfrac12 |x - \hat x|^2 +
                  \lambda \sum_i c_i z_i \Big) + \alpha \sum_i 1 / |w_i|^2

        with :math:`c_i = |d_i|` for the treatment "weighted", else 1, and the last sum, over the
        rows of the encoder, for "inverse" only.

        Parameters
        ----------
        X : array_like, shape (N, d)
            At least one point.
        penalty : float
            :math:`\lambda \ge 0`.
        treatment, alpha : optional
            As for `train_sparse`.

        Returns
        -------
        float

        Examples
        --------
        >>> one = SparseAutoencoder([[2.0]], [0.0], [[0.5]], [0.0])
        >>> one.objective([[1.0]], penalty=0.3), one.objective([[-2.0]], penalty=0.3)
        (0.6, 2.0)
        """
        X = as_points(X, d=self.W_e.shape[1])
        if not len(X):
            raise ValueError("X must hold at least one point, got none")
        penalty = as_number(penalty, "penalty", least=0)
        treatment = as_choice(treatment, TREATMENTS, "treatment")
        costs = self.norms if treatment == "weighted" else np.ones(self.units)
        total = 0.0
        for start in range(0, len(X), BLOCK):
            x = X[start : start + BLOCK]
            z = self.encode(x)
            missed = self.decode(z) - x
            total += 0.5 * float(np.vdot(missed, missed)) + penalty * float((z @ costs).sum())
        extra = 0.0
        if treatment == "inverse":
            extra = float(InverseSquares(alpha).value(self.W_e[None])[0])
        return total / len(X) + extra

    def __repr__(self):
        d = self.W_e.shape[1]
        loop = f"{self.loop}, gamma={self.gamma:.3g}" if self.loop else "0"
        return f"SparseAutoencoder(d={d}, units={self.units}, loop={loop})"

    def summary(self) -> str:
        """One line for people."""
        norms = self.norms
        steps = f"a loop of {counted(self.loop, 'step')}" if self.loop else "no loop"
        return (
            f"{counted(self.units, 'unit')} on {counted(self.W_e.shape[1], 'coordinate')}, "
            f"{steps}, dictionary norms {norms.min():.3g} to {norms.max():.3g}"
        )
