"""Several processes that examine files.

They are interpreters of their own that talk over pipes, and no fork of this process, which has threads and may be a
worker of pytest-xdist; nor do they import the program that pytest was started from, as multiprocessing's do.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import pickle
import queue
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import IO, TYPE_CHECKING, Any, Protocol

from readiness.errors import NotMeasured
from readiness.static.walk import RAISE_DEADLINE

if TYPE_CHECKING:
    from readiness.static.examine import Examined, Task

FILE_LIMIT_S = 60.0
"""How long one file may take; no rule takes a hundredth of it."""
BATCH = 16
"""Files that a worker is given at once: the next is at hand while its last result is on its way."""
WAIT_S = 0.2
"""Between two looks at the clock."""
READY = True
_LENGTH = struct.Struct("!I")
_BOOT = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); from readiness.static.pool import serve; serve()"
)


class Looks(Protocol):
    """Looks at files; it is sent to each worker."""

    def examine(self, task: Task) -> Examined:
        """Returns what came of one file."""


def processors() -> int:
    """Returns how many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


# --- our end ----------------------------------------------------------------------------------------------------


class _Lost(Exception):  # noqa: N818 - becomes NotMeasured, with the file's name
    """A worker gave no answer; the text says why."""


class _Worker:
    """One process."""

    def __init__(self, looks: bytes) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            # -P: nothing is imported from the folder that pytest was started in
            [sys.executable, "-P", "-c", _BOOT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._send(pickle.dumps([path for path in sys.path if path]) + _LENGTH.pack(len(looks)) + looks)

    def greet(self) -> None:
        """It has loaded what it examines with."""
        if self._receive() != READY:
            raise _Lost("answered out of turn")

    def _send(self, data: bytes) -> None:
        pipe = self._process.stdin
        try:
            if pipe is not None:
                pipe.write(data)
                pipe.flush()
        except OSError:
            raise _Lost(self._ending()) from None

    def work(self, tasks: list[Task]) -> Iterator[Examined]:
        """Yields what came of each file."""
        data = pickle.dumps(tasks)
        self._send(_LENGTH.pack(len(data)) + data)
        for _ in tasks:
            yield self._receive()

    def _receive(self) -> Any:
        pipe = self._process.stdout
        data = _read_frame(pipe) if pipe is not None else None
        if data is None:
            raise _Lost(self._ending())
        answer = pickle.loads(data)  # noqa: S301 - our own process wrote it
        if isinstance(answer, str):
            raise _Lost(answer)
        return answer

    def _ending(self) -> str:
        try:
            status = self._process.wait(5)
        except subprocess.TimeoutExpired:
            return "does not answer"
        return f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"

    def kill(self) -> None:
        """It is gone; safe from any thread."""
        self._process.kill()

    def close(self) -> None:
        """It is gone, and so are its pipes."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # what was not sent yet cannot be sent any more
                    continue


class Pool:
    """Examines files in several processes.

    Args:
        looks: what examines; pickled.
        workers: how many processes.
        budget: seconds left of the run.
    """

    def __init__(self, looks: Looks, workers: int, budget: Callable[[], float]) -> None:
        self._looks = pickle.dumps(looks)
        self._count = workers
        self._budget = budget
        self._workers: list[_Worker] = []
        self._under_way: dict[int, tuple[str, float]] = {}
        self._tasks: queue.SimpleQueue[list[Task] | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[Task, Examined] | _Lost] = queue.SimpleQueue()
        self._is_closed = False

    def examine(self, tasks: Iterable[Task]) -> Generator[tuple[Task, Examined]]:
        """Yields each file with what came of it, in no order.

        Raises:
            NotMeasured: a worker crashed or hangs, or the time did not suffice. No worker is left then.
        """
        feed = iter(tasks)
        threads = [
            threading.Thread(target=self._serve, args=(number,), name=f"readiness-scan-{number}", daemon=True)
            for number in range(self._count)
        ]
        try:
            for thread in threads:
                thread.start()
            waiting = 0
            while True:
                while waiting <= (2 * self._count - 1) * BATCH and (given := self._give(feed)):
                    waiting += given
                if not waiting:
                    return
                answer = self._next_answer()
                if isinstance(answer, _Lost):
                    raise NotMeasured(str(answer), "Run again; if it happens again, report it and `exclude` the file.")
                waiting -= 1
                yield answer
        finally:
            self._close(threads)

    def _give(self, feed: Iterator[Task]) -> int:
        batch = list(itertools.islice(feed, BATCH))
        if batch:
            self._tasks.put(batch)
        return len(batch)

    def _next_answer(self) -> tuple[Task, Examined] | _Lost:
        while True:
            try:
                return self._answers.get(timeout=WAIT_S)
            except queue.Empty:
                self._look_at_clock()

    def _look_at_clock(self) -> None:
        left = self._budget()
        if left <= 0:
            raise NotMeasured("the run's deadline passed while the repository was read", RAISE_DEADLINE)
        for path, until in tuple(self._under_way.values()):
            if left < until:
                raise NotMeasured(
                    f"a worker has looked at {path} for more than {FILE_LIMIT_S:g} s",
                    "Add the file to `exclude`, and report it.",
                )

    def _serve(self, number: int) -> None:
        """Thread: gives one worker batch after batch."""
        path = "its first file"
        worker = None
        try:
            worker = _Worker(self._looks)
            self._workers.append(worker)
            worker.greet()
            while not self._is_closed and (batch := self._tasks.get()) is not None:
                answers = worker.work(batch)
                for task in batch:
                    path = task.path
                    self._under_way[number] = path, self._budget() - FILE_LIMIT_S
                    self._answers.put((task, next(answers)))
                self._under_way.pop(number, None)
        except _Lost as lost:
            self._answers.put(_Lost(f"a worker process {lost} while it looked at {path}"))
        except Exception as error:  # noqa: BLE001 - whatever it is, the run must not wait for this worker
            self._answers.put(_Lost(f"a worker process could not be used: {type(error).__name__}: {error}"))
        finally:
            if worker is not None:
                worker.close()

    def _close(self, threads: list[threading.Thread]) -> None:
        self._is_closed = True
        for _ in threads:
            self._tasks.put(None)
        for worker in tuple(self._workers):
            worker.kill()
        for thread in threads:
            thread.join(5)


# --- the worker's end -------------------------------------------------------------------------------------------


def _read_frame(pipe: IO[bytes]) -> bytes | None:
    """Returns what the other end sent; None where it is gone."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    data = pipe.read(length)
    return data if len(data) == length else None


def serve() -> None:
    """Process: examines what it is sent until its parent is gone."""
    _die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this process
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    incoming: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    # A thread of its own, which notices at once when the parent is gone, also in the middle of a file.
    threading.Thread(target=_listen, args=(incoming,), daemon=True).start()

    def answer(what: Any) -> None:
        data = pickle.dumps(what)
        answers.write(_LENGTH.pack(len(data)) + data)
        answers.flush()

    try:
        looks: Looks = pickle.loads(incoming.get())  # noqa: S301 - our parent wrote it
    except Exception as error:  # noqa: BLE001 - the parent says it
        answer(f"could not start: {type(error).__name__}: {error}")
        return
    answer(READY)
    while True:
        for task in pickle.loads(incoming.get()):  # noqa: S301 - our parent wrote it
            answer(looks.examine(task))


def _listen(incoming: queue.SimpleQueue[bytes]) -> None:
    while (data := _read_frame(sys.stdin.buffer)) is not None:
        incoming.put(data)
    os._exit(0)


def _die_with_parent() -> None:
    """Linux ends this process with the thread that started it, even while a library holds the interpreter's lock."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
