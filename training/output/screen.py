"""What a command shows while it runs: a progress bar on a terminal, plain lines elsewhere."""

import time
from contextlib import contextmanager
from threading import Timer

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from geomcore.display.lines import folded
from geomcore.foreign.wording import printable, shortened
from training.output.pace import Pace

# Seconds between two lines of progress where there is no terminal.
EVERY = 10.0
LONGEST = 1000  # characters of a line


class Screen:
    """Output of one command.

    Parameters
    ----------
    quiet : bool
        Show results, but no progress.
    """

    def __init__(self, quiet=False):
        # Results go to standard output, progress to standard error.
        self.out = Console(highlight=False, soft_wrap=True)
        self.err = Console(stderr=True, highlight=False, soft_wrap=True)
        self.quiet = quiet

    def print(self, text=""):
        """Show a result, line by line; names in it may be any text."""
        self.out.print("\n".join(map(_plain, text.split("\n"))), markup=False)

    def fold(self, text):
        """Show a result in lines of at most 80 columns, whatever the terminal."""
        self.print(folded(text.split("\n")))

    def tell(self, text):
        """Show what is no result, such as a plan, unless the screen is quiet."""
        if not self.quiet:
            self.print(text)

    def table(self, rows):
        """Show a list of dicts of strings, all with the same keys, as a table."""
        table = Table(*rows[0], box=None, padding=(0, 1, 0, 0), header_style="bold")
        for row in rows:
            table.add_row(*(Text(_plain(value)) for value in row.values()))
        # A narrow terminal breaks a long line, which reads better than cells cut short.
        wide = Console(width=max(self.out.width, 120), highlight=False)
        wide.print(table)

    @contextmanager
    def progress(self, total):
        """Yield a function that takes the name of the next of `total` steps.

        Its argument ``still``, if true, says that the step before goes on, and how far it is.
        """
        if self.quiet:
            yield lambda name, *, still=False: None
        elif self.err.is_terminal:
            columns = (BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
            with Progress(*columns, console=self.err, transient=True) as bar:
                task = bar.add_task("", total=total)
                started = []

                def advance(name, *, still=False):
                    ahead = 1 if started and not still else 0
                    bar.update(task, description=escape(_plain(name)), advance=ahead)
                    started.append(name)

                yield advance
        else:
            shown = [time.monotonic()]

            def line(name, *, still=False):
                now = time.monotonic()
                if not still or now - shown[0] >= EVERY:
                    shown[0] = now
                    self.err.print(_plain(name), markup=False)

            yield line

    @contextmanager
    def compiling(self):
        """Say, once, that functions are compiled inside, if that takes longer than two seconds.

        Yields a function that says so, once, of what other processes compile; None if it is quiet.
        """
        from geomcore.kernels import told_of_compiling  # numba takes a quarter of a second

        if self.quiet:
            yield None
            return
        told = []

        def tell():
            if not told:
                told.append(True)
                self.err.print("compiling, once per installation")

        with told_of_compiling(tell):
            yield tell

    @contextmanager
    def trials(self, *, after=0.0, first="", what="trial"):
        """Yield a function ``(done, total)`` that shows how fast trials go and what remains.

        Parameters
        ----------
        after : float
            Seconds before there is a bar.
        first : str
            What is shown before the function is called.
        what : str
            What is counted, one of it.
        """
        pace = Pace(what)
        if self.quiet:
            yield lambda done, total: None
        elif self.err.is_terminal:
            columns = (BarColumn(), TextColumn("{task.description}"))
            bar = Progress(*columns, console=self.err, transient=True)
            task = bar.add_task(first, total=None)

            def show(done, total):
                bar.update(task, completed=done, total=total, description=pace(done, total))

            with _later(bar, after):
                yield show
        else:
            shown = [-EVERY]

            def line(done, total):
                text, now = pace(done, total), time.monotonic()
                if now - shown[0] >= EVERY or done == total:
                    shown[0] = now
                    self.err.print(text, markup=False)

            if first:
                self.err.print(first, markup=False)
            yield line


@contextmanager
def _later(bar, seconds):
    """Show a bar from so many seconds on, if what is done inside takes as long."""
    timer = Timer(seconds, bar.start)
    timer.daemon = True
    try:
        if seconds:
            timer.start()
        else:
            bar.start()
        yield
    finally:
        timer.cancel()
        if seconds:
            timer.join()
        if bar.live.is_started:
            bar.stop()


def _plain(text):
    return shortened(printable(text), LONGEST)
