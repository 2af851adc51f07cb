"""The one way in: what a foreign network is made of becomes affine layers and ReLUs in turn."""

import sys
import warnings

import numpy as np

from geomcore.foreign.wording import counted, one_line, quoted
from geomcore.network import ReLUNetwork

# Numbers of a matrix that is not in the file but made here: an identity, or a product.
LARGEST = 2**24
MOST = 2**25  # numbers of all matrices; one in a file may be that of many layers
LONGEST = 2**36  # multiplications until all affine maps in a row are one
OURS = ("geomcore.interop.", "geomcore.foreign.")  # whose calls no warning points at
SHOWN = 3  # names of folded layers in a note
HEADS = {"logistic": "sigmoid", "log_softmax": "log-softmax", "logsoftmax": "log-softmax"}


class Refused(ValueError):
    """A network that is no chain of affine maps and ReLUs, by the name of what is not."""


class Chain:
    """Affine layers and ReLUs, appended one after the other, and the network that they are.

    Affine maps that follow each other become one, in float64; a ReLU after a
    ReLU changes nothing and is left out.

    Parameters
    ----------
    source : str or path-like
        What holds the network, the first word of every sentence.
    width : int, optional
        How many numbers go in; else the first layer tells.

    Notes
    -----
    A map that waits for its ReLU is a pair W, b: a matrix and a vector, or, if it acts number by
    number, the diagonal of the matrix, which may be one number for all, and so may b.
    """

    def __init__(self, source, width=None):
        self._source, self._width = source, width
        self._weights, self._biases = [], []
        self._map, self._fresh = IDENTITY, True
        self._head, self._folded, self._notes = None, [], []
        self._size = self._work = 0

    @property
    def width(self):
        """How many numbers come out; None if that is not known yet."""
        return self._width

    def affine(self, W, b, name):
        """Append x -> W x + b, with W of shape (m, n) and b of shape (m,) or None for zeros.

        Parameters
        ----------
        W, b : array_like
        name : str
            What to call it in a sentence, such as ``"layer '3'"``.

        Raises
        ------
        Refused
            If it does not fit, something is not finite, or the end was there before.
        """
        W = self._numbers(W, name)
        b = np.zeros(W.shape[:1]) if b is None else self._numbers(b, name)
        if W.ndim != 2 or b.shape != W.shape[:1] or not W.size:
            raise self.refused(name, f"has weights {W.shape} and biases {b.shape}")
        if self._width not in (None, W.shape[1]):
            raise self.refused(name, f"takes {counted(W.shape[1], 'number')}, {self._width:,} come")
        self._append(W, b, name)
        self._width = W.shape[0]

    def scale(self, a, c, name):
        """Append x -> a x + c, number by number; a and c are numbers or vectors.

        Raises
        ------
        Refused
            As `affine`.
        """
        a, c = self._numbers(a, name), self._numbers(c, name)
        for part in (a, c):
            if part.ndim > 1 or (part.ndim and self._width not in (None, len(part))):
                raise self.refused(name, f"has {counted(part.size, 'number')} for {self._width:,}")
            if part.ndim:
                self._width = len(part)
        self._append(a, c, name)

    def relu(self, name):
        """Append a ReLU."""
        self._go_on(name)
        if not (self._fresh and self._weights):
            self._finish(name)
        self._map, self._fresh = IDENTITY, True

    def head(self, kind, name):
        """End with a map to probabilities, which is left off and noted.

        Parameters
        ----------
        kind : str
            "softmax", "log-softmax" or "sigmoid", as whatever library writes it.
        name : str
        """
        self._go_on(name)
        self._head = name
        kind = HEADS.get(kind.lower(), kind.lower())
        self.note(f"the {kind} at the end ({name}) is left off, outputs are logits")

    def note(self, text):
        """Have something told with the network."""
        self._notes.append(text)

    def network(self):
        """Return the network, and tell in one `UserWarning` what it is not literally.

        Returns
        -------
        ReLUNetwork
        """
        if self._fresh and self._weights:
            self.note("it ends in a ReLU, an identity comes after it")
        self._finish("the end")
        if self._folded:
            folded = list(dict.fromkeys(self._folded))
            more = f" and {len(folded) - SHOWN} more" if len(folded) > SHOWN else ""
            names = ", ".join(folded[:SHOWN]) + more
            self.note(f"affine maps in a row became one ({names}), rounding may differ")
        net = ReLUNetwork(self._weights, self._biases)
        if self._notes:
            told = f"{self._source}: {'; '.join(self._notes)}"
            warnings.warn(told, UserWarning, stacklevel=_outside())
        return net

    def refused(self, name, why="is neither an affine map nor a ReLU"):
        """The error that says which part of the network cannot be represented."""
        wanted = f"{self._source} must hold a chain of affine maps and ReLUs"
        return Refused(f"{wanted}, {name} {one_line(why, 160)}")

    def _numbers(self, value, name):
        self._go_on(name)
        value = np.asarray(value)
        # Small floats that NumPy itself does not have are of kind V.
        if value.dtype.kind not in "fiubV":
            raise self.refused(name, "does not hold real numbers")
        numbers = value.astype(np.float64)
        if not np.isfinite(numbers).all():
            raise self.refused(name, "does not hold finite real numbers")
        return numbers

    def _go_on(self, name):
        if self._head is not None:
            raise self.refused(self._head, f"is not at the end, {name} follows")

    def _append(self, W, b, name):
        """Compose a map with the one that waits."""
        old, _ = self._map
        if W.ndim == 2 and old.ndim == 2:
            made, given = W.shape[0] * old.shape[1], W.size + old.size
            if made > max(LARGEST, given):
                raise self.refused(name, f"and the map before it would be one of {made:,} numbers")
            self._work += W.size * old.shape[1]
            if self._work > LONGEST:
                raise self.refused(name, "and the maps before it would take long to become one")
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            self._map, exact = _composed((W, b), self._map)
        if not all(np.isfinite(part).all() for part in self._map):
            raise self.refused(name, "and the map before it overflow as one")
        if not exact:
            self._folded.append(name)
        self._fresh = False

    def _finish(self, name):
        """Put the map that waits into the network."""
        W, b = self._map
        if W.ndim < 2:
            if self._width is None:
                raise self.refused(name, "does not tell how many numbers go in")
            if self._width**2 > LARGEST:
                raise self.refused(name, f"would need an identity of width {self._width:,}")
            W = np.diag(np.broadcast_to(W, self._width))
            b = np.broadcast_to(b, self._width)
        self._size += W.size
        if self._size > MOST:
            raise self.refused(name, f"is beyond {MOST:,} numbers, the most that are taken")
        self._weights.append(W)
        self._biases.append(b)


