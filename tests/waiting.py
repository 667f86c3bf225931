"""Waiting for what happens in another process or thread: as long as it takes, at most as long as it may."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 20.0
"""More than anything here takes; reaching it is a failure."""
POLL_S = 0.005


def wait_until(holds: Callable[[], object], within_s: float = PATIENCE_S, what: str = "it") -> None:
    """Returns as soon as it holds; fails after the bound."""
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, f"{what} did not come true within {within_s:g} s"
        time.sleep(POLL_S)
