"""Whether second derivatives are positive definite where heights at kinks do not change."""

import numpy as np

from constructions.critical.balls import as_balls, smallest_eigenvalue

STIFFNESS = (1e2, 1e4, 1.0, 1e6)  # what is added across {z_A = 0}, in units of the Hessian


def least_on_slice(H, Z, critical):
    """A lower bound of H on the kernel of Z within a slice, or -inf."""
    return least_on_kernel(as_balls(critical.T) @ H @ critical, Z @ critical)


def least_on_kernel(H, Z):
    """A lower bound of H on the kernel of Z, or -inf."""
    if len(Z):  # rows that are nearly orthonormal have the same kernel, and a better condition
        Z = np.linalg.inv(np.linalg.qr(Z.mid.T)[1]).T @ Z
    size = np.abs(H.mid).max(initial=0.0)
    for stiffness in STIFFNESS if len(Z) else (0.0,):
        least = smallest_eigenvalue(H + (Z.T @ Z) * (stiffness * size) if len(Z) else H)
        if least > 0:
            break
    return least
