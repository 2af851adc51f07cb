"""Sparse autoencoders: rectified units, an inner loop between them, and a dictionary."""

from dataclasses import dataclass

import numpy as np

from geomcore.arrays import as_array, as_count, as_layer, as_number, as_points, as_positive, freeze
from geomcore.foreign.choices import as_choice
from geomcore.foreign.wording import counted
from geomcore.layers import Affine, ExplainingAway, ReLU
from geomcore.network import Network
from training.sparse.treatments import TREATMENTS, InverseSquares, row_norms

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

    W_e: np.ndarray
    b_e: np.ndarray
    W_d: np.ndarray
    b_d: np.ndarray
    G: np.ndarray | None = None
    loop: int = 0
    gamma: float = 0.1

    def __post_init__(self):
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
    def units(self):
        """Number m of units."""
        return len(self.W_e)

    @property
    def norms(self):
        """Norms of the columns of the dictionary, (m,)."""
        return row_norms(self.W_d.T)

    @property
    def inner(self):
        """The layer between encoder and dictionary, an `ExplainingAway` or a `ReLU`."""
        return ExplainingAway(self.G, self.loop, self.gamma) if self.loop else ReLU()

    def network(self):
        """The same map as a `geomcore.Network`, which can be saved, differentiated and trained."""
        return Network([*self.encoder().layers, Affine(self.W_d, self.b_d, names=("W_d", "b_d"))])

    def encoder(self):
        """The part up to the units, as a `geomcore.Network`."""
        return Network([Affine(self.W_e, self.b_e, names=("W_e", "b_e")), self.inner])

    def encode(self, X):
        """Units z at the rows of `X`, (N, d) to (N, m); float32 stays float32."""
        return self.encoder()(as_points(X, d=self.W_e.shape[1]))

    def decode(self, Z):
        """What units stand for, (N, m) to (N, d)."""
        Z = as_points(Z, d=self.units, name="Z")
        return Affine(self.W_d, self.b_d)(Z)

    def __call__(self, X):
        """Reconstructions of the rows of `X`."""
        return self.decode(self.encode(X))

    def objective(self, X, *, penalty, treatment="free", alpha=0.01):
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

    def summary(self):
        """One line for people."""
        norms = self.norms
        steps = f"a loop of {counted(self.loop, 'step')}" if self.loop else "no loop"
        return (
            f"{counted(self.units, 'unit')} on {counted(self.W_e.shape[1], 'coordinate')}, "
            f"{steps}, dictionary norms {norms.min():.3g} to {norms.max():.3g}"
        )
