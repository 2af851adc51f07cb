"""Minima with weight decay, and of cross-entropies: proved next to stored networks, or refuted."""
