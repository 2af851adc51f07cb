"""The pieces on which a network is affine, each with its gradient and its part of a polytope."""

from typing import NamedTuple

import numpy as np

from geomcore.mesa.zeros import zeros_in_regions
from geomcore.regions.line import line_pieces
from geomcore.regions.regions import linear_regions
from geomcore.regions.subdivision import steps_of


class Pieces(NamedTuple):
    """What is measured: the pieces of a network in a box, or points drawn from it.

    Attributes
    ----------
    norms : ndarray, shape (R,)
        Of the gradient; 0 where it is zero.
    is_zero : ndarray of bool, shape (R,)
        Whether it is zero within its rounding.
    sizes, inside, near : ndarray, shape (R,)
        How large each piece is, its part in the polytope, and that in the polytope with its
        boundary; in parts of the box.
    pairs : ndarray of int, shape (E, 2)
        Pieces with a common side.
    samples : int
        0 if this is all of the box, else the number of points.
    """

    norms: np.ndarray
    is_zero: np.ndarray
    sizes: np.ndarray
    inside: np.ndarray
    near: np.ndarray
    pairs: np.ndarray
    samples: int


def is_exact(net, d):
    """Whether the pieces can be had: of a piecewise linear network on a line or a plane."""
    if d > 2:
        return False
    try:
        steps_of(net)
    except ValueError:
        return False
    return True


def pieces_of(net, polytope, box, output, margin):
    """All pieces of a piecewise linear network in a box of the plane, or of the line."""
    faces = polytope.faces_on(box), polytope.grown(margin).faces_on(box)
    if len(box) == 1:
        return _on_the_line(net, faces, box, output)
    from geomcore.mesa.clipping import clipped_areas

    found = linear_regions(net, box)
    gradients = found.maps[:, output, :2]
    parts = [
        clipped_areas(found._local, found.starts, part) / 4 for part in (np.zeros((0, 3)), *faces)
    ]
    return _pieces(net, gradients, found.patterns, output, parts, found.neighbours())


def _on_the_line(net, faces, box, output):
    """The pieces in an interval."""
    (low, high), local = box[0], 2 * (found := line_pieces(net, *box.T)).t - 1
    parts = []
    for part in (np.zeros((0, 2)), *faces):
        a, b = local[:-1], local[1:]
        with np.errstate(over="ignore", divide="ignore"):
            ends = -part[:, 1] / part[:, 0]  # a slope that is 0 belongs to a face out of reach
        a = np.maximum(a, ends[part[:, 0] <= 0].max(initial=-1.0))
        b = np.minimum(b, ends[part[:, 0] > 0].min(initial=1.0))
        parts.append(np.maximum(b - a, 0) / 2)
    pairs = np.column_stack([np.arange(len(found) - 1), np.arange(1, len(found))])
    gradients = found.maps[:, output, :1] / (high - low)
    return _pieces(net, gradients, found.patterns, output, parts, pairs)


def _pieces(net, gradients, patterns, output, parts, pairs):
    is_zero = zeros_in_regions(net, gradients, patterns, output)
    return Pieces(np.where(is_zero, 0, norms_of(gradients)), is_zero, *parts, pairs, 0)


def norms_of(gradients):
    """Lengths of rows, whatever their size."""
    largest = np.abs(gradients).max(axis=1, keepdims=True)
    relative = gradients / np.where(largest > 0, largest, 1)
    return largest[:, 0] * np.linalg.norm(relative, axis=1)
