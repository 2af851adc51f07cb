"""Spoil honest files and read them: each gives its content or one sentence, and harms nobody.

    make fuzz                                        100,000 mutants, some minutes
    python tests/fuzz.py --count 1000 --reader check
    python tests/fuzz.py --reader check --index 712  one mutant again, with its traceback

Mutant number i of a reader is the same in every run with the same seed. Each is read in a forked
process that may take `ROOM` bytes more than it has, and `PATIENCE` seconds; whole commands, which
construct, train and draw if a file is still good, may take longer. What falls out:

- a traceback: an exception that is not one of `ALLOWED`, or a sentence with control characters
  or of more than 300 characters;
- a hang, a MemoryError, a process that dies;
- a file that was changed by reading it, and anything executed.

The run fails if one of them occurs; the mutants are kept in build/fuzz.
"""

import argparse
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # threads do not survive a fork
os.environ.setdefault("MPLBACKEND", "Agg")
# before the folder of tests, the rooms of which have the packages' names
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import fuzz_corpus
import fuzz_mutators
import fuzz_runs
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "build" / "fuzz"
ALLOWED = (ValueError, OSError)
LONGEST = 300
ROOM = 2**30
PATIENCE, OF_COMMANDS = 5.0, 60.0
BATCH = 250
READERS = fuzz_corpus.READERS | fuzz_runs.READERS
SHARES = fuzz_corpus.SHARES | fuzz_runs.SHARES
# How the names of whole ones begin.
COMMANDS = ("command", "resume", "pieces: ", "run.json: ", "again: ", "report: ")


class Hang(BaseException):
    """Raised when patience is at its end."""


def _hang(*_):
    raise Hang


def patience(reader):
    """Seconds that a reader has."""
    return OF_COMMANDS if reader.startswith(COMMANDS) else PATIENCE


def names(files):
    """The files that are there whichever readers are tried: pieces of them are spliced in."""
    always = [files[name] for name in fuzz_corpus.READERS if name in files] or files.values()
    return sorted({path for paths in always for path in paths})


def make(corpus, readers):
    """Write the files that some readers read; return those of each."""
    files = fuzz_corpus.make(corpus)
    if not fuzz_runs.READERS.keys().isdisjoint(readers):
        files |= fuzz_runs.make(corpus, readers)
    return files


def prepare(seed, reader, index, files, folder):
    """Write mutant number `index` of a reader into a folder; return its path."""
    number = list(READERS).index(reader)
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number, index)))
    source = files[reader][rng.integers(0, len(files[reader]))]
    target = folder / source.name
    fuzz_mutators.mutant(rng, reader, source, names(files), target)
    return target


def outcome(reader, path, corpus):
    """Read a mutant: "read", "refused", or what is wrong, and where."""
    before = path.read_bytes()
    old = signal.signal(signal.SIGALRM, _hang)
    try:
        signal.setitimer(signal.ITIMER_REAL, patience(reader))
        try:
            READERS[reader](path, corpus)
            found = "read"
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except Hang as error:
        return f"hang at {_place(error)}"
    except ALLOWED as error:
        told = str(error).replace(str(path.parent), "")
        if len(told) > LONGEST or not told.isprintable():
            return f"sentence of {len(told)} characters at {_place(error)}: {told[:80]!r}"
        found = "refused"
    except Exception as error:
        return f"{type(error).__name__} at {_place(error)}: {str(error)[:80]!r}"
    finally:
        signal.signal(signal.SIGALRM, old)
    if path.exists() and path.read_bytes() != before:
        return "changed the file that it read"
    if (corpus / "executed").exists():
        return "executed what the file says"
    return found


def _place(error):
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "site-packages" not in f[0]]
    ours = [f for f in frames if f.filename.startswith(str(ROOT)) and "/tests/" not in f.filename]
    frame = (ours or frames)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"


