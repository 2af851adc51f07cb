"""The steps in compiled code: kernels, and the calls of them."""
