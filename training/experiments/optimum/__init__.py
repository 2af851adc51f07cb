"""The best two-layer network with weight decay, its dual, and what training finds beside it."""
