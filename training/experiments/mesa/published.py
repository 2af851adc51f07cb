"""The numbers of the two sources, each of one seed in the plane.

Both are of A. Oursland's notes on mesas: "Interior gradient comparison: Lp vs Linear" (A), and
"Non-negative weight constraints for mesa structure" (B).
"""

# Quantity, column of the rows, how it is written, and the numbers of Lp and of Linear.
HEADS = (
    ("accuracy on test points", "accuracy", "{:.1%}", 0.990, 0.992),
    ("mean gradient norm, interior", "head_interior", "{:.2f}", 6.07, 7.43),
    ("mean gradient norm, boundary", "head_boundary", "{:.2f}", 14.82, 9.14),
    ("mean gradient norm, exterior", "head_exterior", "{:.2f}", 17.80, 10.79),
    ("flat test points inside, norm below 1", "head_points_1", "{:.1%}", 32 / 101, 3 / 101),
    ("hidden units on, inside", "on_inside", "{:.1%}", 0.218, 0.338),
    ("hidden units on, outside", "on_outside", "{:.1%}", 0.404, 0.441),
    ("mean |w|, units on at the centre", "centre_weight_on", "{:.4f}", 0.0086, 0.6112),
    ("mean |w|, units off at the centre", "centre_weight_off", "{:.4f}", 1.5796, 0.7993),
    ("head weights with |w| < 0.01", "below_0.01", "{:.0f}", 4, 0),
    ("head weights with |w| < 0.1", "below_0.1", "{:.0f}", 5, 2),
    ("least |w|", "least_weight", "{:.4f}", 0.0005, 0.0234),
)

# Columns of the rows with their names, and how they are written.
PENALTIES = (
    ("accuracy", "accuracy", "{:.1%}"),
    ("final loss", "loss", "{:.4f}"),
    ("mean gradient norm inside", "head_interior", "{:.2f}"),
    ("flat < 1", "head_points_1", "{:.1%}"),
    ("w > 0 mean", "positive_mean", "{:.4f}"),
    ("w > 0 count", "positive", "{:.0f}"),
    ("w < 0 mean", "negative_mean", "{:.4f}"),
    ("w < 0 count", "negative", "{:.0f}"),
)
PENALISED = {
    "lp": (0.998, 0.0180, 7.84, 0.337, 2.2159, 28, -0.0041, 4),
    "linear": (0.998, 0.0162, 10.78, 0.000, 1.1656, 22, -0.4515, 10),
    "negative-0.1": (0.980, 0.0992, 3.95, 0.208, 0.6879, 23, -0.0443, 9),
    "negative-0.5": (0.982, 0.0942, 3.58, 0.277, 0.6272, 23, -0.0068, 9),
    "negative-1": (0.982, 0.0933, 3.47, 0.287, 0.5862, 23, -0.0029, 9),
}
