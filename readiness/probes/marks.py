"""Counters that only rise, such as evicted keys or deadlocks: what they have counted lately.

The figure of a server's whole life says nothing of a release. So each run leaves a mark: the counter as it was. The
next run of the same user on the same machine counts from there; where there is none, from the start of the run.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from readiness.config.cache import cache_folder

if TYPE_CHECKING:
    from pathlib import Path

OLDEST_S = 7 * 86400.0
"""A mark that is older would count what was long looked into."""
MOST_MARKS = 2000
"""Servers that are started for one run leave a mark that nobody comes back to; the oldest go."""
MOST_BYTES = 1000


@dataclass(frozen=True, slots=True)
class Reading:
    """A counter at one moment."""

    value: int
    at_s: float
    """Seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Delta:
    """What a counter has counted between two readings."""

    count: int
    seconds: float
    since: str
    """From when it counts, in words that end a sentence, such as `since the last run`."""


def since(earlier: Reading, now: Reading, words: str) -> Delta:
    """Returns what was counted from one reading to the other.

    A counter that is lower than it was has been set to zero in between; all it holds was counted after that.
    """
    seconds = max(0.0, now.at_s - earlier.at_s)
    if now.value < earlier.value:
        return Delta(now.value, seconds, "since it was set back")
    return Delta(now.value - earlier.value, seconds, words)


class Marks:
    """What earlier runs have read, one file for each counter of each server.

    Args:
        folder: where they are kept; default in the user's cache folder. One that cannot be written keeps nothing.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder if folder is not None else cache_folder(os.environ) / "marks"

    def last(self, counter: str, server: str, now_s: float | None = None) -> Reading | None:
        """Returns what the last run has read; None where there was none lately.

        Args:
            counter: such as `redis/evicted_keys`.
            server: what tells this server from any other, and from itself before a restart that resets the counter.
            now_s: seconds since the epoch, by the clock of this machine.
        """
        now_s = time.time() if now_s is None else now_s
        try:
            with self._file(counter, server).open("rb") as file:
                document = json.loads(file.read(MOST_BYTES))
            reading = Reading(int(document["value"]), float(document["at_s"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None  # never written, or not by this code
        # One from the future was written by a clock that has been put right since.
        return reading if 0 <= now_s - reading.at_s <= OLDEST_S else None

    def keep(self, counter: str, server: str, reading: Reading) -> None:
        """The next run counts from this reading."""
        file = self._file(counter, server)
        part = file.with_name(f"{file.name}.{secrets.token_hex(8)}.part")
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                part.write_text(json.dumps({"value": reading.value, "at_s": reading.at_s}))
                part.replace(file)
            finally:
                part.unlink(missing_ok=True)
            self._thin_out()

    def _file(self, counter: str, server: str) -> Path:
        return self._folder / f"{hashlib.sha256(f'{counter} {server}'.encode()).hexdigest()[:32]}.json"

    def _thin_out(self) -> None:
        files = list(self._folder.glob("*.json*"))
        if len(files) > MOST_MARKS:
            for file in sorted(files, key=lambda each: each.stat().st_mtime)[: len(files) - MOST_MARKS]:
                file.unlink(missing_ok=True)
