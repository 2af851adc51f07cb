"""Gradient descent: problems, losses, optimizers, stopping rules, and the two engines."""
