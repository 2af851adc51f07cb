"""Files that become parts of a page."""

import base64

from stored_runs import picture

from training.report.pictures import embedded, file_of

# By hand


def test_a_picture_is_in_the_page_to_the_last_byte(tmp_path):
    picture(tmp_path / "a b.png")
    start, _, content = embedded(file_of(tmp_path, "a%20b.png")).partition(",")
    assert start == "data:image/png;base64"
    assert base64.b64decode(content) == (tmp_path / "a b.png").read_bytes()


def test_pictures_of_folders_inside_are_found(tmp_path):
    (tmp_path / "mesa").mkdir()
    picture(tmp_path / "mesa" / "x.png")
    assert file_of(tmp_path, "mesa/x.png") == (tmp_path / "mesa" / "x.png").resolve()


# Bad input


def test_no_address_leads_out_of_the_folder(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    picture(tmp_path / "x.png")
    (run / "link.png").symlink_to(tmp_path / "x.png")
    outside = ("../x.png", "..%2Fx.png", str(tmp_path / "x.png"), "link.png", "http://x/x.png")
    for address in (*outside, "file:///x.png", "data:image/png;base64,AAAA", "", "\0", "none.png"):
        assert file_of(run, address) is None


def test_what_is_no_picture_is_not_embedded(tmp_path):
    (tmp_path / "page.html").write_text("<script>")
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "false.png").write_text("<svg onload=x>")
    (tmp_path / "folder.png").mkdir()
    for path in tmp_path.iterdir():
        assert embedded(path) is None
    assert embedded(None) is None and embedded(tmp_path / "none.png") is None
