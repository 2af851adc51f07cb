"""Networks built from data, and proofs about them."""
