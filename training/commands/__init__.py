"""The command line: one file per command, which `cli` registers by one line.

The file of a command holds one function. Its parameters are the options, its
docstring is the help, what it returns is the exit status. It notes what it was
given before anything else, for `training.output.start.started`, and imports
what it works with inside, so that help and usage errors come at once.
"""
