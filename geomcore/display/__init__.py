"""How objects show themselves: on a screen in a few lines, in a notebook with a small picture."""
