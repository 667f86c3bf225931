"""The past of a rollout as a file: raw series of a Prometheus, which `readiness rollout backtest` replays.

JSON, one object a line, gzipped where the file's name ends in `.gz`. The first line is the header:

    {"schema": "readiness-rollout-recording/1", "start_s": 1795266000.0, "end_s": 1795269600.0}

`start_s` and `end_s`, seconds since the epoch, are what may be judged; samples go back further, so that the first
interval has a beginning. Every other line holds samples of one series, oldest first, as the HTTP API writes them:

    {"metric": {"__name__": "up", "job": "shop", "instance": "10.0.0.7:8000"}, "values": [[1795266000.0, "1"], ...]}

A series may have several lines, in the order of time. Native histograms have, instead of `values`, `histograms`: pairs
of a time and `{"count": 7, "buckets": [[0.1, 0.2, 7]]}`, lower edge, upper edge and observations in between.
"""

from __future__ import annotations

import gzip
import itertools
import json
import statistics
import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from operator import sub
from pathlib import Path
from typing import IO, Any

from readiness.config.selectors import Selector, parse_selector
from readiness.errors import UsageError
from readiness.rollout.prometheus_api import Found, Native
from readiness.rollout.series import STALE

SCHEMA = "readiness-rollout-recording/1"
MOST_SAMPLES = 20_000_000
"""That are held at once: 320 MB."""
LATEST_S = 253_402_300_799.0
"""The last second of the year 9999: RFC 3339 writes no later one."""
LOOKBACK_S = 300.0
"""So old may the last sample be that an instant query gives; Prometheus' own default."""


@dataclass(slots=True)
class Kept:
    """One series of a recording."""

    labels: dict[str, str]
    times_s: array[float] = field(default_factory=lambda: array("d"))
    values: array[float] = field(default_factory=lambda: array("d"))
    natives: list[Native] = field(default_factory=list)

    def add(self, times_s: Iterable[float], values: Iterable[float], natives: Iterable[Native]) -> None:
        """Further samples are part of it; those that it has already are left out."""
        newest = self.times_s[-1] if self.times_s else float("-inf")
        for time_s, value, native in itertools.zip_longest(times_s, values, natives):
            if time_s > newest:
                self.times_s.append(time_s)
                if native is None:
                    self.values.append(value)
                else:
                    self.natives.append(native)

    def between(self, start_s: float, end_s: float) -> Found | None:
        """Returns the samples of a stretch of time; None where there are none."""
        first, last = bisect_left(self.times_s, start_s), bisect_right(self.times_s, end_s)
        if first >= last:
            return None
        cut = slice(first, last)
        return Found(self.labels, tuple(self.times_s[cut]), tuple(self.values[cut]), tuple(self.natives[cut]))

    def at(self, time_s: float) -> float | None:
        """Returns its value at a moment; None where it had none, or was gone.

        A file has no marks for series that have ended: one is gone when its next sample is overdue.
        """
        last = bisect_right(self.times_s, time_s) - 1
        if last < 0 or not self.values:
            return None
        times = self.times_s[max(0, last - 10) : last + 1]
        usual_s = statistics.median(map(sub, times[1:], times)) * STALE if len(times) > 1 else LOOKBACK_S
        return self.values[last] if time_s - self.times_s[last] <= min(usual_s, LOOKBACK_S) else None


class Recording:
    """All series of a file.

    Args:
        start_s: from when on it may be judged.
        end_s: until when.
    """

    def __init__(self, start_s: float, end_s: float) -> None:
        self.start_s = start_s
        self.end_s = end_s
        self._series: dict[tuple[tuple[str, str], ...], Kept] = {}
        self._by_name: dict[str, list[Kept]] = defaultdict(list)
        self._selected: dict[str, list[Kept]] = {}

    def add(self, labels: dict[str, str], *samples: Iterable[Any]) -> None:
        """Samples of a series are part of it: times, values, native histograms."""
        key = tuple(sorted(labels.items()))
        if key not in self._series:
            self._series[key] = Kept(labels)
            self._by_name[labels.get("__name__", "")].append(self._series[key])
        self._series[key].add(*samples)

    def select(self, selector: Selector) -> list[Kept]:
        """Returns the series that a selector names."""
        text = str(selector)
        if text not in self._selected:
            known = self._by_name.get(selector.name, [])
            self._selected[text] = [each for each in known if selector.selects(selector.name, each.labels)]
        return self._selected[text]

    def instant(self, text: str, time_s: float) -> list[tuple[dict[str, str], float]]:
        """Returns labels and value of each series of a selector that has one at a moment."""
        found = ((each.labels, each.at(time_s)) for each in self.select(parse_selector(text)))
        return [(labels, value) for labels, value in found if value is not None]


