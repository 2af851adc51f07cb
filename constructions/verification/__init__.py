"""What a stored network is: verdicts, and certificates that are checked anew."""
