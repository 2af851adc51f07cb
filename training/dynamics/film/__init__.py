"""Films of the data moving through the layers while a network is trained."""
