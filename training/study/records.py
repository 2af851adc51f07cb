"""What the rows of a study file say: who wrote them, when, with which libraries."""

import json
import platform
import time
import warnings
from importlib.metadata import PackageNotFoundError, version

from threadpoolctl import threadpool_info

from training.study.identity import as_json

# Versions of what may change a number in the last bit.
LIBRARIES = ("geomcore", "numpy", "numba")


def check_versions(path, stored, session):
    """Warn if the libraries of a new session are not those of the last one."""
    now = {"python": session[1], **json.loads(session[3])}
    changed = [
        f"{name} {stored.get(name)} -> {now[name]}" for name in now if stored.get(name) != now[name]
    ]
    if changed:
        warnings.warn(
            f"{path} was written with other versions ({', '.join(changed)}): the trials to come "
            "may differ from those of an uninterrupted run in the last digits",
            stacklevel=5,
        )


def new_session():
    """The row of a writer that begins now: time, Python, machine, versions as JSON."""
    return (
        time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        platform.python_version(),
        platform.platform(),
        as_json({**{name: _version(name) for name in LIBRARIES}, "BLAS": _blas()}),
    )


def _blas():
    """What multiplies matrices here, and for which processor."""
    parts = ("internal_api", "version", "architecture")
    found = [info for info in threadpool_info() if info["user_api"] == "blas"]
    # SciPy may bring another one.
    found.sort(key=lambda info: "numpy" not in info["filepath"])
    return " ".join(str(info[part]) for info in found[:1] for part in parts if info.get(part))


def _version(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return None
