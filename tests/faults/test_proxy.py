"""The slow network changes nothing but the time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import redis

from tests.faults.proxy import HOST, delaying

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.targets import Targets

DELAY_S = 0.1


def elapsed_s(call: Callable[[], object]) -> float:
    """Returns how long a call takes."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


@pytest.mark.parametrize(
    ("delays", "is_late"),
    [({}, (False, False)), ({"connect_s": DELAY_S}, (True, False)), ({"answer_s": DELAY_S}, (True, True))],
    ids=["none", "connect", "answer"],
)
def test_only_what_was_asked_for_is_late(
    targets: Targets, delays: dict[str, float], is_late: tuple[bool, bool]
) -> None:
    """Answers come through whole; a new connection and an answer on an open one are late or not, as asked for."""
    with delaying(targets.redis.port, **delays) as port, redis.Redis(HOST, port, protocol=2) as client:
        first, later = elapsed_s(client.ping), elapsed_s(lambda: client.set("long", "x" * 200_000))
        assert (first >= DELAY_S, later >= DELAY_S) == is_late
        assert client.get("long") == b"x" * 200_000
