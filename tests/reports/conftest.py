"""What tests of reports share: a small comparison, and a real browser."""

import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import qlearn as ql

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
PATIENCE = 60.0  # seconds for one answer of a loaded machine


@pytest.fixture(scope="session")
def small():
    """Two agents, twelve seeds, a few episodes, with snapshots."""
    agents = [ql.RewardSum(), ql.QLearning(discount=0.95)]
    return ql.compare(agents, "NChain-v0", episodes=8, seeds=12, snapshots=4)


class Browser:
    """Headless Chromium over a pipe: what it is told, and everything that it reports."""

    def __init__(self, program, folder):
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        self._in, self._out, self._next, self._rest = ours_in, ours_out, 0, b""
        self.events = []

        wired = (
            f"import os, sys; os.dup2({theirs_in}, 103); os.dup2({theirs_out}, 104); os.dup2(103, 3); os.dup2(104, 4); "
        )
        wired += "os.closerange(100, 110); os.execv(sys.argv[1], sys.argv[1:])"  # it reads from 3 and writes to 4
        words = [sys.executable, "-Sc", wired, program, *FLAGS, f"--user-data-dir={folder}", "about:blank"]
        self.process = subprocess.Popen(
            words, pass_fds=(theirs_in, theirs_out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(theirs_in)
        os.close(theirs_out)
        target = self.tell("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.tell("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.tell(f"{domain}.enable")

    def tell(self, method, **parameters):
        """Send a command and return its answer."""
        self._next += 1
        words = {"id": self._next, "method": method, "params": parameters}
        if hasattr(self, "_session"):
            words["sessionId"] = self._session
        os.write(self._out, json.dumps(words).encode() + b"\0")
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            for answer in self._read(0.2):
                if answer.get("id") == self._next:
                    assert "error" not in answer, answer
                    return answer["result"]
                self.events.append(answer)
        raise TimeoutError(f"Chromium did not answer {method}")

    def _read(self, seconds):
        if not select.select([self._in], [], [], seconds)[0]:
            return []
        self._rest += os.read(self._in, 1 << 20)
        *whole, self._rest = self._rest.split(b"\0")
        return [json.loads(one) for one in whole]

    def open(self, url):
        """Open a page and wait until it is loaded."""
        self.events.clear()
        self.tell("Page.navigate", url=url)
        until = time.monotonic() + PATIENCE
        while not self.said("Page.loadEventFired") and time.monotonic() < until:
            self.events += self._read(0.2)
        assert self.said("Page.loadEventFired"), f"{url} was not loaded"

    def said(self, method):
        """Return what was reported under a name since the page was opened."""
        return [event["params"] for event in self.events if event.get("method") == method]

    def value(self, expression):
        """Return what a JavaScript expression is on the page."""
        found = self.tell("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self._in)
        os.close(self._out)


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """A real browser; without one the tests that look at pages say loudly that they did not."""
    program = next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
    )
    if program is None:
        pytest.skip("NOT LOOKED AT IN A BROWSER: there is no Chromium here (Debian: apt-get install chromium)")
    found = Browser(program, tmp_path_factory.mktemp("chromium"))
    yield found
    found.close()


@pytest.fixture
def page_url(tmp_path):
    """Write a page's text and return where it is."""

    def written(text, name="page.html"):
        path = Path(tmp_path, name)
        path.write_text(text, encoding="utf-8")
        return path.as_uri()

    return written
