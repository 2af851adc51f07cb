"""All figures of a mesa experiment, with what is said below them and to those who do not see."""

from training.experiments.judging.spread import means_over
from training.experiments.mesa import plot_flatness, plot_maps
from training.experiments.mesa.judging.columns import Columns
from training.experiments.mesa.tables import PLANE, name_of
from training.output.alt import listed

CAPTIONS = {
    "gradients": "Norms of the gradients at the test points inside the polytope, d = {d}, of all "
    "seeds in which the training of the model did not collapse: parts of the points, on an axis "
    "that is linear up to 5 %. The last bin holds all that is beyond.",
    "thresholds": "Flat test points inside the polytope, d = {d}, of the same seeds: {means}.",
    "weights": "Head weights of these seeds, d = {d}, with the sign that they are stored with (an "
    "Lp head uses their moduli): parts of all weights. The outer bins hold all that is beyond.",
    "masses": "The part of the polytope on which the norm of the gradient is below 1 against the "
    "sum of the moduli of negative head weights, d = {d}, a dot per run; the axis is linear up to "
    "0.01.",
    "dimensions": "The part of the polytope on which the norm of the gradient is below a tenth of "
    "its median in the exterior, by dimension: {means}. Models stand beside each other for "
    "legibility.",
    "regions": "Seed {seed}: the linear regions of each model by the norm of the gradient of the "
    "head output (at most {least:g} has one colour; p = 2 and learned p have no linear regions and "
    "are sampled), the decision boundary (black) and the polytope (dashed).",
    "profiles": "Seed {seed}: median and quartiles of the head output against the slack, the "
    "largest n·x - r over the faces (grey: inside). r: its correlation with the positive part of "
    "the slack, 1 for an output that is flat inside and grows like a distance.",
    "surfaces": "Seed {seed}: the head output before its ReLU over the plane; below it the "
    "polytope. Each panel has a scale of its own.",
}


def figures(found):
    """Draw what was found.

    Parameters
    ----------
    found : Found

    Yields
    ------
    key, fig, caption, alt : str, matplotlib Figure, str, str
    """
    d = PLANE if PLANE in found.dims else found.dims[0]
    seed = plot_maps.seed_shown(found)
    words = {"d": d, "seed": seed, "least": plot_maps.LEAST}
    words["means"] = means_over(found.seeds, "as strokes")
    drawn = {}
    if plot_flatness.shown_models(found, d):
        drawn |= {
            "gradients": lambda: plot_flatness.figure_of_gradients(found, d),
            "thresholds": lambda: plot_flatness.figure_of_thresholds(found, d),
            "weights": lambda: plot_flatness.figure_of_weights(found, d),
        }
    if plot_flatness.signed_models(found, d):
        drawn["masses"] = lambda: plot_flatness.figure_of_masses(found, d)
    if len(found.dims) > 1:
        drawn["dimensions"] = lambda: plot_flatness.figure_of_dimensions(found)
    if seed is not None and plot_maps.models_shown(found, seed):
        drawn["regions"] = lambda: plot_maps.figure_of_regions(found, seed)
        drawn["profiles"] = lambda: plot_maps.figure_of_profiles(found, seed)
        drawn["surfaces"] = lambda: plot_maps.figure_of_surfaces(found, seed)
    alt = _in_words(found, d)
    for key, draw in drawn.items():
        yield key, draw(), CAPTIONS[key].format(**words), f"{key}; {alt}"


def _in_words(found, d):
    """The flat parts that the figures show, model by model."""
    columns, told = Columns(found.rows, d), []
    for model in found.models:
        head, logit = (
            columns.values(f"{scalar}_area_1", model)[:, 0] for scalar in ("head", "logit")
        )
        if len(head):
            told.append(f"{name_of(model)} {head.mean():.0%}, of the logit {logit.mean():.0%}")
    return "flat part of the polytope, mean over seeds: " + (listed(told, between="; ") or "none")
