"""Waiting for a lock of the system, which it gives back where its holder dies; never longer than there is time."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path


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


@contextlib.contextmanager
def holding(path: Path, left_s: Callable[[], float], *, poll_s: float = 0.02) -> Iterator[bool]:
    """Inside, nobody else holds the file, where it says True; the file is gone afterwards.

    Args:
        path: of the file, which need not be there.
        left_s: as for `acquire`.
        poll_s: as for `acquire`.

    Raises:
        OSError: the file cannot be made, or its file system has no locks.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = _held(path, left_s, poll_s)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            with contextlib.suppress(OSError):
                path.unlink()
            os.close(handle)


def _held(path: Path, left_s: Callable[[], float], poll_s: float) -> int | None:
    """Returns the open file, which nobody else holds, or None; not one that its last holder has removed meanwhile."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            is_held = acquire(handle, left_s, poll_s=poll_s)
            if is_held and os.fstat(handle).st_nlink:
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
        if not is_held:
            return None
