"""What each node of an ONNX graph does to the numbers that come along; one row per operator."""

import math

import numpy as np

from geomcore.foreign.wording import quoted
from geomcore.interop.chain import LARGEST, Chain, Refused, batch_normalised, normalised
from geomcore.interop.onnx_graph import COUNT, DAMAGE

ROWS = -2  # in a new shape: as many as there are


class Walk:
    """A walk along the nodes, which appends what they do to a chain.

    Parameters
    ----------
    source : str or path-like
        As for `Chain`.
    shape : tuple of int
        Of the input; `onnx_graph.ANY` for a first axis of any length.
    rows : bool
        Whether the first axis counts rows, each of which is mapped by itself;
        else it is part of the one input, of length 1 if it may have any.
    opset : int

    Attributes
    ----------
    chain : Chain
    shape : tuple of int
        Of what has come, without the axis of the rows.
    """

    def __init__(self, source, shape, rows, opset):
        self.rows, self.opset = rows, opset
        self.count = shape[0] if rows else None
        self.shape = tuple(shape[1:]) if rows else tuple(n or 1 for n in shape)
        self.chain = Chain(source, self.size)

    @property
    def size(self):
        """How many numbers have come."""
        return math.prod(self.shape)

    @property
    def full(self):
        """The shape with the axis of the rows, 1 of them."""
        return (1, *self.shape) if self.rows else self.shape

    def take(self, step):
        """Append what one node does.

        Raises
        ------
        Refused
            If it cannot be represented, or does not fit.
        """
        if step.kind not in NODES:
            raise self.chain.refused(step.name)
        try:
            with np.errstate(all="ignore"):  # what is not finite is refused by the chain
                NODES[step.kind](self, step)
        except Refused:
            raise
        except DAMAGE as error:
            raise self.refused(step, f"does not fit: {error}") from None

    def refused(self, step, why="mixes rows"):
        """The error for a node that is followed, but not like this."""
        return self.chain.refused(step.name, why)

    def constants(self, step, least, most):
        """The inputs of a node, if there are so many and only the first comes along."""
        if not least <= len(step.constants) <= most or step.at != 0:
            raise self.refused(step, f"has other inputs than {least} to {most}")
        return [*step.constants[1:], *[None] * (most - len(step.constants))]

    def elementwise(self, step, a, c):
        """Append x -> a x + c, for arrays that are broadcast as NumPy does it."""
        shapes = [np.shape(a), np.shape(c)]
        shape = np.broadcast_shapes(*shapes, self.full)
        if math.prod(shape) != self.size or (self.rows and len(shape) > len(self.full)):
            raise self.refused(step, f"has constants {shapes} for numbers of shape {self.full}")
        a, c = (p if np.ndim(p) == 0 else np.broadcast_to(p, shape).reshape(-1) for p in (a, c))
        self.chain.scale(a, c, step.name)
        self.shape = shape[1:] if self.rows else shape

    def matmul(self, step, A, *, left):
        """Append x -> A x if `left`, x -> x A else, on the last two axes as NumPy does it."""
        shape = self.shape
        A = np.asarray(A)
        # Axes of length 1 before those of a matrix; they come before those of the result, too.
        extra = A.shape[:-2]
        if math.prod(extra) != 1 or (self.rows and len(extra) + 2 > max(len(self.full), 2)):
            raise self.refused(step, f"has weights {A.shape}")
        A = A.reshape(A.shape[-2:])
        vector = A.ndim == 1
        if not left:
            W = (A[:, None] if vector else A).T
            (*lead, n), tail = shape, ()
        elif self.rows and len(shape) < 2:
            raise self.refused(step)
        else:
            W = A[None] if vector else A
            (*lead, n), tail = (shape[:-1], shape[-1:]) if len(shape) > 1 else (shape, ())
        if W.shape[1] != n:
            raise self.refused(step, f"has weights {A.shape} for numbers of shape {self.full}")
        self._kron(step, math.prod(lead), W, math.prod(tail))
        ones = (1,) * (len(extra) - max(len(self.full) - 2, 0))
        self.shape = (*ones, *lead, *(() if vector else W.shape[:1]), *tail)

    def _kron(self, step, before, W, after):
        """Append the matrix that multiplies each of several parts by W."""
        if before * after > 1 and (before * after) ** 2 * W.size > LARGEST:
            raise self.refused(step, "would need a layer that is too large")
        W = np.asarray(W, dtype=np.float64)
        if before > 1 or after > 1:
            W = np.kron(np.kron(np.eye(before), W), np.eye(after))
        self.chain.affine(W, None, step.name)

    def reshape(self, step, sizes, *, copies=True):
        """Give the numbers another shape, in the same order."""
        any_count = ROWS if self.rows else 1
        sizes = [any_count if n == COUNT else int(n) for n in sizes]
        if copies:
            full = (ROWS, *self.shape) if self.rows else self.shape
            sizes = [full[i] if n == 0 else n for i, n in enumerate(sizes)]
        if self.rows:
            first, *sizes = sizes
            told = first == ROWS or (self.count and first == self.count)
            if not (told or (first == -1 and -1 not in sizes)):
                raise self.refused(step)
        if sizes.count(-1) > 1 or any(n < -1 for n in sizes):
            raise self.refused(step, f"has the shape {quoted(sizes)}")
        if -1 in sizes:
            known = math.prod(n for n in sizes if n != -1)
            sizes[sizes.index(-1)] = self.size // max(known, 1)
        if math.prod(sizes) != self.size:
            raise self.refused(step, f"has the shape {quoted(sizes)} for {self.size:,} numbers")
        self.shape = tuple(sizes)

    def permute(self, step, order):
        """Move axes, of which at most the order of those of length 1 may change."""
        full = self.full
        if sorted(order) != list(range(len(full))) or (self.rows and order[0] != 0):
            raise self.refused(step)
        moved = [i for i in order if full[i] != 1]
        if moved != sorted(moved):
            raise self.refused(step, "changes the order of numbers")
        shape = tuple(full[i] for i in order)
        self.shape = shape[1:] if self.rows else shape


