"""The page of a run: one HTML file that a browser opens offline."""

import sys

from jinja2 import Environment, PackageLoader, StrictUndefined

from training.output.columns import columns_of_words, is_wide
from training.output.record import PROGRAM

_ENVIRONMENT = Environment(
    loader=PackageLoader("training", "."),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.globals |= {"columns_of_words": columns_of_words, "is_wide": is_wide}


def render(template, record, **content):
    """Return the HTML of a page.

    Parameters
    ----------
    template : str
        Its file, relative to the package `training`; it extends ``output/page.html``.
    record : dict
        Of the `RunFolder`, for the last lines of the page.
    **content
        What the template asks for.

    Returns
    -------
    str

    Raises
    ------
    jinja2.UndefinedError
        If the template asks for something that is not there.
    """
    # The command as it was typed.
    command = " ".join([PROGRAM, *sys.argv[1:]])
    page = _ENVIRONMENT.get_template(template)
    return page.render(record=record, command=command, **content)
