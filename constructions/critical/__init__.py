"""Exact critical points next to stored ones: that they exist, and of what kind they are."""
