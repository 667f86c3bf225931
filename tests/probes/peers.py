"""HTTP peers that behave badly, on loopback, each a context manager.

Most yield their base URL. All of them stop with the block: no thread and no socket outlives it.
"""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LIMIT_S = 30.0
"""No peer waits longer than this for anything, so that a broken test cannot hang."""

Talk = Callable[[socket.socket, threading.Event], None]
"""Speaks with one client until it returns; the event is set when the peer is to stop."""


@contextmanager
def listening(host: str = "127.0.0.1", backlog: int = 16) -> Iterator[socket.socket]:
    """A socket that listens on a free port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as server:
        server.bind((host, 0))
        server.listen(backlog)
        yield server


def url_of(server: socket.socket, scheme: str = "http", host: str | None = None) -> str:
    """Returns the base URL of a listening socket."""
    address, port = server.getsockname()[:2]
    name = host or (f"[{address}]" if ":" in address else address)
    return f"{scheme}://{name}:{port}"


@contextmanager
def serving(talk: Talk, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Iterator[socket.socket]:
    """A server that calls `talk` for each connection in a thread of its own."""
    stopped = threading.Event()
    threads: list[threading.Thread] = []
    clients: list[socket.socket] = []

    def converse(client: socket.socket) -> None:
        # The client may leave at any moment; that is its right and no failure of the peer.
        with suppress(OSError), client:
            client.settimeout(LIMIT_S)
            if tls is None:
                talk(client, stopped)
            else:
                with tls.wrap_socket(client, server_side=True) as secured:
                    talk(secured, stopped)

    def accept(server: socket.socket) -> None:
        while not stopped.is_set():
            try:
                client, _ = server.accept()
            except OSError:
                return
            clients.append(client)
            threads.append(threading.Thread(target=converse, args=(client,), daemon=True))
            threads[-1].start()

    with listening(host) as server:
        acceptor = threading.Thread(target=accept, args=(server,), daemon=True)
        acceptor.start()
        try:
            yield server
        finally:
            stopped.set()
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            acceptor.join(LIMIT_S)
            for client in clients:
                with suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(LIMIT_S)


def read_request(client: socket.socket) -> bytes:
    """Returns one request with its body; empty where the client has gone."""
    data = b""
    while b"\r\n\r\n" not in data:
        received = client.recv(65536)
        if not received:
            return b""
        data += received
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        received = client.recv(65536)
        if not received:
            return b""
        body += received
    return head + b"\r\n\r\n" + body


def response(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """Returns an answer with its length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@contextmanager
def sending(*pieces: bytes, every_s: float = 0.0, then_hold: bool = False) -> Iterator[str]:
    """Answers each connection's first request with these pieces and closes, or keeps silent with `then_hold`."""

    def talk(client: socket.socket, stopped: threading.Event) -> None:
        if not read_request(client):
            return
        for piece in pieces:
            client.sendall(piece)
            if every_s and stopped.wait(every_s):
                return
        if then_hold:
            stopped.wait(LIMIT_S)

    with serving(talk) as server:
        yield url_of(server)


# --- well behaved -----------------------------------------------------------------------------------------------


@dataclass
class Recorder:
    """What a well-behaved peer has seen."""

    url: str = ""
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    paths: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def header(self, name: str, request: int = -1) -> str | None:
        """Returns the value of a header of one of the requests."""
        for line in self.requests[request].split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name.lower():
                return value.strip()
        return None


Answer = Callable[[str, int], bytes]
"""Path and number of requests for it so far, this one included, to the answer."""


