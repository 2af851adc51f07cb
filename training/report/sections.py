"""The page of a run as a section of a report: pictures inside, tables to sort, links that lead on.

Nothing of a page is told in other words: the section has its text, and the summary those of its
elements that have the class ``summary``, without what is small print. If such a sentence is about
one part of the run, ``data-of`` names it. What has the class ``beside`` speaks of files beside the
page, and goes.
"""

import re
from dataclasses import dataclass, field
from html import escape
from urllib.parse import unquote

from geomcore.foreign.wording import printable, shortened
from training.output.place import listed
from training.report.markup import Element, parsed, written
from training.report.pictures import embedded, file_of

HEADINGS = {"h2": "h3", "h3": "h4", "h4": "h5", "h5": "h5"}
LONGEST = 200  # characters of a title
# Rows of one table and of all tables of a run that are shown; a browser was 50 times as long at a
# table of 20,000 as at one of 2,000. The first few rows of each table are always shown.
MOST_ROWS, MOST_OF_A_RUN, FEW_ROWS = 2_000, 10_000, 20
INLINE = {"b", "i", "em", "strong", "sub", "sup", "code"}
# What is left between parentheses where links to files have gone.
EMPTY = re.compile(r"\s*\(\s*(?:,\s*)*\)")


@dataclass
class Section:
    """What the report shows of one run.

    Attributes
    ----------
    id, title : str
        Of its heading.
    summary : list of str
        Markup of sentences, the most important first.
    body : Element
    typed : str
        The command as it was typed.
    figures : dict of str to Element
        By the names of their files, without the ending.
    lost : list of str
        Pictures that could not be shown.
    shown : set of Path
        Real paths of the pictures and films.
    embedded : int
        Characters of the pictures and films.
    rows : int
        Of all its tables, as far as they are shown.
    elsewhere : str
        Where all rows of its tables are.
    """

    id: str
    title: str
    summary: list
    body: Element
    typed: str
    figures: dict = field(default_factory=dict)
    lost: list = field(default_factory=list)
    shown: set = field(default_factory=set)
    embedded: int = 0
    rows: int = 0
    elsewhere: str = ""

    @property
    def html(self):
        """The markup of the body."""
        return written(self.body.children)


def section_of(run, name, places):
    """Return the section of a run.

    Parameters
    ----------
    run : StoredRun
    name : str
        The id of the section; those of its elements begin with it.
    places : dict of str to str
        The ids of sections by the real paths of their pages, for links from page to page.

    Returns
    -------
    Section
    """
    page = parsed(run.page or "")
    body = page.body
    marked = [_sentence(e) for e in body.all("p", "li") if "summary" in e.classes]
    told = marked or map(_sentence, body.all("p"))  # pages of others have no marks
    summary = [sentence for sentence in told if sentence]
    summary = summary if marked else summary[:1]
    command = printable(run.record.command)
    title = shortened(printable(page.title.strip()) or f"A run of {command}", LONGEST)
    section = Section(name, title, summary, body, page.typed, elsewhere=_elsewhere(run))
    body.children = _moved(body, section, run.folder, places)
    return section


def _sentence(element):
    """The markup of a paragraph without small print, links and places."""
    text = " ".join(written(_inline(element.children)).split())
    name = element.attributes.get("data-of", "")
    return f"<b>{escape(name, quote=False)}:</b> {text}" if name and text else text


def _inline(children):
    kept = []
    for child in children:
        if isinstance(child, str):
            kept.append(child)
        elif child.tag in INLINE:
            kept.append(Element(child.tag, {}, _inline(child.children)))
        elif child.tag != "small":
            kept += _inline(child.children)
    return kept


def _moved(element, section, folder, places):
    """The children of an element as they stand in the report."""
    moved = []
    for child in element.children:
        if isinstance(child, str):
            moved.append(child)
            continue
        if "beside" in child.classes:  # it speaks of files beside the page
            continue
        _rename(child, section.id)
        if child.tag == "img":
            moved.append(_picture(child, section, folder))
            continue
        if child.tag == "details" and "moving" in child.classes:
            film = _film(child, section, folder)
            if film is not None:
                moved.append(film)
                continue
        if child.tag == "table":
            _shorten(child, section)
        child.children = _moved(child, section, folder, places)
        if child.tag == "a":
            moved += _link(child, section, folder, places)
            continue
        if child.tag == "figcaption":
            child.children = _without_empty(child.children)
        if child.tag == "figure":
            _note_figure(child, section)
        if child.tag == "table":
            child = _table(child, "wide" in element.classes)
        moved.append(child)
    return moved


