"""Pages of runs as sections of a report."""

from stored_runs import CONTENT, picture, stored_run

from training.report.runs import read_runs
from training.report.sections import section_of


def section(path, places=(), **given):
    (run,), _ = read_runs([stored_run(path, **given)])
    return section_of(run, "run-1", dict(places))


# By hand


def test_the_summary_has_the_marked_sentences_without_small_print(tmp_path):
    found = section(tmp_path / "a")
    assert found.summary == ["<b>wine:</b> The verdict is “saddle”, <b>proved</b>."]
    assert found.title == "A network" and found.typed == "geomcore verify net.npz wine"
    assert "summary" not in found.html and "data-of" not in found.html


def test_a_page_without_marks_is_summed_up_by_its_first_paragraph(tmp_path):
    found = section(tmp_path / "a", content="<p>Another.</p>")
    assert found.summary == ["An introduction."]


def test_headings_go_down_and_places_get_a_name_of_the_section(tmp_path):
    html = section(tmp_path / "a").html
    assert '<h3 id="run-1-wine">wine</h3>' in html and '<a href="#run-1-wine">b</a>' in html


def test_tables_have_a_head_and_a_frame(tmp_path):
    html = section(tmp_path / "a").html
    assert '<div class="wide"><table class="sortable"><thead><tr><th class="words">' in html
    plain = "<table><tr><th>a</th></tr><tr><td>1</td></tr><tr><td>2</td></tr></table>"
    found = section(tmp_path / "b", content=plain).html
    assert '<div class="wide"><table class="sortable">' in found


def test_tables_whose_cells_span_others_are_not_sorted(tmp_path):
    rows = "<tr><th>a</th><th>b</th></tr><tr><td rowspan=2>1</td><td>2</td></tr><tr><td>3</td></tr>"
    html = section(tmp_path / "a", content=f"<table>{rows}</table>").html
    assert "sortable" not in html and '<td rowspan="2">' in html


def test_a_long_table_is_cut_and_says_where_all_of_it_is(tmp_path):
    def rows(count, name="td"):
        return "".join(f"<tr><{name}>{k}</{name}></tr>" for k in range(count))

    long = f'<div class="wide"><table><tr><th>k</th></tr>{rows(2001)}</table></div>'
    html = section(tmp_path / "a", content=long).html
    told = f"The first 2,000 of 2,001 rows; all are on the page of the run in {tmp_path / 'a'}"
    assert f"<caption>{told}, and there in table.csv.</caption><thead>" in html
    assert "<td>1999</td>" in html and "<td>2000</td>" not in html
    html = section(tmp_path / "b", content=long.replace("<tr><td>7</td></tr>", "")).html
    assert "<caption>" not in html and "<td>2000</td>" in html
    # Of many long tables the last ones have their first rows.
    found = section(tmp_path / "c", content=7 * long)
    assert found.html.count("<td>19</td>") == 7 and found.html.count("<td>1999</td>") == 5
    assert found.html.count("The first 20 of 2,001 rows") == 2 and found.rows == 10_000 + 2 * 20
    bodies = f"<table><thead>{rows(1, 'th')}</thead><tbody>{rows(1500)}</tbody>"
    html = section(tmp_path / "d", content=f"{bodies}<tbody>{rows(1500)}</tbody></table>").html
    assert "The first 2,000 of 3,000 rows" in html and html.count("<tr>") == 2001


def test_pictures_are_inside_and_links_to_their_files_are_gone(tmp_path):
    found = section(tmp_path / "a")
    assert '<img src="data:image/png;base64,' in found.html and "SVG" not in found.html
    assert 'alt="Dots &amp; lines"' in found.html and "<figcaption>The answers.</figcaption>" in (
        found.html
    )
    assert list(found.figures) == ["wine-outputs"] and found.embedded > 100


def test_a_picture_that_is_lost_leaves_what_it_showed(tmp_path):
    found = section(tmp_path / "a", content='<img src="no.png" alt="Five &lt;dots&gt;">')
    assert found.lost == ["no.png"] and "It showed: Five &lt;dots&gt;" in found.html


def test_a_film_is_the_mp4_if_there_is_one_and_else_the_gif(tmp_path):
    film = '<figure><details class="moving" open><img src="f.gif" alt="Film"></details>'
    film += '<figcaption>It plays.<span class="beside"> Or by links.</span></figcaption></figure>'
    path = stored_run(tmp_path / "a", content=film)
    picture(path / "f.gif")
    (run,), _ = read_runs([path])
    assert 'src="data:image/gif;base64,' in section_of(run, "run-1", {}).html
    (path / "f.mp4").write_bytes(b"\0\0\0 ftypisom")
    html = section_of(run, "run-1", {}).html
    assert '<video src="data:video/mp4;base64,' in html and 'aria-label="Film" controls' in html
    assert "image/gif" not in html and "<figcaption>It plays.</figcaption>" in html


def test_links_to_pages_lead_to_their_sections_and_others_are_text(tmp_path):
    inner = stored_run(tmp_path / "a" / "mesa")
    content = '<a href="mesa/index.html">mesa</a> <a href="https://x.org">x</a>'
    page = str((inner / "index.html").resolve())
    path = tmp_path / "b"
    stored_run(path, content=content.replace("mesa/", "m/"))
    (path / "m").mkdir()
    (path / "m" / "index.html").write_text("")
    (run,), _ = read_runs([path])
    places = {page: "run-7", str((path / "m" / "index.html").resolve()): "run-2"}
    assert '<a href="#run-2">mesa</a> x' in section_of(run, "run-1", places).html


# Bad input


def test_names_that_are_markup_stay_text(tmp_path):
    content = CONTENT.replace('"wine"', '"&lt;script&gt;alert(1)&lt;/script&gt;"')
    found = section(tmp_path / "a", content=content, title="&lt;script&gt;x&lt;/script&gt;")
    assert found.title == "<script>x</script>"
    assert "<script" not in found.html + "".join(found.summary)
    assert found.summary[0].startswith("<b>&lt;script&gt;")


def test_a_run_without_a_page_is_an_empty_section(tmp_path):
    path = stored_run(tmp_path / "a")
    (path / "index.html").unlink()
    (run,), _ = read_runs([path])
    found = section_of(run, "run-1", {})
    assert (found.title, found.summary, found.html) == ("A run of verify", [], "")
