"""A sample of users asked for one flag: bounded in load, in failures and in time."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from readiness.errors import NotMeasured, ReadinessError
from readiness.probes.documents import DocumentError
from readiness.probes.flags.interface import Answer, Evaluate, User

MOST_FAILURES = 20
"""After so many failed evaluations no more are asked for: nothing is learnt from them, and the service has trouble."""
PACE = 3
"""So many users are asked one after the other first, to see how long the service takes."""
QUICK_S = 0.005
FEW_IN_FLIGHT = 2
"""Enough where an answer takes less than 5 ms: more would only wait for each other in here."""
ASKED_AGAIN = 200
"""So many users are asked a second time."""


def users(count: int) -> tuple[User, ...]:
    """Returns the users of a sample, the same in every run.

    Fixed, so that one release gets one decision: a rollout hashes a user's id, and other users in each run would put
    the one false alarm in 10,000 anywhere. Services that count their users see no new ones, either; and whoever reads
    their logs knows by the name who that was.
    """
    return tuple(User(f"readiness-{number}") for number in range(1, count + 1))


def ask(evaluate: Evaluate, whom: Sequence[User], in_flight: int, place: str) -> list[tuple[User, Answer]]:
    """Returns what each of the users was told, in their order.

    Args:
        evaluate: asks for one user.
        whom: each is asked once.
        in_flight: how many are asked at once, at most.
        place: where, for messages.

    Raises:
        NotMeasured: not all were answered; says how many of how many.
    """
    answers: dict[User, Answer] = {}
    failures: list[Exception] = []
    waiting = iter(whom)
    lock = threading.Lock()

    def take(user: User) -> float:
        started = time.perf_counter()
        try:
            answers[user] = evaluate(user)
        except (DocumentError, NotMeasured) as error:
            with lock:
                failures.append(error)
        return time.perf_counter() - started

    def work() -> None:
        while True:
            with lock:
                user = next(waiting, None) if len(failures) < MOST_FAILURES else None
            if user is None:
                return
            take(user)

    if in_flight == 1:
        work()
    else:
        first = list(itertools.islice(waiting, PACE))
        elapsed_s = min(map(take, first), default=0.0)
        threads = in_flight if elapsed_s > QUICK_S else FEW_IN_FLIGHT
        with ThreadPoolExecutor(threads, thread_name_prefix="readiness-users") as pool:
            for future in [pool.submit(work) for _ in range(threads)]:
                future.result()
    if failures:
        raise _failed(failures, len(failures) + len(answers), len(whom), place)
    return [(user, answers[user]) for user in whom]


def _failed(failures: Sequence[Exception], asked: int, wanted: int, place: str) -> NotMeasured:
    first = failures[0]
    cause, remedy = (first.cause, first.remedy) if isinstance(first, ReadinessError) else (str(first), "")
    stopped = f", and the other {wanted - asked} were not asked for" if asked < wanted else ""
    return NotMeasured(
        f"{len(failures)} of {asked} evaluations failed{stopped} ({place}); the first: {cause}",
        remedy or "Read the log of the flag service at that moment; a sample with gaps says nothing about a share.",
    )


def again(answers: Sequence[tuple[User, Answer]], most: int = ASKED_AGAIN) -> tuple[User, ...]:
    """Returns whom to ask a second time: as many who are reached as who are not, spread over the sample.

    At 1 % a user drawn anew is reached again in one of a hundred cases, so that each user who was reached tells more
    than a hundred who were not.
    """
    reached = [user for user, answer in answers if answer.is_on]
    others = [user for user, answer in answers if not answer.is_on]
    few, many = sorted((reached, others), key=len)
    first = spread(few, most // 2)
    return (*first, *spread(many, most - len(first)))


def spread(whom: Sequence[User], count: int) -> tuple[User, ...]:
    """Returns at most so many of the users, at equal distances."""
    if len(whom) <= count:
        return tuple(whom)
    return tuple(whom[index * len(whom) // count] for index in range(count))
