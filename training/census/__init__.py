"""Where training ends: many networks of one shape, from random starts, and what they end at."""
