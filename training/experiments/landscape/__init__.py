"""What `geomcore landscape` looks at around a network, and the pictures of it."""
