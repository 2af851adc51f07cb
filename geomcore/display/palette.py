"""One colour for each class, the same in every picture."""

# Okabe and Ito's palette, for the colour-blind, and two more colours that keep
# their distance from it.
COLORS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
    "#F0E442",
    "#999999",
    "#882255",
)
