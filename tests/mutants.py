"""Change one constant or one comparison of the proof code at a time: some test must turn red.

    make mutants                                     all files of `SCOPE`
    python tests/mutants.py [-j 2] constructions/proof/exact.py
    python tests/mutants.py --list                   what would be changed, without running
    python tests/mutants.py --stale                  what mutants.txt excuses and is not there
    NUMBA_DISABLE_JIT=1 python tests/mutants.py constructions/two_layer/cone_kernel.py

Changed are numbers and booleans, comparisons, + and -, `and` and `or`, signs, `not`, and names
that come in pairs (`PAIRS`); error messages, annotations and docstrings are not. No file is
touched: everything is imported once, and each mutant is compiled in memory, in a forked process
that runs only the tests that reach the changed statement, and stops at the first that fails.
Of a compiled kernel the machine code is kept by the text of its file, so that no change would be
seen: files named *_kernel.py are left out unless numba is told to interpret them, as above.

A mutant that changes nothing that is claimed stands in mutants.txt with the reason. The run fails
if a mutant survives that is not listed there, or if one is listed that no longer exists. Verdicts
are kept in build/mutants, so that a run that was stopped goes on where it was.
"""

import argparse
import ast
import contextlib
import hashlib
import importlib.machinery
import importlib.util
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path

import pytest
from mutations import changes, listed, shown, whole_of

# What proves something, and tests that may find it out (those of the mirrored files come first).
TESTS = tuple(f"tests/constructions/{room}" for room in ("proof", "separation", "verification"))
SCOPE = {
    "constructions/critical/*.py": (
        "tests/constructions/critical",
        "tests/constructions/verification/test_near.py",
    ),
    "constructions/critical/*/*.py": ("tests/constructions/critical",),
    "constructions/penalised/*.py": (
        "tests/constructions/penalised",
        "tests/constructions/verification/test_near_strict.py",
    ),
    "constructions/proof/*.py": TESTS,
    "constructions/verification/*.py": TESTS,
    "constructions/separation/answer.py": TESTS,
    "constructions/separation/features.py": TESTS,
    "constructions/separation/hulls.py": TESTS,
    "constructions/separation/hyperplane.py": TESTS,
    "constructions/separation/line.py": TESTS,
    "constructions/separation/separation.py": TESTS,
    "constructions/theorems/covering.py": ("tests/constructions/theorems",),
    "constructions/two_layer/best_neuron.py": ("tests/constructions/two_layer",),
    "constructions/two_layer/bound.py": ("tests/constructions/two_layer",),
    "constructions/two_layer/checker.py": ("tests/constructions/two_layer",),
    "constructions/two_layer/best_neuron_kernel.py": (
        "tests/constructions/two_layer/test_best_neuron_kernel.py",
    ),
    "constructions/two_layer/cone_kernel.py": (
        "tests/constructions/two_layer/test_cone_kernel.py",
        "tests/constructions/two_layer/test_cones.py",
    ),
    "constructions/two_layer/cones.py": ("tests/constructions/two_layer",),
    "constructions/two_layer/dual.py": ("tests/constructions/two_layer",),
    "training/landscape/lines/barrier.py": ("tests/training/landscape/lines",),
    "training/landscape/lines/costs.py": ("tests/training/landscape/lines",),
    "training/landscape/lines/models.py": ("tests/training/landscape/lines",),
    "training/landscape/lines/polynomials.py": ("tests/training/landscape/lines",),
    "training/landscape/lines/windows.py": ("tests/training/landscape/lines",),
    "training/study/outcomes.py": ("tests/training/study",),
    "training/study/result.py": ("tests/training/study",),
}
# Of these files, only what proves, or decides about a tolerance.
ONLY = {
    "constructions/two_layer/best_neuron.py": {"best_neuron", "_searched", "_outward", "scaled"},
    "constructions/two_layer/bound.py": {
        "TwoLayerBound.relative_gap",
        "two_layer_bound",
        "_check_biases",
        "_Problem.rows",
        "_Problem.loss",
        "_Problem.bounds",
        "_Problem.with_neuron",
        "_judged",
    },
    "constructions/two_layer/cones.py": {
        "ConeSearch.__init__",
        "ConeSearch.root",
        "ConeSearch.improve",
        "ConeSearch.proved",
        "ConeSearch.attained",
        "ConeSearch.is_enough",
        "ConeSearch.run",
        "ConeSearch._pass",
        "bound_of_norms",
        "_norm",
    },
    "training/study/outcomes.py": {"outcomes", "undecided"},
    "training/study/result.py": {"StudyResult.below"},
}
ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("geomcore", "constructions", "training", "tests")
LISTED = ROOT / "tests" / "mutants.txt"
FOLDER = ROOT / "build" / "mutants"
MOST_MEMORY = 8 << 30
PATIENCE = 5.0  # seconds; only quicker tests of the mirrored files are run


