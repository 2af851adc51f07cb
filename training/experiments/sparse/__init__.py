"""Sparse coding of patches and synthetic points: what norms, penalties and inner loops do."""
