"""For a command that was started by another: end when that one does, however it ends."""

import os
import signal
import threading
import time

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

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


def wait_for_orphan(place, patience=2 * PATIENCE):
    """Wait while a folder is locked: by a command whose parent was killed a moment ago.

    Parameters
    ----------
    place : Path
        The folder of a run; it need not exist.
    patience : float
        Seconds; whoever has the folder after that is no orphan, and the next command says so.
    """
    if fcntl is None or not place.is_dir():
        return
    last = time.monotonic() + patience
    lock = os.open(place, os.O_RDONLY)
    try:
        while time.monotonic() < last:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                time.sleep(0.1)
            except OSError:  # some network drives have no locks
                return
    finally:
        os.close(lock)
