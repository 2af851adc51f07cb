"""The page about data sets: what was found about each, in sentences, tables and figures."""

from constructions.verdicts import cost
from geomcore.foreign.wording import counted, rounded
from training.output.page import render
from training.study.words import COLUMNS, page_parts

PAGE = "commands/cases/story.html"
EXPLANATIONS = {
    "clusters": "Each class is a ball. One layer per class: a cone behind each ball collapses it.",
    "sequential": "The classes are irregular clouds that hyperplanes cut off one after another, "
    "in one particular order. One layer per class, in that order.",
    "single_cone": "One class lies inside a cone, the other around it, so no hyperplane separates "
    "them. One layer collapses the cone, the next one the rest.",
    "concentric": "One class lies inside a simplex and the other surrounds it. The first layer "
    "has one dimension more than the data: there the simplex becomes a cone.",
    "digits": "1,797 images of handwritten digits, 8 x 8 pixels. Three pixels never vary, 61 "
    "remain. The ten digits can be cut off one after another by hyperplanes, so ten layers "
    "collapse one digit each.",
    "iris": "Measurements of 150 flowers of three species, two of which are the same: 149 points.",
    "wine": "Chemical analyses of 178 wines from three growers.",
    "breast_cancer": "Measurements of 569 tumours, benign or malignant.",
}


def publish(run, title, cases, intro="", template=PAGE, **more):
    """Give a run its table and its page, and publish it.

    Parameters
    ----------
    run : RunFolder
    title : str
    cases : sequence of Case
    intro : str, optional
        What was done, for the reader.
    template : str, optional
        Of the page; it is given the same as that of all stories.
    **more
        What this template asks for besides.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    run.table("table", [case.row() for case in cases])
    run.text(
        "index.html", page(title, cases, record=run.record, intro=intro, template=template, **more)
    )
    run.publish()


def page(title, cases, *, record, intro="", template=PAGE, **more):
    """Return the HTML page of a run.

    Parameters
    ----------
    title : str
    cases : sequence of Case
        After `Case.draw`: their figures are linked by name.
    record : dict
        Of the `RunFolder`.
    intro, template, **more
        As for `publish`.

    Returns
    -------
    str
    """
    return render(
        template,
        record,
        title=title,
        intro=intro,
        cases=[_section(case) for case in cases],
        rows=[case.row() for case in cases],
        cost=_cost(cases),
        **more,
    )


def _cost(cases):
    """What the losses on the page are."""
    found = [case.certificate for case in cases if case.certificate is not None]
    others = [c for c in found if c.loss_name != "mse" or c.weight_decay]
    if not others:
        return "mean over the points of the squared error norm"
    return cost(others[0].loss_name, others[0].one_hot, others[0].weight_decay)


def _section(case):
    return {
        "name": case.name,
        "about": EXPLANATIONS.get(case.name, ""),
        "story": _story(case),
        "data": case.data.summary(),
        "skipped": case.made.skipped,
        "refusal": case.refusal.reasons if case.refusal else {},
        "construction": case.made.summary,
        "certificate": case.certificate.summary() if case.certificate else "",
        "study": page_parts(case.study) if case.study else [],
        "columns": COLUMNS,
        "figures": case.figures,
    }


def _story(case):
    """What was found, in sentences."""
    if case.refusal:
        return "No construction applies to these data, for the reasons below."
    found, net = case.certificate, case.network
    origin = (
        f"The network was built by the method “{case.made.method}”, without any training. "
        if case.made.summary
        else f"The network was read from {case.made.file or 'a file'}. "
    )
    size = (
        f"It has {counted(len(net.weights), 'layer')} of width at most {max(net.widths[1:])} and "
        f"{counted(net.parameter_count, 'parameter')}. "
    )
    kind = "mean squared loss"
    if found.loss_name != "mse" or found.weight_decay:
        kind = cost(found.loss_name, found.one_hot, found.weight_decay)
    points = counted(len(case.data.X), "point")
    loss = (
        f"Its {kind} on the {points} is {rounded(found.loss)} in "
        f"floating point. Proved by ball arithmetic: the network as stored has loss at most "
        f"{rounded(found.loss_bound, up=True)}, "
    )
    if found.proved and found.slack:
        local = found.verdict == "local minimum"
        within = f" within {found.radius:.1e} of its parameters" if local else ""
        if found.weight_decay:  # a global minimum
            within = " with one hidden layer, of any width,"
        verdict = (
            f"{loss}and no network{within} has a loss that is "
            f"lower by more than {rounded(found.slack, up=True)}: a {found.verdict}, but for that."
        )
    elif case.proved and found.lower_bound > 0:
        verdict = (
            f"{loss}and at most {found.distance:.1e} from its parameters lies an exact global "
            f"minimum, of loss at least {found.lower_bound:.6g}."
        )
    elif case.proved:
        moved = "its last layer" if found.critical is None else "its parameters"
        verdict = (
            f"{loss}and moving {moved} by at most {found.distance:.1e} "
            "gives a network whose loss is exactly zero, a global minimum."
        )
    elif found.proved and found.verdict == "local minimum":
        on = f", with units on their kink at {_counted(found.kinks)}" if found.kinks else ""
        verdict = (
            f"{loss}and at most {found.distance:.1e} from its parameters lies an exact local "
            f"minimum{on}. It classifies {found.accuracy:.1%} of the points correctly."
        )
    elif found.proved and found.verdict == "saddle" and found.critical is not None:
        verdict = (
            f"{loss}and at most {found.distance:.1e} from its parameters lies an exact saddle: a "
            f"step of {found.witness['step']:.1e} lowers the loss to {found.witness['loss']:.3g}."
        )
    else:
        told = (
            f"It is not proved to be a global minimum; the verdict is “{found.verdict}”. "
            "The checks below say why."
        )
        if found.proved and found.verdict == "not stationary":
            told = (
                f"It is proved to be no minimum: a step of {found.witness['step']:.1e} lowers the "
                f"loss to {found.witness['loss']:.6g}."
            )
        verdict = (
            f"Its {kind} on the {points} is {rounded(found.loss)} and it "
            f"classifies {found.accuracy:.1%} of them correctly. {told}"
        )
    return origin + size + verdict


def _counted(kinks):
    return f"{len(kinks)} pair{'s' if len(kinks) > 1 else ''} of a unit and a point"
