"""Run folders of the experiments and of the claims, and what goes on from them or judges them."""

import hashlib
import shutil

from fuzz_corpus import command
from tiny_runs import RUNS, small, write_images

from training.experiments.claims.evidence import judgements
from training.experiments.claims.running import FINISHED, done
from training.experiments.claims.works import WORKS
from training.experiments.kernels import at_scale
from training.output.folder import RunFolder
from training.output.pieces import Pieces

PIECES = "pieces.sqlite"
# Commands that begin anew each time; "*" is the file that is spoiled, else a network.
ANEW = {
    "settle": ("*", "@t.csv", "--seconds", "0.2"),
    "landscape": ("*", "@t.csv", "--points", "3"),
    "regions": ("*", "@t.csv"),
    "optimum": (
        *("@t.csv", "--network", "*", "--weight-decay", "0.1", "--seconds", "1"),
        *("--runs", "1", "--widths", "2", "--steps", "5"),
    ),
}
SHOWN = ("run.json", "index.html", "certificate.json")  # of a run that is joined with others
CLAIMED = {
    "minima.csv": (
        "name,kind,classes,loss,closed_form,verdict,proved\n"
        "state 10,paper,2,0.5,0.5,local minimum,True\nstate 01,state,2,0.25,,saddle,False\n"
    ),
    "trials.csv": (
        "scale,outcome,final_loss,accuracy\n0.05,returned,0.0,1.0\n1.0,left,0.4,0.85\n"
        "0.05,returned,1e-9,1.0\n1.0,diverged,,\n"
    ),
}


def make(folder, readers):
    """Write run folders into a folder that holds the corpus; return the files of each reader.

    Parameters
    ----------
    folder : Path
    readers : collection of str
        Runs that none of them needs are not made.

    Returns
    -------
    dict of str to list of Path
    """
    needed = {name.partition(": ")[2] for name in readers}
    needed |= {"settle", "regions"} if "report: shown" in readers else set()
    write_images(folder / "mnist")
    for name in RUNS.keys() & needed:
        with small():
            command(
                [name, *RUNS[name].typed(folder), "--jobs", "1", "-q", "--out", str(folder / name)]
            )
        assert (folder / name / "index.html").exists(), name
    for name in ANEW.keys() & needed:
        assert begin(name, folder / "random.npz", folder, folder / name) in (0, 1), name
    if "kernels" in needed:
        (folder / "kernels").mkdir()
        with small(), Pieces.open(folder / "kernels" / PIECES, {"seeds": 1}) as pieces:
            at_scale.at_scale(1, pieces=pieces)
    for work in WORKS:
        _claim(folder / "claims" / work.folder, work)
    tables = [file for work in WORKS for file in (folder / "claims" / work.folder).glob("*.csv")]
    networks = [folder / "built.npz", folder / "random.npz"]
    return {
        **{f"pieces: {name}": [folder / name / PIECES] for name in (*RUNS, "kernels")},
        **{f"run.json: {name}": [folder / name / "run.json"] for name in RUNS},
        **{f"command: {name}": networks for name in ANEW},
        "command: census": [folder / f"table-{name}.npz" for name in ("plain", "packed")],
        **{f"again: {name}": [folder / name / "run.json"] for name in ANEW},
        "report: shown": [folder / "settle" / name for name in SHOWN],
        "claims: tables": tables,
        "claims: run.json": [table.parent / "run.json" for table in tables],
    }


def _claim(place, work):
    """A finished run that answers for claims: what `geomcore claims` takes as it is."""
    arguments = {**work.left, **work.quick}
    table = work.table
    rows = "".join(f"{claim},yes,all of it\n" for claim in work.claims)
    place.parent.mkdir(exist_ok=True)
    with RunFolder(place, work.command, arguments, 0) as run:
        run.text(table, CLAIMED.get(table, f"claim,verdict,reason\n{rows}"))
        run.publish()


def _digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def go_on(name, file):
    """What resumes a run of which one file is replaced: a file that is refused stays as it is."""

    def resumed(path, corpus):
        folder = path.parent / "run"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(corpus / name, folder)
        before = _digest(path)
        path.replace(folder / file)
        (folder / "precious").write_text("mine")
        with small():
            status = command([name, "--resume", "--out", str(folder), "--jobs", "1", "-q"])
        assert (folder / "precious").read_text() == "mine"
        if status == 2:
            assert _digest(folder / file) == before, "changed a file that it refused"

    return resumed


