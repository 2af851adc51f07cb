"""Run the blocks of README.md, or other pages, as they stand, in order, and time them.

    python tests/readme.py [PAGE ...] [--slow SECONDS]

Each page has an empty folder. Its python blocks share one namespace, as in a notebook; a shell
block is one shell each, in the same folder. A python block with prompts (`>>>`) is a doctest: what
it prints is compared. Blocks that make environments are left out: `make`, `pip` (continuous
integration runs those by itself). Beside the seconds by the clock stand those of the processors,
which other work on the machine does not change much. What takes longer than `--slow` seconds by the
clock is marked. The status is 1 if a block fails.
"""

import argparse
import doctest
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MAKES_ENVIRONMENTS = re.compile(r"^(make|pip) ", re.MULTILINE)


def blocks(text):
    """The kind ("python" or "sh"), the line and the text of each block that is to be run."""
    return [
        (found[1], text.count("\n", 0, found.start()) + 2, found[2])
        for found in BLOCK.finditer(text)
        if found[1] == "python" or not MAKES_ENVIRONMENTS.search(found[2])
    ]


def run(kind, place, text, namespace):
    """Run one block; return the seconds by the clock, and those of all processors, that it took.

    What it prints is shown.
    """
    start, used = time.perf_counter(), _used()
    if kind == "python" and text.startswith(">>>"):
        compare(place, text, namespace)
    elif kind == "python":
        exec(compile(text, place, "exec"), namespace)
    else:
        # commands of the environment that this runs in come first
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text], check=True, env={**os.environ, "PATH": path}
        )
    sys.stdout.flush()
    return time.perf_counter() - start, _used() - used


def compare(place, text, namespace):
    """Run a block with prompts; AssertionError with what differs from what it says."""
    told = []
    test = doctest.DocTestParser().get_doctest(text, namespace, place, place, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
    runner.run(test, out=told.append, clear_globs=False)
    namespace.update(test.globs)
    assert not told, "\n" + "".join(told)


def _used():
    """Seconds that processors have worked for this process and those that it waited for."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    found = [resource.getrusage(kind) for kind in kinds]
    return sum(usage.ru_utime + usage.ru_stime for usage in found)


def run_page(path):
    """Run all blocks of one page in an empty folder; return place, kind and seconds of each."""
    namespace, rows = {}, []
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for kind, line, text in blocks(path.read_text(encoding="utf-8")):
                place = f"{path.name}:{line}"
                print(f"--- {place} ({kind})", flush=True)
                try:
                    rows.append((place, kind, *run(kind, place, text, namespace)))
                except Exception as error:
                    raise RuntimeError(f"{place} fails: {type(error).__name__}: {error}") from error
        finally:
            os.chdir(ROOT)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="*", type=Path, default=[ROOT / "README.md"])
    parser.add_argument("--slow", type=float, default=60.0)
    options = parser.parse_args()
    os.environ.setdefault("MPLBACKEND", "Agg")
    sys.path.remove(str(Path(__file__).resolve().parent))  # its rooms have the packages' names
    try:
        rows = [row for path in [f.resolve() for f in options.files] for row in run_page(path)]
    except RuntimeError as error:
        sys.exit(str(error))
    for place, kind, seconds, used in rows:
        slow = f"  more than {options.slow:g}" if seconds > options.slow else ""
        print(f"{place:16} {kind:7} {seconds:6.1f} s, of processors {used:6.1f} s{slow}")


if __name__ == "__main__":
    main()
