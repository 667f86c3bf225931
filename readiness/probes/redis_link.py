"""One connection to one server of Redis: opened when it is needed, bounded in time and in size, without retries."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from readiness.config.redis_address import TLS_FILES
from readiness.errors import NotMeasured
from readiness.probes.deadline import Deadline, in_thread, watchdog
from readiness.probes.redis_info import InfoObservation

if TYPE_CHECKING:
    from redis.connection import Connection

    from readiness.config.redis_address import RedisAddress
    from readiness.probes.interface import Budget

MOST_BYTES = 4 * 1024 * 1024
"""Of one answer. INFO takes some 10 kB, the slots of a cluster of a thousand primaries less than 1 MB."""
FRESH_S = 1.0
"""How long INFO stands for what the server would say now: the checks of one moment share one."""


class Oversized(Exception):  # noqa: N818 - a peer's fault, turned into NotMeasured where it is known whose
    """A peer sent more than an answer may hold."""


class BoundedSocket:
    """A socket that reads no more than an answer may hold; everything else is the socket's own."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self.left = MOST_BYTES

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def recv(self, size: int, *flags: int) -> bytes:
        """Returns what has arrived."""
        data: bytes = self._sock.recv(size, *flags)
        self._count(len(data))
        return data

    def recv_into(self, buffer: Any, *args: int) -> int:
        """Returns how much has arrived; for the parser in C."""
        count: int = self._sock.recv_into(buffer, *args)
        self._count(count)
        return count

    def _count(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise Oversized


@cache
def _bounded(kind: Any) -> Any:
    """Returns the kind of connection, with its socket bounded from the handshake on."""

    class Bounded(kind):  # type: ignore[misc] # a class that is known when it is needed
        """The library's connection on a bounded socket."""

        def _connect(self) -> BoundedSocket:
            # The one method that redis-py leaves to each kind of connection, and all that reads goes through.
            self.bounded = BoundedSocket(super()._connect())
            return self.bounded

    return Bounded


class Link:
    """A connection to one server, for one thread at a time.

    Args:
        address: of one server.
        timeout_s: bound of the connection, authentication included, and of each command.
        budget: seconds left of the whole run.
        name: what the server is called in messages; default by its address.
    """

    def __init__(self, address: RedisAddress, timeout_s: float, budget: Budget, name: str = "") -> None:
        self.address = address
        self.where = name or str(address)
        self._timeout_s = timeout_s
        self._budget = budget
        self._connection: Connection | None = None
        self._info: tuple[float, InfoObservation] | None = None
        self._silence: tuple[float, NotMeasured] | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is connected, as far as is known."""
        return self._connection is not None

    def open(self) -> Connection:
        """Returns the connection: authenticated and on the right database.

        Raises:
            NotMeasured: it could not be; after a time limit passed, for that long without another attempt: the many
                that look at one server would wait one after the other.
        """
        if self._silence is not None and time.monotonic() < self._silence[0]:
            raise NotMeasured(self._silence[1].cause, self._silence[1].remedy)
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def ask(self, *words: str | bytes | int) -> Any:
        """Returns the answer to one command, within the time limit in all and not only per read.

        Raises:
            redis.exceptions.ResponseError: the server refused; what that means depends on the command.
            NotMeasured: there was no answer.
        """
        from redis.exceptions import ResponseError

        from readiness.probes.redis_failure import redis_failure

        connection = self.open()
        deadline = Deadline(self._timeout_s, self._budget)
        with watchdog(deadline, lambda: _disconnect(connection)) as dog:
            try:
                connection.bounded.left = MOST_BYTES  # type: ignore[attr-defined] # of the class above
                connection.send_command(*words)  # type: ignore[no-untyped-call] # redis-py types its clients only
                return connection.read_response()
            except ResponseError:
                raise
            except Exception as error:  # noqa: BLE001 - a connection that the watchdog closes breaks in any way
                failure = error
        self.close()
        if dog.has_fired or _is_timeout(failure):
            raise self._fell_silent(deadline)
        raise redis_failure(failure, self.where)

    def read(self, *words: str | bytes | int) -> Any:
        """Returns the answer to a command that no healthy server refuses.

        Raises:
            NotMeasured: there was none, or it was a refusal.
        """
        from redis.exceptions import ResponseError

        from readiness.probes.redis_failure import redis_failure

        try:
            return self.ask(*words)
        except ResponseError as error:
            raise redis_failure(error, self.where) from None

    def attempt(self, *words: str | bytes | int) -> tuple[Any, str | None]:
        """Returns the answer to a command, or the server's words where it refused to carry it out.

        Raises:
            redis.exceptions.MovedError: the key belongs to another node.
            NotMeasured: there was no answer.
        """
        from redis.exceptions import MovedError, ResponseError

        from readiness.probes.redis_failure import server_words

        try:
            return self.ask(*words), None
        except MovedError:
            raise
        except ResponseError as refusal:
            return None, server_words(refusal)

    def info(self, section: str = "") -> InfoObservation:
        """Returns INFO: one section as it is now, or all that the server tells by default, at most a second old."""
        if not section and self._info is not None and time.monotonic() < self._info[0] + FRESH_S:
            return self._info[1]
        answer = self.read("INFO", *([section] if section else []))
        text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else ""
        pairs = (line.partition(":") for line in text.splitlines() if line and not line.startswith("#"))
        values = {name: value.strip() for name, colon, value in pairs if colon}
        if not values:
            named = f"INFO {section}".strip()
            raise NotMeasured(f"{self.where} answered {named} with nothing", "Check its version and ACL.")
        if values.get("redis_mode", values.get("server_mode")) == "sentinel" and not section:
            remedy = "Write redis.url as redis+sentinel://host:26379/service-name."
            raise NotMeasured(f"{self.where} is a Sentinel, which holds no data", remedy)
        seen = InfoObservation(section, MappingProxyType(values), self.where)
        if not section:
            self._info = (time.monotonic(), seen)
        return seen

    def forget(self) -> None:
        """INFO is asked for anew the next time."""
        self._info = None

    def close(self) -> None:
        """The connection is closed; what is asked later opens a new one."""
        self._info = None
        if self._connection is not None:
            _disconnect(self._connection)
            self._connection = None

    def _connect(self) -> Connection:
        from readiness.probes.redis_failure import redis_failure

        deadline = Deadline(self._timeout_s, self._budget)
        self._require_files()
        try:
            return in_thread(self._connected, deadline, late=_disconnect)
        except TimeoutError:
            raise self._fell_silent(deadline) from None
        except Exception as error:  # noqa: BLE001 - what is not Redis breaks the library's parser in any way
            if _is_timeout(error):
                raise self._fell_silent(deadline) from None
            raise redis_failure(error, self.where) from None

    def _connected(self) -> Connection:
        from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection

        address = self.address
        options: dict[str, Any] = {"username": address.username, "db": address.database}
        if address.password is not None:
            options["password"] = address.password.reveal()
        kind: type[Any] = SSLConnection if address.is_tls else Connection
        if address.path:
            kind = UnixDomainSocketConnection
            options["path"] = address.path
        else:
            options |= dict(zip(("host", "port"), address.hosts[0], strict=True)) | dict(address.tls)
        limits = {"socket_timeout": self._timeout_s, "socket_connect_timeout": self._timeout_s}
        # RESP2, which every server speaks, and no retry: one would hide a failure.
        bounded: Any = _bounded(kind)  # type: ignore[arg-type] # mypy holds a class's own __hash__ for its instances'
        connection: Connection = bounded(**options, **limits, protocol=2)
        for name in ("driver_info", "lib_name", "lib_version"):
            # Two more round trips to tell the server the library's name; which attribute says so has changed.
            setattr(connection, name, None)
        connection.connect()  # type: ignore[no-untyped-call] # redis-py types its clients only
        return connection

    def _require_files(self) -> None:
        """A certificate that is missing here is not taken for a server that is missing there."""
        for name in sorted(TLS_FILES & self.address.tls.keys()):
            if not Path(str(self.address.tls[name])).exists():
                raise NotMeasured(f"what {name} in redis.url names does not exist here", "Correct the path.")

    def _fell_silent(self, deadline: Deadline) -> NotMeasured:
        from readiness.probes.redis_failure import timed_out

        failure = timed_out(self.where, deadline)
        self._silence = (time.monotonic() + self._timeout_s, failure)
        return failure


def _is_timeout(error: Exception) -> bool:
    from redis.exceptions import TimeoutError as NoAnswer

    return isinstance(error, NoAnswer)


def _disconnect(connection: Connection) -> None:
    connection.disconnect()  # type: ignore[no-untyped-call] # redis-py types its clients only
