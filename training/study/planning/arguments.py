"""Checks of what a study is given."""

from collections.abc import Sequence
from numbers import Integral, Real

import numpy as np

from geomcore.arrays import as_count, is_finite
from geomcore.foreign.wording import counted
from geomcore.network import Network
from training.study.identity import short

# Their rows are held in memory at the end, a hundred bytes each.
MOST_TRIALS = 10**7


def as_references(net):
    """Networks by name, from one network or a dict of them."""
    references = net if isinstance(net, dict) else {"network": net}
    if not references or not all(
        isinstance(name, str) and name and isinstance(value, Network)
        for name, value in references.items()
    ):
        raise ValueError(
            f"net must be a Network, or a dict of networks by name, got {short(repr(net))}"
        )
    return dict(references)


def as_size(value, name):
    """A finite number, at least 0, as a float; or None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Real) or not _is_size(value):
        raise ValueError(f"{name} must be a finite number, at least 0, got {short(repr(value))}")
    return float(value)


def as_radii(radius, references):
    """The certified radius of each reference, or None."""
    given = radius if isinstance(radius, dict) else dict.fromkeys(references, radius)
    unknown = sorted(set(given) - set(references), key=str)
    if unknown:
        raise ValueError(
            f"certified_radius must name references among {list(references)}, got {unknown[0]!r}"
        )
    return {name: as_size(given.get(name), "certified_radius") for name in references}


def as_trials(trials, references, scales):
    """The number of trials as an int, at least 1; of all of them nobody could keep more."""
    trials = as_count(trials, "trials")
    if references * scales * trials > MOST_TRIALS:
        raise ValueError(
            f"trials must make at most {MOST_TRIALS:,} in all, {short(trials)} trials at "
            f"{counted(scales, 'scale')} of {counted(references, 'reference')} are more"
        )
    return trials


def as_seed(seed):
    """A non-negative whole number as an int."""
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise ValueError(f"seed must be a whole number, at least 0, got {short(repr(seed))}")
    return int(seed)


def as_scales(scales):
    """Return perturbation scales as a tuple of distinct finite floats, at least 0."""
    if isinstance(scales, np.ndarray):
        scales = scales.tolist()
    good = isinstance(scales, Sequence) and len(scales) > 0
    if not good or not all(_is_scale(s) for s in scales):
        raise ValueError(
            f"scales must be a list of finite numbers, at least 0, got {short(repr(scales))}"
        )
    # Not -0.0.
    found = tuple(float(s) + 0.0 for s in scales)
    if len(set(found)) < len(found):
        raise ValueError(f"scales must be distinct, got {short(repr(scales))}")
    return found


def _is_scale(value):
    real = isinstance(value, Real | np.floating) and not isinstance(value, bool)
    return real and _is_size(value)


def _is_size(value):
    return value >= 0 and is_finite(value)
