"""What somebody else made: files that are read within bounds."""
