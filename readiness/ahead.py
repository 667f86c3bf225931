"""Observations taken concurrently, a bounded number of checks ahead of the assertions."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

CONCURRENCY = 8
"""How many observations are under way at once; the load that a target sees."""
WINDOW = 32
"""How many observations may wait for their check; bounds the memory that their answers take."""

Job = tuple[Hashable, Callable[[], object]]


class Ahead:
    """Runs jobs in order on a few threads, never more than `WINDOW` ahead of those taken."""

    def __init__(self, jobs: Iterable[Job] = ()) -> None:
        self._waiting = deque(jobs)
        self._running: dict[Hashable, Future[object]] = {}
        self._pool: ThreadPoolExecutor | None = None

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
            if self._pool is None:
                self._pool = ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="readiness-ahead")
            key, observe = self._waiting.popleft()
            self._running[key] = self._pool.submit(observe)

    def close(self) -> None:
        """No further job starts; those under way end by their own limits."""
        self._waiting.clear()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