def begin(name, spoiled, corpus, out):
    """Begin a run with a file that may be anything; return its status."""
    typed = [str(corpus / o[1:]) if o.startswith("@") else o for o in ANEW[name]]
    typed = [str(spoiled) if option == "*" else option for option in typed]
    with small():
        return command([name, *typed, "--jobs", "1", "-q", "--out", str(out)])


def census(path, corpus):
    options = ("--widths", "2,2,3", "--runs", "1", "--steps", "5", "--jobs", "1", "-q")
    with small():
        command(["census", str(path), *options, "--out", str(path.parent / "out")])


def begin_anew(name):
    """What makes a run in the folder of an earlier one of which the record is replaced."""

    def begun(path, corpus):
        folder = path.parent / "run"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(corpus / name, folder)
        path.replace(folder / "run.json")
        for mine in ("precious", "index.html"):
            (folder / mine).write_text(f"my {mine}")
        before = _files(folder)
        status = begin(name, corpus / "random.npz", corpus, folder)
        after = _files(folder)
        if status == 2:
            assert after == before, "changed a folder that it refused"
        assert after.get("precious") == before["precious"], "lost a file of the user"
        assert before["index.html"] in after.values(), "lost a page that was edited"

    return begun


def _files(folder):
    return {path.name: _digest(path) for path in folder.iterdir()}


def join(path, corpus):
    """Join a run of which one file is replaced with another one; both stay as they are."""
    folder = path.parent / "run"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(corpus / "settle", folder)
    path.replace(folder / path.name)
    before = _files(folder)
    out = path.parent / "out"
    status = command(["report", str(folder), str(corpus / "regions"), "--out", str(out), "-q"])
    assert _files(folder) == before, "changed a run that it joined"
    if status != 2:
        page = (out / "index.html").read_text(encoding="utf-8")
        assert page.count("<script>") == page.count("</script>") - page.count("<script type") == 1


def kernels(path, corpus):
    with small(), Pieces.open(path, {"seeds": 1}) as pieces:
        found = at_scale.at_scale(1, pieces=pieces)
    at_scale.in_words(at_scale.overview(found, seed=0))


def judge(is_table):
    """What judges claims by runs of which a table or the record is replaced."""

    def judged(path, corpus):
        folder = path.parent / "claims"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(corpus / "claims", folder)
        for work in WORKS:
            table = work.table
            if is_table and table != path.name:
                continue
            file = folder / work.folder / (table if is_table else "run.json")
            honest = file.read_bytes()
            shutil.copy(path, file)
            state = _state(work, folder)
            if is_table and file.read_bytes() != honest:
                assert state != FINISHED, "took a table that was changed"
            rows = judgements(folder, [])
            assert {row["claim"] for row in rows} >= {*work.claims}
            file.write_bytes(honest)

    return judged


def _state(work, folder):
    """How far a run has come; what is wrong with its record makes it one that failed."""
    try:
        return done(work, folder, quick=True, seed=0)
    except (ValueError, OSError):
        return "failed"


READERS = {
    **{f"pieces: {name}": go_on(name, PIECES) for name in RUNS},
    "pieces: kernels": kernels,
    **{f"run.json: {name}": go_on(name, "run.json") for name in RUNS},
    **{
        f"command: {name}": lambda path, corpus, name=name: begin(
            name, path, corpus, path.parent / "out"
        )
        for name in ANEW
    },
    "command: census": census,
    **{f"again: {name}": begin_anew(name) for name in ANEW},
    "report: shown": join,
    "claims: tables": judge(True),
    "claims: run.json": judge(False),
}
SHARES = {
    **{f"pieces: {name}": 0.1 for name in RUNS},
    "pieces: kernels": 0.5,
    **{f"run.json: {name}": 0.02 for name in RUNS},
    **{f"command: {name}": 0.1 for name in (*ANEW, "census")},
    **{f"again: {name}": 0.05 for name in ANEW},
    "report: shown": 0.2,
    "claims: tables": 1,
    "claims: run.json": 0.5,
}
