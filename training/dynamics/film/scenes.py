"""What a film shows: truncated data, cones and ranks of every frame, in one plane."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from geomcore.arrays import (
    Labels,
    as_count,
    as_labels,
    as_points,
    as_rtol,
    check_network,
)
from geomcore.display.lines import told_in_brief
from geomcore.foreign.wording import quoted
from geomcore.network import ReLUNetwork
from geomcore.projection import Projection, fit_projection
from geomcore.threads import single_threaded_blas
from geomcore.truncation import step_defect, truncation_degree, truncation_steps
from training.dynamics.moments import as_list, as_moments

MOST_POINTS = 2000  # that are drawn; all are counted
MOST_LAYERS = 12
MOST_EDGES = 16  # of a cone that are drawn
TILT = np.radians(25)  # of the view on three coordinates, from their principal plane
# How far beyond the data the picture goes at most, in sizes of the data.
BEYOND = 1.5
NARROWEST = 0.7  # side of a picture relative to the other one
MOST = (1, 99)  # per cent of the points are in the picture, if they are not far away
SAME = 1e-6  # a class that is as small, in sizes of the data, is one point


@told_in_brief
class Scene(NamedTuple):
    """One frame, as it is drawn; L' layers are shown, k coordinates being 2.

    Attributes
    ----------
    step : int
    loss : float
    before, after : ndarray, shape (L', n, k)
        The truncated points before and after the layer.
    piled : ndarray of bool, shape (L', Q)
        Which classes of two points and more are one point after it.
    base : ndarray, shape (L', k)
        The points -W^+ b.
    edges : list of ndarray, shapes (m, k)
        The directions W^+ e_i, of length one before they are projected; None where the rows of W
        are dependent, as there is no cone.
    rank : ndarray of int, shape (L',)
    defect : ndarray, shape (L',)
    backward, mixed : ndarray, shape (L', Q)
        Fractions of each class, of all points; the rest is in the forward cone.
    """

    step: int
    loss: float
    before: np.ndarray
    after: np.ndarray
    piled: np.ndarray
    base: np.ndarray
    edges: list
    rank: np.ndarray
    defect: np.ndarray
    backward: np.ndarray
    mixed: np.ndarray


@dataclass(frozen=True, eq=False)
class Scenes:
    """All frames of a film, and what they share.

    Attributes
    ----------
    frames : list of Scene
    labels : Labels
        Of all points.
    index : ndarray of int, shape (n,)
        Classes of the points that are drawn.
    layers : ndarray of int, shape (L',)
        Numbers of the hidden layers that are shown, from 1.
    widths : tuple of int
        (d_0, ..., d_L).
    plane : Projection or None
        None for points of a line, which are drawn in a row for each class.
    given : bool
        Whether the plane was given.
    limits : ndarray, shape (2, 2)
        Of both coordinates, the same for all frames and layers.
    unit : float
        The power of ten that all coordinates are divided by.
    lost : int
        Frames that are left out, as something in them is larger than any float.
    """

    frames: list
    labels: Labels
    index: np.ndarray
    layers: np.ndarray
    widths: tuple
    plane: Projection | None
    given: bool
    limits: np.ndarray
    unit: float
    lost: int


def scenes_of(frames, X, y, *, layers=None, projection=None, rtol=None):
    """Compute what a film shows; the arguments are those of `training.film`.

    Returns
    -------
    Scenes
    """
    frames = as_moments(frames, "frames")
    X = as_points(X).astype(np.float64, copy=False)
    if not len(X):
        raise ValueError("X must hold at least one point, got none")
    labels, widths = as_labels(y, len(X)), _widths(frames, X)
    shown, plane = _layers(layers, len(widths) - 2), _plane(X, projection)
    as_rtol(rtol, (1, 1))
    few = _few(labels)
    scale = _unit(X)
    size = np.ptp(X, axis=0).max()
    found = []
    # What overflows is left out, and told; a second thread is waited for in vain.
    with single_threaded_blas(), np.errstate(over="ignore", invalid="ignore"):
        for frame in frames:
            scene = _scene(frame, X, labels, few, shown, plane, scale, SAME * size, rtol)
            if scene is not None:
                found.append(scene)
    if not found:
        raise ValueError(
            "frames must hold a network whose truncated data are finite, all of them overflow"
        )
    index = labels.index[few]
    return Scenes(
        frames=found,
        labels=labels,
        index=index,
        layers=shown,
        widths=widths,
        plane=plane,
        given=projection is not None,
        limits=_limits(found, _image(X[few], plane, index) / _units(plane, scale), index, plane),
        unit=scale,
        lost=len(frames) - len(found),
    )


def _widths(frames, X):
    """The widths that all networks have; ValueError if they differ or do not fit."""
    for i, frame in enumerate(frames):
        net = frame.network
        check_network(net, ReLUNetwork, f"frames[{i}].network")
        if i and net.widths != frames[0].network.widths:
            raise ValueError(
                f"frames must have networks of one shape, {frames[0].network.widths}, "
                f"got {net.widths} too"
            )
    widths = frames[0].network.widths
    as_points(X, d=widths[0])
    if len(widths) < 3:
        raise ValueError(f"frames must have networks with a hidden layer, got widths {widths}")
    return widths


def _layers(layers, count):
    """The numbers of the layers to be shown, from 1."""
    if layers is None:
        shown = np.linspace(1, count, min(count, MOST_LAYERS)).round().astype(int)
        return shown
    layers = as_list(layers, "layers", "numbers of hidden layers")
    numbers = sorted({as_count(l, "layers") for l in layers})
    if numbers[-1] > count or len(numbers) > MOST_LAYERS:
        raise ValueError(
            f"layers must be 1 to {MOST_LAYERS} numbers of hidden layers, from 1 to {count}, "
            f"got {quoted(layers)}"
        )
    return np.array(numbers)


def _plane(X, projection):
    """The map to the plane of the picture; None for points of a line."""
    d = X.shape[1]
    if projection is not None:
        if not isinstance(projection, Projection):
            raise ValueError(
                f"projection must be a Projection or None, got {type(projection).__name__}"
            )
        if projection.dim != 2 or len(projection.mean) != d:
            raise ValueError(
                f"projection must go from {d} coordinates to 2, "
                f"got one from {len(projection.mean)} to {projection.dim}"
            )
        return projection
    if d <= 2:
        return None if d < 2 else Projection(np.zeros(2), np.eye(2))
    if d > 3:
        return fit_projection(X)
    # The principal plane, seen from a little above, so that the third direction is seen too.
    space = fit_projection(X, 3)
    across, along, out = space.axes
    return Projection(space.mean, [across, np.cos(TILT) * along + np.sin(TILT) * out])


def _few(labels):
    """Numbers of the points that are drawn: of each class the same part, evenly."""
    N, Q = len(labels.index), len(labels.classes)
    if N <= MOST_POINTS:
        return np.arange(N)
    chosen = []
    for q in range(Q):
        own = np.flatnonzero(labels.index == q)
        count = max(1, len(own) * MOST_POINTS // N)
        chosen.append(own[np.linspace(0, len(own) - 1, count).round().astype(int)])
    return np.sort(np.concatenate(chosen))


def _unit(X):
    """A power of ten that brings the data to a size that axes can be labelled in; mostly 1."""
    size = np.abs(X).max()
    if size == 0 or 1e-4 < size < 1e6:
        return 1.0
    return float(10.0 ** np.floor(np.log10(size)))


def _units(plane, unit):
    """What both coordinates are divided by: rows of classes are no lengths."""
    return np.array([unit, 1.0 if plane is None else unit])


def _image(points, plane, rows):
    """Points in the plane, shape (..., 2); of a line with their rows as second coordinate."""
    if plane is None:
        return np.column_stack([points[:, 0], np.broadcast_to(rows, len(points))])
    return plane(points)


def _scene(frame, X, labels, few, shown, plane, unit, least, rtol):
    """One frame; None if something in it is larger than any float."""
    Q = len(labels.classes)
    index, units = labels.index[few], _units(plane, unit)
    before, parts = X, []
    try:
        for step in truncation_steps(frame.network, X, rtol=rtol):
            if step.layer > shown[-1]:
                break
            if step.layer in shown:
                if before.shape[1] < step.truncated.shape[1]:
                    more = step.truncated.shape[1] - before.shape[1]
                    before = np.hstack([before, np.zeros((len(before), more))])
                degree = truncation_degree(step.W, step.b, before, labels.index)
                base, edges = _cone(step, rtol)
                base = _image(base[None], plane, Q)[0] / units
                if edges is not None:
                    flat = edges[:, :1] if plane is None else edges[:, : X.shape[1]] @ plane.axes.T
                    edges = np.column_stack([flat, 0 * flat]) if plane is None else flat
                    longest = np.argsort(-np.linalg.norm(edges, axis=1), kind="stable")
                    edges = edges[np.sort(longest[:MOST_EDGES])]
                images = [_image(P[few], plane, index) / units for P in (before, step.truncated)]
                piled = [
                    (index == q).sum() > 1
                    and np.ptp(step.truncated[labels.index == q], axis=0).max() <= least
                    for q in range(Q)
                ]
                parts.append(
                    (*images, piled, base, edges, step.rank, step_defect(step).defect)
                    + (degree.backward, degree.mixed)
                )
            before = step.truncated
    except ValueError:  # of shapes that do not fit nothing is left by now
        return None
    before, after, piled, base, edges, *numbers = zip(*parts, strict=True)
    images = np.array(before), np.array(after)
    if not all(np.isfinite(np.concatenate(a)).all() for a in (images[0], images[1], [base])):
        return None
    return Scene(
        int(frame.step),
        float(frame.loss),
        *images,
        np.array(piled),
        np.array(base),
        list(edges),
        *map(np.array, numbers),
    )


def _cone(step, rtol):
    """Base point of a layer, and unit vectors along its edges if it has a cone."""
    exponent = int(np.frexp(np.abs(step.W).max())[1])
    W, b = np.ldexp(step.W, -exponent), np.ldexp(step.b, -exponent)
    pinv = np.linalg.pinv(W, rtol=as_rtol(rtol, W.shape))
    base = -(pinv @ b)
    if step.rank < len(W):
        return base, None
    edges = pinv.T / np.abs(pinv.T).max(axis=1, keepdims=True)
    return base, edges / np.linalg.norm(edges, axis=1, keepdims=True)


def _limits(found, data, index, plane):
    """Limits around the data, most of what becomes of them, and the base points, if not far away.

    A few points on their way to infinity would make all others small.
    """
    from geomcore.plot.style import limits_around

    k = 1 if plane is None else 2
    low, high = data[:, :k].min(axis=0), data[:, :k].max(axis=0)
    size = (high - low).max() or np.abs(data).max() or 1.0
    box = [low, high]
    for points in ([scene.after for scene in found], [scene.base for scene in found]):
        points = np.concatenate(points).reshape(-1, 2)[:, :k]
        near = ((points >= low - BEYOND * size) & (points <= high + BEYOND * size)).all(axis=1)
        if near.any():
            box += list(np.percentile(points[near], MOST, axis=0))
    box = limits_around(np.array(box))
    if plane is None:
        return np.vstack([box, [index.max() + 1.8, -0.7]])
    # Panels have room for their titles.
    lengths = np.ptp(box, axis=1)
    more = np.maximum(NARROWEST * lengths.max() - lengths, 0) / 2
    return box + np.column_stack([-more, more])
