"""The best two-layer network with weight decay: bounds on its loss, and how to find it."""
