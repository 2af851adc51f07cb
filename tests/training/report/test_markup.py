"""Pages that may have been altered: what is kept of them."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.report.markup import DEEPEST, Element, parsed, written


def body(text):
    return written(parsed(text).body.children)


# By hand


def test_heading_and_typed_command_are_told_apart_from_the_body():
    page = parsed("<h1>A &amp; B</h1><p>x</p><footer><code>geomcore x</code></footer>")
    assert (page.title, page.typed) == ("A & B", "geomcore x")
    assert str(page.body) == "<div><p>x</p></div>"


def test_what_our_pages_are_made_of_comes_back_as_it_was():
    text = '<h2 id="a">A &lt; B</h2><details open=""><summary>x</summary><pre>1\n 2</pre></details>'
    assert body(text) == text


def test_a_paragraph_that_is_not_closed_ends_where_the_next_begins():
    assert body("<p>one<p>two") == "<p>one</p><p>two</p>"


# Laws


@given(st.text(alphabet="<>/!-[]&;'\"= abpscriptdivimgonerror", max_size=80))
def test_whatever_a_page_holds_what_is_written_is_read_as_the_same(text):
    once = body(text)
    assert body(once) == once


# Bad input


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<SCRIPT SRC=x></SCRIPT>",
        "<img src=x onerror=alert(1)>",
        "<p onclick='alert(1)' style='position:fixed'>x</p>",
        "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
        "<svg onload=alert(1)><script>alert(1)</script></svg>",
        "<form action=x><button>go</button></form>",
        "<script>never closed",
        "<style>p { background: url(http://x) }</style>",
    ],
)
def test_nothing_that_acts_is_left(text):
    kept = body(text).lower()
    for word in ("script", "onerror", "onclick", "onload", "style", "alert", "http", "form"):
        assert word not in kept


def test_text_cannot_become_markup_again():
    assert body("&lt;script&gt;alert(1)&lt;/script&gt;") == "&lt;script&gt;alert(1)&lt;/script&gt;"
    assert str(Element("p", {"class": '"><b'}, ["<"])) == '<p class="&quot;&gt;&lt;b">&lt;</p>'


@pytest.mark.parametrize(
    "text", ["<a ", "<a x=", '<p title="', "<!--", "</p ", "<", "<a '\"", '<a "<\'"', "<'\"<\"'"]
)
def test_tags_that_never_end_are_text_and_a_hundred_thousand_of_them_are_read_at_once(text):
    start = time.process_time()
    assert "b" in body("<p>a</p>" + text * 100_000 + "<p>b</p>")
    assert time.process_time() - start < 20


def test_what_is_in_quotes_ends_no_tag():
    assert body("<img alt='1 < 2 > 0'>") == '<img alt="1 &lt; 2 &gt; 0">'


def test_comments_are_gone_and_what_they_hold():
    assert body("<p>a<!-- <b>x</b> > --></p>b<!-- <p>c</p>").startswith("<p>a</p>b")


def test_marks_that_turn_the_writing_are_told_by_their_numbers():
    assert body('<p>a&#x202e;b</p><img alt="\u2066">') == '<p>a\\u202eb</p><img alt="\\u2066">'
    assert body("<p>\u0627\u200d</p>") == "<p>\u0627\u200d</p>"


def test_a_page_of_endless_depth_and_one_of_broken_xml_are_read():
    assert body("<div>" * 5000).count("<div>") > DEEPEST
    assert "foo" in body("<p><![foo[x]]></p>")
