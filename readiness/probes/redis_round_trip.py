"""A value that is stored, read and deleted again: one key of our own, which ends by itself."""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from readiness.errors import NotMeasured
from readiness.probes.redis_nodes import slot_of

if TYPE_CHECKING:
    from readiness.probes.redis_link import Link
    from readiness.probes.redis_nodes import Slots

KEY_PREFIX = "readiness:"
KEY_TTL_MS = 60_000
MOST_DRAWS = 32
"""A node of a cluster takes only keys of its own slots; so many names are tried until one is taken."""
MOST_NAMES = 400_000
"""So many names are thought up for a node whose slots are known; a single slot is met long before."""


@dataclass(frozen=True, slots=True)
class RoundTripObservation:
    """What became of a value that was stored, read and deleted."""

    stored: bool
    matches: bool
    """What was read is what was stored."""
    deleted: bool
    """By us; where it was not, the key's time to live ends it within a minute."""
    error: str | None
    """What went wrong, in the server's words where it refused; None where nothing did."""
    elapsed_ms: float
    """SET, GET and DEL together."""
    where: str


def travel(link: Link, slots: Slots | None) -> RoundTripObservation:
    """Returns what became of a value on this server.

    Args:
        link: to the server.
        slots: of a cluster that it holds; None where that is not known, or it is no node of one.

    Raises:
        NotMeasured: there was no answer, or no key that the server takes.
    """
    value = secrets.token_hex(16).encode()
    started = time.perf_counter()
    key, error = _store(link, value, slots)
    stored = error is None
    found: object = None
    deleted = False
    if stored:
        found, error = link.attempt("GET", key)
        removed, refusal = link.attempt("DEL", key)
        deleted = removed == 1
        error = error or (None if found == value else _difference(found)) or refusal
    elapsed_ms = (time.perf_counter() - started) * 1000
    return RoundTripObservation(stored, found == value, deleted, error, elapsed_ms, link.where)


def _store(link: Link, value: bytes, slots: Slots | None) -> tuple[str, str | None]:
    """Returns the key under which the value was stored, or the server's words of refusal."""
    from redis.exceptions import MovedError

    for _ in range(MOST_DRAWS):
        key = _draw(link, slots)
        with suppress(MovedError):
            answer, error = link.attempt("SET", key, value, "PX", KEY_TTL_MS, "NX")
            return key, error or (None if answer == b"OK" else "SET was not answered with OK")
    raise NotMeasured(
        f"{link.where} is a node of a cluster that owns none of {MOST_DRAWS} random keys",
        "Name a node that is a primary in redis.url, or the cluster as redis+cluster://host:6379.",
    )


def _draw(link: Link, slots: Slots | None) -> str:
    for _ in range(MOST_NAMES):
        key = f"{KEY_PREFIX}{secrets.token_hex(16)}"
        if slots is None or slot_of(key) in slots:
            return key
    raise NotMeasured(f"no key was found for the {len(slots or ())} slots of {link.where}", "Run again.")


def _difference(found: object) -> str:
    return "the value was gone when it was read" if found is None else "another value was read than was stored"
