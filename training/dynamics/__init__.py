"""What training does to the geometry: truncation over time, its rates, neural collapse."""
