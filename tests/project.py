"""A user's repository with a service on loopback, judged by real pytest runs in processes of their own."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

CONFIG = """
[service]
name = "shop"

[policy]
deadline = "60s"

[env.staging]
kind = "live"
url = "{url}"

[health]
samples = 1
endpoints = ["/health", "/ready", "/live"]
"""
OTHERS = {
    "randomly": "randomly",
    "rerunfailures": "--reruns",
    "timeout": "--timeout",
    "pytest_cov": "--cov",
    "hypothesispytest": "hypothesis",
}
"""Plugins that a run has only where the test asks for them, by a word on the command line."""
PASSING_CHECK = """
from readiness import check

@check("shop/{name}")
def test_{name}(measure):
    measure("one", 1, equals=1)
"""


Answer = tuple[int, str, str]
"""Status, content type, body."""
App = Callable[[str, str, bytes, str], Answer | None]
"""Method, path, body and Authorization to an answer, or None where it has none for that path."""
HEALTHY: Answer = (200, "application/json", '{"status": "healthy"}')


@dataclass
class Site:
    """A service on loopback whose answers a test can change."""

    url: str
    answers: dict[str, Answer | Iterator[Answer]] = field(default_factory=dict)
    """By path; from an iterator, one for each request. Anything else answers 200 with JSON."""
    delays_s: dict[str, float] = field(default_factory=dict)
    """By path: how long the service takes to answer."""
    requests: list[str] = field(default_factory=list)
    apps: list[App] = field(default_factory=list)
    """What else answers, before all others; the first that gives an answer."""


@contextlib.contextmanager
def serving_site(port: int = 0) -> Iterator[Site]:
    """A healthy service that records what it was asked."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # headers and body are two writes, which cost 40 ms with it

        def do_GET(self) -> None:
            here.requests.append(self.path)
            stopping.wait(here.delays_s.get(self.path, 0))
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            authorization = self.headers.get("Authorization", "")
            told = (app(self.command, self.path, sent, authorization) for app in here.apps)
            given = next(filter(None, told), None) or here.answers.get(self.path, HEALTHY)
            status, kind, body = given if isinstance(given, tuple) else next(given)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_PUT = do_GET  # noqa: N815 - the names that the base class calls

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
            """Nothing: pytest shows what matters."""

    stopping = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    here = Site(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield here
    finally:
        stopping.set()
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Judged:
    """One finished pytest run."""

    status: int
    out: str
    folder: Path

    @property
    def report(self) -> dict[str, Any]:
        """The run's report.json."""
        document: dict[str, Any] = json.loads((self.folder / "report.json").read_text())
        return document

    @property
    def outcomes(self) -> dict[str, str]:
        """Check id to outcome."""
        return {check["id"]: check["outcome"] for check in self.report["checks"]}

    def check(self, id_: str) -> dict[str, Any]:
        """One check of the report."""
        found: dict[str, Any] = next(check for check in self.report["checks"] if check["id"] == id_)
        return found

    @property
    def why(self) -> str:
        """All reasons, and what each check came to that did not pass, as text."""
        reasons = [f"{r['gate']} {r['check']} {r['outcome']}: {r['text']}" for r in self.report["reasons"]]
        checks = [f"{c['id']} {c['outcome']}: {c['message']}" for c in self.report["checks"] if c["message"]]
        return "\n".join([*reasons, *checks])

    def assert_no_go(self, *words: str, status: int = 1) -> None:
        """The run ended in NO-GO, with this exit status, and says these words on the terminal and in the report."""
        assert self.status == status, self.out
        assert self.report["decision"] == "NO-GO"
        for word in words:
            assert word in self.why, f"{word!r} not in:\n{self.why}"
        assert "NO-GO" in self.out

    def assert_go(self) -> None:
        """The run ended in GO."""
        assert self.status == 0, self.out
        assert self.report["decision"] == "GO", self.why


class Project:
    """A user's repository."""

    def __init__(self, folder: Path, site: Site) -> None:
        self.folder = folder
        self.site = site
        self.config(CONFIG)

    def config(self, text: str) -> None:
        """Writes readiness.toml; `{url}` is the site's address."""
        (self.folder / "readiness.toml").write_text(text.replace("{url}", self.site.url))

    def extend_config(self, text: str) -> None:
        """Appends to readiness.toml."""
        path = self.folder / "readiness.toml"
        path.write_text(path.read_text() + text)

    def write(self, name: str, text: str) -> Path:
        """Writes a file of the project."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def passing(self, *names: str) -> None:
        """Adds checks of the user's own that pass."""
        for name in names:
            self.write(f"checks/test_{name}.py", PASSING_CHECK.format(name=name))

    def plugin(self, text: str) -> tuple[str, str]:
        """Writes a plugin and returns the arguments that load it.

        A conftest would not do for hooks of a single test: pytest asks only those in the folders above its file.
        """
        self.write("plug.py", text)
        return ("-p", "plug")

    def command(self, *args: str) -> list[str]:
        """Returns the command line of a run, without plugins that the test did not ask for."""
        asked = " ".join(args)
        off = [part for plugin, word in OTHERS.items() if word not in asked for part in ("-p", f"no:{plugin}")]
        return [sys.executable, "-m", "pytest", *off, *args]

    def environ(self, **extra: str) -> dict[str, str]:
        """Returns the variables of a run."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTEST_", "COV_", "READINESS_", "TOX_"))
        }
        return kept | {"COLUMNS": "200", "PY_COLORS": "0"} | extra

    def judge(self, *args: str, env: str | None = "staging", within_s: float = 60, **extra: str) -> Judged:
        """Runs pytest to its end and returns what it left."""
        command = self.command(*([f"--env={env}"] if env else []), *args)
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environ(**extra),
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
        )
        return Judged(done.returncode, done.stdout + done.stderr, self.folder / "reports" / (env or "staging"))

    @contextlib.contextmanager
    def judging(self, *args: str, **extra: str) -> Iterator[subprocess.Popen[str]]:
        """A run under way, in a session of its own; ended by its id if the test did not."""
        process = subprocess.Popen(
            self.command("--env=staging", *args),
            cwd=self.folder,
            env=self.environ(**extra),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def finish(self, process: subprocess.Popen[str], within_s: float = 30) -> Judged:
        """Waits for a run under way and returns what it left."""
        out, _ = process.communicate(timeout=within_s)
        return Judged(process.returncode, out, self.folder / "reports" / "staging")
