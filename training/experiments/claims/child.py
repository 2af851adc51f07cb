"""For a command that was started by another: end when that one does, however it ends."""

import os
import signal
import threading
import time

STANDARD_INPUT = 0
PATIENCE = 10.0  # seconds to end in order


def end_with_parent():
    """From now on, be interrupted when standard input ends: a pipe that the parent holds open.

    A parent that is killed can tell nobody, but its end of the pipe is closed for it.
    """
    threading.Thread(target=_watch, daemon=True).start()


def _watch():
    # Not by `sys.stdin`: its lock would be held when the interpreter ends.
    while os.read(STANDARD_INPUT, 1):
        pass
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(PATIENCE)
    os._exit(1)
