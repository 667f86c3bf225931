"""Observes a Redis or Valkey server: bounded in time, without retries, leaving nothing behind."""

from __future__ import annotations

import secrets
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from readiness.errors import NotMeasured
from readiness.probes.deadline import Deadline, in_thread, watchdog
from readiness.probes.interface import LatencyObservation
from readiness.redact import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from redis.connection import Connection

    from readiness.probes.interface import Budget

KEY_TTL_MS = 60_000
MOST_DRAWS = 32
"""A node of a cluster takes only keys of its own slots; so many names are drawn until one is."""


@dataclass(frozen=True, slots=True)
class ServerObservation:
    """Which server answers, and in which part."""

    product: str
    """`redis` or `valkey`."""
    version: str
    """The product's own version, such as `7.2.4`; not the version of Redis that Valkey says it is compatible with."""
    redis_version: str
    """The version of Redis that it is, or says it is compatible with."""
    mode: str
    """`standalone`, `cluster` or `sentinel`."""
    role: str
    """As the server says it: `master` or `slave`."""
    where: str


@dataclass(frozen=True, slots=True)
class InfoObservation:
    """One section of INFO, as text."""

    section: str
    values: Mapping[str, str]
    where: str

    def text(self, name: str) -> str:
        """Returns one value.

        Raises:
            NotMeasured: the server does not report it.
        """
        if name not in self.values:
            cause = f"{self.where} reports no {name} in INFO {self.section}"
            raise NotMeasured(
                cause, "Compare the server's version with what the check needs; a proxy may leave it out."
            )
        return self.values[name]

    def number(self, name: str) -> float:
        """Returns one value as a number.

        Raises:
            NotMeasured: the server does not report it, or not as a number.
        """
        text = self.text(name)
        try:
            return float(text)
        except ValueError:
            cause = f"{self.where} reports {name} as {text[:60]!r}, which is not a number"
            raise NotMeasured(cause, "Compare the server's version with what the check needs.") from None


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


