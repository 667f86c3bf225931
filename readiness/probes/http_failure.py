"""Why an HTTP exchange could not be observed, in words.

A client library's own message is never passed on: it may quote the request, its query or its headers.
"""

from __future__ import annotations

import re
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpcore
import httpx

from readiness.errors import NotMeasured
from readiness.probes.failure import name_failure, network_failure
from readiness.probes.transport import Exchange, connect_limit, current, timed_out

if TYPE_CHECKING:
    from collections.abc import Iterator

HANGS = "Find out what the service waits for; if it is slow on purpose, give the request more time."
EXPECTED = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
    httpx.InvalidURL,
    OSError,
)
UNREACHED = "Check the address and port, and that no firewall drops the packets."


@contextmanager
def failures(exchange: Exchange, where: str, peer: str) -> Iterator[None]:
    """The block is the calling thread's exchange; what its libraries raise leaves it as `NotMeasured`."""
    token = current.set(exchange)
    try:
        yield
    except zlib.error:
        cause = f"{where}: the body is not the gzip data that it says it is"
        raise NotMeasured(cause, "Read the server's log; something in between may have changed it.") from None
    except EXPECTED as error:
        raise http_failure(error, exchange, where, peer) from None
    finally:
        current.reset(token)


def http_failure(error: Exception, exchange: Exchange, where: str, peer: str) -> NotMeasured:
    """Returns cause and remedy.

    Args:
        error: what httpcore or httpx raised.
        exchange: what was seen until then.
        where: method and address, as they may be shown.
        peer: host and port.
    """
    if isinstance(error, httpcore.TimeoutException):
        return _timeout(error, exchange, where, peer)
    if isinstance(error, httpcore.ProxyError):
        status = re.match(r"\d{3}", str(error))
        said = f"answered {status[0]}" if status else "refused"
        return NotMeasured(f"the proxy {said} when asked for {peer}", "Check the proxy that the environment names.")
    if isinstance(error, httpcore.UnsupportedProtocol | httpx.InvalidURL):
        return NotMeasured(f"{where} is not an http or https address", "Correct url of the environment.")
    if isinstance(error, httpcore.LocalProtocolError):
        return NotMeasured(f"{where} is not a request that HTTP allows", "Look at its method, path and headers.")
    return network_failure(error, peer) or _protocol_failure(error, exchange, where)


def _timeout(error: Exception, exchange: Exchange, where: str, peer: str) -> NotMeasured:
    deadline = exchange.deadline
    if isinstance(error, httpcore.ConnectTimeout):
        if exchange.phase == "resolving the host name":
            failure = name_failure(peer)
            return NotMeasured(f"{failure.cause} within {connect_limit(exchange)}", deadline.remedy(failure.remedy))
        cause = f"no connection to {peer} within {connect_limit(exchange)}: {timed_out(exchange)}"
        is_tls = exchange.phase == "in the TLS handshake"
        return NotMeasured(cause, deadline.remedy("Check that this port speaks TLS." if is_tls else UNREACHED))
    return NotMeasured(f"{where} was not answered within {deadline}: {timed_out(exchange)}", deadline.remedy(HANGS))


def _protocol_failure(error: Exception, exchange: Exchange, where: str) -> NotMeasured:
    text = str(error)
    if not exchange.received:
        return NotMeasured(
            f"{where}: the server closed the connection without an answer",
            "Read the server's log: it may have crashed, or this port speaks another protocol.",
        )
    # h11 has no types for these. The texts are pinned by the tests; an unknown one falls through to the last line.
    if "without sending complete message" in text or "incomplete chunked read" in text:
        return NotMeasured(
            f"{where}: the server closed the connection in the middle of the answer, after {exchange.received} bytes",
            "Read the server's log: it may have crashed while it answered.",
        )
    return NotMeasured(
        f"{where}: what came back is not HTTP/1.1, after {exchange.received} bytes",
        "Check that this port speaks HTTP; something in between may have changed the answer.",
    )
