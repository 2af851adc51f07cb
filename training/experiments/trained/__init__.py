"""Networks trained on digits, seen through their geometry: claims E6 to E8, file by file."""
