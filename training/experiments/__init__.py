"""Experiments: one file each, from a configuration to rows, a table and a verdict rule.

For an experiment NAME there are ``experiments/NAME.py``, which makes the rows,
puts them in words and says which of them cannot be right;
``experiments/plot_NAME.py``, whose `figures` yields key, figure, caption and what it shows;
``commands/NAME.py`` with the options, and ``commands/NAME.html`` for the page.
Nothing here knows of folders, screens and options.
"""
