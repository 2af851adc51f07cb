"""Flat regions inside polytopes: Lp heads against linear ones, and against constrained ones."""
