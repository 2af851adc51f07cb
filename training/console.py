"""What a command shows while it runs: a progress bar on a terminal, plain lines elsewhere."""

from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table


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
        """Show a result."""
        self.out.print(text, markup=False)

    def table(self, rows):
        """Show a list of dicts of strings, all with the same keys, as a table."""
        table = Table(*rows[0], box=None, padding=(0, 1, 0, 0), header_style="bold")
        for row in rows:
            table.add_row(*row.values())
        # A narrow terminal breaks a long line, which reads better than cells cut short.
        wide = Console(width=max(self.out.width, 120), highlight=False)
        wide.print(table)

    @contextmanager
    def progress(self, total):
        """Yield a function that takes the name of the next of `total` steps."""
        if self.quiet:
            yield lambda name: None
        elif self.err.is_terminal:
            columns = (BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
            with Progress(*columns, console=self.err, transient=True) as bar:
                task = bar.add_task("", total=total)
                started = []

                def advance(name):
                    bar.update(task, description=name, advance=1 if started else 0)
                    started.append(name)

                yield advance
        else:
            yield lambda name: self.err.print(name, markup=False)
