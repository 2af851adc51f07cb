"""Everything that proves: ball and rational arithmetic, cells, basins, certificates."""
