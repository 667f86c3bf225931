"""Observations ahead of their checks: each once, a bounded number, and errors kept for the one who asks."""

from __future__ import annotations

import functools
import threading

import pytest

from readiness.ahead import CONCURRENCY, WINDOW, Ahead


def test_each_observation_is_made_once_and_then_afresh() -> None:
    """A second taking, after a retry, does not get the old answer."""
    made: list[str] = []
    ahead = Ahead([("a", lambda: made.append("ahead"))])
    ahead.take("a", lambda: made.append("fresh"))
    ahead.take("a", lambda: made.append("fresh"))
    ahead.close()
    assert made == ["ahead", "fresh"]


def test_taking_out_of_order_makes_no_observation_twice() -> None:
    """A check that runs before its turn observes by itself."""
    made: list[int] = []
    ahead = Ahead([(number, lambda number=number: made.append(number)) for number in range(3 * WINDOW)])
    ahead.take(3 * WINDOW - 1, lambda: made.append(-1))
    for number in range(3 * WINDOW - 1):
        ahead.take(number, lambda: made.append(-2))
    ahead.close()
    assert sorted(made) == [-1, *range(3 * WINDOW - 1)]


def test_no_more_than_the_window_is_observed_ahead() -> None:
    """Memory and load stay bounded while nobody takes."""
    made: list[int] = []
    ahead = Ahead([(number, lambda number=number: made.append(number)) for number in range(10 * WINDOW)])
    ahead.take(0, lambda: None)
    ahead.close()
    assert len(made) <= WINDOW + 1


def test_concurrency_is_bounded_and_reached() -> None:
    """As many as CONCURRENCY are under way at once, and never more."""
    barrier = threading.Barrier(CONCURRENCY, timeout=10)
    ahead = Ahead([(number, barrier.wait) for number in range(2 * CONCURRENCY)])
    for number in range(2 * CONCURRENCY):
        ahead.take(number, lambda: None)
    ahead.close()
    assert not barrier.broken


def test_error_reaches_the_one_who_takes() -> None:
    """An observation that failed fails its own check only."""

    def fail() -> None:
        raise ConnectionError("lost")

    ahead = Ahead([("bad", fail), ("good", lambda: 1)])
    with pytest.raises(ConnectionError, match="lost"):
        ahead.take("bad", lambda: None)
    assert ahead.take("good", lambda: 2) == 1
    ahead.close()


def test_concurrency_can_be_less() -> None:
    """Observations that ask much are made fewer at a time."""
    barrier = threading.Barrier(2, timeout=10)
    under_way: set[int] = set()

    def observe(number: int) -> int:
        under_way.add(threading.get_ident())
        barrier.wait()
        return number

    ahead = Ahead(((number, functools.partial(observe, number)) for number in range(8)), concurrency=2)
    assert [ahead.take(number, lambda: -1) for number in range(8)] == list(range(8))
    ahead.close()
    assert len(under_way) == 2
