"""A small fuzz run of every reader, and the run itself: what it must not overlook."""

import os
import signal
import time

import fuzz
import fuzz_corpus
import numpy as np
import pytest

# Mutants of each reader; `make fuzz` makes 100,000, and tries whole commands, too.
COUNTS = {
    "network": 150,
    "foreign network": 200,
    "npz table": 150,
    "idx": 100,
    "certificate": 60,
    "check": 40,
    "run.json": 60,
    "csv table": 150,
    "study": 40,
    "study rows": 40,
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    return folder, fuzz_corpus.make(folder)


@pytest.fixture
def planted(monkeypatch, tmp_path):
    """A function that makes a reader of any function of a path, and what the run says of it."""

    def found(read):
        monkeypatch.setitem(fuzz.READERS, "planted", read)
        path = tmp_path / "file"
        path.write_bytes(b"abc")
        return fuzz.outcome("planted", path, tmp_path)

    return found


@pytest.mark.parametrize("reader", COUNTS)
def test_spoiled_files_are_read_or_refused_in_one_sentence(corpus, tmp_path, reader):
    folder, files = corpus
    for index in range(COUNTS[reader]):
        place = tmp_path / str(index)
        place.mkdir()
        path = fuzz.prepare(1, reader, index, files, place)
        found = fuzz.outcome(reader, path, folder)
        assert found in ("read", "refused"), f"seed 1, {reader}, index {index}"


def test_honest_files_are_read(corpus, tmp_path):
    folder, files = corpus
    for reader in COUNTS:
        for source in files[reader]:
            path = tmp_path / source.name
            path.write_bytes(source.read_bytes())
            # Nothing is read of pickles, gaps and text; no construction replaces a study.
            replaced = reader == "run.json" and source.parent.name == "study"
            told = any(word in source.name for word in ("objects", "missing.csv", "numbers.csv"))
            wrong = told or replaced
            assert fuzz.outcome(reader, path, folder) == ("refused" if wrong else "read")


def test_the_same_seed_makes_the_same_mutants(corpus, tmp_path):
    _, files = corpus
    for reader in fuzz_corpus.READERS:
        made = []
        for part in ("a", "b"):
            (tmp_path / reader / part).mkdir(parents=True)
            made.append(fuzz.prepare(3, reader, 5, files, tmp_path / reader / part))
        if "study" not in reader:  # SQLite writes the time of a change into its files
            assert made[0].read_bytes() == made[1].read_bytes()


def test_what_goes_wrong_is_told(planted):
    def fails(path, corpus):
        raise KeyError("x")

    def talks(path, corpus):
        raise ValueError("x" * 301)

    def spits(path, corpus):
        raise OSError("\x1b[2J")

    def writes(path, corpus):
        path.write_bytes(b"other")

    def executes(path, corpus):
        (corpus / "executed").touch()

    assert planted(lambda path, corpus: None) == "read"
    assert planted(fails).startswith("KeyError at test_fuzz.py:")
    assert planted(talks).startswith("sentence of 301 characters")
    assert planted(spits).startswith("sentence of 4 characters")
    assert planted(writes) == "changed the file that it read"
    assert planted(executes) == "executed what the file says"


def test_a_hang_is_told(planted, monkeypatch):
    monkeypatch.setattr(fuzz, "PATIENCE", 0.05)
    assert planted(lambda path, corpus: time.sleep(5)).startswith("hang at ")


def test_a_process_that_dies_or_takes_too_much_is_told_and_the_rest_goes_on(monkeypatch, tmp_path):
    source = tmp_path / "source"
    source.write_bytes(b"abc")

    def read(path, corpus):
        index = int(path.parent.name)
        if index == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        if index == 2:
            np.ones(2**29)
        if index == 3:
            raise ValueError("no")

    monkeypatch.setitem(fuzz.READERS, "planted", read)
    found = fuzz.outcomes(0, "planted", 5, {"planted": [source]}, tmp_path, jobs=2)
    told = {index: text.split(" at ")[0] for index, text in found}
    assert told.pop(2) in ("MemoryError", "_ArrayMemoryError")
    assert told == {0: "read", 1: f"died of {int(signal.SIGTERM)}", 3: "refused", 4: "read"}