class _Plugin:
    """Chooses and orders tests; without an order, notes which lines each of them reaches."""

    def __init__(self, order=None, files=()):
        self.order, self.files = order, {str(ROOT / file): file for file in files}
        self.reached, self.seconds = {}, {}

    def pytest_sessionstart(self):
        from hypothesis import Phase, settings

        # one counterexample suffices, and no time is spent on making it smaller
        phases = (Phase.explicit, Phase.generate)
        settings.register_profile(
            "mutants", settings.default, phases=phases, report_multiple_bugs=False
        )
        settings.load_profile("mutants")

    def pytest_collection_modifyitems(self, items):
        if self.order is not None:
            place = {name: i for i, name in enumerate(self.order)}
            items[:] = sorted(
                (t for t in items if t.nodeid in place), key=lambda t: place[t.nodeid]
            )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        if self.order is not None:
            return (yield)
        start, lines = _processor(), {path: set() for path in self.files}

        def trace(frame, event, argument):
            here = lines.get(frame.f_code.co_filename)
            if here is None:
                return None
            here.add(frame.f_lineno)
            return trace

        sys.settrace(trace)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            self.seconds[item.nodeid] = _processor() - start
            self.reached[item.nodeid] = {
                self.files[path]: sorted(found) for path, found in lines.items() if found
            }


def _processor():
    """Seconds of the processor, of the children too: on a busy machine tests take no more."""
    return sum(os.times()[:4])


class _Mutated(importlib.machinery.SourceFileLoader):
    """Imports one module from a changed tree, with the source that stands on disk."""

    def __init__(self, mutant):
        self.mutant = mutant
        name = ".".join(Path(mutant.file).with_suffix("").parts)
        super().__init__(name, str(ROOT / mutant.file))

    def find_spec(self, name, path=None, target=None):
        if name == self.name:
            return importlib.util.spec_from_file_location(name, self.path, loader=self)
        return None

    def get_code(self, fullname):
        node, attribute, value = self.mutant.edit
        setattr(node, attribute, value)
        return compile(ast.fix_missing_locations(self.mutant.tree), self.path, "exec")


def _forget():
    """Drop what came from constructions, training and tests, so that it is imported anew."""
    rooms = tuple(str(ROOT / room) + os.sep for room in ("constructions", "training", "tests"))
    for name, module in list(sys.modules.items()):
        if name != "__main__" and (getattr(module, "__file__", None) or "").startswith(rooms):
            del sys.modules[name]


def _pytest(arguments, plugin):
    common = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    return pytest.main([*common, *arguments], plugins=[plugin])


def _fork(work, seconds):
    """Start `work`, whose result is an exit status, in a child with limits of time and memory."""
    pid = os.fork()
    if pid:
        return pid
    status = 3
    try:
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 5))
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
        signal.alarm(10 * int(seconds) + 60)
        _forget()
        status = int(work())
    finally:
        os._exit(status)


def _baseline(files, tests, path):
    """Lines that each test reaches and the time it takes, from a run without any change."""

    def work():
        plugin = _Plugin(files=files)
        status = _pytest(tests, plugin)
        found = {"status": int(status), "reached": plugin.reached, "seconds": plugin.seconds}
        path.write_text(json.dumps(found), encoding="utf-8")
        return status

    if not path.exists():
        os.waitpid(_fork(work, 3600), 0)
    found = json.loads(path.read_text(encoding="utf-8"))
    if found["status"]:
        path.unlink()
        sys.exit(f"the tests fail without any change: see pytest {' '.join(tests)}")
    return found


def _stages(mutant, base, patience):
    """Names of the tests that reach a mutant: those of the mirrored files, and the quick others."""
    file = Path(mutant.file)
    room = f"tests/{file.parent.as_posix()}"
    own = f"{room}/test_{file.stem}.py::", f"{room}/test_{file.stem}_", f"{room}/{file.stem}/"
    near, far = [], []
    for name in sorted(base["seconds"], key=base["seconds"].get):
        lines = base["reached"][name].get(mutant.file, ())
        if mutant.span is None or any(i in mutant.span for i in lines):
            mirrored = name.startswith(own)
            if base["seconds"][name] < (PATIENCE if mirrored else patience):
                (near if mirrored else far).append(name)
    return [stage for stage in (near, far) if stage]


def _start(mutant, names, base):
    def work():
        sys.meta_path.insert(0, _Mutated(mutant))
        files = sorted({name.split("::")[0] for name in names})
        return _pytest(["-x", *files], _Plugin(order=names))

    return _fork(work, 10 + 4 * sum(base["seconds"][name] for name in names))


def run(mutants, base, jobs, patience):
    """Yield (mutant, survived) for every mutant, as they are decided."""
    todo = [(m, _stages(m, base, patience)) for m in reversed(mutants)]
    running = {}
    while todo or running:
        while todo and len(running) < jobs:
            mutant, stages = todo.pop()
            if stages:
                running[_start(mutant, stages[0], base)] = mutant, stages[1:]
            else:
                yield mutant, True
        if running:
            pid, status = os.wait()
            mutant, stages = running.pop(pid)
            # none may be left of tests that are named after what was changed: that is not red
            lived = os.waitstatus_to_exitcode(status) in (0, pytest.ExitCode.NO_TESTS_COLLECTED)
            if lived and stages:
                todo.append((mutant, stages))
            else:
                yield mutant, lived


