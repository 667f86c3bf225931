"""What the benchmarks share: alternating timed runs of two commands, and one line that says the ratio."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

QUIET = [
    "-p",
    "no:randomly",
    "-p",
    "no:xdist",
    "-p",
    "no:rerunfailures",
    "-p",
    "no:timeout",
    "-p",
    "no:cov",
    "-p",
    "no:hypothesispytest",
]
"""Other plugins of the developer's machine stay out of both sides."""
ENVIRON = {
    name: value for name, value in os.environ.items() if name not in ("PYTHONDONTWRITEBYTECODE", "PYTEST_ADDOPTS")
}
"""Both sides keep compiled modules between runs, as on any machine that runs tests more than once."""


def pytest_command(*args: str) -> list[str]:
    """Returns a pytest command line without unrelated plugins."""
    return [sys.executable, "-m", "pytest", *QUIET, *args]


def run(command: Sequence[str], folder: Path, expect: int = 0) -> float:
    """Returns the wall time of a command in seconds.

    Raises:
        RuntimeError: for another exit status than expected, with what the command said.
    """
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=ENVIRON, capture_output=True, text=True, check=False)
    elapsed = time.perf_counter() - started
    if done.returncode != expect:
        raise RuntimeError(
            f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-2000:]}"
        )
    return elapsed


def compare(ours: Callable[[], float], peer: Callable[[], float], rounds: int) -> tuple[float, float, float]:
    """Returns both medians in seconds and the median of the ratios of adjacent runs, after one warm-up of each.

    The order within a pair alternates, so that a drift of the machine's speed falls on both.
    """
    ours(), peer()
    pairs = []
    for index in range(rounds):
        if index % 2:
            theirs = peer()
            pairs.append((ours(), theirs))
        else:
            mine = ours()
            pairs.append((mine, peer()))
    return (
        statistics.median(mine for mine, _ in pairs),
        statistics.median(theirs for _, theirs in pairs),
        statistics.median(mine / theirs for mine, theirs in pairs),
    )


def report(title: str, result: tuple[float, float, float], limit: float) -> None:
    """Prints one line: both medians, the ratio and the ratio that is wanted."""
    mine, theirs, ratio = result
    verdict = "holds" if ratio <= limit else "MISSED"
    print(f"{title}: {mine:.3f} s, peer {theirs:.3f} s, ratio {ratio:.3f} (limit {limit:.2f}: {verdict})")
