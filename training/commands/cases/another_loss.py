"""References of a study that are no minimum of what studies train with, the squared error."""

from textwrap import wrap

from constructions import Certificate
from constructions.proof.certificate import network_digest
from constructions.verdicts import cost

MINIMA = ("global minimum", "local minimum")
TRAINED = "the mean squared error, which studies train with"


def told_reference(found):
    """What is to be said of a reference that is no minimum, a sentence; nothing of one that is.

    Parameters
    ----------
    found : Certificate
        Of the squared error.
    """
    if found.verdict in MINIMA:
        return ""
    known = {"not stationary": "not stationary for", "saddle": "a saddle of"}
    what = known.get(found.verdict, "not known to be a minimum of")
    return (
        f"The network is {what} {TRAINED}: a trial may end below it, and one that is not back may "
        "have gone where the loss is lower."
    )


def tell_reference(screen, found, more=""):
    """Tell what `told_reference` says, and more, if there is something to be told."""
    lines = [line for line in (told_reference(found), more) if line]
    if lines:
        screen.tell("\n".join(wrap(" ".join(lines), 80, subsequent_indent="  ")))


def told_loss(network, folder):
    """Which other loss the certificate beside the file of a network is about, if it is one.

    Parameters
    ----------
    network : Network
    folder : Path
        Where its file is.

    Returns
    -------
    str
        A sentence, or nothing if there is no certificate of this network.
    """
    try:
        stated = Certificate.from_file(folder / "certificate.json", network)
    except (ValueError, OSError):
        return ""
    if (stated.loss_name == "mse" and not stated.weight_decay) or (
        stated.network != network_digest(network)
    ):
        return ""
    kind = cost(stated.loss_name, None, stated.weight_decay)
    return f"Its certificate.json is about another loss, the {kind}."
