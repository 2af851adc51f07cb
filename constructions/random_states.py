"""What scikit-learn calls a random state, as a generator."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state

from geomcore.arrays import as_rng


def rng_of(random_state):
    """Return a `numpy.random.Generator` from a seed, a generator, a RandomState or None.

    Raises
    ------
    ValueError
        If it is anything else.

    Examples
    --------
    >>> bool(rng_of(3).integers(100) == np.random.default_rng(3).integers(100))
    True
    """
    if random_state is None or isinstance(random_state, Integral | np.random.Generator):
        return as_rng(random_state)
    return as_rng(check_random_state(random_state).randint(2**31))