class RedisProbe:
    """Asks one Redis or Valkey server. Thread safe: one connection, used by one thread after the other.

    Args:
        url: `redis://`, `rediss://` or `unix://`; `valkey://` and `valkeys://` mean the same. Options in it that
            would change time limits or retries are left out.
        timeout_s: bound of the connection, authentication included, and of each command.
        budget: seconds left of the whole run.

    Raises:
        NotMeasured: the text is not the address of a Redis.
    """

    def __init__(self, url: str, *, timeout_s: float = 5.0, budget: Budget) -> None:
        from readiness.probes.redis_failure import connection_options, place_of

        self._url = Secret(url)
        self._where = place_of(connection_options(url))
        self._timeout_s = timeout_s
        self._budget = budget
        self._lock = threading.Lock()
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def reach(self) -> None:
        """The server answers with the credentials of the environment.

        Raises:
            NotMeasured: it does not; says why.
        """
        self.ping(samples=1)

    def close(self) -> None:
        """The connection is closed; a later observation opens a new one."""
        with self._lock:
            self._drop()

    def ping(self, samples: int = 5) -> LatencyObservation:
        """Returns how long PING takes on an open connection.

        Raises:
            NotMeasured: one of them was not answered with PONG.
        """
        latencies: list[float] = []
        with self._connected() as connection:
            for _ in range(samples):
                started = time.perf_counter()
                answer = self._ask(connection, "PING")
                latencies.append((time.perf_counter() - started) * 1000)
                if answer != b"PONG":
                    raise NotMeasured(f"{self._where} answered PING with something else", "Check what listens there.")
        return LatencyObservation(tuple(latencies), f"PING on {self._where}")

    def info(self, section: str) -> InfoObservation:
        """Returns one section of INFO, such as `memory` or `stats`.

        Raises:
            NotMeasured: it was not answered, or holds nothing.
        """
        with self._connected() as connection:
            values = self._info(connection, section)
        return InfoObservation(section, MappingProxyType(values), self._where)

    def server(self) -> ServerObservation:
        """Returns which server answers, and in which part.

        Raises:
            NotMeasured: it does not say.
        """
        server, replication = self.info("server"), self.info("replication")
        is_valkey = "valkey_version" in server.values
        return ServerObservation(
            product="valkey" if is_valkey else "redis",
            version=server.text("valkey_version" if is_valkey else "redis_version"),
            redis_version=server.values.get("redis_version", ""),
            mode=server.values.get("redis_mode") or server.values.get("server_mode") or "standalone",
            role=replication.text("role"),
            where=self._where,
        )

    def round_trip(self) -> RoundTripObservation:
        """Returns whether a value that is stored can be read back.

        The key is `readiness:` and a random name; it is deleted, and would end by itself within a minute.

        Raises:
            NotMeasured: the connection was lost or the server did not answer.
        """
        value = secrets.token_hex(16).encode()
        with self._connected() as connection:
            started = time.perf_counter()
            key, error = self._store(connection, value)
            stored = error is None
            found: object = None
            deleted = False
            if stored:
                found, error = self._try(connection, "GET", key)
                removed, refusal = self._try(connection, "DEL", key)
                deleted = removed == 1
                error = error or (None if found == value else _difference(found)) or refusal
            elapsed_ms = (time.perf_counter() - started) * 1000
        return RoundTripObservation(stored, found == value, deleted, error, elapsed_ms, self._where)

    def _store(self, connection: Connection, value: bytes) -> tuple[str, str | None]:
        """Returns the key under which the value was stored, or the server's words of refusal."""
        from redis.exceptions import MovedError

        for _ in range(MOST_DRAWS):
            key = f"readiness:{secrets.token_hex(16)}"
            with suppress(MovedError):
                answer, error = self._try(connection, "SET", key, value, "PX", KEY_TTL_MS, "NX")
                return key, error or (None if answer == b"OK" else "SET was not answered with OK")
        raise NotMeasured(
            f"{self._where} is a node of a cluster that owns none of {MOST_DRAWS} random keys",
            "Name a node that is a primary in redis.url.",
        )

    def _try(self, connection: Connection, *words: str | bytes | int) -> tuple[Any, str | None]:
        """Returns the answer to a command, or the server's words where it refused to carry it out."""
        from redis.exceptions import MovedError, ResponseError

        from readiness.probes.redis_failure import server_words

        try:
            return self._ask(connection, *words), None
        except MovedError:
            raise
        except ResponseError as refusal:
            return None, server_words(refusal)

    def _info(self, connection: Connection, section: str) -> dict[str, str]:
        answer = self._ask(connection, "INFO", section)
        text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else ""
        pairs = (line.partition(":") for line in text.splitlines() if line and not line.startswith("#"))
        values = {name: value.strip() for name, colon, value in pairs if colon}
        if not values:
            raise NotMeasured(f"{self._where} answered INFO {section} with nothing", "Check its version and ACL.")
        return values

    def _ask(self, connection: Connection, *words: str | bytes | int) -> Any:
        """Returns the answer to one command, within the time limit in all and not only per read."""
        from redis.exceptions import ResponseError

        from readiness.probes.redis_failure import redis_failure, timed_out

        deadline = Deadline(self._timeout_s, self._budget)
        with watchdog(deadline, lambda: _disconnect(connection)) as dog:
            try:
                connection.send_command(*words)  # type: ignore[no-untyped-call] # redis-py types its clients only
                return connection.read_response()
            except ResponseError:
                raise  # an answer; what it means depends on the command
            except Exception as error:  # noqa: BLE001 - a connection that the watchdog closes breaks in any way
                raise (timed_out if dog.has_fired else redis_failure)(error, self._where, deadline) from None

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        """The connection, for this thread alone; it is dropped where the block fails."""
        from redis.exceptions import ResponseError

        from readiness.probes.redis_failure import redis_failure

        waiting = Deadline(self._timeout_s, self._budget)
        if not self._lock.acquire(timeout=waiting.left()):
            cause = f"{self._where} was still busy with another observation after {waiting}"
            raise NotMeasured(cause, waiting.remedy("Find out what it is busy with: SLOWLOG GET."))
        try:
            if self._connection is None:
                self._connection = self._open()
            try:
                yield self._connection
            except ResponseError as error:
                raise redis_failure(error, self._where) from None
            except NotMeasured:
                self._drop()
                raise
        finally:
            self._lock.release()

    def _open(self) -> Connection:
        """Returns a connection that is authenticated and on the right database."""
        from readiness.probes.redis_failure import connection_options, redis_failure, timed_out

        deadline = Deadline(self._timeout_s, self._budget)

        def connect() -> Connection:
            # In here, so that no frame of an error that is shown holds the password.
            options = connection_options(self._url.reveal())
            kind = options.pop("connection_class")
            limits = {"socket_timeout": self._timeout_s, "socket_connect_timeout": self._timeout_s}
            # RESP2, which every server speaks, and no retry: one would hide a failure.
            connection: Connection = kind(**options, **limits, protocol=2)
            connection.connect()  # type: ignore[no-untyped-call] # redis-py types its clients only
            return connection

        try:
            return in_thread(connect, deadline, late=_disconnect)
        except TimeoutError as error:
            raise timed_out(error, self._where, deadline) from None
        except Exception as error:  # noqa: BLE001 - what is not Redis breaks the library's parser in any way
            raise redis_failure(error, self._where, deadline) from None

    def _drop(self) -> None:
        if self._connection is not None:
            _disconnect(self._connection)
            self._connection = None


def _disconnect(connection: Connection) -> None:
    connection.disconnect()  # type: ignore[no-untyped-call] # redis-py types its clients only


def _difference(found: object) -> str:
    return "the value was gone when it was read" if found is None else "another value was read than was stored"
