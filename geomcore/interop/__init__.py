"""Networks to and from files and other libraries, none of which is imported before it is needed.

A new format is one file beside these that makes a `Chain`, and one row in formats.py.
"""

from geomcore.interop.formats import load, save
from geomcore.interop.nnet import from_nnet

__all__ = [
    "from_nnet",
    "load",
    "save",
]
