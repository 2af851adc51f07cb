"""What the rows of derivatives span, and their ranks."""
