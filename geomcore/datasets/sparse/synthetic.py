"""Points that a known dictionary makes of sparse codes, to see whether it is found again."""

from __future__ import annotations

import numpy as np

from geomcore.arrays import as_count, as_number, as_rng
from geomcore.datasets.dataset import Dataset
from geomcore.foreign.keywords import answers_keywords
from geomcore.typing import Seed

SMALLEST, LARGEST = 0.5, 1.5  # of what is not 0 in a code


@answers_keywords
def sparse_synthetic(
    units: int = 32,
    d: int = 16,
    count: int = 5000,
    *,
    active: int = 3,
    noise: float = 0.0,
    rng: Seed = None,
) -> Dataset:
    r"""Draw points that are sparse non-negative combinations of unit vectors.

    .. math:: x = D z + \varepsilon, \qquad |D_i| = 1, \quad z \ge 0, \quad
              \varepsilon \sim N(0, \text{noise}^2 I)

    Parameters
    ----------
    units : int, optional
        Number of columns m of the dictionary, uniform on the sphere.
    d : int, optional
        Dimension.
    count : int, optional
        Number of points N.
    active : int, optional
        Entries of each code that are not 0: so many of the m, all sets of them equally likely,
        uniform from 0.5 to 1.5.
    noise : float, optional
        Standard deviation of each coordinate of what is added.
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    Dataset
        `y` (N, m) are the codes, as targets; ``info["dictionary"]`` (d, m), ``info["codes"]``,
        ``info["noise"]``.

    Raises
    ------
    ValueError
        If a number is out of range, or noise overflows.

    Examples
    --------
    >>> data = sparse_synthetic(6, 4, 100, active=2, rng=0)
    >>> data, np.allclose(data.X, data.info["codes"] @ data.info["dictionary"].T)
    (Dataset('sparse', N=100, d=4, targets=6), True)
    """
    units, d, count = as_count(units, "units"), as_count(d, "d"), as_count(count, "count")
    active, noise = as_count(active, "active"), as_number(noise, "noise", 0.0)
    rng = as_rng(rng)
    if active > units:
        raise ValueError(f"active must be at most units = {units}, got {active}")
    D = rng.standard_normal((d, units))
    D /= np.linalg.norm(D, axis=0)
    codes = np.zeros((count, units))
    # The first of a random order of the units; argpartition does not sort what is not looked at.
    chosen = np.argpartition(rng.random((count, units)), active - 1, axis=1)[:, :active]
    np.put_along_axis(codes, chosen, rng.uniform(SMALLEST, LARGEST, (count, active)), axis=1)
    with np.errstate(over="ignore"):
        X = codes @ D.T + noise * rng.standard_normal((count, d))
    if not np.isfinite(X).all():
        raise ValueError(f"noise must be so small that points are finite, got {noise:g}")
    return Dataset(X, codes, "sparse", {"dictionary": D, "codes": codes, "noise": noise})
