"""Blocking calls in threads, with a deadline that holds whatever the call does."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class BoundedThreads:
    """Runs blocking calls, so many at once and so long each at most.

    The threads are daemons and are abandoned at the deadline: a server that accepts
    connections and then answers nothing is waited for by no timeout of its own, and
    must neither hang a request nor the end of the process. `asyncio.to_thread` would
    join its threads at exit.
    """

    def __init__(self, at_most: int, deadline_s: float) -> None:
        """Allow `at_most` calls at once and `deadline_s` seconds for each."""
        self._free = asyncio.Semaphore(at_most)
        self._deadline_s = deadline_s

    async def run(self, call: Callable[[], T]) -> T:
        """Return what `call` returns.

        Raises:
            TimeoutError: no thread was free, or the call did not end, in time.
        """
        async with asyncio.timeout(self._deadline_s):
            await self._free.acquire()
            loop = asyncio.get_running_loop()
            answer: asyncio.Future[T] = loop.create_future()

            def deliver(result: T | None, error: BaseException | None) -> None:
                self._free.release()
                if answer.done():  # the deadline came first
                    return
                if error is not None:
                    answer.set_exception(error)
                else:
                    answer.set_result(result)  # type: ignore[arg-type]  # T without an error

            def work() -> None:
                result, error = None, None
                try:
                    result = call()
                except Exception as caught:  # noqa: BLE001  # raised in the caller
                    error = caught
                with contextlib.suppress(RuntimeError):  # the loop has closed, nobody waits any more
                    loop.call_soon_threadsafe(deliver, result, error)

            threading.Thread(target=work, name="database", daemon=True).start()
            return await answer
