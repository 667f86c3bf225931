"""Why a server of Redis could not be observed, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from readiness.errors import NotMeasured
from readiness.probes.failure import network_failure

if TYPE_CHECKING:
    from readiness.probes.deadline import Deadline

MOST_SHOWN = 300
NEEDED = "+ping +info +select +config|get +cluster|slots +cluster|info +set +get +del ~readiness:*"
"""All that a user needs for every check."""
REACHED = ("MISCONF", "NOPERM")
"""Refusals of PING by a server that answers all the same what other checks ask: they say what is wrong."""

FAILURES: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("NOAUTH", "Authentication required"), "{0} wants a password and was given none", "Add the password to the variable that redis.url names."),
    (("without any password configured", "no password is set"), "{0} wants no password and was given one", "Set requirepass on the server, or take the password out of redis.url."),
    (("WRONGPASS", "invalid password", "invalid username-password"), "{0} refused the user or the password", "Correct the credentials in the variable that redis.url names."),
    (("max number of clients",), "{0} has no connection left", "Look at CLIENT LIST for who holds them; raise maxclients or pool."),
    (("MISCONF",), "{0} refuses writes and PING because it cannot save its data", "Look at the space and the permissions of its data folder and at its log; then BGSAVE."),
    (("cluster support disabled",), "{0} is not a node of a cluster", "Write redis:// instead of redis+cluster://."),
    (("LOADING", "is loading the dataset"), "{0} is still loading its data", "Wait until it is ready, then run again."),
    (("MASTERDOWN", "Link with MASTER is down"), "{0} is a replica that has lost its primary", "Restore the replication link."),
    (("DENIED", "protected mode"), "{0} is in protected mode and admits only its own machine", "Set a password or bind addresses on the server."),
    (("DB index is out of range", "invalid DB index"), "{0} does not have that database", "Correct the number at the end of redis.url."),
    (("unknown command",), "{0} does not know a command that is needed: it is no Redis, an old one, or renamed it", "Check that redis.url names Redis itself and no Sentinel or proxy."),
    # Words of redis-py, for an answer that no Redis gives.
    (("Invalid Username or Password", "Invalid Database"), "what answers at {0} is not Redis", "Correct host, port and TLS in redis.url."),
    (("Connection closed by server",), "{0} closed the connection", "Read the server's log: it may have crashed or restarted."),
    (("No such file or directory",), "there is no server at {0}: its socket does not exist", "Start the server, or correct redis.url."),
)  # fmt: skip
"""Parts of the server's or the library's text, cause, remedy; the first that matches counts."""

CODES = {
    "OutOfMemoryError": "OOM",
    "ReadOnlyError": "READONLY",
    "NoPermissionError": "NOPERM",
    "ClusterDownError": "CLUSTERDOWN",
    "MasterDownError": "MASTERDOWN",
}
"""Codes that redis-py cuts off the server's answer, by the class it makes of them."""


def timed_out(where: str, deadline: Deadline) -> NotMeasured:
    """Returns that there was no answer in time."""
    remedy = (
        "Check that the server is not stopped, swapping or busy with a slow command (SLOWLOG GET), and that redis.url "
        "begins with rediss:// if and only if the port speaks TLS."
    )
    return NotMeasured(f"{where} gave no answer within {deadline}", deadline.remedy(remedy))


def redis_failure(error: Exception, where: str) -> NotMeasured:
    """Returns why the server could not be observed; `timed_out` is for one that did not answer."""
    from redis import exceptions

    from readiness.probes.redis_link import MOST_BYTES, Oversized

    if isinstance(error, Oversized):
        cause = f"{where} answered with more than {MOST_BYTES // 1024**2} MiB, which no answer to these commands is"
        return NotMeasured(cause, "Check what listens there.")
    text = str(error)
    for parts, cause, remedy in FAILURES:
        if any(part in text for part in parts):
            return NotMeasured(cause.format(where), remedy)
    if isinstance(error, exceptions.ResponseError):
        remedy = f"Give the user the permission with ACL SETUSER ({NEEDED}), or read the server's log."
        return NotMeasured(f"{where} answered with an error: {server_words(error)}", remedy)
    found = network_failure(error, where)
    if found is not None:
        return found
    if isinstance(error, exceptions.ConnectionError):
        return NotMeasured(f"the connection to {where} was lost", "Read the server's log of that moment.")
    # Its text is not passed on: what is not Redis may send back what it was sent, AUTH included.
    return NotMeasured(f"what answers at {where} is not Redis", "Correct host, port and TLS in redis.url.")


def server_words(error: Exception) -> str:
    """Returns what the server said, with its code."""
    code = CODES.get(type(error).__name__, "")
    text = str(error).strip()
    return (text if not code or text.startswith(code) else f"{code} {text}")[:MOST_SHOWN]
