"""Training, studies, experiments and the command line."""
