"""Formulas as MathML, which browsers draw by themselves: no script, and no network."""

import re

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

# What docutils spells in another way.
SPELLINGS = [
    (re.compile(r"\\dots\b"), r"\\ldots"),
    (re.compile(r"\\(bi|Bi)g(?=[\(\[])"), r"\\\1gl"),
    (re.compile(r"\\(bi|Bi)g(?=[\)\]])"), r"\\\1gr"),
    (re.compile(r"\\textstyle\b"), ""),
    # or the index stands under the letter with its accent
    (re.compile(r"\\(bar|hat|tilde)\s*(\w)(?=[_^])"), r"\\\1 \2{}"),
]


def converted(text, *, block):
    """A formula of LaTeX as MathML; ValueError if it cannot be said."""
    for pattern, spelling in SPELLINGS:
        text = pattern.sub(spelling, text)
    try:
        return tex2mathml(text.strip(), as_block=block)
    except Exception as error:  # docutils raises errors of several kinds
        raise ValueError(f"the formula {text!r} is not understood: {error}") from error


def inline(translator, node):
    translator.body.append(converted(node.astext(), block=False))
    raise nodes.SkipNode


def block(translator, node):
    translator.body.append(f'<div class="math">{converted(node.astext(), block=True)}</div>\n')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