IDENTITY = (np.array(1.0), np.array(0.0))


def layer(name, kind=None):
    """What to call a layer in a sentence.

    Examples
    --------
    >>> layer("conv1", "Conv2d")
    "layer 'conv1' (Conv2d)"
    """
    return f"layer {quoted(name)}" + (f" ({quoted(kind)[1:-1]})" if kind else "")


def normalised(mean, deviation):
    """The numbers a, c of x -> a x + c = (x - mean) / deviation; inf or nan if that is zero."""
    with np.errstate(all="ignore"):
        a = 1 / np.asarray(deviation, dtype=np.float64)
        return a, -a * mean


def batch_normalised(mean, variance, epsilon, weight=1.0, bias=0.0):
    """The numbers a, c of x -> a x + c that batch normalisation is in inference."""
    with np.errstate(all="ignore"):
        a, c = normalised(mean, np.sqrt(variance + epsilon))
        return weight * a, weight * c + bias


def _outside():
    """The level of the first caller who is neither of this room nor a decorator's, for warnings."""
    level, frame = 2, sys._getframe(2)
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(OURS):
        level, frame = level + 1, frame.f_back
    return level


def _composed(new, old):
    """The map `new` after the map `old`, and whether nothing was rounded."""
    (W, b), (V, c) = new, old
    if W.ndim < 2:
        products = W[..., None] * V if V.ndim == 2 else W * V
        shift = W * c
        exact = _exact_product(W[..., None] if V.ndim == 2 else W, V, products)
        exact = exact and _exact_product(W, c, shift) and _exact_sum(shift, b)
        return (products, shift + b), exact
    if V.ndim < 2:
        products = W * V
        shift = W @ np.broadcast_to(c, W.shape[1])
        return (products, shift + b), not c.any() and _exact_product(V, W, products)
    return (W @ V, W @ c + b), False


def _exact_product(a, W, product):
    """Whether a W was not rounded, for certain: a are powers of two, and nothing underflowed."""
    if (a == 1).all():
        return True
    return bool((np.abs(np.frexp(a)[0]) == 0.5).all() and (product / a == W).all())


def _exact_sum(b, c):
    """Whether b + c was not rounded (the error of a sum, by Knuth)."""
    total = b + c
    part = total - b
    return not ((b - (total - part)) + (c - part)).any()
