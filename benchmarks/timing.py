"""Time two ways of doing the same thing on a machine that others use too."""

import time


def best_of(functions, repeats):
    """Shortest seconds of each function, called in turns, and what each returned last.

    Taking turns slows all of them alike when the machine is busy, so that the
    ratios mean something.
    """
    times, results = [[] for _ in functions], [None] * len(functions)
    for _ in range(repeats):
        for i, function in enumerate(functions):
            start = time.perf_counter()
            results[i] = function()
            times[i].append(time.perf_counter() - start)
    return [min(taken) for taken in times], results
