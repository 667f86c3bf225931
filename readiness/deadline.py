"""The budget of a run: how much is left, and an alarm that ends a check which does not look at it."""

from __future__ import annotations

import os
import signal
import threading
import time


class Deadline:
    """A point on the monotonic clock.

    Args:
        budget_s: seconds from now.
    """

    def __init__(self, budget_s: float) -> None:
        self.budget_s = budget_s
        self.end = time.monotonic() + budget_s
        self._timer: threading.Timer | None = None

    def left_s(self) -> float:
        """Returns the seconds left, never below zero."""
        return max(0.0, self.end - time.monotonic())

    @property
    def has_passed(self) -> bool:
        """True once nothing is left."""
        return time.monotonic() >= self.end

    def arm(self) -> None:
        """A check that hangs is interrupted: SIGTERM is sent to this process when nothing is left.

        A signal and not an exception in a thread, because only a signal wakes a blocking system call; and not
        SIGALRM, which pytest-timeout uses.
        """
        self._timer = threading.Timer(self.left_s(), os.kill, (os.getpid(), signal.SIGTERM))
        self._timer.daemon = True
        self._timer.start()

    def disarm(self) -> None:
        """No alarm will come."""
        if self._timer is not None:
            self._timer.cancel()
