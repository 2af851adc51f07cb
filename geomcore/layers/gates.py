"""What stands between the matrix products of a wide ReLU network, each in one pass over a block.

NumPy needs five passes for it, a tenth of the time of two products of 256 columns.
"""

from geomcore.kernels import OUTER, cached_njit


@cached_njit(nogil=True, **OUTER)
def rectify(z, b):
    """Turn products z (N, m) into max(z + b, 0), in place."""
    zero = z.dtype.type(0)
    for p in range(len(z)):
        z_p = z[p]
        for i in range(len(b)):
            z_p[i] = max(z_p[i] + b[i], zero)


@cached_njit(nogil=True, **OUTER)
def gate(z, b, g):
    """Turn products z (N, m) into the gradient g (m,) where z + b > 0 and 0 elsewhere, in place."""
    zero = z.dtype.type(0)
    for p in range(len(z)):
        z_p = z[p]
        for i in range(len(b)):
            z_p[i] = g[i] if z_p[i] + b[i] > zero else zero


@cached_njit(nogil=True, **OUTER)
def mask(g, values):
    """Set the gradients g (N, m) to 0 where the values (N, m) are not positive, in place."""
    zero = g.dtype.type(0)
    for p in range(len(g)):
        g_p, value_p = g[p], values[p]
        for i in range(g.shape[1]):
            g_p[i] = g_p[i] if value_p[i] > zero else zero
