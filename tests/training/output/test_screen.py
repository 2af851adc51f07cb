"""What a run shows while it goes on."""

from contextlib import nullcontext

from training.output.screen import Screen

# Laws


def test_on_a_terminal_progress_is_a_bar_with_the_same_words():
    screen = Screen()
    screen.err = type(screen.err)(force_terminal=True, width=100, record=True, stderr=True)
    with screen.trials() as progress:
        progress(0, 10)
        progress(10, 10)
        screen.err.print("end")
    assert "10 of 10 trials" in screen.err.export_text()


def test_names_on_a_screen_are_printable_and_short(capsys):
    screen = Screen()
    name = "\x1b[2J\u202e[bold]" + "x" * 10_000
    screen.print(f"a {name}\nb")
    screen.table([{"data": name}])
    with screen.progress(1) as step:
        step(name)
    out, err = capsys.readouterr()
    assert (out + err).replace("\n", "").isprintable()
    assert "[bold]" in out and "[bold]" in err
    assert max(map(len, (out + err).splitlines())) <= 1000


def test_a_step_that_goes_on_is_told_now_and_then_and_does_not_move_the_bar(capsys, monkeypatch):
    clock = iter([0.0, 1.0, 2.0, 12.0, 13.0])
    monkeypatch.setattr("training.output.screen.time.monotonic", lambda: next(clock))
    with Screen().progress(2) as step:
        step("settling")
        for loss in (3, 2, 1):
            step(f"loss {loss}", still=True)
    assert capsys.readouterr().err == "settling\nloss 2\n"
    with Screen(quiet=True).progress(2) as step:
        step("settling", still=True)
    assert capsys.readouterr().err == ""
    monkeypatch.undo()
    screen = Screen()
    screen.err = type(screen.err)(force_terminal=True, width=100, record=True, stderr=True)
    with screen.progress(2) as step:
        step("settling")
        step("loss 3", still=True)
        screen.err.print("end")
    assert "loss 3" in screen.err.export_text()


def test_long_compiling_is_told_unless_nobody_wants_to_know(capsys, monkeypatch):
    def at_once(tell):
        tell()
        return nullcontext()

    monkeypatch.setattr("geomcore.kernels.told_of_compiling", at_once)
    for quiet, told in ((False, "compiling, once per installation\n"), (True, "")):
        with Screen(quiet).compiling() as tell:
            assert (tell is None) == quiet
            if tell is not None:
                tell()  # as of other processes, which is no news by now
        assert capsys.readouterr().err == told


def test_what_other_processes_compile_is_told_once(capsys, monkeypatch):
    monkeypatch.setattr("geomcore.kernels.told_of_compiling", lambda tell: nullcontext())
    with Screen().compiling() as tell:
        assert capsys.readouterr().err == ""
        tell()
        tell()
    assert capsys.readouterr().err == "compiling, once per installation\n"


def test_folded_text_has_at_most_80_columns_and_all_of_its_words(capsys):
    text = "line: " + ", ".join(f"class number {k} ({k})" for k in range(30))
    Screen().fold(f"{text}\n\nshort")
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80 and lines[-2:] == ["", "short"]
    assert " ".join(" ".join(lines[:-2]).split()) == text
