"""Attack `verify` with hostile networks, and judge each certificate in rational arithmetic.

    python benchmarks/proof_trials.py                                     two hundred trials
    python benchmarks/proof_trials.py --trials 20000 --jobs 2 --out trials.jsonl

One seed and the number of a trial fix it: `--first 1234 --trials 1` runs that one again. With
`--out` every trial becomes a line of JSON, and trials that stand there already are not run again,
so that a run that was stopped goes on where it was. The exit status is 1 if anything is wrong.
"""

import argparse
import collections
import json
import multiprocessing
import os
import sys
import time
from pathlib import Path

# One thread each: the matrices are tiny, and the processes share the cores. Before NumPy comes.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))


def run(trial):
    """One trial, as what its line of JSON says."""
    import hostile
    import judge

    seed, index = trial
    start = time.perf_counter()
    found, wrong = judge.attack(hostile.draw(seed, index), seed=index)
    return {
        "seed": seed,
        "index": index,
        "verdict": None if found is None else found.verdict,
        "proved": None if found is None else found.proved,
        "wrong": wrong,
        "seconds": round(time.perf_counter() - start, 3),
    }


def finished(path, seed):
    """The trials of a seed that a file holds; a line cut off by a stop does not count."""
    rows = {}
    if path is not None and path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if row["seed"] == seed:
                rows[row["index"]] = row
    return rows


def results(trials, jobs):
    if jobs == 1:
        yield from map(run, trials)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(run, trials, chunksize=10)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    wanted = range(given.first, given.first + given.trials)
    rows = finished(given.out, given.seed)
    left = [(given.seed, i) for i in wanted if i not in rows]
    start, file = time.perf_counter(), None
    if given.out is not None:
        text = given.out.read_text(encoding="utf-8") if given.out.exists() else ""
        file = given.out.open("a", encoding="utf-8")
        if text and not text.endswith("\n"):
            file.write("\n")
    for row in results(left, given.jobs):
        rows[row["index"]] = row
        if file is not None:
            file.write(json.dumps(row) + "\n")
            file.flush()
    took = time.perf_counter() - start

    chosen = [rows[i] for i in wanted]
    verdicts = collections.Counter((r["verdict"], r["proved"]) for r in chosen)
    print(
        f"{len(chosen):,} trials of seed {given.seed}; {len(left):,} of them now, in {took:.0f} s"
    )
    for (verdict, proved), count in verdicts.most_common():
        print(f"{count:7,}  {verdict}{' (proved)' if proved else ''}")
    kinds = collections.defaultdict(list)
    for row in chosen:
        for kind, detail in row["wrong"]:
            kinds[kind].append((row["index"], detail))
    for kind, places in sorted(kinds.items()):
        trials = len({i for i, _ in places})
        print(f"WRONG  {kind}: {trials:,} trials, such as {places[0][0]}: {places[0][1]}")
    return int(bool(kinds))


if __name__ == "__main__":
    sys.exit(main())
