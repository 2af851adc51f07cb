"""Chromium without a window, driven over two pipes: the DevTools protocol and nothing else.

No package is needed, only the browser. `find` names one, or None: then tests that need it are
skipped. Messages are JSON with a zero byte at the end, on the file descriptors 3 and 4.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SWITCHES = (
    "--headless",
    "--no-sandbox",  # it may be started by root, in a container
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-breakpad",
    "--no-first-run",
    "--remote-debugging-pipe",
)
# Views in space can be drawn without a graphics card, slowly.
PLAIN, SPACE = ("--disable-gpu",), ("--use-angle=swiftshader", "--enable-unsafe-swiftshader")
KEYS = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowLeft": 37, "ArrowRight": 39, " ": 32}


def find():
    """The path of an installed browser, or None; the variable GEOMCORE_BROWSER names another.

    A script that only says how to install one, as some systems have, is none.
    """
    named = os.environ.get("GEOMCORE_BROWSER")
    return named or next((path for path in map(shutil.which, NAMES) if path and _runs(path)), None)


def _runs(path):
    asked = [path, "--version", "--no-sandbox"]
    try:
        return subprocess.run(asked, capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


class Browser:
    """One page of a browser.

    Parameters
    ----------
    path : str
        Of the browser.
    space : bool
        Whether it can draw in three dimensions.
    patience : float
        Seconds that it may take for anything.

    Attributes
    ----------
    errors : list of str
        What went wrong on the pages that were opened: exceptions, and errors of the console and
        the log, which has what could not be loaded.
    """

    def __init__(self, path, *, space=False, patience=120.0):
        self.errors, self._patience, self._count, self._rest = [], patience, 0, b""
        self._profile = tempfile.mkdtemp(prefix="browser-")
        theirs, self._to = os.pipe()
        self._from, answers = os.pipe()

        def connect():
            # Copies first, since 3 and 4 may be among the four.
            one, two = os.dup(theirs), os.dup(answers)
            os.dup2(one, 3)
            os.dup2(two, 4)

        self._process = subprocess.Popen(
            [
                path,
                *SWITCHES,
                *(SPACE if space else PLAIN),
                f"--user-data-dir={self._profile}",
                "about:blank",
            ],
            preexec_fn=connect,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs)
        os.close(answers)
        self._session = None
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self):
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        found = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = found["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.ask(f"{domain}.enable")

    def close(self):
        """End the browser."""
        try:
            self._session = None
            self.ask("Browser.close")
            self._process.wait(20)
        except (OSError, TimeoutError, RuntimeError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        os.close(self._to)
        os.close(self._from)
        shutil.rmtree(self._profile, ignore_errors=True)

    def ask(self, method, **parameters):
        """Send a command and return its result."""
        self._count += 1
        number = self._count
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._to, data) :]
        while True:
            answer = self._next()
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def open(self, path, *, width=1300, height=900, dark=False):
        """Open a file, with a screen of so many pixels, light or dark."""
        self.look(width=width, height=height, dark=dark)
        self.ask("Page.navigate", url=path.resolve().as_uri())
        self.until("document.readyState === 'complete' && location.protocol === 'file:'")

    def look(self, *, width=1300, height=900, dark=False):
        """Change the screen."""
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.ask("Emulation.setDeviceMetricsOverride", **screen)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])

    def run(self, script):
        """The value of an expression of the page; of a promise, when it is kept."""
        options = {"returnByValue": True, "awaitPromise": True}
        answer = self.ask("Runtime.evaluate", expression=script, **options)
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"])[:1000])
        return answer["result"].get("value")

    def until(self, script):
        """Wait until an expression is true."""
        end = time.monotonic() + self._patience
        while not self.run(script):
            if time.monotonic() > end:
                raise TimeoutError(f"it never came true: {script}")
            time.sleep(0.02)

    def press(self, key):
        """Press a key and let it go."""
        about = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
        if key == "Enter":
            about["text"] = "\r"
        self.ask("Input.dispatchKeyEvent", type="keyDown", **about)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **about)

    def drag(self, x, y, to_x, to_y):
        """Move the mouse from one place to another with its button held."""
        steps = [(x, y, "mousePressed")]
        for part in (0.25, 0.5, 0.75, 1.0):
            steps.append((x + part * (to_x - x), y + part * (to_y - y), "mouseMoved"))
        steps.append((to_x, to_y, "mouseReleased"))
        for at_x, at_y, kind in steps:
            held = {"button": "left", "buttons": 1, "clickCount": 1}
            self.ask("Input.dispatchMouseEvent", type=kind, x=at_x, y=at_y, **held)

    def screenshot(self, path, *, whole=False):
        """Write what is seen, or the whole page, as PNG."""
        found = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(found["data"]))

    def _next(self):
        end = time.monotonic() + self._patience
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._from], [], [], max(0.0, end - time.monotonic()))
            data = os.read(self._from, 1 << 20) if ready else b""
            if not data:
                raise TimeoutError("the browser does not answer")
            self._rest += data
        message, _, self._rest = self._rest.partition(b"\0")
        told = json.loads(message)
        self._note(told.get("method", ""), told.get("params", {}))
        return told

    def _note(self, method, about):
        if method == "Runtime.exceptionThrown":
            self.errors.append(str(about["exceptionDetails"])[:500])
        elif method == "Runtime.consoleAPICalled" and about["type"] in ("error", "warning"):
            self.errors.append(str(about["args"])[:500])
        elif method == "Log.entryAdded" and about["entry"]["level"] == "error":
            self.errors.append(about["entry"]["text"])
