"""Loss and gradient of a sparse autoencoder on a batch, written out, into arrays made beforehand.

The dictionary lies as atoms, one row per unit, (m, d), so that tied weights are one array and
norms run along rows. All tensors are parts of one vector.
"""

from dataclasses import dataclass

import numpy as np

from training.sparse import kernels
from training.sparse.treatments import row_norms


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
    """Forward and backward pass over batches of at most so many points.

    Parameters
    ----------
    form : Form
    points : int
    vector : ndarray
        All tensors; what is in it at a call counts.

    Attributes
    ----------
    gradient : ndarray
        Of the loss, as `vector` lies.
    last : ndarray, shape (n, m)
        States of the last forward pass, of which its units are the ReLU.
    gamma : float
        Step size of the loop; may be set between calls.
    """

    def __init__(self, form, points, vector, gamma=0.1):
        dtype, m = vector.dtype, form.m
        self.form, self.gamma = form, gamma
        self.tensors = form.views(vector)
        self.gradient = np.zeros(form.size, dtype)
        self.parts = form.views(self.gradient)
        self.first = np.empty((points, m), dtype)
        self.states = np.empty((points, m), dtype)
        self.spare = np.empty((points, m), dtype)
        self.units = np.empty((form.loop + 1, points, m), dtype)
        self.pulled = np.empty((form.loop + 1, points, m), dtype)
        self.missed = np.empty((points, form.d), dtype)
        self.ones = np.ones((1, points), dtype)
        self.G = np.empty((m, m), dtype)
        self.by_G = np.empty((m, m), dtype)
        self.eye = np.eye(m, dtype=dtype)

    def interact(self):
        """G of the tensors as they are, times the step size."""
        if self.form.learns:
            np.multiply(self.tensors["G"], self.gamma, out=self.G)
            return
        atoms = self.tensors["atoms"]
        np.matmul(atoms, atoms.T, out=self.G)
        self.G -= self.eye
        self.G *= self.gamma

    def forward(self, x):
        """Units and what is missed of a batch, (n, m) and (n, d), overwritten by the next call."""
        form, tensors, n = self.form, self.tensors, len(x)
        first, z = self.first[:n], self.units[0, :n]
        np.matmul(x, tensors["W_e"].T, out=first)
        kernels.rectify(first, tensors["b_e"], z)
        self.last = first
        if form.loop:
            self.interact()
            z = self.settle(n)
        missed = self.missed[:n]
        np.matmul(z, tensors["atoms"], out=missed)
        if form.biased:
            missed += tensors["b_d"]
        missed -= x
        return z, missed

    def settle(self, n):
        """The inner loop from the first state on."""
        first, taken, mu = self.first[:n], self.spare[:n], self.states[:n]
        flat, numbers = [a.reshape(-1) for a in (first, taken, mu)], self.numbers()
        for t in range(self.form.loop):
            np.matmul(self.units[t, :n], self.G.T, out=taken)
            before = flat[0] if t == 0 else flat[2]
            z = self.units[t + 1, :n].reshape(-1)
            kernels.settle(before, flat[0], flat[1], numbers, flat[2], z)
        self.last = mu
        return self.units[self.form.loop, :n]

    def numbers(self):
        """What the kernels of the loop need of the step size."""
        return np.array([1 - self.gamma, self.gamma], self.gradient.dtype)

    def backward(self, x):
        """Fill `gradient` for a batch, the mean of its points; no terms of the tensors alone."""
        form, tensors, parts, n = self.form, self.tensors, self.parts, len(x)
        z, missed = self.forward(x)
        ones, atoms = self.ones[:, :n], tensors["atoms"]
        self.gradient[:] = 0
        np.matmul(z.T, missed, out=parts["atoms"])
        if form.biased:
            parts["b_d"][:] = (ones @ missed)[0]
        pulled = self.pulled[form.loop, :n]
        np.matmul(missed, atoms.T, out=pulled)
        kernels.charge(pulled, z, self.costs())
        if form.weighted:
            self.by_norms(ones, z)
        if form.loop:
            pulled = self.pull(n)
        if form.tied:
            parts["atoms"] += pulled.T @ x
        else:
            np.matmul(pulled.T, x, out=parts["W_e"])
        parts["b_e"][:] = (ones @ pulled)[0]
        self.gradient *= 1 / n

    def costs(self):
        """What an activation of 1 costs, (m,)."""
        if not self.form.weighted:
            return np.full(self.form.m, self.form.penalty, self.gradient.dtype)
        return self.gradient.dtype.type(self.form.penalty) * self.norms()

    def norms(self):
        """Norms of the atoms."""
        return row_norms(self.tensors["atoms"])

    def by_norms(self, ones, z):
        """Add the gradient of the costs by the atoms; at an atom of zeros it is taken as 0."""
        norms = self.norms()
        norms[norms == 0] = np.inf
        share = self.gradient.dtype.type(self.form.penalty) * (ones @ z)[0] / norms
        self.parts["atoms"] += share[:, None] * self.tensors["atoms"]

    def pull(self, n):
        """Back through the loop: the gradient by the first state and by G; all of `pulled`."""
        form, spare, total = self.form, self.spare[:n], self.states[:n]
        total[:] = 0
        numbers, taken, sums = self.numbers(), spare.reshape(-1), total.reshape(-1)
        for t in range(form.loop - 1, -1, -1):
            after, before = self.pulled[t + 1, :n], self.pulled[t, :n]
            np.matmul(after, self.G, out=spare)
            z = self.units[t, :n].reshape(-1)
            kernels.pull(after.reshape(-1), taken, z, numbers, before.reshape(-1), sums)
        if form.interaction != "detached":
            self.pull_interaction(n)
        total *= self.gamma
        total += self.pulled[0, :n]
        return total

    def pull_interaction(self, n):
        """The gradient by G, or through it by the atoms."""
        form, by_G = self.form, self.by_G
        if n == self.pulled.shape[1]:
            # One product over points and steps.
            after = self.pulled[1:].reshape(-1, form.m)
            np.matmul(after.T, self.units[:-1].reshape(-1, form.m), out=by_G)
        else:
            pairs = zip(self.pulled[1:, :n], self.units[:-1, :n], strict=True)
            by_G[:] = sum(after.T @ z for after, z in pairs)
        by_G *= -self.gamma
        if form.learns:
            self.parts["G"][:] = by_G
            return
        atoms = self.tensors["atoms"]
        self.parts["atoms"] += (by_G + by_G.T) @ atoms
