"""Straight lines in parameter space: exact slices, and barriers with proof."""
