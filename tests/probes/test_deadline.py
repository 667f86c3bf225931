"""Bounds in time, and the percentile."""

from __future__ import annotations

import math
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.errors import NotMeasured
from readiness.probes.deadline import Deadline, in_thread, seconds, watchdog
from readiness.probes.interface import LatencyObservation, nearest_rank


def plenty() -> float:
    return 60.0


def test_the_nearer_end_counts() -> None:
    """An operation ends at its own limit or at the run's, and knows at which; a run without deadline has none."""
    own, run, free = Deadline(5, plenty), Deadline(5, lambda: 2.0), Deadline(5, lambda: math.inf)
    assert (own.limit_s, own.is_of_the_run, str(own), own.remedy("other")) == (5, False, "5 s", "other")
    assert (run.limit_s, run.is_of_the_run, str(run)) == (2, True, "2 s, what was left of the run")
    assert "[policy]" in run.remedy("other")
    assert free.limit_s == 5
    assert 4 < own.left() <= 5


def test_nothing_begins_after_the_run_s_deadline() -> None:
    """A deadline that has passed is said to have."""
    with pytest.raises(NotMeasured, match="the run's deadline had passed"):
        Deadline(5, lambda: -1.0)


def test_a_call_in_a_thread_returns_or_raises_as_it_would() -> None:
    """Result and error come through unchanged."""
    assert in_thread(lambda: 42, Deadline(5, plenty)) == 42
    with pytest.raises(ZeroDivisionError):
        in_thread(lambda: 1 // 0, Deadline(5, plenty))


def test_a_call_that_takes_too_long_is_given_up_and_its_result_disposed_of() -> None:
    """The caller goes on at the deadline; what arrives later is handed to `late`, once."""
    release, disposed = threading.Event(), threading.Event()
    late: list[str] = []

    def slow() -> str:
        release.wait(30)
        return "connection"

    def dispose(result: str) -> None:
        late.append(result)
        disposed.set()

    started = time.monotonic()
    with pytest.raises(TimeoutError):
        in_thread(slow, Deadline(0.05, plenty), late=dispose)
    assert time.monotonic() - started < 10
    assert late == []
    release.set()
    assert disposed.wait(30)
    assert late == ["connection"]


def test_a_watchdog_acts_on_what_runs_too_long_only() -> None:
    """`abort` is called while the block runs, and never after it."""
    aborted = threading.Event()
    with watchdog(Deadline(0.02, plenty), aborted.set) as dog:
        assert aborted.wait(30)
    assert dog.has_fired
    calls: list[int] = []
    for _ in range(50):
        with watchdog(Deadline(0.001, plenty), lambda: calls.append(1)) as dog:
            pass
        seen = len(calls)
        assert dog.has_fired == (seen > 0)
        calls.clear()


def test_lengths_of_time_are_readable() -> None:
    """Below a second in milliseconds."""
    assert [seconds(value) for value in (0.0504, 0.5, 1, 2.5, 10, 123.456)] == [
        "50 ms",
        "500 ms",
        "1 s",
        "2.5 s",
        "10 s",
        "123 s",
    ]


@pytest.mark.parametrize(
    ("count", "p95"), [(1, 1), (5, 5), (19, 19), (20, 19), (21, 20), (40, 38), (100, 95), (1000, 950)]
)
def test_p95_is_a_value_that_was_observed(count: int, p95: int) -> None:
    """The nearest rank; with few samples the maximum."""
    samples = tuple(float(value) for value in range(count, 0, -1))
    assert LatencyObservation(samples, "here").p95_ms == p95


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300), st.sampled_from([0.01, 0.5, 0.9, 0.95, 0.99, 1.0]))
def test_nearest_rank_is_the_smallest_that_enough_do_not_exceed(samples: list[float], share: float) -> None:
    """By definition: at least that share is no larger, and no smaller sample has that."""
    value = nearest_rank(samples, share)
    needed = share * len(samples) - 1e-6
    assert sum(each <= value for each in samples) >= needed
    assert sum(each < value for each in samples) < needed + 1e-5


def test_a_percentile_of_nothing_is_refused() -> None:
    """Absence of samples is not a latency of zero."""
    with pytest.raises(ValueError, match="at least one sample"):
        nearest_rank([], 0.95)
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        nearest_rank([1.0], 95)
