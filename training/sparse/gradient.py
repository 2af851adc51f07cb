"""Loss and gradient of a sparse autoencoder on a batch, written out, into arrays made beforehand.

The dictionary lies as atoms, one row per unit, (m, d), so that tied weights are one array and
norms run along rows. All tensors are parts of one vector.
"""

from dataclasses import dataclass

import numpy as np

from training.sparse import kernels
from training.sparse.treatments import row_norms

# Points whose states of all steps are worked on at a time; see benchmarks/sparse.
TILE = 256


@dataclass(frozen=True)
class Form:
    """What a sparse autoencoder is made of, but for its numbers.

    Attributes
    ----------
    d, m : int
        Coordinates and units.
    tied : bool
        Whether the encoder is the dictionary.
    loop : int
        Steps of the inner loop.
    interaction : str
        "dictionary", "detached" (G follows the dictionary, no gradient passes) or "learned".
    biased : bool
        Whether the decoder has a bias.
    penalty : float
    weighted : bool
        Whether activations cost the norms of their columns.
    """

    d: int
    m: int
    tied: bool
    loop: int
    interaction: str
    biased: bool
    penalty: float
    weighted: bool

    @property
    def shapes(self):
        """Shapes of the tensors that are trained, by name."""
        shapes = {"atoms": (self.m, self.d), "b_e": (self.m,)}
        if not self.tied:
            shapes["W_e"] = (self.m, self.d)
        if self.biased:
            shapes["b_d"] = (self.d,)
        if self.learns:
            shapes["G"] = (self.m, self.m)
        return shapes

    @property
    def learns(self):
        """Whether G is a tensor of its own."""
        return self.loop > 0 and self.interaction == "learned"

    @property
    def size(self):
        """Numbers that are trained."""
        return sum(int(np.prod(shape)) for shape in self.shapes.values())

    def views(self, vector):
        """The tensors that a vector of all of them holds, by name; "W_e" also if it is tied."""
        views, at = {}, 0
        for name, shape in self.shapes.items():
            views[name] = vector[at : at + int(np.prod(shape))].reshape(shape)
            at += views[name].size
        views.setdefault("W_e", views["atoms"])
        return views


