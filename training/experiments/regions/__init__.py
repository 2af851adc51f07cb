"""What `geomcore regions` finds on a plane through the input space of a network."""
