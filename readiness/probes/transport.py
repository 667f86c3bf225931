"""HTTP/1.1 under one deadline per exchange: an httpx transport over connections of httpcore.

httpx's own timeouts are per read: a peer that sends one byte of its headers per second is never timed out, and name
resolution has no limit at all. So every wait of a connection, in here, ends at the deadline of the exchange under
way in the calling thread. Imported only when a request is sent, because httpx takes 0.1 s to import.
"""

from __future__ import annotations

import functools
import ipaddress
import socket
import threading
import time
import urllib.request
from collections import defaultdict
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpcore
import httpx

from readiness.errors import NotMeasured
from readiness.probes.deadline import Deadline, in_thread, seconds

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator

POOL_SIZE = 24
"""More than are ever under way at once, 8 ahead of their checks and 8 of each of two flags: who waits for a connection
may wait long, since a thread that has just given one back takes it again before others wake up."""
KEEP_ALIVE_S = 1.0
"""Below every common server's own: reusing a connection in the instant in which the server closes it would look
like a failure of the service, and repeating the request would hide real ones."""
WRITE_BYTES = 65536


@dataclass(slots=True)
class Exchange:
    """One request under way, and what was seen of it so far."""

    deadline: Deadline
    connect_limit_s: float
    phase: str = "waiting for a free connection"
    connect_ms: float | None = None
    """Resolution, TCP and TLS together; None where an open connection was used again."""
    received: int = 0
    """Bytes of the answer, headers included, as they came over the wire after TLS."""
    connect_ends: float = 0.0

    def connect_left(self) -> float:
        """Returns the seconds left for setting the connection up."""
        return min(self.deadline.left(), max(0.0, self.connect_ends - time.monotonic()))


current: ContextVar[Exchange] = ContextVar("readiness_exchange")
"""The exchange of the calling thread; a pooled connection serves one thread after the other."""


class BoundedStream(httpcore.NetworkStream):
    """A connection whose every wait ends at the deadline of the exchange that uses it."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the deadline replaces it
        """Returns what has arrived, at most `max_bytes`."""
        exchange = current.get()
        exchange.phase = "reading the answer" if exchange.received else "waiting for the answer"
        data = self._inner.read(max_bytes, _positive(exchange.deadline.left(), httpcore.ReadTimeout))
        exchange.received += len(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - the deadline replaces it
        """Everything is handed to the operating system; in pieces, each of which looks at the clock."""
        exchange = current.get()
        exchange.phase = "sending the request"
        for start in range(0, len(buffer), WRITE_BYTES):
            left = _positive(exchange.deadline.left(), httpcore.WriteTimeout)
            self._inner.write(buffer[start : start + WRITE_BYTES], left)

    def close(self) -> None:
        """The connection is closed."""
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the deadline replaces it
    ) -> httpcore.NetworkStream:
        """Returns the connection with TLS on it; the handshake counts as connection setup."""
        exchange = current.get()
        exchange.phase = "in the TLS handshake"
        started = time.perf_counter()
        left = _positive(exchange.connect_left(), httpcore.ConnectTimeout)
        stream = BoundedStream(self._inner.start_tls(ssl_context, server_hostname, left))
        exchange.connect_ms = (exchange.connect_ms or 0.0) + (time.perf_counter() - started) * 1000
        return stream

    def get_extra_info(self, info: str) -> Any:
        """Returns what httpcore asks of the socket, such as whether the peer has closed it."""
        return self._inner.get_extra_info(info)


class BoundedBackend(httpcore.NetworkBackend):
    """Opens connections within the connect limit of the exchange, name resolution included."""

    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline replaces it
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Returns a connection to the first address of the host that answers."""
        exchange = current.get()
        started = time.perf_counter()
        exchange.connect_ends = time.monotonic() + exchange.connect_limit_s
        exchange.phase = "resolving the host name"
        addresses = _addresses(host, port, exchange)
        exchange.phase = "connecting"
        for position, address in enumerate(addresses):
            # An equal share for each address: one that is black-holed must not use up the time of the others.
            share = _positive(exchange.connect_left() / (len(addresses) - position), httpcore.ConnectTimeout)
            try:
                stream = self._inner.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if position == len(addresses) - 1:
                    raise
            else:
                exchange.connect_ms = (time.perf_counter() - started) * 1000
                return BoundedStream(stream)
        raise httpcore.ConnectError("the host has no address")


def _positive(left: float, error: type[Exception]) -> float:
    # A timeout of zero would make the socket non-blocking instead of ending the wait.
    if left <= 0:
        raise error
    return left


