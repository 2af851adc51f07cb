"""`run.json` of others: what does not fit ends in a sentence, and what is older opens."""

import json
import os

import pytest

from training.output.folder import RunFolder, read_run
from training.output.record import fingerprint, plain_names

OLD = {
    "program": "geomcore",
    "command": "construct",
    "arguments": {"data": "clusters", "jobs": 2, "label": None, "drop": ["a", 1]},
    "seed": 0,
    "started": "2026-01-01T00:00:00+0000",
    "python": "3.11.7",
    "platform": "Linux",
    "versions": {"numpy": "2.0.0", "cvxpy": None},
    "timings": {"clusters: construct": 0.1},
    "seconds": 1.5,
    "files": ["index.html", "network.npz"],
}
ODD = [
    None,
    True,
    -1,
    0.5,
    1e308,
    10**400,
    "",
    "x" * 10**5,
    "\x1b\u202e",
    [],
    [[[]]],
    {},
    {"a": []},
]

# By hand


def test_a_record_of_an_older_version_is_read(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(OLD))
    found = read_run(tmp_path)
    assert {key: found[key] for key in OLD} == OLD
    assert (found["written"], found["live"]) == ({}, [])


def test_names_that_lead_out_of_the_folder_are_no_names():
    names = ["a", "b.c", "..", ".", "", "/a", "a/b", "../a", 3, None, "run.json", "a\0b", ["c"]]
    names += ["x" * 256, "é" * 128, "\ud800", "a\n"]
    assert plain_names(names) == {"a", "b.c"}


def test_only_regular_files_have_a_fingerprint(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("a")
    os.mkfifo(tmp_path / "pipe")
    assert fingerprint(tmp_path / "a").size == 3
    for name in ("link", "pipe", "none", "."):
        assert fingerprint(tmp_path / name) is None


# Bad input


@pytest.mark.parametrize("key", [*OLD, "written", "before", "live"])
def test_a_wrong_value_at_any_key_gives_a_run_or_a_short_sentence(tmp_path, key):
    for entry in ODD:
        entry = [entry] if key == "files" and isinstance(entry, str) else entry
        (tmp_path / "run.json").write_text(json.dumps({**OLD, key: entry}))
        try:
            with RunFolder(tmp_path, "construct", {}, 0) as run:
                run.publish()
        except ValueError as error:
            told = str(error).replace(str(tmp_path), "")
            assert told.isprintable() and len(told) < 220


@pytest.mark.parametrize(
    "text", [b"", b"\xff", b"[" * 100_000, b'{"program": "geomcore", "x": ' + b"[" * 100_000, b"{"]
)
def test_what_is_no_json_is_the_file_of_somebody_else(tmp_path, text):
    (tmp_path / "run.json").write_bytes(text)
    with pytest.raises(ValueError, match="holds other files"):
        read_run(tmp_path)


def test_a_pipe_in_the_place_of_a_record_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "run.json")
    with pytest.raises(ValueError, match="holds other files"):
        read_run(tmp_path)
