"""What a certificate says, as lines for a reader."""

from constructions.verdicts import NEXT, SQUARED, cost, told
from geomcore.foreign.wording import printable, rounded, told_apart


def lines_of(found):
    """What a certificate says, line by line; the checks last."""
    most = rounded(found.loss_bound, up=True)
    relation = "for" if found.verdict in ("not stationary", "undetermined") else "of"
    lines = [
        f"verdict            {found.verdict}"
        + (" (proved)" if found.proved else "")
        + (f" in {', '.join(map(printable, found.subset))} alone" if found.subset else "")
        + f" {relation} the {cost(found.loss_name, found.one_hot, found.weight_decay)}",
        "                   (nothing is said of another loss"
        + (", such as cross-entropy)" if found.loss_name in SQUARED else ")"),
        f"loss               {_losses(found)}",
        f"exact loss         at most {most}, of the network as stored",
        f"accuracy           {found.accuracy:.2%} of {found.points} points",
        f"gradient norm      {found.gradient_norm:.3g}"
        + (" as stored; with units on kinks held there it is 0" if found.kinks else ""),
        f"activation margin  {found.activation_margin:.3g} relative to the layer's norm",
    ]
    if found.distance is not None and found.critical is not None:
        lines.append(f"exact point        at most {found.distance:.3g} away")
    if found.slack:
        which = "near by" if found.verdict != "global minimum" else "at all"
        which = "of one hidden layer, of any width," if found.weight_decay else which
        slack = rounded(found.slack, up=True)
        lines.append(f"slack              {slack}: none {which} is lower by more than that")
    elif found.weight_decay and found.lower_bound > 0 and len(found.widths) == 3:
        lines.append(
            f"of any width       none is below {rounded(found.lower_bound, down=True)}, so this "
            f"one is above the best by {rounded(found.gap, up=True)} at most"
        )
    if found.critical is not None and found.critical["rank_error"]:
        lines.append(
            f"generic rank       {found.critical['rank']}, with an error probability of at most "
            f"{found.critical['rank_error']:.1g}"
        )
    for kink in found.kinks[:5]:
        lines.append(
            f"on a kink          layer {kink.layer}, unit {kink.unit} at point {kink.point}: "
            + (
                f"0 < {' < '.join(told_apart(kink.multiplier, kink.rise))}"
                if kink.holds
                else kink.falls
            )
        )
    if len(found.kinks) > 5:
        lines.append(f"                   and {len(found.kinks) - 5} more")
    if found.radius is not None:
        lines.append(f"cell radius        {found.radius:.3g}: no activation flips within")
    if found.basin is not None:
        lines.append(
            f"basin of return    {found.basin['radius']:.3g}, rate {found.basin['rate']:.3g}"
        )
    if found.descent is not None:
        radius, rate, most = (found.descent[key] for key in ("radius", "rate", "curvature"))
        lines.append(
            f"basin of descent   {radius:.3g} with steps of {found.step:.4g}, each of which takes "
            f"{rate:.3g} of the loss or more; L is at most {rounded(most, up=True)}"
        )
    elif found.step is not None:
        lines.append(f"basin of descent   none is proved with steps of {found.step:.4g}")
    if found.witness is not None:
        lines.append(
            f"witness            a step of {found.witness['step']:.3g} lowers the loss by "
            f"{found.loss_floor - found.witness['loss']:.2g}, to {found.witness['loss']:.6g}"
        )
    if found.smallest_eigenvalue is not None:
        lines.append(f"smallest Hessian eigenvalue  {found.smallest_eigenvalue:.3g}")
    lines += NEXT.get(found.verdict, ())
    return [*lines, *told(found.checks, found.verdict, found.proved)]


def _losses(found):
    """The numbers of `loss` and `class_weighted_loss`, named."""
    decayed = " with the decay" if found.weight_decay else ""
    if found.loss_name not in SQUARED:
        return f"{rounded(found.loss)}{decayed}"
    weighted = rounded(found.class_weighted_loss)
    return f"{rounded(found.loss)} mean squared, {weighted} class-weighted{decayed}"
