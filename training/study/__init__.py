"""Perturb-then-train studies: trials, the file that keeps them, what they show."""
