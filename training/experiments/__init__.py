"""Experiments: one file each, from a configuration to rows, figures and a verdict."""
