"""What a settled network looks like: where it sits, how the loss bends, layers, regions."""
