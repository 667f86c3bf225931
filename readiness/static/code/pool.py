"""Our end of the processes that scan: files go to whichever is free, the largest first; one that hangs is replaced."""

from __future__ import annotations

import json
import queue
import select
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from readiness.errors import NotMeasured
from readiness.static.code.worker import HEADER
from readiness.static.command import environ_of

START_WITHIN_S = 60.0
FILE_WITHIN_S = 60.0
"""A file that takes longer is named as one that cannot be scanned; bandit takes two seconds for the largest that we read."""
_BOOT = "import json, sys; sys.path += json.loads(sys.argv[1]); from readiness.static.code.worker import main; main()"


class StuckError(Exception):
    """A worker gave no answer; the text says why."""


@dataclass(frozen=True, slots=True)
class Task:
    """A file to scan."""

    path: str
    """As findings show it."""
    size: int
    read: Callable[[], bytes]
    """Returns its content; OSError where it cannot be read."""


class Worker:
    """One process that scans; `greeting` says with what."""

    def __init__(self, greeting: dict[str, Any], home: str) -> None:
        # not -I: what is installed for this user counts; -P and the order of the path: no file of the repository is imported
        paths = json.dumps([path for path in sys.path if path])
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-P", "-W", "ignore", "-c", _BOOT, paths],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=home,
            env=environ_of(home),
            start_new_session=True,
        )
        self._greeting = greeting

    def greet(self, within_s: float) -> None:
        """It is ready.

        Raises:
            NotMeasured: bandit cannot be loaded, or not with these settings.
            StuckError: it gave no answer.
        """
        self._send(self._greeting)
        answer = self._receive(within_s)
        if "error" in answer:
            raise NotMeasured(
                f"bandit cannot be run: {answer['error']}",
                "Install it with pip install 'pytest-readiness[security]', or mend its configuration.",
            )

    def ask(self, path: str, data: bytes, within_s: float) -> dict[str, Any]:
        """Returns the answer for one file.

        Raises:
            StuckError: there is none; the worker is of no use any more.
        """
        self._send({"path": path, "size": len(data)}, data)
        return self._receive(within_s)

    def kill(self) -> None:
        """It ends, whatever it is at; `close` is still to be called."""
        self._process.kill()

    def close(self) -> None:
        """It is gone."""
        self._process.kill()
        self._process.communicate()

    def _send(self, document: dict[str, Any], data: bytes = b"") -> None:
        body = json.dumps(document).encode()
        assert self._process.stdin is not None  # noqa: S101 - for mypy: a pipe
        try:
            self._process.stdin.write(len(body).to_bytes(HEADER, "big") + body + data)
            self._process.stdin.flush()
        except OSError:
            raise StuckError("the process that scanned it ended") from None

    def _receive(self, within_s: float) -> dict[str, Any]:
        assert self._process.stdout is not None  # noqa: S101 - for mypy: a pipe
        # its whole answer comes at once; it is far smaller than what a pipe takes, or soon follows
        poll = select.poll()
        poll.register(self._process.stdout, select.POLLIN)
        if not poll.poll(max(within_s, 0) * 1000):
            raise StuckError(f"it took more than {within_s:.3g} s")
        header = self._process.stdout.read(HEADER)
        body = self._process.stdout.read(int.from_bytes(header, "big")) if len(header) == HEADER else b""
        if not body:
            raise StuckError("the process that scanned it ended, as by lack of memory")
        answer: dict[str, Any] = json.loads(body)
        return answer


class Pool:
    """Scans files in several processes.

    Args:
        greeting: the first frame for each worker.
        workers: how many.
        budget: seconds left of the run.
    """

    def __init__(self, greeting: dict[str, Any], workers: int, budget: Callable[[], float]) -> None:
        self._greeting = greeting
        self._workers = workers
        self._budget = budget
        self._tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
        self._answers: dict[str, dict[str, Any]] = {}
        self._running: set[Worker] = set()
        self._failure: BaseException | None = None

    def scan(self, tasks: Iterable[Task]) -> dict[str, dict[str, Any]]:
        """Returns path to what the worker said of it.

        Raises:
            NotMeasured: bandit cannot be run, or the time ran out.
        """
        ordered = sorted(tasks, key=lambda task: -task.size)
        for task in ordered:
            self._tasks.put(task)
        with tempfile.TemporaryDirectory(prefix="readiness-") as home:
            threads = [
                threading.Thread(target=self._serve, args=(home,), name=f"bandit {number}")
                for number in range(min(self._workers, len(ordered)))
            ]
            for thread in threads:
                thread.start()
            try:
                for thread in threads:
                    thread.join()
            except BaseException as error:  # an interrupt: nothing is left running
                self._failure = error
                for worker in tuple(self._running):
                    worker.kill()
                for thread in threads:
                    thread.join()
                raise
        if self._failure is not None:
            raise self._failure
        return self._answers

    def _serve(self, home: str) -> None:
        """One worker, and the next in its place where it got stuck, until all is done or one thread failed."""
        worker: Worker | None = None
        try:
            while self._failure is None:
                try:
                    task = self._tasks.get_nowait()
                except queue.Empty:
                    return
                self._check_time()
                if worker is None:
                    worker = self._start(home)
                try:
                    self._answers[task.path] = worker.ask(task.path, task.read(), min(FILE_WITHIN_S, self._budget()))
                except StuckError as error:
                    worker.close()
                    worker = None
                    self._check_time()
                    self._answers[task.path] = _problem(f"{error}, and was given up")
                except OSError as error:
                    self._answers[task.path] = _problem(f"it cannot be read: {error.strerror}")
        except BaseException as error:  # noqa: BLE001 - it is raised where it can be seen, by `scan`
            self._failure = self._failure or error
        finally:
            if worker is not None:
                worker.close()

    def _start(self, home: str) -> Worker:
        worker = Worker(self._greeting, home)
        self._running.add(worker)
        try:
            worker.greet(min(START_WITHIN_S, self._budget()))
        except StuckError as error:
            worker.close()
            raise NotMeasured(f"bandit did not start: {error}") from None
        except BaseException:
            worker.close()
            raise
        return worker

    def _check_time(self) -> None:
        if self._budget() <= 0:
            left = self._tasks.qsize() + 1
            raise NotMeasured(
                f"the time for the run ended while {left} files were still to be scanned",
                'Raise [policy] deadline, or set engine = "ruff" in [security-scan] bandit.',
            )


def _problem(text: str) -> dict[str, Any]:
    return {"issues": [], "problems": [[0, text]], "nosec": 0, "below": 0, "volatile": True}
