"""From numbers over seeds to verdicts on claims: what experiments share."""
