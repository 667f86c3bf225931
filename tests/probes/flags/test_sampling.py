"""Users are asked within bounds, and a sample with a gap is none."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.errors import NotMeasured
from readiness.probes.documents import DocumentError
from readiness.probes.flags.interface import Answer, User
from readiness.probes.flags.sampling import MOST_FAILURES, again, ask, spread, users


def number(user: User) -> int:
    """Returns which of the sample it is."""
    return int(user.id.removeprefix("readiness-"))


@pytest.mark.parametrize("in_flight", [1, 8])
def test_each_is_asked_once_and_in_their_order(in_flight: int) -> None:
    """One answer per user, however many are asked at once."""
    asked: Counter[str] = Counter()

    def evaluate(user: User) -> Answer:
        asked[user.id] += 1
        return Answer(number(user) % 3 == 0)

    answers = ask(evaluate, users(300), in_flight, "here")
    assert [number(user) for user, _ in answers] == list(range(1, 301))
    assert all(answer.value == (number(user) % 3 == 0) for user, answer in answers)
    assert set(asked.values()) == {1}


def test_never_more_than_allowed_are_asked_at_once() -> None:
    """A service that answers slowly is asked by eight at once, and no more."""
    lock, under_way, most = threading.Lock(), 0, 0
    full = threading.Event()

    def evaluate(user: User) -> Answer:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
            if under_way == 8:
                full.set()
        if number(user) > 3:
            full.wait(20)
        else:
            threading.Event().wait(0.02)  # slow, as the first answers show
        with lock:
            under_way -= 1
        return Answer(True)

    ask(evaluate, users(64), 8, "here")
    assert most == 8


def test_one_failure_spoils_the_sample() -> None:
    """Who did not answer may be just those that the flag does not work for."""

    def evaluate(user: User) -> Answer:
        if number(user) == 77:
            raise DocumentError("POST http://host/evaluate answered 500")
        return Answer(True)

    with pytest.raises(NotMeasured, match="1 of 200 evaluations failed") as caught:
        ask(evaluate, users(200), 8, "POST /evaluate")
    assert "answered 500" in caught.value.cause
    assert "POST /evaluate" in caught.value.cause


@pytest.mark.parametrize("in_flight", [1, 8])
def test_a_service_that_is_down_is_soon_left_alone(in_flight: int) -> None:
    """After some failures no more are asked for; the message says of how many."""
    asked: list[User] = []

    def evaluate(user: User) -> Answer:
        asked.append(user)
        raise NotMeasured("nobody there", "Start it.")

    with pytest.raises(NotMeasured, match="were not asked for") as caught:
        ask(evaluate, users(2000), in_flight, "here")
    assert len(asked) < MOST_FAILURES + 8 + 3
    assert caught.value.remedy == "Start it."


def test_other_errors_are_not_hidden() -> None:
    """A fault in here is none of the service."""

    def evaluate(user: User) -> Answer:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask(evaluate, users(20), 8, "here")


def test_nobody_needs_no_answer() -> None:
    """No user, no request."""
    assert ask(lambda _user: Answer(True), (), 8, "here") == []


@given(reached=st.sets(st.integers(1, 500)), most=st.integers(1, 200))
def test_those_asked_again_are_of_both_kinds(reached: set[int], most: int) -> None:
    """As many who were reached as who were not, as far as there are; each once, and never more than wanted."""
    answers = [(user, Answer(number(user) in reached)) for user in users(500)]
    chosen = again(answers, most)
    on = sum(number(user) in reached for user in chosen)
    assert len(set(chosen)) == len(chosen) == min(most, 500)
    assert on >= min(len(reached), most // 2)
    assert len(chosen) - on >= min(500 - len(reached), most // 2)


@given(total=st.integers(0, 300), count=st.integers(1, 100))
def test_spread_takes_from_everywhere(total: int, count: int) -> None:
    """At most so many, each once, in order, the first among them."""
    chosen = spread(users(total), count)
    assert len(chosen) == len(set(chosen)) == min(total, count)
    assert list(map(number, chosen)) == sorted(map(number, chosen))
    assert not total or number(chosen[0]) == 1


def test_users_are_the_same_in_every_run() -> None:
    """And whoever reads the service's log sees by the name who asked."""
    assert users(3) == users(3)
    assert [user.id for user in users(2)] == ["readiness-1", "readiness-2"]
