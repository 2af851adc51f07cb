"""Non-negative kernels: three worked examples, and networks at scale."""