# --- the file -------------------------------------------------------------------------------------------------------


def _open(path: Path, mode: str) -> IO[str]:
    opener: Callable[..., IO[str]] = gzip.open if path.suffix == ".gz" else open
    return opener(path, f"{mode}t", encoding="utf-8")


def write(
    path: Path, start_s: float, end_s: float, found: Iterable[Found], redact: Callable[[str], str] = str
) -> tuple[int, int]:
    """The recording is in a new file, which has no secret in it; returns how many lines and samples.

    Raises:
        UsageError: the file exists, or cannot be written.
    """
    lines = samples = 0
    try:
        with _open(path, "x") as file:
            try:
                file.write(json.dumps({"schema": SCHEMA, "start_s": start_s, "end_s": end_s}) + "\n")
                for each in found:
                    file.write(redact(_line(each)) + "\n")
                    lines, samples = lines + 1, samples + len(each.times_s)
            except BaseException:
                path.unlink()  # whole or not at all
                raise
    except FileExistsError:
        raise UsageError(f"{str(path)!r} exists already.", "Name another file, or remove it.") from None
    except OSError as error:
        raise UsageError(f"{str(path)!r} cannot be written: {error.strerror}.", "Name another place.") from error
    return lines, samples


def _line(found: Found) -> str:
    if found.natives:
        pairs: list[Any] = [
            [time_s, {"count": each.observations, "buckets": each.buckets}]
            for time_s, each in zip(found.times_s, found.natives, strict=True)
        ]
        return json.dumps({"metric": found.labels, "histograms": pairs})
    pairs = [[time_s, f"{value:.17g}"] for time_s, value in zip(found.times_s, found.values, strict=True)]
    return json.dumps({"metric": found.labels, "values": pairs})


def read(path: Path) -> Recording:
    """Returns the recording in a file.

    Raises:
        UsageError: it cannot be read, is not in the format, or is too large.
    """
    number = 1
    try:
        with _open(path, "r") as file:
            recording = _begun(file.readline())
            samples = 0
            for line in file:
                number += 1
                labels, part = _samples(line)
                samples += len(part[0])
                if samples > MOST_SAMPLES:
                    raise UsageError(f"{str(path)!r} holds more than {MOST_SAMPLES:,} samples.", "Record less of it.")
                recording.add(labels, *part)
    except OSError as error:
        raise UsageError(f"{str(path)!r} cannot be read: {error.strerror or error}.", "Name a recording.") from error
    except (ValueError, KeyError, TypeError, AttributeError, EOFError, zlib.error) as error:
        raise UsageError(
            f"{str(path)!r} is no recording: line {number}: {error}.",
            "Make one with `readiness rollout backtest --record`.",
        ) from error
    return recording


def _begun(line: str) -> Recording:
    header = json.loads(line)
    if not isinstance(header, dict) or header.get("schema") != SCHEMA:
        raise ValueError(f"it does not say {SCHEMA}")
    start_s, end_s = float(header["start_s"]), float(header["end_s"])
    if not 0 <= start_s <= end_s <= LATEST_S:
        raise ValueError(f"from {start_s:g} to {end_s:g} is no time")
    return Recording(start_s, end_s)


def _samples(line: str) -> tuple[dict[str, str], tuple[list[float], list[float], list[Native]]]:
    said = json.loads(line)
    labels = {str(name): str(value) for name, value in said["metric"].items()}
    if "histograms" not in said:
        return labels, ([float(t) for t, _ in said["values"]], [float(v) for _, v in said["values"]], [])
    natives = [
        Native(float(each["count"]), tuple((float(a), float(b), float(n)) for a, b, n in each["buckets"]))
        for _, each in said["histograms"]
    ]
    return labels, ([float(time_s) for time_s, _ in said["histograms"]], [], natives)