def _digest(paths):
    found = hashlib.sha256()
    for path in sorted(paths):  # names, too: tests that are moved have other ones
        found.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", help="files of SCOPE; default all")
    parser.add_argument("-j", "--jobs", type=int, default=2, help="processes at once")
    parser.add_argument("--list", action="store_true", help="show the mutants, run nothing")
    parser.add_argument("--stale", action="store_true", help="show those listed, but not there")
    parser.add_argument("--again", action="store_true", help="forget who survived before")
    parser.add_argument("--tests", nargs="+", help="run these only, not those of SCOPE")
    parser.add_argument(
        "--patience", type=float, default=0.1, help="seconds of the slowest test of another file"
    )
    parser.add_argument("--listed", action="store_true", help="run those in mutants.txt, too")
    options = parser.parse_args(arguments)

    scope = {
        path.relative_to(ROOT).as_posix(): tests
        for pattern, tests in SCOPE.items()
        for path in sorted(ROOT.glob(pattern))
    }
    compiled = {f for f in scope if f.endswith("_kernel.py")}
    if os.environ.get("NUMBA_DISABLE_JIT", "0") != "0" or options.list or options.stale:
        compiled = set()
    files = options.files or [f for f in scope if f not in compiled]
    if held := compiled & set(files):
        parser.error(f"compiled: run with NUMBA_DISABLE_JIT=1 for {', '.join(sorted(held))}")
    if unknown := set(files) - set(scope):
        parser.error(f"not in SCOPE: {', '.join(sorted(unknown))}")
    mutants = [
        m
        for f in files
        for m in changes(f, (ROOT / f).read_text(encoding="utf-8"))
        if f not in ONLY or m.function in ONLY[f]
    ]
    texts = {file: _digest([ROOT / file]) for file in scope}
    if options.list:
        print(shown({m.key: "" for m in mutants}))
        return 0
    reasons = {k: why for k, why in listed(LISTED).items() if k[0] in files}
    # a function that only searches is listed as a whole, by one * for line and change
    searches = {m.key: reasons[whole] for m in mutants if (whole := whole_of(m.key)) in reasons}
    gone = reasons.keys() - {m.key for m in mutants} - {whole_of(k) for k in searches}
    excused = searches | {k: why for k, why in reasons.items() if k[2] != "*"}
    if options.stale:
        print(shown({k: reasons[k] for k in gone}))
        return int(bool(gone))

    FOLDER.mkdir(parents=True, exist_ok=True)
    sources = [p for room in ROOMS for p in (ROOT / room).rglob("*.py")]
    state = _digest(p for p in sources if p.stem not in ("mutants", "mutations", "test_mutants"))
    tests = options.tests or sorted({t for f in files for t in scope[f]})
    run_by = hashlib.sha256(" ".join([state, *tests]).encode()).hexdigest()
    base = _baseline(list(scope), tests, FOLDER / f"{run_by[:16]}.json")
    known = {}
    history = FOLDER / "verdicts.jsonl"
    for text in history.read_text(encoding="utf-8").splitlines() if history.exists() else ():
        entry = json.loads(text)
        # tests only grow: who was killed stays so while the file is what it was
        killed = options.again and entry["file"] == texts.get(entry["key"][0])
        use = killed or entry["state"] == state
        if entry["survived"]:
            use = entry["run_by"] == run_by and not options.again
        if use:
            known[tuple(entry["key"])] = entry["survived"]
    with open(os.devnull, "w") as null, contextlib.redirect_stdout(null):
        _pytest(["--collect-only", *tests], _Plugin())  # imports what all children will need
    todo = [m for m in mutants if m.key not in known and (options.listed or m.key not in excused)]

    start, count = time.monotonic(), 0
    with (
        history.open("a", encoding="utf-8") as log,
        contextlib.closing(run(todo, base, options.jobs, options.patience)) as verdicts,
    ):
        for mutant, survived in verdicts:
            known[mutant.key] = survived
            entry = {
                "state": state,
                "run_by": run_by,
                "file": texts[mutant.file],
                "key": mutant.key,
                "survived": survived,
            }
            print(json.dumps(entry), file=log, flush=True)
            count += 1
            if survived or count % 20 == 0:
                rate = 60 * count / (time.monotonic() - start)
                print(
                    f"{count}/{len(todo)}, {rate:.0f} a minute", *(mutant.key if survived else ())
                )
    alive = {m.key for m in mutants if known.get(m.key)} - excused.keys()
    print(f"{len(mutants)} mutants, {len(excused)} listed, {len(alive)} survive")
    if alive:
        print("\nsurvivors:\n" + shown({k: "" for k in alive}))
    if gone:
        print("\nlisted, but not there:\n" + shown({k: reasons[k] for k in gone}))
    if dead := [k for k in excused if known.get(k) is False]:
        print("\nlisted, but killed:\n" + shown({k: excused[k] for k in dead}))
    return int(bool(alive or gone))


if __name__ == "__main__":
    # threads do not survive a fork
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    sys.path.insert(0, str(ROOT))
    os.chdir(ROOT)
    sys.exit(main())
