"""All figures of a survey, with what is said below them and to those who do not see them."""

from training.experiments.trained.plot_course import (
    figure_of_courses,
    figure_of_ladder,
    figure_of_noise,
)
from training.experiments.trained.plot_hyperplanes import figure_of_hyperplanes
from training.experiments.trained.plot_stages import (
    figure_of_cones,
    figure_of_outputs,
    figure_of_stages,
)
from training.experiments.trained.tables import NAMES
from training.experiments.trained.views import view

CAPTIONS = {
    "courses": "The loss of each start (black: the first one, of which pictures are drawn; grey: "
    "the others), and the rungs of the ladder.",
    "ladder": "What the hidden layers are on each rung: the median over starts, and a faint line "
    "for each. The condition is that of cumulative weights. Rank and relative defect are told in "
    "single precision, where singular values below {d} × 2⁻²³ of the largest one count as zero: a "
    "layer below full rank has no cone, and truncated data miss its output by the defect.",
    "noise": "Accuracy on held-out images with Gaussian noise on all pixels, mean over {draws} "
    "draws; bands reach from the least to the largest over starts. Dashed: guessing.",
    "outputs": "What the networks put out for the training images{how}. Crosses: the targets of "
    "squared error; logits of cross-entropy have none.",
    "stages": "{name}: the training images as the truncation maps of the layers leave them, in "
    "three projections. Each panel has limits of its own: mind the numbers at its axes. {full}",
    "cones": "{name}: base (star) and edges of each layer over the data that come into it, in the "
    "principal plane of these data; directions of edges are projected from unit length, so that "
    "an edge that runs across the plane is short{few}. {full}",
    "hyperplanes": "{name}: of each layer the hyperplanes in the space of the data that part the "
    "classes best; “pure to” is the least fraction of a class on the side of its majority. "
    "Image: the weights, coloured where positive, dark where negative, pale yellow at "
    "pixels that never vary. Below: truncated images before the layer by their signed distance, "
    "coloured where the unit is on, a line for each digit. {full}",
}
FULL = "All layers have full rank in double precision; the defect of each is beside it."
DEFICIENT = (
    "Layers {layers} are rank-deficient: they have no cone, what is drawn as edges are the vectors "
    "W⁺eᵢ, and truncated data are not what the network computes; the defect tells by how much."
)


def figures(found, *, draws):
    """Draw what was found.

    Parameters
    ----------
    found : Findings
    draws : int
        Of the noise, for the caption.

    Yields
    ------
    key, fig, caption, alt : str, matplotlib Figure, str, str
    """
    digits, d = found.digits, found.digits.X.shape[1]
    Q = len(digits.chosen)
    how = "" if Q <= 3 else ", in their principal components"
    words = {"d": d, "draws": draws, "how": how}
    last = {row["network"]: row for row in found.comparison if row["start"] == 0}
    ends = "; ".join(f"{NAMES[n]}: loss {row['loss']:.2g}" for n, row in last.items())
    drawn = {
        "courses": figure_of_courses,
        "ladder": figure_of_ladder,
        "outputs": figure_of_outputs,
        "noise": figure_of_noise,
    }
    for key, draw in drawn.items():
        yield key, draw(found), CAPTIONS[key].format(**words), ends
    for name in ("constructed", *found.losses):
        net = found.last(name)
        if net is None:
            continue
        seen = view(net, digits.X, found.layers_of(name), name=name)
        deficient = [str(row["layer"]) for row in seen.rows if not row["is_cone"]]
        words = {
            "name": NAMES[name][0].upper() + NAMES[name][1:],
            "full": DEFICIENT.format(layers=", ".join(deficient)) if deficient else FULL,
            "few": "; 64 of them are drawn" if d > 64 else "",
        }
        alt = "; ".join(
            f"layer {row['layer']}: rank {row['rank_double']} of {row['width']}, "
            f"defect {row['defect_double']:.1e}"
            for row in seen.rows
        )
        for key, fig in (
            ("stages", figure_of_stages(seen, digits.y)),
            ("cones", figure_of_cones(seen, digits.y)),
            ("hyperplanes", figure_of_hyperplanes(seen, digits)),
        ):
            yield f"{name}-{key}", fig, CAPTIONS[key].format(**words), alt
