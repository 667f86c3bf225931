"""Our end of the guardian: processes are started, looked after and stopped through it."""

from __future__ import annotations

import contextlib
import marshal
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, TypedDict

from readiness.environment.guardian import HEADER
from readiness.errors import ProvisionError

ANSWER_WITHIN_S = 20.0
"""More than the guardian takes to stop everything."""
TAIL_LINES = 20
TAIL_BYTES = 65536
_BOOT = "import sys; sys.path.append(sys.argv[1]); import guardian; guardian.main()"
"""Imported instead of run as a script, so that its bytecode is cached: compiling takes as long as all the rest."""

IN_USE = ("address already in use", "address in use", "eaddrinuse", "only one usage of each socket address")
"""What programs say when their port was taken between our looking for it and their binding it; in lower case."""


class Start(TypedDict):
    """What it takes to start a child."""

    name: str
    argv: list[str]
    env: dict[str, str]
    """All of its environment."""
    cwd: str
    log: str
    """File that its output goes to."""
    user: tuple[int, int] | None
    """User and group id to run as; None for our own."""
    steps: list[tuple[int, float]]
    """How to end it: signals, and the seconds that each may take. SIGKILL follows by itself."""
    whole_group: bool
    """The steps go to its process group, not to the process alone: for commands whose children need telling."""
    orphaned: int
    """Signal that Linux sends it where this process is killed."""
    wave: int
    """At the end wave 0 is stopped before wave 1: a service before what it stands on."""


class StartError(Exception):
    """A program could not be executed at all."""


class Children:
    """The guardian of one run and what it started."""

    def __init__(self, folder: Path) -> None:
        """The guardian is being started; it owns the run folder `folder` and deletes it at the end.

        Args:
            folder: exists; its name starts with `readiness-`.
        """
        self.started: list[str] = []
        with (folder / "guardian.log").open("wb") as log:
            # close_fds and pipes that exec closes: no other child of ours, such as an xdist worker, holds the pipe open
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and file
                [sys.executable, "-I", "-S", "-c", _BOOT, str(Path(__file__).parent), str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,  # not ours: whoever waits for the end of our output must not wait for the guardian
                cwd="/",
                start_new_session=True,
                bufsize=0,
            )
        self.pid = self._process.pid
        self._inbox = b""
        self._sent = 0
        _close_in_forks(self._process)

    def start(self, *children: Start) -> list[int]:
        """All of them run; the requests are sent together, so that they start at the same time.

        Raises:
            StartError: one cannot be executed; says why. Those before it run.
        """
        numbers = [self._send({"do": "start", "child": child}) for child in children]
        replies = [self._receive(number) for number in numbers]
        for child, reply in zip(children, replies, strict=True):
            if "error" in reply:
                raise StartError(reply["error"])
            if child["name"] not in self.started:
                self.started.append(child["name"])
        return [reply["pid"] for reply in replies]

    def endings(self) -> dict[str, str]:
        """Returns how those that ended did, in words, by name."""
        return self._ask({"do": "status"})

    def stop(self, *names: str) -> None:
        """They are gone, with what they started."""
        self._ask({"do": "stop", "names": list(names)})

    def close(self) -> None:
        """Everything is stopped, the run folder is deleted and the guardian gone. Never raises; may be called twice."""
        if self._process.returncode is not None:
            return
        with contextlib.suppress(ProvisionError):
            self._ask({"do": "quit"})
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                pipe.close() if pipe is not None else None
        try:
            self._process.wait(ANSWER_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()  # Linux takes the servers along
            self._process.wait()

    # --- the pipe ---------------------------------------------------------------------------------------------

    def _ask(self, message: dict[str, Any]) -> dict[str, str]:
        statuses: dict[str, int | None] = self._receive(self._send(message))["children"]
        return {name: describe(status) for name, status in statuses.items() if status is not None}

    def _send(self, message: dict[str, Any]) -> int:
        self._sent += 1
        body = marshal.dumps({**message, "id": self._sent})
        data = memoryview(len(body).to_bytes(HEADER, "big") + body)
        try:
            while data:
                data = data[os.write(self._stdin, data) :]
        except (OSError, ValueError) as error:
            raise _gone() from error
        return self._sent

    def _receive(self, number: int) -> dict[str, Any]:
        until = time.monotonic() + ANSWER_WITHIN_S
        poll = select.poll()
        try:
            poll.register(self._stdout, select.POLLIN)
            while True:
                end = HEADER + int.from_bytes(self._inbox[:HEADER], "big")
                if len(self._inbox) >= end:
                    body, self._inbox = self._inbox[HEADER:end], self._inbox[end:]
                    reply: dict[str, Any] = marshal.loads(body)  # noqa: S302 - from our own child, a private pipe
                    if reply["id"] == number:  # else it answers a question that an interrupt cut short
                        return reply
                    continue
                if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
                    raise ProvisionError(f"the guardian of the environment did not answer within {ANSWER_WITHIN_S:g} s")
                data = os.read(self._stdout, 65536)
                if not data:
                    raise _gone()
                self._inbox += data
        except (OSError, ValueError) as error:
            raise _gone() from error

    @property
    def _stdin(self) -> int:
        return self._process.stdin.fileno() if self._process.stdin is not None else -1

    @property
    def _stdout(self) -> int:
        return self._process.stdout.fileno() if self._process.stdout is not None else -1


def _gone() -> ProvisionError:
    return ProvisionError(
        "the guardian of the environment was killed, and with it what was started for the run",
        "Look for an out-of-memory kill in the system's log, then run again.",
    )


def _close_in_forks(process: subprocess.Popen[bytes]) -> None:
    """A fork of ours that does not exec gives the pipe back; else the guardian would wait for that one too."""

    def close() -> None:
        with contextlib.suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()

    os.register_at_fork(after_in_child=close)


def describe(status: int) -> str:
    """Returns how a process ended, from its wait status: `ended with exit status 3`, `was killed by SIGKILL`."""
    import signal

    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"ended with exit status {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


def last_lines(log: Path) -> str:
    """Returns the last 20 lines of a log, indented; empty where there are none."""
    tail = b""
    for file in (log, log.with_name(f"{log.name}.1")):  # the guardian may have begun a new one a moment ago
        if tail.count(b"\n") < TAIL_LINES:
            tail = _tail(file) + tail
    return "\n".join(f"    {line[:400]}" for line in tail.decode(errors="replace").splitlines()[-TAIL_LINES:])


def _tail(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            opened.seek(max(0, os.fstat(opened.fileno()).st_size - TAIL_BYTES))
            return opened.read()
    except OSError:
        return b""


def is_port_taken(log: Path) -> bool:
    """True where a program's last words were that somebody else has its port."""
    tail = last_lines(log).lower()
    return any(text in tail for text in IN_USE)
