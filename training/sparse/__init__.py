"""Sparse coding: autoencoders with few active units, and how their norms are kept."""
