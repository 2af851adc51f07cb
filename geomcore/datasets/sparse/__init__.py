"""Data for sparse coding: patches of photographs, and points that a known dictionary makes."""
