"""Parts of the compiled steps that few runs need: compiled apart, only then, called by address.

Norms, wide layers, penalties and constraints would be half of what is compiled for all who use
none.
"""

import numba
import numpy as np

from geomcore.layers.chains import KIND, MODULI, NORM, M, N
from training.descent.compiled import layers, terms
from training.descent.compiled.addresses import CONSTRAINTS, LAYER, PENALTIES, address_of
from training.descent.compiled.passes import PARTS


def parts_for(chain, task, gradient):
    """The addresses that the kernel of the steps is given, 0 for what it does not need.

    Parameters
    ----------
    chain : ndarray
        See `geomcore.layers.chains`.
    task : Task
        See `training.descent.compiled.ensemble`.
    gradient : cfunc or None
        A pass of `training.descent.compiled.written` if there is one.
    """
    found = dict.fromkeys(PARTS, 0)
    if gradient is not None:
        found["gradient"] = gradient if numba.config.DISABLE_JIT else gradient.address
    for name, (kernel, signature) in _needed(chain, task).items():
        found[name] = address_of(kernel, signature)
    addresses = [found[name] for name in PARTS]
    return addresses if numba.config.DISABLE_JIT else np.array(addresses, dtype=np.int64)


def _needed(chain, task):
    """The kernels that are needed, with their signatures, by name."""
    kinds, found = chain[:, KIND], {}
    if ((kinds < NORM) & (chain[:, N] * chain[:, M] >= layers.WIDE)).any():
        found |= {"wide": (layers.wide, LAYER), "wide_back": (layers.wide_back, LAYER)}
    if (kinds >= NORM).any():
        found |= {"norms": (layers.norms, LAYER), "norms_back": (layers.norms_back, LAYER)}
    if (kinds == MODULI).any():
        found["moduli"] = layers.moduli, LAYER
    if len(task.penalties):
        found["penalize"] = terms.penalize, PENALTIES
    if len(task.constraints):
        found["project"] = terms.project, CONSTRAINTS
    return found
