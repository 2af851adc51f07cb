"""The page about data sets: what was found about each, in sentences, tables and figures."""

from training.output.page import render

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
    "iris": "Measurements of 150 flowers of three species.",
    "wine": "Chemical analyses of 178 wines from three growers.",
    "breast_cancer": "Measurements of 569 tumours, benign or malignant.",
}


def publish(run, title, cases, intro=""):
    """Give a run its table and its page, and publish it.

    Parameters
    ----------
    run : RunFolder
    title : str
    cases : sequence of Case
    intro : str, optional
        What was done, for the reader.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    run.table("table", [case.row() for case in cases])
    run.text("index.html", page(title, cases, record=run.record, intro=intro))
    run.publish()


def page(title, cases, *, record, intro=""):
    """Return the HTML page of a run.

    Parameters
    ----------
    title : str
    cases : sequence of Case
        After `Case.draw`: their figures are linked by name.
    record : dict
        Of the `RunFolder`.
    intro : str
        What was done, for the reader.

    Returns
    -------
    str
    """
    return render(
        "commands/story.html",
        record,
        title=title,
        intro=intro,
        cases=[_section(case) for case in cases],
        rows=[case.row() for case in cases],
    )


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
        "study": _study_table(case.study),
        "study_story": _study_story(case.study),
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
        f"It has {len(net.weights)} layers of width at most {max(net.widths[1:])} and "
        f"{net.parameter_count:,} parameters. "
    )
    if case.proved:
        verdict = (
            f"Its mean squared loss on the {len(case.data.X):,} points is {found.loss:.1e} in "
            f"floating point. Proved by ball arithmetic: the network as stored has loss at most "
            f"{found.loss_bound:.1e}, and moving its last layer by at most {found.distance:.1e} "
            "gives a network whose loss is exactly zero, a global minimum."
        )
    else:
        verdict = (
            f"Its mean squared loss on the {len(case.data.X):,} points is {found.loss:.3g} and it "
            f"classifies {found.accuracy:.1%} of them correctly. It is not proved to be a global "
            f"minimum; the verdict is “{found.verdict}”. The checks below say why."
        )
    return origin + size + verdict


def _study_story(study):
    """What perturbing and training showed, in sentences."""
    if study is None:
        return ""
    several = len(study.references) > 1
    stories = [
        (f"{ref.name}: " if several else "") + _story_of_reference(study.of(ref.name))
        for ref in study.references
    ]
    return " ".join(stories) + (
        " A trial that does not return may still be on its way: layers of very different scale "
        "make the rate small, and a budget of steps then ends before slow directions have settled. "
        "Median and quartiles are losses of trials: of two in the middle, the lower one."
    )


def _story_of_reference(study):
    summary, ref = study.frame("scale"), study.reference
    full = summary.loc[summary["returned"] == summary["trials"], "scale"]
    none = summary.loc[summary["returned"] == 0, "scale"]
    trials = int(summary["trials"].iloc[0])
    back = (
        f"All {trials} trials return up to λ = {full.max():g}. "
        if len(full)
        else "At no λ do all trials return. "
    )
    lost = f"None returns at λ = {none.min():g}. " if len(none) else ""
    basin = study.basins().iloc[0]
    half = (
        f"Half return at λ = {basin.radius:.3g} (95 %: {basin.low:.3g} to {basin.high:.3g}), "
        f"a total norm of {basin.norm:.3g}. "
        if 0 < basin.radius < float("inf")
        else ""
    )
    proved = (
        f"Return is proved up to a total norm of {ref.certified_radius:.3g}. "
        if ref.certified_radius
        else ""
    )
    rate = f"The learning rate is {ref.learning_rate:.2g}." if ref.learning_rate else ""
    return f"{back}{lost}{half}{proved}{rate}"


def _study_table(study):
    if study is None:
        return []
    several = len(study.references) > 1
    return [
        {
            **({"network": row.reference} if several else {}),
            "λ": f"{row.scale:g}",
            "loss after noise": f"{row.initial:.1e}",
            "final: lower quartile": f"{row.q25:.1e}",
            "median": f"{row.median:.1e}",
            "upper quartile": f"{row.q75:.1e}",
            "returned": f"{row.returned} of {row.trials}",
            "95 %": f"{row.low:.0%} – {row.high:.0%}",
            **({"ended below": str(row.below)} if several else {}),
            "accuracy": f"{row.accuracy:.1%}",
            "diverged": str(row.diverged),
        }
        for row in study.frame("scale").itertuples()
    ]
