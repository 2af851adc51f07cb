"""What several commands do for one data set: the case, where it came from, the page about it."""
