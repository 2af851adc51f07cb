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


def test_the_summary_stands_there_as_it_is():
    tags, text = parsed(page(Answer("one  1\n  two <b> & 2")))
    assert tags == ["div", "strong", "pre"]
    assert text.split("\n") == ["Answer", "one  1", "  two <b> & 2"]


def test_hostile_labels_are_text():
    evil = "</pre><script>alert(1)</script><img src=x onerror='alert(1)'>&amp;\x1b[2J\u202e"
    tags, text = parsed(page(Answer(evil)))
    assert tags == ["div", "strong", "pre"]
    assert text.isprintable() or "\n" in text
    assert evil[:40] in text and "\x1b" not in text and "\u202e" not in text


def test_a_class_may_have_any_name():
    tags, _ = parsed(page(type("<script>", (Answer,), {})("text")))
    assert "script" not in tags


def test_a_picture_follows_where_there_is_one():
    assert parsed(page(Pictured("text")))[0] == ["div", "strong", "pre", "svg"]
    assert parsed(page(Blank("text")))[0] == ["div", "strong", "pre"]
