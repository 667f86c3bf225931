"""Observes Redis or Valkey, one server or many: bounded in time and size, without retries, leaving nothing behind."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TypeVar

from readiness.config.redis_address import AddressError, parse_address
from readiness.errors import NotMeasured
from readiness.probes.deadline import Deadline
from readiness.probes.interface import LatencyObservation
from readiness.probes.marks import Marks, Reading, since
from readiness.probes.redis_info import (
    InfoObservation,
    ServerObservation,
    clients_of,
    lookups_of,
    memory_of,
    persistence_of,
    replication_of,
)
from readiness.probes.redis_nodes import Nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from readiness.probes.interface import Budget
    from readiness.probes.redis_info import (
        ClientsObservation,
        LookupObservation,
        MemoryObservation,
        PersistenceObservation,
        ReplicationObservation,
    )
    from readiness.probes.redis_link import Link
    from readiness.probes.redis_round_trip import RoundTripObservation

    T = TypeVar("T")

WINDOW_S = 0.5
"""How long evictions are counted at least, also where no earlier run has left a mark."""
EVICTIONS = "redis/evicted_keys"


@dataclass(frozen=True, slots=True)
class EvictionObservation:
    """How many keys were thrown out to make room; of a cluster, by all its primaries."""

    count: int
    seconds: float
    """How long was counted; the shortest of all primaries."""
    since: str
    """From when, such as `since the last run`."""
    where: str


class RedisProbe:
    """Asks Redis or Valkey. Thread safe: one connection to each server, used by one thread after the other.

    Args:
        url: of one server (`redis://`, `rediss://`, `unix://`), of Sentinels (`redis+sentinel://`) or of a cluster
            (`redis+cluster://`); `valkey` means the same. Of a cluster every primary is observed. Options in it that
            would change time limits or retries are left out.
        timeout_s: bound of the connection, authentication included, and of each command.
        budget: seconds left of the whole run.
        marks: what earlier runs have read of counters; default in the user's cache folder.

    Raises:
        NotMeasured: the text is not the address of a Redis.
    """

    def __init__(self, url: str, *, timeout_s: float = 5.0, budget: Budget, marks: Marks | None = None) -> None:
        try:
            address = parse_address(url)
        except AddressError as error:
            raise NotMeasured(f"the address of Redis cannot be read: {error.text}", error.remedy) from None
        self._where = str(address)
        self._timeout_s = timeout_s
        self._budget = budget
        self._marks = marks if marks is not None else Marks()
        self._lock = threading.Lock()
        self._nodes = Nodes(address, timeout_s, budget)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def reach(self) -> None:
        """Every server answers with the credentials of the environment; one that refuses PING for a reason answers.

        Raises:
            NotMeasured: one does not; says why.
        """
        from redis.exceptions import ResponseError

        from readiness.probes.redis_failure import REACHED, redis_failure, server_words

        with self._turn() as links:
            for link in links:
                try:
                    link.ask("PING")
                except ResponseError as refusal:
                    if not server_words(refusal).startswith(REACHED):
                        raise redis_failure(refusal, link.where) from None

    def close(self) -> None:
        """The connections are closed; a later observation opens new ones."""
        with self._lock:
            self._nodes.close()

    # --- what is observed -----------------------------------------------------------------------------------------

    def ping(self, samples: int = 5) -> LatencyObservation:
        """Returns how long PING takes on an open connection; of several servers, of the slowest.

        Raises:
            NotMeasured: one of them was not answered with PONG.
        """

        def sample(link: Link) -> LatencyObservation:
            latencies: list[float] = []
            for _ in range(samples):
                started = time.perf_counter()
                answer = link.read("PING")
                latencies.append((time.perf_counter() - started) * 1000)
                if answer != b"PONG":
                    raise NotMeasured(f"{link.where} answered PING with something else", "Check what listens there.")
            return LatencyObservation(tuple(latencies), f"PING on {link.where}")

        return max(self._each(sample), key=lambda seen: seen.p95_ms)

    def info(self, section: str) -> InfoObservation:
        """Returns one section of INFO, such as `memory` or `stats`, of the first server.

        Raises:
            NotMeasured: it was not answered, or holds nothing.
        """
        with self._turn() as links:
            return links[0].info(section)

    def servers(self) -> tuple[ServerObservation, ...]:
        """Returns which servers answer, and in which part.

        Raises:
            NotMeasured: one does not say.
        """
        return self._each(lambda link: _server(link.info()))

    def server(self) -> ServerObservation:
        """Returns which server answers, and in which part; of several, the first.

        Raises:
            NotMeasured: it does not say.
        """
        return self.servers()[0]

    def memory(self) -> tuple[MemoryObservation, ...]:
        """Returns how much memory each server uses, of how much."""
        return self._each(lambda link: memory_of(link.info()))

    def lookups(self) -> LookupObservation:
        """Returns how often a key was there that was asked for, of all servers together."""
        return lookups_of(self._each(lambda link: link.info()))

    def clients(self) -> tuple[ClientsObservation, ...]:
        """Returns how many connections of each server are taken."""

        def observe(link: Link) -> ClientsObservation:
            info = link.info()
            if "maxclients" in info.values:
                return clients_of(info, info.count("maxclients"))
            # Before 6.2 only the configuration tells it.
            setting, refusal = _setting(link, "maxclients")
            if setting is None or not setting.isdigit():
                cause = f"{link.where} does not tell how many clients it admits{f': {refusal}' if refusal else ''}"
                raise NotMeasured(cause, "Permit +config|get, or observe Redis 6.2 or later, which tells it in INFO.")
            return clients_of(info, int(setting))

        return self._each(observe)

    def persistence(self) -> tuple[PersistenceObservation, ...]:
        """Returns whether what each server has in memory reaches the disk."""

        def observe(link: Link) -> PersistenceObservation:
            setting, _ = _setting(link, "save")
            return persistence_of(link.info(), None if setting is None else bool(setting.strip()))

        return self._each(observe)

    def replication(self) -> tuple[ReplicationObservation, ...]:
        """Returns the part of each server in replication, and how that goes."""

        def observe(link: Link) -> ReplicationObservation:
            state = ""
            if self._nodes.slots_of(link) is not None:
                answer = link.read("CLUSTER", "INFO")
                lines = answer.decode("utf-8", "replace").split() if isinstance(answer, bytes) else []
                state = next((line.partition(":")[2] for line in lines if line.startswith("cluster_state:")), "unknown")
            return replication_of(link.info(), state)

        return self._each(observe)

    def evictions(self) -> EvictionObservation:
        """Returns how many keys were thrown out since the last run, or in this one where there was none.

        The counter of a server's whole life is never taken for it. The next run counts from here.

        Raises:
            NotMeasured: a server does not tell.
        """
        begun = self._read_evictions()
        marks = {server: self._marks.last(EVICTIONS, server) for server in begun}
        now = begun
        counted_s = min(0.0 if mark is None else begun[server][0].at_s - mark.at_s for server, mark in marks.items())
        if counted_s < WINDOW_S:
            time.sleep(max(0.0, min(WINDOW_S - counted_s, self._budget())))
            now = self._read_evictions()
        if now.keys() != begun.keys():
            cause = f"{self._where} was restarted or replaced while its evictions were counted"
            raise NotMeasured(cause, "Run again when it is settled.")
        deltas = []
        for server, (reading, _) in now.items():
            mark = marks[server]
            earlier, words = (begun[server][0], "in this run") if mark is None else (mark, "since the last run")
            deltas.append(since(earlier, reading, words))
            self._marks.keep(EVICTIONS, server, reading)
        shortest = min(deltas, key=lambda delta: delta.seconds)
        where = ", ".join(place for _, place in now.values())
        return EvictionObservation(sum(delta.count for delta in deltas), shortest.seconds, shortest.since, where)

    def round_trip(self) -> RoundTripObservation:
        """Returns whether a value that is stored can be read back; of several servers, of the first that fails.

        The key is `readiness:` and a random name; it is deleted, and would end by itself within a minute.

        Raises:
            NotMeasured: the connection was lost or the server did not answer.
        """
        from readiness.probes.redis_round_trip import travel

        seen = self._each(lambda link: travel(link, self._nodes.slots_of(link)))
        return next((each for each in seen if each.error), seen[0])

    # --- parts ----------------------------------------------------------------------------------------------------

    def _read_evictions(self) -> dict[str, tuple[Reading, str]]:
        """Returns the counter as it is now, and where; by what a server calls itself until it is restarted."""

        def read(link: Link) -> tuple[str, tuple[Reading, str]]:
            link.forget()
            info = link.info()
            return info.text("run_id"), (Reading(info.count("evicted_keys"), time.time()), link.where)

        return dict(self._each(read))

    def _each(self, observe: Callable[[Link], T]) -> tuple[T, ...]:
        with self._turn() as links:
            return tuple(observe(link) for link in links)

    @contextmanager
    def _turn(self) -> Iterator[tuple[Link, ...]]:
        """The servers, connected, for this thread alone; their connections are dropped where the block fails."""
        waiting = Deadline(self._timeout_s, self._budget)
        if not self._lock.acquire(timeout=waiting.left()):
            cause = f"{self._where} was still busy with another observation after {waiting}"
            raise NotMeasured(cause, waiting.remedy("Find out what it is busy with: SLOWLOG GET."))
        try:
            yield self._nodes.links()
        except NotMeasured:
            self._nodes.close()
            raise
        finally:
            self._lock.release()


def _server(info: InfoObservation) -> ServerObservation:
    is_valkey = "valkey_version" in info.values
    return ServerObservation(
        product="valkey" if is_valkey else "redis",
        version=info.text("valkey_version" if is_valkey else "redis_version"),
        redis_version=info.values.get("redis_version", ""),
        mode=info.values.get("redis_mode") or info.values.get("server_mode") or "standalone",
        role=info.text("role"),
        where=info.where,
    )


def _setting(link: Link, name: str) -> tuple[str | None, str | None]:
    """Returns a setting of the server, or None and its words where it does not let us see it; CONFIG GET only reads."""
    answer, refusal = link.attempt("CONFIG", "GET", name)
    match answer:
        case [_, bytes() as value]:
            return value.decode("utf-8", "replace"), None
    return None, refusal
