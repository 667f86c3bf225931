"""Why a peer could not be observed, in words: what the operating system and TLS report, for every protocol."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from typing import TYPE_CHECKING

from readiness.errors import NotMeasured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CERTIFICATE_FAULTS = {
    9: ("is not valid yet", "Check the clock here and the certificate's first day."),
    10: ("has expired", "Renew the certificate and reload the server."),
    18: ("is self-signed", "Install one of a trusted authority, or set SSL_CERT_FILE to a file that holds it."),
    19: ("comes from an authority that is not trusted here", "Set SSL_CERT_FILE to the authority's certificate."),
    20: (
        "comes from an authority that is not trusted here",
        "Have the server send its whole chain, or set SSL_CERT_FILE to the authority's certificate.",
    ),
    21: ("cannot be verified: its chain is incomplete", "Have the server send its whole chain."),
    23: ("was revoked", "Install a new certificate."),
    62: ("is for another host name", "Call the host by a name in the certificate, or have one issued for this name."),
    64: ("is for another address", "Call the host by a name in the certificate, or have one issued for this address."),
}
"""OpenSSL's verify code to cause and remedy. Source: openssl-verification-options(1), x509_vfy.h."""

UNREACHABLE = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EADDRNOTAVAIL})


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yields the error and what led to it, outermost first."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def network_failure(error: BaseException, peer: str) -> NotMeasured | None:
    """Returns what the operating system or TLS said was wrong, None where neither said anything.

    Args:
        error: as raised by a client library, which wraps the one that matters.
        peer: who was asked, such as `api.example:443`; never with credentials.
    """
    for each in causes(error):
        if isinstance(each, ssl.SSLError):
            return tls_failure(each, peer)
        for kind, describe in _FAILURES:
            if isinstance(each, kind):
                return describe(peer)
        if isinstance(each, OSError) and each.errno in UNREACHABLE:
            return NotMeasured(
                f"there is no route to {peer}: {errno.errorcode[each.errno]}",
                "Check the network, the VPN and the address.",
            )
        if isinstance(each, OSError) and each.errno:
            cause = f"no connection to {peer}: {os.strerror(each.errno)}"
            return NotMeasured(cause, "Check the address, and what this process may do.")
    return None


def refused(peer: str) -> NotMeasured:
    """Returns that nothing listens there."""
    return NotMeasured(
        f"{peer} refused the connection: nothing listens on that port",
        "Start the server, or correct the address and port.",
    )


def name_failure(peer: str) -> NotMeasured:
    """Returns that the host name means nothing here."""
    return NotMeasured(
        f"the host name of {peer} does not resolve",
        "Correct the name, or check that this machine uses the DNS server that knows it.",
    )


def reset(peer: str) -> NotMeasured:
    """Returns that the connection was torn down."""
    return NotMeasured(f"{peer} reset the connection", "Read the server's log; a proxy may have cut it off.")


_FAILURES: tuple[tuple[type[OSError], Callable[[str], NotMeasured]], ...] = (
    (socket.gaierror, name_failure),
    (ConnectionRefusedError, refused),
    (ConnectionResetError, reset),
    (BrokenPipeError, reset),
)


def certificate_failure(code: int, peer: str) -> NotMeasured:
    """Returns which rule the certificate breaks."""
    known = ("is not trusted", f"Check it with: openssl s_client -connect {peer}")
    what, remedy = CERTIFICATE_FAULTS.get(code, known)
    return NotMeasured(f"the TLS certificate of {peer} {what}", remedy)


def tls_failure(error: ssl.SSLError, peer: str) -> NotMeasured:
    """Returns that the handshake failed: what is wrong with the certificate, or OpenSSL's word for the reason."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return certificate_failure(error.verify_code, peer)
    reason = (error.reason or "").replace("_", " ").lower()
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError) or "eof" in reason:
        return NotMeasured(f"{peer} closed the connection during TLS", "Check that this port speaks TLS at all.")
    if reason in {"wrong version number", "record layer failure", "unexpected message", "packet length too long"}:
        return NotMeasured(f"{peer} does not speak TLS", "Use the plain scheme, or the port that speaks TLS.")
    return NotMeasured(
        f"TLS with {peer} failed: {reason or 'no reason given'}",
        "Compare the TLS versions, ciphers and client certificates that the server asks for.",
    )
