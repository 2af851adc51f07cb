"""What a notebook shows of an object: its summary, and a small picture where there is one."""

from html import escape

from geomcore.foreign.wording import printable


def page(obj):
    """The summary of an object as HTML, in whatever characters its texts are.

    Made for the body of a class: ``_repr_html_ = page``.

    Parameters
    ----------
    obj : object
        With ``summary()``, a text; if it has ``thumbnail()``, that is an SVG or None.

    Returns
    -------
    str

    Examples
    --------
    >>> class Answer:
    ...     def summary(self):
    ...         return "a < b"
    >>> print(page(Answer()))
    <div><strong>Answer</strong>
    <pre style="white-space: pre-wrap; margin: 0.3em 0">a &lt; b</pre></div>
    """
    lines = [escape(printable(line)) for line in obj.summary().splitlines()]
    picture = obj.thumbnail() if hasattr(obj, "thumbnail") else None
    text = "\n".join(lines)
    return (
        f"<div><strong>{escape(type(obj).__name__)}</strong>\n"
        f'<pre style="white-space: pre-wrap; margin: 0.3em 0">{text}</pre>{picture or ""}</div>'
    )
