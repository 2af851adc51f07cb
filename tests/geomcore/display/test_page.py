import re
from html.parser import HTMLParser

from geomcore.display.page import page


class Answer:
    def __init__(self, text):
        self.text = text

    def summary(self):
        return self.text


class Pictured(Answer):
    def thumbnail(self):
        return "<svg></svg>"


class Blank(Answer):
    def thumbnail(self):
        return None


def parsed(html):
    """The tags that are opened, and the text, of a page."""
    found = [], []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found[0].append(tag)
    parser.handle_data = found[1].append
    parser.feed(html)
    return found[0], "".join(found[1])


class Folded(Answer):
    def _lines(self):
        return self.text.split("\n")

    def summary(self):
        return "two\n  lines"


def test_each_line_is_a_row_of_a_name_and_a_value():
    text = "verdict    none <b> & 2\n           at all\nproof\n  step a: holds: yes\n  yes  it: is"
    for kind in (Answer, Folded):
        html = page(kind(text))
        tags, _ = parsed(html)
        rows = re.findall(r"<tr>(.*?)</tr>", html)
        cells = [re.findall(r"<t[dh] [^>]*>(.*?)</t[dh]>", row) for row in rows]
        assert tags[:3] == ["div", "strong", "table"]
        assert cells == [
            ["verdict", "none &lt;b&gt; &amp; 2"],
            ["", "at all"],
            ["proof"],
            ["step a", "holds: yes"],
            ["yes", "it: is"],
        ]
        assert [row.count("colspan='2'") for row in rows] == [0, 0, 1, 0, 0]


def test_only_greys_are_set_so_that_a_dark_page_stays_dark():
    colours = re.findall(r"#\w+|rgba?\([^)]*\)", page(Answer("one  1\ntwo")))
    assert colours and all(colour.startswith("rgba(128, 128, 128") for colour in colours)
    assert "background" not in page(Answer("one  1")) and " color:" not in page(Answer("one  1"))


def test_hostile_labels_are_text():
    evil = "</pre><script>alert(1)</script><img src=x onerror='alert(1)'>&amp;\x1b[2J\u202e"
    tags, text = parsed(page(Answer(evil)))
    assert set(tags) == {"div", "strong", "table", "tr", "td"}
    assert text.isprintable() or "\n" in text
    assert evil[:40] in text and "\x1b" not in text and "\u202e" not in text


def test_a_class_may_have_any_name():
    tags, _ = parsed(page(type("<script>", (Answer,), {})("text")))
    assert "script" not in tags


def test_a_picture_follows_where_there_is_one():
    table = ["div", "strong", "table", "tr", "td"]
    assert parsed(page(Pictured("text")))[0] == [*table, "svg"]
    assert parsed(page(Blank("text")))[0] == table
