"""The second derivative of a loss along the outputs of a network, in balls."""
