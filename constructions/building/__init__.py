"""What theorems build with: collapse layers, drafts of hidden layers, whole networks."""
