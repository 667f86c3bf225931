"""Observations taken concurrently, a bounded number of checks ahead of the assertions."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future

CONCURRENCY = 8
"""How many observations are under way at once; the load that a target sees."""
LARGE_AT_ONCE = 2
"""How many of those are under way at once that ask so much that no other is timed beside them."""
WINDOW = 32
"""How many observations may wait for their check; bounds the memory that their answers take."""

Job = tuple[Hashable, Callable[[], object]]


class Ahead:
    """Runs jobs in order on a few threads, never more than `WINDOW` ahead of those taken.

    The threads are daemons: an observation that hangs must not keep the process from ending, as those of a
    ThreadPoolExecutor do.
    """

    def __init__(self, jobs: Iterable[Job] = (), concurrency: int = CONCURRENCY) -> None:
        """Nothing runs before the first is taken.

        Args:
            jobs: key and observation of each check, in the order in which they are taken.
            concurrency: how many are under way at once.
        """
        self._waiting = deque(jobs)
        self._concurrency = concurrency
        self._running: dict[Hashable, Future[object]] = {}
        self._queue: queue.SimpleQueue[tuple[Future[object], Callable[[], object]] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def take(self, key: Hashable, observe: Callable[[], object]) -> object:
        """Returns the observation made ahead under this key, once; after that, or where there is none, a fresh one."""
        self._top_up()
        future = self._running.pop(key, None)
        self._top_up()
        if future is None:
            self._waiting = deque(job for job in self._waiting if job[0] != key)
            return observe()
        return future.result()

    def _top_up(self) -> None:
        while self._waiting and len(self._running) < WINDOW:
            key, observe = self._waiting.popleft()
            future: Future[object] = Future()
            self._running[key] = future
            self._queue.put((future, observe))
            if len(self._threads) < self._concurrency:
                name = f"readiness-ahead-{len(self._threads)}"
                self._threads.append(threading.Thread(target=self._work, name=name, daemon=True))
                self._threads[-1].start()

    def _work(self) -> None:
        while (job := self._queue.get()) is not None:
            future, observe = job
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = observe()
            except BaseException as error:  # noqa: BLE001 - raised where the observation is taken
                future.set_exception(error)
            else:
                future.set_result(result)

    def close(self) -> None:
        """No further job starts; those under way end by their own limits."""
        self._waiting.clear()
        for future in self._running.values():
            future.cancel()
        for _ in self._threads:
            self._queue.put(None)
