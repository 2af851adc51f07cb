"""What theorems build with: collapse layers, chains of them, whole networks."""
