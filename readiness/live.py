"""The live line of a rollout under observation: rewritten on a terminal, now and then a plain line elsewhere."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from readiness.reports.rollout import live_line

PLAIN_EVERY_S = 60.0
"""Time between two lines where they are not rewritten, as in CI."""
FOLLOW_EVERY_S = 0.5


class LiveLine:
    """Shows what an observation has come to.

    Args:
        config: of the pytest run.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._last_s: float | None = None
        self._is_followed = False

    def show(self, kept: Mapping[str, Any]) -> None:
        """The state of the observation is on the terminal, unless pytest was told to be quiet."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None or self._config.get_verbosity() < 0:
            return
        rollout = kept.get("rollout", {})
        has_ended = bool(rollout.get("ended"))
        # Rewriting needs the line for itself, which xdist's own progress does not leave.
        if getattr(reporter, "isatty", False) and not self._is_followed:
            with self._uncaptured():
                if self._last_s is None:
                    reporter.ensure_newline()
                width = max(20, shutil.get_terminal_size().columns - 1)
                reporter.rewrite(live_line(rollout, width)[:width], erase=True)
                if has_ended:
                    reporter.write_line("")
            self._last_s = time.monotonic()
        elif has_ended or self._last_s is None or time.monotonic() - self._last_s >= PLAIN_EVERY_S:
            with self._uncaptured():
                reporter.ensure_newline()
                reporter.write_line(live_line(rollout))
            self._last_s = time.monotonic()

    @contextlib.contextmanager
    def _uncaptured(self) -> Iterator[None]:
        """Inside, the terminal is reached although a check is running."""
        manager = self._config.pluginmanager.get_plugin("capturemanager")
        disabled = getattr(manager, "global_and_fixture_disabled", contextlib.nullcontext)
        with disabled():
            yield

    def follow(self, state: Path, run: str) -> Callable[[], None]:
        """What a worker of the run keeps is shown, until the function that is returned is called."""
        from readiness.watching import read_state

        self._is_followed = True
        stopped = threading.Event()

        def watch() -> None:
            seen = -1
            is_over = False
            while not is_over:
                is_over = stopped.wait(FOLLOW_EVERY_S)  # what was kept last is shown too
                try:
                    changed = state.stat().st_mtime_ns
                except OSError:
                    continue
                kept = read_state(state) if changed != seen else None
                seen = changed
                if kept is not None and kept.get("run") == run:
                    self.show(kept)

        thread = threading.Thread(target=watch, name="readiness-rollout", daemon=True)
        thread.start()

        def stop() -> None:
            stopped.set()
            thread.join(FOLLOW_EVERY_S * 4)

        return stop
