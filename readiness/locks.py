"""Waiting for a lock of the system, which it gives back where its holder dies; never longer than there is time."""

from __future__ import annotations

import time
from collections.abc import Callable


def acquire(descriptor: int, left_s: Callable[[], float], *, is_shared: bool = False, poll_s: float = 0.02) -> bool:
    """Returns whether the lock of an open file was had before the time was over; closing the file gives it back.

    Args:
        descriptor: of the open file or folder.
        left_s: returns the seconds that are left to wait; asked after each attempt, of which there is at least one.
        is_shared: others who share it may have it too.
        poll_s: pause between two attempts.

    Raises:
        OSError: the file system has no locks.
    """
    import fcntl

    kind = fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if (left := left_s()) <= 0:
                return False
            time.sleep(min(poll_s, left))
        else:
            return True