def _addresses(host: str, port: int, exchange: Exchange) -> list[str]:
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    limit = Deadline(_positive(exchange.connect_left(), httpcore.ConnectTimeout), exchange.deadline.left)
    try:
        found = in_thread(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), limit)
    except TimeoutError:
        raise httpcore.ConnectTimeout from None
    except UnicodeError:  # a label that is empty or longer than 63 characters
        raise socket.gaierror from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Connections:
    """Kept-alive connections, each lent to one exchange at a time.

    httpcore's own pool tells a thread which idle connection to use before it marks it as used, so that another thread
    may find it expired in between and close it: one request in some ten thousand then fails, with a service that is well.

    Args:
        make: returns a new connection to an origin.
        size: how many may be lent at once.
    """

    def __init__(self, make: Callable[[httpcore.Origin], httpcore.ConnectionInterface], size: int) -> None:
        self._make = make
        self._slots = threading.BoundedSemaphore(size)
        self._lock = threading.Lock()
        self._free: dict[str, list[httpcore.ConnectionInterface]] = defaultdict(list)

    def take(self, origin: httpcore.Origin, timeout_s: float | None) -> httpcore.ConnectionInterface:
        """Returns the connection that was used last and is still good, or a new one; it is to be given back.

        Raises:
            httpcore.PoolTimeout: none was given back in time.
        """
        if not self._slots.acquire(timeout=None if timeout_s is None else max(0.0, timeout_s)):
            raise httpcore.PoolTimeout
        while True:
            with self._lock:
                free = self._free[str(origin)]
                connection = free.pop() if free else None
            if connection is None:
                return self._make(origin)
            if not (connection.is_closed() or connection.has_expired()):
                return connection
            connection.close()

    def give(self, origin: httpcore.Origin, connection: httpcore.ConnectionInterface) -> None:
        """The connection can be lent again, or is closed where its exchange has not ended well."""
        if connection.is_idle():
            with self._lock:
                self._free[str(origin)].append(connection)
        else:
            connection.close()
        self._slots.release()

    def close(self) -> None:
        """Those that are not lent are closed."""
        with self._lock:
            unused = [each for free in self._free.values() for each in free]
            self._free.clear()
        for connection in unused:
            connection.close()


class BoundedTransport(httpx.BaseTransport):
    """Sends requests through one pool of kept-alive connections, directly or through a proxy.

    Args:
        tls: what certificates are trusted.
        proxy: address of an HTTP proxy; None connects directly.
    """

    def __init__(self, tls: ssl.SSLContext, proxy: httpx.Proxy | None) -> None:
        common: dict[str, Any] = {
            "ssl_context": tls,
            "keepalive_expiry": KEEP_ALIVE_S,
            "network_backend": BoundedBackend(),
        }
        # They know how to connect, through a proxy too; what they would pool is pooled here.
        maker = (
            httpcore.ConnectionPool(**common)
            if proxy is None
            else httpcore.HTTPProxy(proxy_url=_url(proxy.url), proxy_auth=proxy.raw_auth, **common)
        )
        self._connections = Connections(maker.create_connection, POOL_SIZE)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Returns the answer as soon as its headers are there; its body is read from its stream."""
        asked = httpcore.Request(
            method=request.method,
            url=_url(request.url),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        origin = asked.url.origin
        connection = self._connections.take(origin, request.extensions.get("timeout", {}).get("pool"))
        give_back = functools.partial(self._connections.give, origin, connection)
        try:
            answer = connection.handle_request(asked)
        except BaseException:
            connection.close()
            give_back()
            raise
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer, give_back))

    def close(self) -> None:
        """All connections are closed."""
        self._connections.close()


class _Body(httpx.SyncByteStream):
    """The answer's body; closing it, which httpx does in any case, gives the connection back."""

    def __init__(self, answer: httpcore.Response, give_back: Callable[[], None]) -> None:
        self._answer = answer
        self._give_back: Callable[[], None] | None = give_back

    def __iter__(self) -> Iterator[bytes]:
        return self._answer.iter_stream()

    def close(self) -> None:
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            try:
                self._answer.close()
            finally:
                give_back()


def _url(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


def is_loopback(host: str) -> bool:
    """Returns whether the host is this machine, which no proxy can reach."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def environment_proxy(url: httpx.URL) -> httpx.Proxy | None:
    """Returns the proxy that HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY name for this address.

    Raises:
        NotMeasured: it is not an HTTP proxy.
    """
    if is_loopback(url.host) or urllib.request.proxy_bypass(url.host):
        return None
    proxies = urllib.request.getproxies()
    address = proxies.get(url.scheme) or proxies.get("all")
    if not address:
        return None
    try:
        proxy = httpx.Proxy(address if "://" in address else f"http://{address}")
        if proxy.url.scheme in {"http", "https"}:
            return proxy
    except (ValueError, httpx.InvalidURL):
        pass
    raise NotMeasured(
        f"the proxy that the environment names for {url.scheme} addresses is not an HTTP proxy",
        f"Set {url.scheme.upper()}_PROXY to http://host:port, or add the target's host to NO_PROXY.",
    )


def timed_out(exchange: Exchange) -> str:
    """Returns where the time went, for people."""
    if exchange.received:
        return f"{exchange.received} bytes of the answer had arrived"
    return f"it was {exchange.phase}"


def connect_limit(exchange: Exchange) -> str:
    """Returns the bound that a connection had, for people."""
    limit = min(exchange.connect_limit_s, exchange.deadline.limit_s)
    return str(exchange.deadline) if limit == exchange.deadline.limit_s else seconds(limit)