def batch(seed, reader, indices, files, corpus):
    """Read some mutants in this process; write a line for each to the pipe that is returned."""
    receive, send = os.pipe()
    child = os.fork()
    if child:
        os.close(send)
        return child, receive
    status = 1
    try:
        os.close(receive)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + ROOM
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        warnings.simplefilter("ignore")
        with open(os.devnull, "w") as nowhere, tempfile.TemporaryDirectory() as folder:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
            home = Path(folder)
            for index in indices:
                os.write(send, f"{index}\tbegun\n".encode())
                place = home / str(index)
                place.mkdir()
                found = outcome(reader, prepare(seed, reader, index, files, place), corpus)
                shutil.rmtree(place, ignore_errors=True)
                os.write(send, f"{index}\t{ascii(found)[1:-1]}\n".encode())
        status = 0
    finally:
        os._exit(status)


def outcomes(seed, reader, count, files, corpus, jobs, start=0):
    """Yield (index, outcome) of some mutants of a reader, each from a process of its own kind."""
    todo = [range(i, min(i + BATCH, start + count)) for i in range(start, start + count, BATCH)]
    running = {}  # of each pipe: the process, what it has to do, what came, when it spoke last
    while todo or running:
        while todo and len(running) < jobs:
            indices = todo.pop()
            child, pipe = batch(seed, reader, indices, files, corpus)
            running[pipe] = [child, indices, "", time.monotonic()]
        ready, _, _ = select.select(list(running), [], [], 1.0)
        for pipe in list(running):
            child, indices, text, spoke = running[pipe]
            if pipe in ready:
                came = os.read(pipe, 2**16).decode()
                running[pipe][2:] = [text + came, time.monotonic()]
                if came:
                    continue
            elif time.monotonic() - spoke < 4 * patience(reader):
                continue
            else:  # compiled code does not hear the alarm
                os.kill(child, signal.SIGKILL)
            os.close(pipe)
            status = os.waitpid(child, 0)[1]
            del running[pipe]
            lines = [line.split("\t") for line in text.splitlines()]
            done = {int(index): found for index, found in lines if found != "begun"}
            yield from done.items()
            begun = [int(index) for index, found in lines if found == "begun"]
            if status and begun and begun[-1] not in done:
                signalled = os.WTERMSIG(status) if os.WIFSIGNALED(status) else status
                yield begun[-1], "hang" if signalled == signal.SIGKILL else f"died of {signalled}"
                todo.append(range(begun[-1] + 1, indices[-1] + 1))


def counts(total):
    """How many mutants each reader gets."""
    whole = sum(SHARES.values())
    return {name: max(1, round(total * s / whole)) for name, s in SHARES.items()}


def run(seed, shares, corpus, jobs, show=print):
    """Read all mutants; return how many there were of each outcome, and those that fell out."""
    files, fell = make(corpus, shares), []
    for reader, count in shares.items():
        start, seen = time.monotonic(), Counter()
        for index, found in outcomes(seed, reader, count, files, corpus, jobs):
            good = found in ("read", "refused")
            seen[found if good else "fell out"] += 1
            if not good:
                fell.append((reader, index, found))
        seconds = time.monotonic() - start
        line = ", ".join(f"{seen[key]:,} {key}" for key in ("read", "refused", "fell out"))
        show(f"{reader:24} {sum(seen.values()):7,} mutants in {seconds:4.0f} s: {line}")
    return files, fell


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--reader", choices=READERS)
    parser.add_argument("--index", type=int)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder)
        if chosen.index is not None:
            files = make(corpus, [chosen.reader])
            path = prepare(chosen.seed, chosen.reader, chosen.index, files, corpus / "run")
            print(f"{path.name}, {path.stat().st_size} bytes: {path.read_bytes()[:300]!r}")
            READERS[chosen.reader](path, corpus)
            return 0
        shares = {chosen.reader: chosen.count} if chosen.reader else counts(chosen.count)
        start = time.monotonic()
        files, fell = run(chosen.seed, shares, corpus, chosen.jobs)
        KEPT.mkdir(parents=True, exist_ok=True)
        kinds = Counter((reader, found) for reader, _, found in fell)
        for (reader, found), count in kinds.most_common():
            index = next(i for r, i, f in fell if (r, f) == (reader, found))
            print(f"{count:6,} x {reader}, --index {index}: {found}")
            prepare(chosen.seed, reader, index, files, KEPT)
        seconds = time.monotonic() - start
        total = sum(shares.values())
        print(f"{total:,} mutants, seed {chosen.seed}, {seconds:.0f} s: {len(fell):,} fell out")
    return 1 if fell else 0


if __name__ == "__main__":
    sys.exit(main())
