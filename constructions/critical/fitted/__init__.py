"""Equations of hidden layers and of the last weights that imply those of exact outputs."""
