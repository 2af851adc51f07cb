"""The markup of a page that may have been altered: what is known of it, and nothing else.

A page is read into a tree, of which only elements and attributes of the lists below are kept, and
written anew with every text escaped. Whatever a file claims to be, no script of it is left.
"""

import re
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from typing import NamedTuple

from geomcore.foreign.wording import printable

VOID = {"br", "hr", "img", "wbr", "meta", "link", "input", "source", "col"}
KEPT = {
    *("h2", "h3", "h4", "h5", "p", "div", "span", "br", "hr", "wbr", "a", "b", "i", "em", "strong"),
    *("small", "sub", "sup", "code", "pre", "ul", "ol", "li", "details", "summary", "img"),
    *("table", "thead", "tbody", "tr", "th", "td", "caption", "figure", "figcaption"),
}
# What goes with all that is in it; any other element goes, and what is in it stays.
DROPPED = {
    *("head", "script", "style", "title", "template", "iframe", "object", "embed", "noscript"),
    *("svg", "math", "video", "audio", "form", "button", "select", "textarea", "dialog", "h1"),
}
ATTRIBUTES = {
    "": {"class", "id", "data-of"},
    "a": {"href"},
    "img": {"src", "alt"},
    "details": {"open"},
    "th": {"colspan", "rowspan"},
    "td": {"colspan", "rowspan"},
    "div": {"tabindex"},
}
DEEPEST = 64  # elements within one another; pages of this program have less than 12
# What begins as a tag, but another one begins before it ends, and not in quotes. The reader would
# look for the end up to the end of the page, at each one. No tag of a page has 99 parts.
ENDLESS = re.compile(r"""<(?!(?:[^<>"']++|"[^"]*+"|'[^']*+'){0,99}+>)""")
# Marks that turn the direction of writing; they would turn what stands beside them.
TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")


@dataclass
class Element:
    """An element of a page.

    Attributes
    ----------
    tag : str
    attributes : dict of str to str
    children : list of Element and str
        Texts are as they are read, not escaped.
    """

    tag: str
    attributes: dict = field(default_factory=dict)
    children: list = field(default_factory=list)

    def __str__(self):
        pairs = "".join(f' {name}="{escape(value)}"' for name, value in self.attributes.items())
        if self.tag in VOID:
            return f"<{self.tag}{pairs}>"
        return f"<{self.tag}{pairs}>{written(self.children)}</{self.tag}>"

    @property
    def classes(self):
        """The set of its classes."""
        return {*self.attributes.get("class", "").split()}

    def all(self, *tags):
        """Yield the elements of these tags within it, and itself, in the order of the page."""
        if self.tag in tags:
            yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.all(*tags)

    def text(self):
        """All text in it."""
        return "".join(c if isinstance(c, str) else c.text() for c in self.children)


def written(children):
    """The markup of elements and texts.

    Examples
    --------
    >>> written([Element("b", {"class": "x"}, ["1 < 2"]), " & more"])
    '<b class="x">1 &lt; 2</b> &amp; more'
    """
    return "".join(escape(c, quote=False) if isinstance(c, str) else str(c) for c in children)


class Page(NamedTuple):
    """What is kept of a page.

    Attributes
    ----------
    title : str
        Its heading.
    body : Element
        A ``div``, without the heading and the last lines.
    typed : str
        The command that made the page, as it was typed, of the last lines.
    """

    title: str
    body: Element
    typed: str


def parsed(text):
    """Return the `Page` in a text, of which only what is known is kept.

    Parameters
    ----------
    text : str

    Returns
    -------
    Page

    Examples
    --------
    >>> page = parsed("<h1>A</h1><p onclick='x()'>1 &lt; 2<script>x()</script></p>")
    >>> page.title, str(page.body)
    ('A', '<div><p>1 &lt; 2</p></div>')
    """
    reader = _Reader()
    # Sections of XML, which pages have none of, may end the reader with an AssertionError.
    reader.feed(ENDLESS.sub("&lt;", _without_comments(text).replace("<![", "&lt;![")))
    reader.close()
    title = next((heading.text() for heading in reader.root.all("h1")), "")
    typed = ""
    for footer in reader.root.all("footer"):
        typed = next((code.text() for code in footer.all("code")), "")
        footer.tag = "template"
    return Page(title, Element("div", {}, _cleaned(reader.root.children)), typed)


def _without_comments(text):
    """A text without what stands between ``<!--`` and ``-->``; one that never ends stays."""
    kept, end = [], 0
    while (start := text.find("<!--", end)) >= 0 and (stop := text.find("-->", start + 4)) >= 0:
        kept.append(text[end:start])
        end = stop + 3
    return "".join([*kept, text[end:]])


class _Reader(HTMLParser):
    """Reads any text into a tree; what is not closed ends with what it is in."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.root = Element("root")
        self._open = [self.root]

    def handle_starttag(self, tag, attrs):
        element = Element(tag, {name: value or "" for name, value in attrs})
        if tag == "p" and self._open[-1].tag == "p":
            self._open.pop()
        self._open[-1].children.append(element)
        if tag not in VOID and len(self._open) < DEEPEST:
            self._open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag):
        for k in range(len(self._open) - 1, 0, -1):
            if self._open[k].tag == tag:
                del self._open[k:]
                return

    def handle_data(self, data):
        self._open[-1].children.append(data)


def _cleaned(children):
    kept = []
    for child in children:
        if isinstance(child, str):
            kept.append(_plain(child))
        elif child.tag in DROPPED:
            continue
        elif child.tag not in KEPT:
            kept += _cleaned(child.children)
        else:
            known = ATTRIBUTES[""] | ATTRIBUTES.get(child.tag, set())
            attributes = {k: _plain(v) for k, v in child.attributes.items() if k in known}
            kept.append(Element(child.tag, attributes, _cleaned(child.children)))
    return kept


def _plain(text):
    return TURNING.sub(lambda mark: printable(mark[0]), text.replace("\0", "\ufffd"))
