"""Directions in parameter space along which the loss is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geomcore.arrays import as_rng, check_network
from geomcore.display.lines import listed
from geomcore.foreign.choices import as_choice
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import quoted
from geomcore.network import Network
from geomcore.parameters import flatten
from geomcore.typing import Array, Seed

if TYPE_CHECKING:
    from training.typing import Scale

SCALES = ("filter", "layer", "tensor", "none")


@answers_keywords
def random_direction(net: Network, *, scale: Scale = "filter", rng: Seed = 0) -> Array:
    r"""A Gaussian direction, scaled like the parameters of a network.

    Networks that differ by the scale of their units have comparable slices along such directions
    only if the directions are scaled as the networks are [1]_.

    Parameters
    ----------
    net : Network
    scale : str
        "filter": every row of weights gets the norm of that row in `net`, and every entry of a bias
        its absolute value. "tensor": each tensor gets the norm of that tensor; "layer": all tensors
        of a layer together. "none": standard normal entries.
    rng : Generator or seed

    Returns
    -------
    ndarray, shape (P,)
        In the order of ``net.packed()``. Rows that are zero in `net` are zero.

    Raises
    ------
    ValueError
        If `scale` is another word.

    References
    ----------
    .. [1] H. Li, Z. Xu, G. Taylor, C. Studer, T. Goldstein, "Visualizing the loss landscape of
       neural nets", 2018, section 4. (They leave biases alone.)

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> net = ReLUNetwork([[[3.0, 4.0], [0.0, 0.0]]], [[-2.0, 0.0]])
    >>> v = random_direction(net)
    >>> float(np.hypot(*v[:2]).round(12)), v[2:4], np.abs(v[4:])
    (5.0, array([0., 0.]), array([2., 0.]))
    """
    check_network(net, Network)
    scale, rng = as_choice(scale, SCALES, "scale"), as_rng(rng)
    parts = [rng.standard_normal(tensor.shape) for tensor in net.tensors]
    return flatten(scaled_like(net, parts, scale))


def scaled_like(net, parts, scale):
    """Tensors with the norms that those of a network have."""
    if scale == "none":
        return list(parts)
    if scale == "layer":
        out, start = [], 0
        for layer in net.layers:
            mine = slice(start, start + len(layer.tensors))
            start = mine.stop
            ratio = _ratio(flatten(net.tensors[mine]), flatten(parts[mine])) if layer.tensors else 1
            out += [part * ratio for part in parts[mine]]
        return out
    axes = {"filter": lambda t: t.ndim - 1 if t.ndim > 1 else None, "tensor": lambda _: "all"}
    out = []
    for tensor, part in zip(net.tensors, parts, strict=True):
        axis = axes[scale](tensor)
        if axis == "all":
            out.append(part * _ratio(tensor.ravel(), part.ravel()))
        elif axis is None:
            out.append(np.sign(part) * np.abs(tensor))
        else:
            out.append(part * _ratio(tensor, part)[..., None])
    return out


def _ratio(wanted, given):
    """By what to multiply vectors along the last axis, so that they have other norms."""
    norms = []
    for v in (wanted, given):
        size = np.abs(v).max(axis=-1, keepdims=True, initial=0)
        size = np.where(size > 0, size, 1.0)
        norms.append(size[..., 0] * np.linalg.norm(v / size, axis=-1))
    return norms[0] / np.where(norms[1] > 0, norms[1], 1.0)


def as_direction(net, direction, name="direction"):
    """A vector of P finite numbers; ValueError if it is something else."""
    count = net.parameter_count
    wanted = f"{name} must be {count} finite numbers, one per parameter, got"
    if isinstance(direction, Network):
        if direction.widths != net.widths:
            raise ValueError(f"{name} must have widths {net.widths}, got {direction.widths}")
        direction = flatten(direction.tensors)
    try:
        v = np.asarray(direction, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{wanted} {quoted(direction)}") from None
    if v.shape != (count,):
        raise ValueError(f"{wanted} shape {v.shape}")
    if not np.isfinite(v).all():
        raise ValueError(f"{wanted} nan or inf")
    return v


def orthogonal(v, to):
    """What of a vector is orthogonal to another one, with the norm that it had."""
    sizes = [np.abs(u).max(initial=0) for u in (v, to)]
    if 0 in sizes:
        return v
    unit = to / sizes[1]
    unit = unit / np.linalg.norm(unit)
    out = start = v / sizes[0]
    for _ in range(2):  # to rounding
        out = out - unit * (unit @ out)
    length = np.linalg.norm(out)
    if length <= 1e-9 * np.linalg.norm(start):
        raise ValueError("directions must be two that are not parallel, got parallel ones")
    return out * (np.linalg.norm(start) / length) * sizes[0]


@dataclass(frozen=True, eq=False)
class TrajectoryPlane:
    """The plane that networks along a training run are nearest to; see `trajectory_plane`.

    Attributes
    ----------
    directions : ndarray, shape (2, P)
        Orthonormal.
    coordinates : ndarray, shape (R, 2)
        Of the networks in the plane; those of the centre are (0, 0).
    distances : ndarray, shape (R,)
        Of the networks from the plane.
    explained : ndarray, shape (2,)
        Part of the sum of squared distances from the centre that lies along each direction.
    """

    directions: Array
    coordinates: Array
    distances: Array
    explained: Array

    def __repr__(self):
        fields = {"networks": len(self.distances), "explained": self.explained.tolist()}
        return listed(self, {**fields, "farthest": float(self.distances.max())})


@answers_keywords
def trajectory_plane(networks: Sequence[Network], center: Network | None = None) -> TrajectoryPlane:
    r"""The plane through one network that is nearest to networks of a training run.

    Principal components of the differences from the centre (not from the mean, so that the centre
    lies in the plane), as in [1]_ section 7.

    Parameters
    ----------
    networks : sequence of Network
        Of one shape, in the order of the run; at least two that differ from the centre.
    center : Network, optional
        Default the last one.

    Returns
    -------
    TrajectoryPlane

    Raises
    ------
    ValueError
        If there are fewer than two different networks besides, or shapes differ.

    References
    ----------
    .. [1] H. Li et al., "Visualizing the loss landscape of neural nets", 2018.

    Examples
    --------
    >>> from geomcore import ReLUNetwork
    >>> nets = [ReLUNetwork([[[w]]], [[b]]) for w, b in ((4.0, 0.0), (2.0, 1.0), (0.0, 0.0))]
    >>> plane = trajectory_plane(nets)
    >>> float(plane.explained.sum().round(12)), plane.distances.round(12)
    (1.0, array([0., 0., 0.]))
    """
    try:
        networks = list(networks)
    except TypeError:
        raise ValueError(
            f"networks must be a sequence of networks, got {quoted(networks)}"
        ) from None
    center = networks[-1] if center is None and networks else center
    check_network(center, Network, name="center" if networks else "networks")
    for k, net in enumerate(networks):
        check_network(net, Network, name=f"networks[{k}]")
        if net.widths != center.widths:
            raise ValueError(f"networks[{k}] must have widths {center.widths}, got {net.widths}")
    moved = np.array([flatten(net.tensors) for net in networks]) - flatten(center.tensors)
    size = np.abs(moved).max(initial=0) or 1.0
    _, sizes, rows = np.linalg.svd(moved / size, full_matrices=False)
    if len(sizes) < 2 or not sizes[1] > 1e-12 * sizes[0]:
        raise ValueError(
            "networks must span a plane: two that differ from the centre in different directions, "
            f"got {len(networks)} on one line"
        )
    directions = rows[:2]
    coordinates = moved @ directions.T
    rest = moved - coordinates @ directions
    return TrajectoryPlane(
        directions=directions,
        coordinates=coordinates,
        distances=np.linalg.norm(rest, axis=1),
        explained=sizes[:2] ** 2 / (sizes**2).sum(),
    )


def _are_apart(a, b):
    largest = [np.abs(u).max(initial=0) for u in (a, b)]
    if 0 in largest:
        return False
    # squares would overflow, or underflow
    a, b = (u / size for u, size in zip((a, b), largest, strict=True))
    return abs(a @ b) < (1 - 1e-9) * np.linalg.norm(a) * np.linalg.norm(b)


def named_directions(net, directions, scale, rng):
    """Two directions, orthogonal, of which those that are not given are random."""
    if directions is None:
        # a network of a few parameters may leave no room for two directions of its own scale
        for kind in (scale, "none"):
            parts = [[rng.standard_normal(t.shape) for t in net.tensors] for _ in range(2)]
            first, second = (flatten(scaled_like(net, part, kind)) for part in parts)
            if _are_apart(first, second):
                break
    else:
        try:
            first, second = directions
        except (TypeError, ValueError):
            raise ValueError(
                f"directions must be two vectors of {net.parameter_count} numbers, got "
                f"{quoted(directions)}"
            ) from None
        first = as_direction(net, first, "directions[0]")
        second = as_direction(net, second, "directions[1]")
    return first, orthogonal(second, first)
