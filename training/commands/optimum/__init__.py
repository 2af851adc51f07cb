"""The command `geomcore optimum`."""
