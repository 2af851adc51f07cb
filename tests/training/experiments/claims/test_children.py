"""Commands side by side: heard line by line, and stopped together."""

import threading
import time

import pytest

from training.experiments.claims import children
from training.experiments.claims.children import Children
from training.experiments.claims.running import ensure_all
from training.experiments.claims.works import Work

SPEAKS = """\
import sys, time
print("one", file=sys.stderr)
print(*sys.argv[1:], file=sys.stderr, flush=True)
time.sleep(float(sys.argv[1]))
sys.exit(3)
"""
WORKS = [Work(name, "minima", {}, {}, ("E2",), {}, False) for name in "abc"]


class Heard:
    """Keeps what it is told; ends all at the first line of one work."""

    def __init__(self, ends_at=None):
        self.told, self.ends_at = [], ends_at

    def began(self, work):
        self.told.append(("began", work.folder))
        if work.folder == self.ends_at:
            raise KeyboardInterrupt

    def heard(self, work, line):
        self.told.append((work.folder, line))

    def ended(self, work):
        self.told.append(("ended", work.folder))


@pytest.fixture(autouse=True)
def _speaks(monkeypatch):
    monkeypatch.setattr(children, "_MAIN", SPEAKS)


def test_lines_are_heard_and_the_last_one_is_kept(capsys):
    lines = []
    assert Children().run(["0", "two"], quiet=True, hear=lines.append) == (3, "0 two")
    assert lines == ["one", "0 two"] and capsys.readouterr().err == ""
    assert Children().run(["0", "two"], quiet=False) == (3, "0 two")
    assert capsys.readouterr().err == "one\n0 two\n"


def test_what_runs_is_killed_and_nothing_begins_after_that():
    running, start = Children(), time.monotonic()
    threading.Timer(0.3, running.stop).start()
    assert running.run(["60"], quiet=True)[0] < 0
    assert time.monotonic() - start < 30
    assert running.run(["60"], quiet=True) == (1, "stopped before it began")


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_all_are_told_of_in_their_order(tmp_path, jobs):
    watch = Heard()
    given = {"quick": True, "seed": 0, "jobs": jobs, "quiet": True, "watch": watch}
    # "minima" is no number of seconds, so that each fails
    found = ensure_all(WORKS, tmp_path, **given)
    assert [how for how, _ in found] == ["failed"] * 3
    assert all("could not convert string to float: 'minima'" in why for _, why in found)
    for name in "abc":
        assert ("began", name) in watch.told and ("ended", name) in watch.told
        assert ((name, "one") in watch.told) == (jobs > 1)


def test_an_interrupt_ends_all_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(children, "_MAIN", SPEAKS.replace("sys.argv[1])", "60)"))
    watch, start = Heard(ends_at="b"), time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        ensure_all(WORKS, tmp_path, quick=True, seed=0, jobs=2, quiet=True, watch=watch)
    assert time.monotonic() - start < 30 and ("began", "c") not in watch.told
