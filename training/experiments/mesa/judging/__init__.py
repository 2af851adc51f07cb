"""From the rows of an experiment to verdicts on claims."""