def _add(walk, step):
    (c,) = walk.constants(step._replace(at=0, constants=_first(step)), 2, 2)
    walk.elementwise(step, 1.0, _real(c))


def _first(step):
    """The inputs of an operator that does not mind their order."""
    return step.constants if step.at == 0 else step.constants[::-1]


def _real(array):
    """Numbers in float64."""
    return np.asarray(array).astype(np.float64)


def _sub(walk, step):
    (c,) = walk.constants(step._replace(at=0, constants=_first(step)), 2, 2)
    sign = 1.0 if step.at == 0 else -1.0
    walk.elementwise(step, sign, -sign * _real(c))


def _mul(walk, step):
    (a,) = walk.constants(step._replace(at=0, constants=_first(step)), 2, 2)
    walk.elementwise(step, _real(a), 0.0)


def _div(walk, step):
    (a,) = walk.constants(step, 2, 2)
    walk.elementwise(step, normalised(0.0, _real(a))[0], 0.0)


def _neg(walk, step):
    walk.elementwise(step, -1.0, 0.0)


def _matmul(walk, step):
    (A,) = walk.constants(step._replace(at=0, constants=_first(step)), 2, 2)
    walk.matmul(step, A, left=step.at == 1)


def _gemm(walk, step):
    A, B, C = [*step.constants, None][:3]
    told = step.attributes.get
    if len(walk.full) != 2 or step.at > 1:
        raise walk.refused(step, f"takes numbers of shape {walk.full}")
    if told("transA" if step.at == 0 else "transB"):
        walk.permute(step, (1, 0))
    weights = B if step.at == 0 else A
    if np.ndim(weights) != 2:
        raise walk.refused(step, f"has weights {np.shape(weights)}")
    if told("transB" if step.at == 0 else "transA"):
        weights = weights.T
    walk.matmul(step, weights, left=step.at == 1)
    shift = 0.0 if C is None else told("beta", 1.0) * _real(C)
    walk.elementwise(step, told("alpha", 1.0), shift)


