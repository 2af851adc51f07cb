"""Units that are on kinks at so many points that what they read there is held in a plane."""
