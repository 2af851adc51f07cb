"""Networks to and from files and other libraries, none of which is imported before it is needed.

A new format is one file beside these that makes a `Chain`, and one row in formats.py.
"""

from geomcore.interop.formats import load, save
from geomcore.interop.keras import from_keras
from geomcore.interop.nnet import from_nnet
from geomcore.interop.onnx import from_onnx, to_onnx
from geomcore.interop.sklearn import from_sklearn
from geomcore.interop.torch import from_torch, to_torch

__all__ = [
    "from_keras",
    "from_nnet",
    "from_onnx",
    "from_sklearn",
    "from_torch",
    "load",
    "save",
    "to_onnx",
    "to_torch",
]