@contextmanager
def answering(
    answer: Answer | None = None, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> Iterator[Recorder]:
    """A well-behaved server with keep-alive that counts; by default it says that all is well."""
    recorder = Recorder()
    well = response(b'{"status": "connected", "version": "1.2.3"}', "Content-Type: application/json")

    def talk(client: socket.socket, stopped: threading.Event) -> None:
        with recorder.lock:
            recorder.connections += 1
        while not stopped.is_set() and (request := read_request(client)):
            path = request.split(b" ", 2)[1].decode("latin-1")
            with recorder.lock:
                recorder.requests.append(request)
                recorder.paths[path] += 1
                count = recorder.paths[path]
            client.sendall(answer(path, count) if answer else well)

    with serving(talk, host, tls) as server:
        recorder.url = url_of(server, "https" if tls else "http", "localhost" if tls else None)
        yield recorder


@contextmanager
def rendezvous(parties: int) -> Iterator[str]:
    """Answers nobody before `parties` requests are there at once; then it answers all."""
    barrier = threading.Barrier(parties)

    def talk(client: socket.socket, stopped: threading.Event) -> None:
        while not stopped.is_set() and read_request(client):
            with suppress(threading.BrokenBarrierError):
                barrier.wait(LIMIT_S)
                client.sendall(response(b"{}", "Content-Type: application/json"))

    with serving(talk) as server:
        try:
            yield url_of(server)
        finally:
            barrier.abort()


# --- in time ----------------------------------------------------------------------------------------------------


def silent() -> AbstractContextManager[str]:
    """Takes the connection and the request, and never answers."""
    return sending(then_hold=True)


def one_byte_per_second(every_s: float = 1.0) -> AbstractContextManager[str]:
    """Sends its body one byte at a time; no single read of it takes long."""
    return sending(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", *[b"x"] * 1000, every_s=every_s)


def headers_one_byte_per_second(every_s: float = 1.0) -> AbstractContextManager[str]:
    """Sends its headers one byte at a time and never ends them."""
    return sending(b"HTTP/1.1 200 OK\r\nX-Slow: ", *[b"x"] * 1000, every_s=every_s)


@contextmanager
def full_backlog() -> Iterator[str]:
    """Listens and accepts nobody, with a full queue: a new connection gets no answer at all."""
    with listening(backlog=0) as server:
        fillers = []
        try:
            for _ in range(4):
                filler = socket.socket()
                filler.setblocking(False)
                with suppress(BlockingIOError):
                    filler.connect(server.getsockname())
                fillers.append(filler)
            yield url_of(server)
        finally:
            for filler in fillers:
                filler.close()


@contextmanager
def refusing() -> Iterator[str]:
    """Nothing listens here; the port stays taken meanwhile, so that nobody else gets it."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield url_of(holder)


# --- in size ----------------------------------------------------------------------------------------------------


@contextmanager
def one_gigabyte(*, announced: bool) -> Iterator[str]:
    """Sends 1 GB, with or without saying so beforehand."""
    block = b"x" * 65536
    head = b"Content-Length: 1000000000\r\n\r\n" if announced else b"Connection: close\r\n\r\n"

    def talk(client: socket.socket, stopped: threading.Event) -> None:
        if read_request(client):
            client.sendall(b"HTTP/1.1 200 OK\r\n" + head)
            for _ in range(1_000_000_000 // len(block)):
                if stopped.is_set():
                    return
                client.sendall(block)

    with serving(talk) as server:
        yield url_of(server)


def gzip_bomb(megabytes: int = 256) -> AbstractContextManager[str]:
    """Sends some hundred kilobytes that unpack to `megabytes`."""
    packer = zlib.compressobj(9, wbits=31)
    zeros = bytes(1024 * 1024)
    body = b"".join([packer.compress(zeros) for _ in range(megabytes)]) + packer.flush()
    return sending(response(body, "Content-Encoding: gzip", "Content-Type: application/json"))


def endless_headers() -> AbstractContextManager[str]:
    """Sends more headers than anybody should read."""
    return sending(b"HTTP/1.1 200 OK\r\n", *[b"X-Many: " + b"x" * 1000 + b"\r\n"] * 5000)


# --- in protocol ------------------------------------------------------------------------------------------------


def hanging_up() -> AbstractContextManager[str]:
    """Reads the request and closes without an answer."""
    return sending()


def short_body() -> AbstractContextManager[str]:
    """Says 100 bytes, sends 10 and closes."""
    return sending(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789")


@contextmanager
def long_body(rest: bytes) -> Iterator[str]:
    """Announces 2 bytes and sends more, on a connection that stays open."""

    def talk(client: socket.socket, stopped: threading.Event) -> None:
        while not stopped.is_set() and read_request(client):
            client.sendall(response(b"{}", "Content-Type: application/json") + rest)

    with serving(talk) as server:
        yield url_of(server)


def broken_chunks() -> AbstractContextManager[str]:
    """Says chunked, and closes in the middle of a chunk."""
    return sending(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nshort")


def garbage() -> AbstractContextManager[str]:
    """Answers with what is not HTTP."""
    return sending(b"\x00\x01\x02 SSH-2.0-OpenSSH_9.2p1\r\n\r\n")


def broken_gzip() -> AbstractContextManager[str]:
    """Says gzip and sends something else."""
    return sending(response(b"this is not gzip data", "Content-Encoding: gzip"))


def cut_gzip() -> AbstractContextManager[str]:
    """Sends the first half of gzip data as if that were all."""
    packed = gzip.compress(b'{"status": "connected"}' * 20)
    return sending(response(packed[: len(packed) // 2], "Content-Encoding: gzip"))


@contextmanager
def echo() -> Iterator[str]:
    """Sends back what it gets, the request with its headers."""

    def talk(client: socket.socket, stopped: threading.Event) -> None:
        client.sendall(read_request(client))
        stopped.wait(1)

    with serving(talk) as server:
        yield url_of(server)


@contextmanager
def half_closed() -> Iterator[str]:
    """Closes its own direction at once, before any request, and goes on reading."""

    def talk(client: socket.socket, stopped: threading.Event) -> None:
        client.shutdown(socket.SHUT_WR)
        read_request(client)
        stopped.wait(1)

    with serving(talk) as server:
        yield url_of(server)


@contextmanager
def resetting() -> Iterator[str]:
    """Tears the connection down with a TCP reset after the request."""

    def talk(client: socket.socket, stopped: threading.Event) -> None:
        read_request(client)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")

    with serving(talk) as server:
        yield url_of(server)


# --- redirects and refusals -------------------------------------------------------------------------------------


def redirect(location: str, status: str = "302 Found", *headers: str) -> bytes:
    """Returns a redirect."""
    return response(b"", f"Location: {location}", *headers, status=status)


def redirect_loop() -> AbstractContextManager[str]:
    """Sends /a to /b and /b to /a."""
    return _recorded(lambda path, _: redirect("/b" if path.startswith("/a") else "/a"))


def unauthorized() -> AbstractContextManager[str]:
    """Answers everything with 401."""
    return _recorded(lambda *_: response(b"who are you?", "WWW-Authenticate: Bearer", status="401 Unauthorized"))


@contextmanager
def _recorded(answer: Answer) -> Iterator[str]:
    with answering(answer) as recorder:
        yield recorder.url


# --- TLS --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TlsPeer:
    """A server whose certificate was made for the test."""

    url: str
    authority: Path
    """The authority's certificate, PEM; what SSL_CERT_FILE may point at."""
    trusting: ssl.SSLContext
    """Trusts that authority."""


@contextmanager
def tls_peer(fault: str, folder: Path) -> Iterator[TlsPeer]:
    """An https server on localhost.

    Args:
        fault: `none`, `expired`, `early`, `self-signed` or `wrong-host`.
        folder: where the authority's certificate is written.
    """
    import trustme

    authority = trustme.CA()
    now = datetime.now(UTC)
    day = timedelta(days=1)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if fault == "self-signed":
        pem = folder / "self-signed.pem"
        # An authority's own certificate is the one that trustme signs with itself.
        own = trustme.CA(organization_name="Nobody")
        pem.write_bytes(own.private_key_pem.bytes() + own.cert_pem.bytes())
        server.load_cert_chain(pem)
    elif fault == "expired":
        authority.issue_cert("localhost", not_before=now - 9 * day, not_after=now - 2 * day).configure_cert(server)
    elif fault == "early":
        authority.issue_cert("localhost", not_before=now + 2 * day, not_after=now + 9 * day).configure_cert(server)
    else:
        authority.issue_cert({"none": "localhost", "wrong-host": "example.org"}[fault]).configure_cert(server)
    file = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    trusting = ssl.create_default_context(cafile=str(file))
    with answering(tls=server) as recorder:
        yield TlsPeer(recorder.url, file, trusting)


@contextmanager
def plain_text() -> Iterator[str]:
    """Answers the first bytes it gets, a TLS handshake too, with plain HTTP."""

    def talk(client: socket.socket, stopped: threading.Event) -> None:
        client.recv(65536)
        client.sendall(response(b"", status="400 Bad Request"))
        stopped.wait(1)

    with serving(talk) as server:
        yield url_of(server)


@contextmanager
def stalling_handshake() -> Iterator[str]:
    """Takes the connection on an https address and never speaks TLS."""

    def talk(client: socket.socket, stopped: threading.Event) -> None:
        stopped.wait(LIMIT_S)

    with serving(talk) as server:
        yield url_of(server, "https")


@contextmanager
def sending_at_once(answer: bytes) -> Iterator[str]:
    """Answers whatever it gets with the same bytes, in any protocol."""

    def talk(client: socket.socket, stopped: threading.Event) -> None:
        while client.recv(65536):
            client.sendall(answer)

    with serving(talk) as server:
        yield url_of(server)
