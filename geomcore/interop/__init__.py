"""Networks to and from files and other libraries."""

from geomcore.interop.archive import load, save

__all__ = ["load", "save"]
