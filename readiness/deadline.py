"""The budget of a run: how much is left, and an alarm that ends a check which does not look at it."""

from __future__ import annotations

import os
import signal
import threading
import time

GRACE_S = 10.0
"""How long a check may go on after the deadline, being told to end every `EVERY_S`."""
EVERY_S = 1.0


class Deadline:
    """A point on the monotonic clock.

    Args:
        budget_s: seconds from now.
    """

    def __init__(self, budget_s: float) -> None:
        self.budget_s = budget_s
        self.end = time.monotonic() + budget_s
        self._disarmed = threading.Event()

    def left_s(self) -> float:
        """Returns the seconds left, never below zero."""
        return max(0.0, self.end - time.monotonic())

    @property
    def has_passed(self) -> bool:
        """True once nothing is left."""
        return time.monotonic() >= self.end

    def arm(self) -> None:
        """A check that hangs is interrupted: SIGTERM is sent to this process when nothing is left, and again after it.

        A signal and not an exception in a thread, because only a signal wakes a blocking system call; and not
        SIGALRM, which pytest-timeout uses. A check may swallow what the signal raises, even again and again: after
        `GRACE_S` the process ends as it is, with the NO-GO that was written at its start.
        """
        threading.Thread(target=self._watch, name="readiness-deadline", daemon=True).start()

    def _watch(self) -> None:
        if self._disarmed.wait(self.left_s()):
            return
        for _ in range(int(GRACE_S / EVERY_S)):
            os.kill(os.getpid(), signal.SIGTERM)
            if self._disarmed.wait(EVERY_S):
                return
        os.write(2, b"readiness: NO-GO: a check ignored the deadline of the run; the process was ended\n")
        os._exit(1)

    def disarm(self) -> None:
        """No alarm will come."""
        self._disarmed.set()
