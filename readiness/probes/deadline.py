"""Bounds in time for what has none of its own: name resolution, handshakes, peers that send one byte per second."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from readiness.errors import NotMeasured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from readiness.probes.interface import Budget

T = TypeVar("T")


class Deadline:
    """The end of one operation: its own limit, or that of the whole run where it comes first.

    Args:
        limit_s: the operation's own limit.
        budget: seconds left of the whole run.

    Raises:
        NotMeasured: the run's deadline has passed already.
    """

    __slots__ = ("_ends", "is_of_the_run", "limit_s")

    def __init__(self, limit_s: float, budget: Budget) -> None:
        run_s = budget()
        if run_s <= 0:
            raise NotMeasured("the run's deadline had passed before this could be observed", RAISE_DEADLINE)
        self.is_of_the_run = run_s < limit_s
        self.limit_s = min(limit_s, run_s)
        self._ends = time.monotonic() + self.limit_s

    def left(self) -> float:
        """Returns the seconds left, never less than zero."""
        return max(0.0, self._ends - time.monotonic())

    def __str__(self) -> str:
        return f"{seconds(self.limit_s)}{', what was left of the run' if self.is_of_the_run else ''}"

    def remedy(self, otherwise: str) -> str:
        """Returns what to do after it passed: `otherwise`, or more time for the run where that was the bound."""
        return RAISE_DEADLINE if self.is_of_the_run else otherwise


RAISE_DEADLINE = "Raise deadline in [policy] or --readiness-deadline, or find out what used the time up."


def seconds(value: float) -> str:
    """Returns a length of time as text for people, such as `250 ms` or `3 s`."""
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.3g} s"


def in_thread(call: Callable[[], T], deadline: Deadline, late: Callable[[T], object] | None = None) -> T:
    """Returns what `call` returns, or gives up on it at the deadline.

    For calls that cannot be interrupted, such as getaddrinfo, and that end by themselves some time later.

    Args:
        call: runs in a thread of its own that keeps no process alive.
        deadline: how long to wait.
        late: disposes of a result that came too late.

    Raises:
        TimeoutError: the deadline passed.
    """
    finished = threading.Event()
    lock = threading.Lock()
    results: list[T] = []
    failures: list[BaseException] = []
    abandoned: list[bool] = []

    def run() -> None:
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the waiting thread raises it
            failures.append(error)
        else:
            with lock:
                results.append(result)
                is_late = bool(abandoned)
            if is_late and late is not None:
                late(result)
        finished.set()

    threading.Thread(target=run, name="readiness-bounded", daemon=True).start()
    if not finished.wait(deadline.left()):
        with lock:
            abandoned.append(True)
            in_time = bool(results)
        if not in_time:
            raise TimeoutError
    if failures:
        raise failures[0]
    return results[0]


class Watchdog:
    """Knows whether the time was up."""

    __slots__ = ("has_fired",)

    def __init__(self) -> None:
        self.has_fired = False


@contextmanager
def watchdog(deadline: Deadline, abort: Callable[[], object]) -> Iterator[Watchdog]:
    """`abort` is called from another thread if the block is still running at the deadline.

    For blocking calls that can be interrupted, by shutting their socket down. Once the block is left `abort` is not
    called any more, so it never meets a socket that was closed and whose number was given to somebody else.
    """
    dog = Watchdog()
    lock = threading.Lock()
    is_over: list[bool] = []

    def fire() -> None:
        with lock:
            if not is_over:
                dog.has_fired = True
                abort()

    timer = threading.Timer(deadline.left(), fire)
    timer.daemon = True
    timer.start()
    try:
        yield dog
    finally:
        timer.cancel()
        with lock:
            is_over.append(True)