def _rename(element, name):
    """Ids and classes that no other section has, headings one level down."""
    element.tag = HEADINGS.get(element.tag, element.tag)
    element.attributes.pop("data-of", None)
    if "id" in element.attributes:
        element.attributes["id"] = f"{name}-{element.attributes['id']}"
    if element.classes & {"summary", "enlarge"}:
        kept = " ".join(sorted(element.classes - {"summary", "enlarge"}))
        del element.attributes["class"]
        element.attributes |= {"class": kept} if kept else {}


def _link(element, section, folder, places):
    """A link within the report, or what was to be read of one that leads out of it."""
    address = element.attributes.get("href", "")
    if address.startswith("#"):
        element.attributes["href"] = f"#{section.id}-{address[1:]}"
        return [element]
    page = file_of(folder, address)
    if page is not None and str(page) in places:
        element.attributes["href"] = f"#{places[str(page)]}"
        return [element]
    is_copy = address.lower().endswith((".svg", ".gif", ".mp4"))
    return [] if is_copy else element.children


def _without_empty(children):
    """Captions without the parentheses in which there were links to files of the run."""
    joined = []
    for child in children:
        if isinstance(child, str) and joined and isinstance(joined[-1], str):
            joined[-1] += child
        else:
            joined.append(child)
    return [EMPTY.sub("", child) if isinstance(child, str) else child for child in joined]


def _picture(element, section, folder):
    address = element.attributes.get("src", "")
    path = file_of(folder, address)
    data = embedded(path)
    alt = element.attributes.get("alt", "")
    if data is None:
        section.lost.append(unquote(address))
        told = f"The picture {unquote(address)} is not there, or damaged. It showed: {alt}"
        return Element("span", {"class": "lost"}, [told])
    section.embedded += len(data)
    section.shown.add(path)
    attributes = {"src": data, "alt": alt, "data-file": unquote(address)}
    return Element("img", attributes | {"loading": "lazy"})


def _film(element, section, folder):
    """A film with controls, if the run has one beside its GIF; None leaves that as it is."""
    picture = next(element.all("img"), None)
    if picture is None:
        return None
    address = picture.attributes.get("src", "")
    path = file_of(folder, re.sub(r"\.gif$", ".mp4", address))
    data = embedded(path)
    if data is None or not data.startswith("data:video"):
        return None
    section.embedded += len(data)
    section.shown.add(path)
    about = {"aria-label": picture.attributes.get("alt", "")}
    switches = {"controls": "", "loop": "", "muted": "", "playsinline": "", "preload": "metadata"}
    return Element("video", {"src": data, **about, **switches})


def _note_figure(element, section):
    for picture in element.all("img"):
        name = picture.attributes.get("data-file", "")
        section.figures.setdefault(name.rpartition(".")[0], element)


def _elsewhere(run):
    tables = sorted(printable(name) for name in run.record.written if name.endswith(".csv"))
    told = f"all are on the page of the run in {run.name}"
    return f"{told}, and there in {listed(tables)}" if tables else told


def _shorten(table, section):
    """Leave the first rows of a table that is too long, and say so above it."""
    most = max(FEW_ROWS, min(MOST_ROWS, MOST_OF_A_RUN - section.rows))
    count, shown = 0, most + 1  # the head is a row, too
    for part in (table, *table.all("thead", "tbody")):
        kept = []
        for child in part.children:
            is_row = isinstance(child, Element) and child.tag == "tr"
            count += is_row
            if not is_row or count <= shown:
                kept.append(child)
        part.children = kept
    section.rows += min(count - 1, most)
    if count > shown:
        told = f"The first {most:,} of {count - 1:,} rows; {section.elsewhere}."
        table.children.insert(0, Element("caption", {}, [told]))


def _table(table, has_frame):
    """A table with a head, so that it can be sorted, in a frame that scrolls."""
    told, rows = list(table.all("caption")), list(table.all("tr"))
    cells = [[c for c in row.children if isinstance(c, Element)] for row in rows]
    spanned = any({"colspan", "rowspan"} & {*c.attributes} for row in cells for c in row)
    if len(rows) > 2 and all(c.tag == "th" for c in cells[0]) and not spanned:
        if len({*map(len, cells)}) == 1:
            classes = " ".join(sorted(table.classes | {"sortable"}))
            body = Element("tbody", {}, rows[1:])
            parts = [*told, Element("thead", {}, rows[:1]), body]
            table = Element("table", {"class": classes}, parts)
    return table if has_frame else Element("div", {"class": "wide"}, [table])
