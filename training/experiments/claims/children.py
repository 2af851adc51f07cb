"""The commands that `geomcore claims` runs, each in a process of its own."""

import subprocess
import sys
import threading

SAID = 4096  # bytes of what a command said that are kept
_MAIN = """\
import sys
from training.experiments.claims.child import end_with_parent
end_with_parent()
from training.commands.cli import main
sys.exit(main())
"""


class Children:
    """Commands that may run side by side, and are stopped together."""

    def __init__(self):
        self._lock, self._running, self._is_stopped = threading.Lock(), set(), False

    def run(self, typed, *, quiet, hear=None):
        """Run a command that ends when this process does; its exit status and what it said last.

        Its progress is shown as it is, or its lines are given to ``hear``. Progress bars need the
        terminal itself, so what is said there is on no page.
        """
        is_seen = not quiet and hear is None and sys.stderr.isatty()
        with self._lock:
            if self._is_stopped:
                return 1, "stopped before it began"
            command = subprocess.Popen(
                [sys.executable, "-c", _MAIN, *typed],
                stdin=subprocess.PIPE,  # held open, and closed however this process ends
                # Its results are for its own folder; progress, on standard error, is shown.
                stdout=subprocess.DEVNULL,
                stderr=None if is_seen else subprocess.PIPE,
            )
            self._running.add(command)
        with command:
            try:
                said = "" if is_seen else _listened(command.stderr, quiet, hear)
                status = command.wait()
            except BaseException:
                command.kill()
                raise
            finally:
                with self._lock:
                    self._running.discard(command)
        last = "".join(said.strip().splitlines()[-1:])
        return status, "see the terminal" if status and is_seen else last

    def stop(self):
        """Kill what runs; nothing begins any more."""
        with self._lock:
            self._is_stopped = True
            for command in self._running:
                command.kill()


def _listened(stream, quiet, hear):
    """The end of what is said, which is passed on as it comes, to ``hear`` line by line."""
    said = b""
    while chunk := stream.read1(SAID) if hear is None else stream.readline(SAID):
        said = (said + chunk)[-SAID:]
        text = chunk.decode(errors="replace")
        if hear is not None:
            hear(text.rstrip())
        elif not quiet:
            print(text, end="", file=sys.stderr, flush=True)
    return said.decode(errors="replace")
