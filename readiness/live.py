"""What a rollout under observation has come to: redrawn on a terminal, now and then a plain line elsewhere."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from readiness.reports.rollout import live_line, live_lines

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
        self._drawn = 0
        self._has_left = False
        self._lock = threading.Lock()

    def show(self, kept: Mapping[str, Any]) -> None:
        """The state of the observation is on the terminal, unless pytest was told to be quiet."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None or self._config.get_verbosity() < 0:
            return
        rollout = kept.get("rollout", {})
        # A check that observes may have a thread of its own, which goes on for a while where the run is interrupted.
        with self._lock:
            if self._has_left:
                return
            if self._may_redraw(reporter):
                self._draw(reporter, live_lines(rollout, max(20, shutil.get_terminal_size().columns - 1)))
                if rollout.get("ended"):
                    self._end_lines(reporter)
            elif rollout.get("ended") or self._last_s is None or time.monotonic() - self._last_s >= PLAIN_EVERY_S:
                with self._uncaptured():
                    reporter.ensure_newline()
                    reporter.write_line(live_line(rollout))
                self._last_s = time.monotonic()

    def leave(self) -> None:
        """Nothing is shown any more, and what else is written begins on a line of its own."""
        with self._lock:
            self._has_left = True
            self._end_lines(self._config.pluginmanager.get_plugin("terminalreporter"))

    def _end_lines(self, reporter: Any) -> None:
        if self._drawn:
            with self._uncaptured():
                reporter.write_line("")
            self._drawn = 0

    def _may_redraw(self, reporter: Any) -> bool:
        # Redrawing needs the lines for itself, which xdist's own progress does not leave.
        is_able = getattr(reporter, "isatty", False) and os.environ.get("TERM", "dumb") != "dumb"
        return is_able and not self._is_followed

    def _draw(self, reporter: Any, lines: list[str]) -> None:
        """The lines are where those that were drawn before have been."""
        up = f"\x1b[{self._drawn - 1}A" if self._drawn > 1 else ""
        with self._uncaptured():
            if not self._drawn:
                reporter.ensure_newline()
            reporter.write(f"\r{up}\x1b[J" + "\n".join(lines), flush=True)
        self._drawn = len(lines)

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
