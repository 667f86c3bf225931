"""A real Chromium, headless, spoken to over the DevTools protocol through a pipe: no driver, no port, no package."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WITHIN_S = 60.0
"""Bound of every wait for the browser."""

# Chromium reads commands from descriptor 3 and writes answers to descriptor 4.
_LAUNCHER = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execvp(sys.argv[3], sys.argv[3:])"
)


def find_chromium() -> str:
    """Returns the path of the browser; fails with how to install it."""
    for name in ("chromium", "chromium-browser", "google-chrome", "chrome"):
        path = shutil.which(name)
        if path:
            return path
    raise AssertionError("These tests need a Chromium. Install it: apt-get install chromium")


@dataclass
class Page:
    """One loaded page and what happened while it loaded."""

    browser: Browser
    session: str
    requests: list[str] = field(default_factory=list)
    """Address of everything that the page asked for."""
    complaints: list[str] = field(default_factory=list)
    """Console messages, errors and violations of the Content-Security-Policy."""

    def evaluate(self, script: str) -> Any:
        """Returns the value of a JavaScript expression; runs beside the page's policy, as the developer tools do."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def screenshot(self, path: Path, *, whole: bool = False) -> None:
        """The page's picture is in the file at `path`."""
        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))

    def pdf(self) -> bytes:
        """Returns the page as it is printed."""
        return base64.b64decode(self.call("Page.printToPDF")["data"])

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Returns the answer of the browser to one command for this page."""
        return self.browser.call(method, self.session, **parameters)


class Browser:
    """A Chromium of its own with an empty profile; gone, with all its processes, after the `with` block."""

    def __enter__(self) -> Self:
        chromium = find_chromium()
        self._profile = Path(tempfile.mkdtemp(prefix="readiness-chromium-"))
        commands, self._out = os.pipe()
        self._in, answers = os.pipe()
        # Out of the way of 3 and 4, which the launcher overwrites.
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for fd in (commands, answers)]
        for fd in (commands, answers):
            os.close(fd)
        with (self._profile / "stderr.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-c", _LAUNCHER, str(high[0]), str(high[1]), chromium),
                    *(*FLAGS, "--remote-debugging-pipe", f"--user-data-dir={self._profile}", "about:blank"),
                ],
                pass_fds=high,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        for fd in high:
            os.close(fd)
        self._buffer = b""
        self._number = 0
        self._pages: dict[str, Page] = {}
        self._loaded: set[str] = set()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._send({"id": 0, "method": "Browser.close"})
            self._process.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            pass  # it is killed below
        finally:
            with contextlib.suppress(ProcessLookupError):  # it closed by itself
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            os.close(self._in)
            os.close(self._out)
            shutil.rmtree(self._profile, ignore_errors=True)

    def open(self, url: str, *, width: int = 1280, height: int = 800, dark: bool = False, scripts: bool = True) -> Page:
        """Returns the page at `url`, loaded and laid out at that size."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Page", "Network", "Log", "Runtime", "Audits"):
            page.call(f"{domain}.enable")
        page.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        page.call("Emulation.setEmulatedMedia", features=[scheme])
        page.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        page.call("Page.navigate", url=url)
        deadline = time.monotonic() + WITHIN_S
        while session not in self._loaded:
            self._take(self._receive(deadline))
        page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))" if scripts else "1")
        return page

    def call(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        """Returns the answer to one command; events that come before it are noted on their page."""
        self._number += 1
        number = self._number
        self._send({"id": number, "method": method, "params": parameters} | ({"sessionId": session} if session else {}))
        deadline = time.monotonic() + WITHIN_S
        while True:
            message = self._receive(deadline)
            if message.get("id") == number:
                assert "error" not in message, f"{method}: {message['error']}"
                result: dict[str, Any] = message["result"]
                return result
            self._take(message)

    def _send(self, message: dict[str, Any]) -> None:
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._out, data) :]

    def _receive(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(deadline - time.monotonic(), 0))
            data = os.read(self._in, 1 << 20) if ready else b""
            assert data, f"the browser said nothing more; its log: {(self._profile / 'stderr.log').read_text()[-2000:]}"
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        return message

    def _take(self, message: dict[str, Any]) -> None:
        session, method, details = message.get("sessionId", ""), message.get("method", ""), message.get("params", {})
        if session not in self._pages:
            return
        page = self._pages[session]
        if method == "Page.loadEventFired":
            self._loaded.add(session)
        elif method == "Network.requestWillBeSent":
            page.requests.append(details["request"]["url"])
        elif method in ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Audits.issueAdded"):
            page.complaints.append(json.dumps(details))
