"""What somebody else made: files that are read within bounds, and texts told in a few words."""
