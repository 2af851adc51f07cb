"""Lanczos's method: eigenvalues at one end, with all their copies, and quadrature."""

import numpy as np

# Parameters up to which a matrix is written out where only its ends are asked for.
SMALL = 100
SAME = 1e-9  # eigenvalues nearer than this part of the largest one are equal


def outermost(found, k, which, start):
    """Eigenvalues and vectors at one end of the spectrum, the outermost first; are all there?

    Lanczos's method sees one copy of a repeated eigenvalue. So what it found is taken out, and it
    begins anew, until nothing is left that belongs to the k outermost.
    """
    from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

    k = min(k, found.count - 1)
    sign = 1.0 if which == "LA" else -1.0
    known, vectors = np.zeros(0), np.zeros((0, found.count))
    rng = np.random.default_rng(0)
    if not found.hessian_times(start).any() and not found.hessian_times(start[::-1].copy()).any():
        return np.zeros(k), np.eye(k, found.count), True
    for round_ in range(k + 1):
        far = 2 * sign * np.abs(known).max(initial=0)

        def rest(v, taken=vectors, far=far):
            inside = v - taken.T @ (taken @ v)
            out = found.hessian_times(inside)
            # what is taken out has an eigenvalue at the far side
            return out - taken.T @ (taken @ out) - taken.T @ (far * (taken @ v))

        operator = LinearOperator((found.count,) * 2, matvec=rest, dtype=float)
        begin = start if round_ == 0 else rng.standard_normal(found.count)
        begin = begin - vectors.T @ (vectors @ begin)
        try:
            more, new = eigsh(operator, k=k if round_ == 0 else 1, which=which, v0=begin)
        except ArpackError as error:
            more = getattr(error, "eigenvalues", np.zeros(0))
            new = getattr(error, "eigenvectors", np.zeros((found.count, 0)))
            if round_ == 0 and not len(more):
                raise ValueError(
                    "net must have a Hessian with eigenvalues that Lanczos's method finds, got "
                    f"{error}"
                ) from None
            return *_kept(known, vectors, more, new, k, sign), False
        if round_ and not sign * more[0] > sign * known[k - 1] + SAME * np.abs(known).max():
            return known, vectors, True
        known, vectors = _kept(known, vectors, more, new, k, sign)
    return known, vectors, True


def _kept(known, vectors, more, new, k, sign):
    """The k outermost of eigenvalues that are known and new ones."""
    values, rows = np.concatenate([known, more]), np.concatenate([vectors, new.T])
    order = np.argsort(-sign * values, kind="stable")[:k]
    return values[order], rows[order]


def ends_of(found, starts=None):
    """Smallest and largest eigenvalue, and their vectors (2, P): good starts for a network near."""
    if found.count <= SMALL:
        H = found.hessian_times(np.eye(found.count))
        values, vectors = np.linalg.eigh((H + H.T) / 2)
        return values[0], values[-1], vectors.T[[0, -1]]
    noise = np.random.default_rng(0).standard_normal((2, found.count)) / np.sqrt(found.count)
    # a start that is as symmetric as the network sees nothing else
    starts = noise if starts is None else starts + 0.3 * noise
    ends = [outermost(found, 1, which, v) for which, v in zip(("SA", "LA"), starts, strict=True)]
    return ends[0][0][0], ends[1][0][0], np.concatenate([end[1] for end in ends])


def quadrature(found, probes, steps, rng):
    """Nodes and weights, (probes, steps) each, by Lanczos's method from random vectors."""
    from scipy.linalg import eigh_tridiagonal

    nodes, shares = np.zeros((probes, steps)), np.zeros((probes, steps))
    for p in range(probes):
        basis = np.zeros((steps, found.count))
        diagonal, beside = np.zeros(steps), np.zeros(steps)
        v = rng.standard_normal(found.count)
        v /= np.linalg.norm(v)
        done = steps
        for j in range(steps):
            basis[j] = v
            w = found.hessian_times(v)
            diagonal[j] = v @ w
            for _ in range(2):  # orthogonal to all before, to rounding
                w -= basis[: j + 1].T @ (basis[: j + 1] @ w)
            beside[j] = np.linalg.norm(w)
            if beside[j] <= 1e-12 * np.abs(diagonal[: j + 1]).max():
                done = j + 1
                break
            v = w / beside[j]
        values, vectors = eigh_tridiagonal(diagonal[:done], beside[: done - 1])
        nodes[p, :done], shares[p, :done] = values, vectors[0] ** 2
        nodes[p, done:] = values[0]
    return nodes, shares