def _batch_normalization(walk, step):
    if step.attributes.get("training_mode"):
        raise walk.refused(step, "is in training")
    scale, bias, mean, variance = map(_real, walk.constants(step, 5, 5))
    shapes = {part.shape for part in (scale, bias, mean, variance)}
    if len(walk.full) < 2 or shapes != {walk.full[1:2]}:
        raise walk.refused(step, f"has numbers {shapes} for {walk.full}")
    epsilon = step.attributes.get("epsilon", 1e-5)
    # The second axis is that of the channels.
    after = (1,) * (len(walk.full) - 2)
    pair = batch_normalised(mean, variance, epsilon, scale, bias)
    a, c = (part.reshape(-1, *after) for part in pair)
    walk.elementwise(step, a, c)


def _relu(walk, step):
    walk.chain.relu(step.name)


def _nothing(walk, step):
    walk.constants(step, 1, 1)


def _dropout(walk, step):
    _, training = walk.constants(step, 1, 3)
    if training is not None and np.any(training):
        raise walk.refused(step, "is in training")


def _cast(walk, step):
    if step.attributes.get("to") not in (1, 11):  # FLOAT, DOUBLE
        raise walk.refused(step, "rounds to another type of numbers")


def _reshape(walk, step):
    (sizes,) = walk.constants(step, 2, 2)
    walk.reshape(step, sizes.reshape(-1), copies=not step.attributes.get("allowzero"))


def _flatten(walk, step):
    full = walk.full
    axis = step.attributes.get("axis", 1)
    axis += len(full) if axis < 0 else 0
    if not 0 <= axis <= len(full):
        raise walk.refused(step, f"has the axis {axis}")
    if walk.rows and (axis == 0 or math.prod(full[1:axis]) != 1):
        raise walk.refused(step)
    sizes = (math.prod(full[:axis]), math.prod(full[axis:]))
    walk.shape = sizes[1:] if walk.rows else sizes


def _squeeze(walk, step):
    axes = _axes(walk, step)
    full = walk.full
    if axes is None:
        # The number of rows may be 1, and then would go as well.
        if walk.rows:
            raise walk.refused(step)
        axes = {i for i, n in enumerate(full) if n == 1}
    axes = {a + len(full) if a < 0 else a for a in axes}
    if (walk.rows and 0 in axes) or any(a < 0 or full[a] != 1 for a in axes):
        raise walk.refused(step, f"takes away the axes {sorted(axes)} of {full}")
    shape = tuple(n for i, n in enumerate(full) if i not in axes)
    walk.shape = shape[1:] if walk.rows else shape


def _unsqueeze(walk, step):
    axes = _axes(walk, step)
    shape = np.expand_dims(np.broadcast_to(0, walk.full), tuple(axes)).shape
    rank = len(shape)
    if walk.rows and 0 in {a % rank for a in axes}:
        raise walk.refused(step)
    walk.shape = shape[1:] if walk.rows else shape


def _axes(walk, step):
    """The axes of a node, in an attribute or, since operator set 13, in an input."""
    (given,) = walk.constants(step, 1, 2)
    found = step.attributes.get("axes") if given is None else given.reshape(-1)
    return None if found is None else [int(a) for a in found]


def _transpose(walk, step):
    rank = len(walk.full)
    walk.permute(step, list(step.attributes.get("perm", range(rank)[::-1])))


def _head(walk, step):
    axis = step.attributes.get("axis", 1 if walk.opset < 13 else -1)
    rank = len(walk.full)
    if step.kind != "Sigmoid" and walk.rows and axis % rank == 0:
        raise walk.refused(step)
    walk.chain.head(step.kind, step.name)


# A new operator is one row.
NODES = {
    "Add": _add,
    "BatchNormalization": _batch_normalization,
    "Cast": _cast,
    "Div": _div,
    "Dropout": _dropout,
    "Flatten": _flatten,
    "Gemm": _gemm,
    "Identity": _nothing,
    "LogSoftmax": _head,
    "MatMul": _matmul,
    "Mul": _mul,
    "Neg": _neg,
    "Relu": _relu,
    "Reshape": _reshape,
    "Sigmoid": _head,
    "Softmax": _head,
    "Squeeze": _squeeze,
    "Sub": _sub,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
