"""The oldest versions that pyproject.toml promises, one a line, for `pip install --constraint`.

python tests/oldest.py > oldest.txt
"""

import re
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
LEAST = re.compile(r"([\w-]+)>=([\d.]+)")


def oldest(project):
    """The constraints of a project, sorted: each dependency at its lower bound.

    Parameters
    ----------
    project : dict
        The table of this name in pyproject.toml.

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        If a dependency has no lower bound or more than that, or two of them.

    Examples
    --------
    >>> oldest({"dependencies": ["scipy>=1.15", "numpy>=2.0"]})
    ['numpy==2.0', 'scipy==1.15']
    """
    extras = project.get("optional-dependencies", {}).values()
    found = {}
    for told in [*project["dependencies"], *(one for extra in extras for one in extra)]:
        match = LEAST.fullmatch(told)
        if match is None or found.setdefault(match[1], match[2]) != match[2]:
            raise ValueError(f"dependencies must have one lower bound each, got {told!r}")
    return sorted(f"{name}=={version}" for name, version in found.items())


if __name__ == "__main__":
    print("\n".join(oldest(tomllib.loads(PROJECT.read_text())["project"])))
