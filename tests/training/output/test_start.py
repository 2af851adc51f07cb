"""How runs start: where, with what on record, and with how many threads."""

import errno
import json
from pathlib import Path

import pytest
from threadpoolctl import threadpool_info

from geomcore.threads import core_count
from training.output.start import started

GIVEN = {"data": "wine", "file": Path("a/b"), "seed": 3, "out": None, "jobs": 1, "quiet": True}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def record_of(*arguments, **options):
    with started(*arguments, **options) as (run, _):
        run.publish()
    return run.path, json.loads((run.path / "run.json").read_text())


# By hand


def test_what_was_given_is_on_record_with_the_seed_in_a_place_of_its_own():
    _, record = record_of("construct", GIVEN)
    assert record["command"] == "construct"
    assert record["arguments"] == {"data": "wine", "file": "a/b", "jobs": 1}
    assert record["seed"] == 3


def test_chosen_arguments_are_kept_in_their_order():
    _, record = record_of("study", GIVEN, kept=("seed", "data"))
    assert list(record["arguments"].items()) == [("seed", 3), ("data", "wine")]


def test_the_folder_is_named_after_command_and_data_unless_it_is_given():
    assert record_of("minima", GIVEN)[0] == Path("runs/minima")
    assert record_of("construct", GIVEN, about="wine")[0] == Path("runs/construct-wine")
    assert record_of("construct", {**GIVEN, "out": Path("x")}, about="wine")[0] == Path("x")


def test_a_run_of_other_files_has_a_folder_of_its_own_and_one_of_the_same_is_replaced():
    def folder(data, file):
        given = {**GIVEN, "data": data, "file": file, "out": None}
        return record_of("verify", given, about="net-wine", apart=("data", "file"))[0].name

    files = [("wine", "a/n"), ("wine", "b/n"), ("x.csv", "a/n")]
    names = ["verify-net-wine", "verify-net-wine-2", "verify-net-wine-3"]
    assert [folder(*f) for f in files] == names
    assert [folder(data, Path(file).resolve()) for data, file in files] == names


def test_the_folder_in_which_a_file_lies_is_not_taken():
    for file in ("runs/settle-net-wine/network.npz", Path("runs/settle-net-wine/x").resolve()):
        given = {**GIVEN, "file": file}
        found = record_of("settle", given, about="net-wine", apart=("file",))[0]
        assert found != Path("runs/settle-net-wine") and found.parent == Path("runs")


def test_the_screen_is_quiet_if_that_is_wished(capsys):
    for quiet, told in ((True, ""), (False, "working\n")):
        with started("minima", {**GIVEN, "quiet": quiet}) as (_, screen):
            with screen.progress(1) as step:
                step("working")
        assert capsys.readouterr().err == told


# Laws


def test_threads_are_limited_inside():
    before = [pool["num_threads"] for pool in threadpool_info()]
    with started("minima", GIVEN):
        assert core_count() == 1
        assert all(pool["num_threads"] == 1 for pool in threadpool_info())
    assert [pool["num_threads"] for pool in threadpool_info()] == before


def test_a_run_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), started("minima", GIVEN) as (run, _):
        run.text("a.txt", "1")
        raise RuntimeError
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_file_that_was_in_the_way_is_told(tmp_path, capsys):
    record_of("minima", {**GIVEN, "out": "x"})
    for name in "abcde":
        (tmp_path / "x" / f"{name}.txt").write_text("mine")
    with started("minima", {**GIVEN, "out": "x"}) as (run, _):
        run.text("a.txt", "ours")
        run.publish()
    assert capsys.readouterr().err == "your a.txt is now a.txt.kept\n"
    with started("minima", {**GIVEN, "out": "x"}) as (run, _):
        for name in "bcde":
            run.text(f"{name}.txt", "ours")
        run.publish()
    told = " ".join(capsys.readouterr().err.split())
    names = ", ".join(f"{name}.txt is now {name}.txt.kept" for name in "bcd")
    assert told == f"your {names} and 1 more"
    assert (tmp_path / "x" / "a.txt.kept").read_text() == "mine"


def test_files_that_were_given_stay_whether_or_not_they_are_on_record(tmp_path):
    with started("verify", {**GIVEN, "out": "x"}) as (run, _):
        for name in ("network.npz", "certificate.json", "old.txt"):
            run.text(name, name)
        run.publish()
    (tmp_path / "link.json").symlink_to("x/certificate.json")
    given = {**GIVEN, "out": "x", "network": "x/network.npz", "certificate": Path("link.json")}
    record_of("check", given, kept=("network",))
    there = {p.name for p in (tmp_path / "x").iterdir()}
    assert there == {"network.npz", "certificate.json", "run.json"}


# Bad input


def test_a_full_disk_is_told_with_the_folder():
    with pytest.raises(OSError, match="No space left") as caught, started("minima", GIVEN):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.filename == "runs/minima"


def test_a_folder_that_is_taken_is_refused(tmp_path):
    (tmp_path / "x").write_text("")
    with pytest.raises(ValueError, match="is a file"), started("minima", {**GIVEN, "out": "x"}):
        pass
