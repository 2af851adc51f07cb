"""The command `geomcore claims`."""
