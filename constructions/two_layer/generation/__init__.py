"""Column generation: the neurons in use, and all that changes them."""