class Pass:
    """Forward and backward pass over batches.

    Units lie along rows and points along columns, (m, n): so products with G are faster by a
    seventh in double precision. Where there is a loop, batches are cut into tiles whose states
    stay in the cache.

    Parameters
    ----------
    form : Form
    points : int
        In a batch, at most.
    vector : ndarray
        All tensors; what is in it at a call counts.
    gamma : float
        Step size of the loop.

    Attributes
    ----------
    gradient : ndarray
        Of the loss, as `vector` lies.
    parts : dict of ndarray
        The same, by name of the tensor.
    tile : int
        Points that `forward` takes at most.
    last : ndarray, shape (m, n)
        States of the last forward pass, of which its units are the ReLU.
    gamma : float
        May be set between calls.
    """

    def __init__(self, form, points, vector, gamma=0.1):
        dtype, m = vector.dtype, form.m
        self.form, self.gamma, self.dtype = form, gamma, dtype
        self.tensors = form.views(vector)
        self.tile = min(points, TILE) if form.loop else points
        self.gradient = np.zeros(form.size, dtype)
        self.piece = self.gradient if self.tile == points else np.zeros(form.size, dtype)
        self.parts, self.pieces = form.views(self.gradient), form.views(self.piece)
        count = self.tile * m
        self.rooms = {name: np.empty(count, dtype) for name in ("first", "states", "spare")}
        self.rooms |= {
            name: np.empty((form.loop + 1) * count, dtype) for name in ("units", "pulled")
        }
        self.missed = np.empty((self.tile, form.d), dtype)
        self.ones = np.ones(self.tile, dtype)
        self.G, self.by_G, self.product = (np.empty((m, m), dtype) for _ in range(3))
        self.eye = np.eye(m, dtype=dtype)

    def room(self, name, n):
        """The array of a name for n points, (m, n), or one for each step."""
        m, steps = self.form.m, self.form.loop + 1
        if name in ("units", "pulled"):
            return self.rooms[name][: steps * m * n].reshape(steps, m, n)
        return self.rooms[name][: m * n].reshape(m, n)

    def interact(self):
        """Take G of the tensors as they are, times the step size."""
        if self.form.learns:
            np.multiply(self.tensors["G"], self.gamma, out=self.G)
        elif self.form.loop:
            atoms = self.tensors["atoms"]
            np.matmul(atoms, atoms.T, out=self.G)
            self.G -= self.eye
            self.G *= self.gamma

    def forward(self, x):
        """Units (m, n) and what is missed (n, d) of a tile, overwritten by the next call.

        G is that of the last call of `interact`.
        """
        form, tensors, n = self.form, self.tensors, len(x)
        first, units = self.room("first", n), self.room("units", n)
        np.matmul(tensors["W_e"], x.T, out=first)
        kernels.rectify(first, tensors["b_e"], units[0])
        self.last = first
        if form.loop:
            self.settle(first, units)
        missed = self.missed[:n]
        np.matmul(units[-1].T, tensors["atoms"], out=missed)
        if form.biased:
            missed += tensors["b_d"]
        missed -= x
        return units[-1], missed

    def settle(self, first, units):
        """The inner loop from the first state on."""
        n, numbers = first.shape[1], self.numbers()
        taken, mu = self.room("spare", n), self.room("states", n)
        before = first
        for t in range(self.form.loop):
            np.matmul(self.G, units[t], out=taken)
            flat = (a.reshape(-1) for a in (before, first, taken))
            kernels.settle(*flat, numbers, mu.reshape(-1), units[t + 1].reshape(-1))
            before = mu
        self.last = mu

    def numbers(self):
        """What the kernels of the loop need of the step size."""
        return np.array([1 - self.gamma, self.gamma], self.dtype)

    def backward(self, x):
        """Fill `gradient` for a batch, the mean of its points; no terms of the tensors alone."""
        self.interact()
        if self.piece is not self.gradient:
            self.gradient[:] = 0
        for start in range(0, len(x), self.tile):
            self.backward_tile(x[start : start + self.tile])
            if self.piece is not self.gradient:
                self.gradient += self.piece
        self.gradient *= 1 / len(x)

    def backward_tile(self, x):
        """Fill `piece` for a tile, the sum over its points."""
        form, pieces, n = self.form, self.pieces, len(x)
        z, missed = self.forward(x)
        ones, atoms = self.ones[:n], self.tensors["atoms"]
        np.matmul(z, missed, out=pieces["atoms"])
        if form.biased:
            np.matmul(ones, missed, out=pieces["b_d"])
        pulled = self.room("pulled", n)[-1]
        np.matmul(atoms, missed.T, out=pulled)
        kernels.charge(pulled, z, self.costs())
        if form.weighted:
            self.by_norms(ones, z)
        if form.loop:
            pulled = self.pull(n)
        if form.tied:
            pieces["atoms"] += pulled @ x
        else:
            np.matmul(pulled, x, out=pieces["W_e"])
        np.matmul(pulled, ones, out=pieces["b_e"])

    def costs(self):
        """What an activation of 1 costs, (m,)."""
        if not self.form.weighted:
            return np.full(self.form.m, self.form.penalty, self.dtype)
        return self.dtype.type(self.form.penalty) * self.norms()

    def norms(self):
        """Norms of the atoms."""
        return row_norms(self.tensors["atoms"])

    def by_norms(self, ones, z):
        """Add the gradient of the costs by the atoms; at an atom of zeros it is taken as 0."""
        norms = self.norms()
        norms[norms == 0] = np.inf
        share = self.dtype.type(self.form.penalty) * (z @ ones) / norms
        self.pieces["atoms"] += share[:, None] * self.tensors["atoms"]

    def pull(self, n):
        """Back through the loop: the gradient by G, and that by the first state, returned."""
        form, numbers = self.form, self.numbers()
        taken, total = self.room("spare", n), self.room("states", n)
        units, pulled = self.room("units", n), self.room("pulled", n)
        total[:] = 0
        for t in range(form.loop - 1, -1, -1):
            np.matmul(self.G.T, pulled[t + 1], out=taken)
            flat = (a.reshape(-1) for a in (pulled[t + 1], taken, units[t]))
            kernels.pull(*flat, numbers, pulled[t].reshape(-1), total.reshape(-1))
        if form.interaction != "detached":
            self.pull_interaction(units, pulled)
        total *= self.gamma
        total += pulled[0]
        return total

    def pull_interaction(self, units, pulled):
        """The gradient by G, or through it by the atoms."""
        by_G = self.by_G
        by_G[:] = 0
        for after, z in zip(pulled[1:], units[:-1], strict=True):
            by_G += np.matmul(after, z.T, out=self.product)
        by_G *= -self.gamma
        if self.form.learns:
            self.pieces["G"][:] = by_G
            return
        self.pieces["atoms"] += (by_G + by_G.T) @ self.tensors["atoms"]
