r"""How much of a receptive field a Gabor function explains, for many fields at a time.

.. math:: e^{-x^2 / 2 \sigma_x^2 - y^2 / 2 \sigma_y^2} (a \cos 2 \pi f x + b \sin 2 \pi f x)

with x, y the coordinates of a pixel in a frame at (row, column) turned by an angle. Starts are the
best of a grid of some thousand Gabor functions; a batched Levenberg-Marquardt method goes on.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from geomcore.arrays import as_array, as_count, as_rng
from geomcore.display.lines import told_in_brief

NARROWEST = 0.6  # smallest sigma, in pixels: less is a single pixel, which fits anything
FASTEST = 0.5  # cycles per pixel
SLOWEST = 0.05
MOST_STEPS = 40
ENOUGH = 1e-5  # of the square of the field, gained in a step
LEAST = 1e-6  # damping, that keeps equations of fewer pixels than parameters solvable
CHUNK = 512  # fits at a time
ANGLES, FREQUENCIES, WIDTHS, STRETCHES = 8, (0.1, 0.2, 0.3, 0.42), (1.0, 1.7, 2.8), (1.0, 1.8)
EVERY = 1.5  # pixels between centres


@told_in_brief
class GaborFits(NamedTuple):
    """The best Gabor function found for each field.

    Attributes
    ----------
    r2 : ndarray, shape (m,)
        Part of the sum of squares that it explains; nan for a field of zeros.
    parameters : ndarray, shape (m, 8)
        row, column, angle, log sigma_x, log sigma_y, f, a, b; of fields scaled to norm 1.
    """

    r2: np.ndarray
    parameters: np.ndarray


def gabor_fits(fields, shape, *, starts=2):
    """Fit a Gabor function to each field by least squares.

    Parameters
    ----------
    fields : array_like, shape (m, h * w)
        Pixels row by row.
    shape : (int, int)
        h, w.
    starts : int, optional
        How many of the best functions of the grid are gone on from.

    Returns
    -------
    GaborFits

    Raises
    ------
    ValueError
        If a row has another number of pixels.

    Notes
    -----
    Bounds: sigma from 0.6 pixels to the size of the field, f from 0.05 to 0.5 cycles per pixel, the
    centre within the field. An optimum that is no start's nearest one is missed, so that `r2` is a
    lower bound of the best one.
    """
    fields, shape = as_array(fields, "fields", 2), tuple(as_count(n, "shape") for n in shape)
    starts = as_count(starts, "starts")
    if fields.shape[1] != shape[0] * shape[1]:
        raise ValueError(
            f"fields must have {shape[0]} x {shape[1]} columns, got shape {fields.shape}"
        )
    r2, parameters = np.full(len(fields), np.nan), np.full((len(fields), 8), np.nan)
    exponents = np.frexp(np.abs(fields).max(axis=1, initial=0.0))[1]
    F = np.ldexp(fields, -exponents[:, None])
    norms = np.linalg.norm(F, axis=1)
    own = np.flatnonzero(norms > 0)
    F = F[own] / norms[own, None]
    first = _starts(F, shape, starts)
    starts = first.shape[1]
    step = max(1, CHUNK // starts)
    for k in range(0, len(own), step):
        part = slice(k, k + step)
        p = first[part].reshape(-1, 8)
        p, loss = _descended(p, np.repeat(F[part], starts, axis=0), shape)
        loss = loss.reshape(-1, starts)
        best = loss.argmin(axis=1)
        rows = np.arange(len(best))
        r2[own[part]] = 1 - loss[rows, best]
        parameters[own[part]] = p.reshape(-1, starts, 8)[rows, best]
    return GaborFits(r2, parameters)


def gabor(parameters, shape):
    """Gabor functions, (m, 8) to (m, h * w)."""
    return _values(np.asarray(parameters, dtype=float), shape)[0]


def phase_randomised(fields, shape, *, rng=None):
    """Fields with the same amplitudes of all frequencies, and random phases.

    Parameters
    ----------
    fields : array_like, shape (m, h * w)
    shape : (int, int)
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    ndarray, shape (m, h * w)

    Notes
    -----
    The phases are those of white noise, so that the fields are real; the field counts as periodic.
    """
    fields, rng = as_array(fields, "fields", 2), as_rng(rng)
    images = fields.reshape(-1, *shape)
    noise = np.fft.rfft2(rng.standard_normal(images.shape))
    # The two-dimensional frequency 0 has a sign instead of a phase; of noise it is never 0.
    turned = np.abs(np.fft.rfft2(images)) * noise / np.abs(noise)
    return np.fft.irfft2(turned, shape).reshape(fields.shape)


def random_combinations(X, count, *, rng=None):
    """Random linear combinations of the points X (N, d), shape (count, d)."""
    X, rng = as_array(X, "X", 2), as_rng(rng)
    return rng.standard_normal((as_count(count, "count"), len(X))) @ X / np.sqrt(max(len(X), 1))


@cache
def _pixels(shape):
    return [axis.ravel().astype(float) for axis in np.mgrid[: shape[0], : shape[1]]]


def _values(p, shape):
    """Values (m, n) of Gabor functions and what derivatives are made of."""
    row, column, angle, wide, long, f, a, b = np.asarray(p).T[:, :, None]
    i, j = _pixels(shape)
    c, s = np.cos(angle), np.sin(angle)
    x = (i - row) * c + (j - column) * s
    y = (j - column) * c - (i - row) * s
    u, v = x * np.exp(-wide), y * np.exp(-long)
    bell = np.exp(-(u**2 + v**2) / 2)
    cos, sin = bell * np.cos(2 * np.pi * f * x), bell * np.sin(2 * np.pi * f * x)
    return a * cos + b * sin, (c, s, x, y, u, v, cos, sin)


def _jacobian(p, shape):
    """Values (m, n) and derivatives (m, n, 8)."""
    g, (c, s, x, y, u, v, cos, sin) = _values(p, shape)
    wide, long, f, a, b = np.asarray(p).T[3:, :, None]
    turned = b * cos - a * sin
    by_x = 2 * np.pi * f * turned - u * np.exp(-wide) * g
    by_y = -v * np.exp(-long) * g
    parts = (
        s * by_y - c * by_x,
        -s * by_x - c * by_y,
        y * by_x - x * by_y,
        u**2 * g,
        v**2 * g,
        2 * np.pi * x * turned,
        cos,
        sin,
    )
    return g, np.stack(parts, axis=-1)


def _descended(p, F, shape):
    """Levenberg-Marquardt from each row of p, all at a time; parameters and sums of squares."""
    low, high = _bounds(shape)
    damping = np.full(len(p), 1e-2)
    g, J = _jacobian(p, shape)
    loss = ((F - g) ** 2).sum(axis=1)
    open_ = np.arange(len(p))
    for _ in range(MOST_STEPS):
        rest, A = F[open_] - g, J.transpose(0, 2, 1) @ J
        scale = np.einsum("mkk->mk", A)
        d = damping[open_, None] * np.maximum(scale, 1e-6)
        A[:, range(8), range(8)] += d
        slope = (rest[:, None, :] @ J)[:, 0]
        moved = np.clip(p[open_] + np.linalg.solve(A, slope[..., None])[..., 0], low, high)
        new = ((F[open_] - _values(moved, shape)[0]) ** 2).sum(axis=1)
        is_less = new < loss[open_]
        gained = loss[open_] - new
        p[open_[is_less]], loss[open_[is_less]] = moved[is_less], new[is_less]
        damping[open_] = np.where(
            is_less, np.maximum(damping[open_] / 4, LEAST), damping[open_] * 6
        )
        is_open = np.where(is_less, gained > ENOUGH, damping[open_] < 1e4)
        open_ = open_[is_open]
        if not len(open_):
            break
        g, J = _jacobian(p[open_], shape)
    return p, loss


def _bounds(shape):
    h, w = shape
    most = np.log(max(h, w, 2 * NARROWEST))
    low = [0, 0, -np.inf, np.log(NARROWEST), np.log(NARROWEST), SLOWEST, -np.inf, -np.inf]
    high = [h - 1, w - 1, np.inf, most, most, FASTEST, np.inf, np.inf]
    return np.array(low), np.array(high)


@cache
def _grid(shape):
    """The functions that are tried first: parameters (k, 8), and an orthonormal pair (k, n) each.

    The pairs span the functions of all phases; where they are one, as at f = 0, the second is 0.
    """
    rows = np.arange((shape[0] - 1) % EVERY / 2, shape[0], EVERY)
    columns = np.arange((shape[1] - 1) % EVERY / 2, shape[1], EVERY)
    angles = np.arange(ANGLES) * np.pi / ANGLES
    axes = (rows, columns, angles, WIDTHS, STRETCHES, FREQUENCIES)
    p = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 6)
    wide, long = np.log(p[:, 3]), np.log(p[:, 3] * p[:, 4])
    p = np.column_stack([p[:, :3], wide, long, p[:, 5], np.ones(len(p)), np.zeros(len(p))])
    *_, cos, sin = _values(p, shape)[1]
    first = cos / np.maximum(np.linalg.norm(cos, axis=1, keepdims=True), 1e-300)
    second = sin - (sin * first).sum(axis=1, keepdims=True) * first
    length = np.linalg.norm(second, axis=1, keepdims=True)
    second = np.where(length > 1e-6, second / np.maximum(length, 1e-300), 0)
    return p, first, second


def _starts(F, shape, starts):
    """The `starts` functions of the grid that explain most of each field, (m, starts, 8)."""
    p, first, second = _grid(shape)
    missed = -((F @ first.T) ** 2) - (F @ second.T) ** 2
    starts = min(starts, len(p))
    chosen = np.argpartition(missed, starts - 1, axis=1)[:, :starts]
    found = p[chosen]
    for k in range(starts):
        *_, cos, sin = _values(found[:, k], shape)[1]
        found[:, k, 6:] = _amplitudes(cos, sin, F)
    return found


def _amplitudes(C, S, F):
    """a, b of the least squares a C + b S = F, row by row."""
    cc, ss, cs = (C * C).sum(axis=1), (S * S).sum(axis=1), (C * S).sum(axis=1)
    fc, fs = (F * C).sum(axis=1), (F * S).sum(axis=1)
    determinant = cc * ss - cs**2
    is_pair = determinant > 1e-9 * cc * ss
    safe = np.where(is_pair, determinant, 1.0)
    a = np.where(is_pair, (fc * ss - fs * cs) / safe, fc / np.maximum(cc, 1e-300))
    b = np.where(is_pair, (fs * cc - fc * cs) / safe, 0.0)
    return np.column_stack([a, b])
