"""The commands of experiments over many networks, a file each."""
