"""Addresses of PostgreSQL, and why a server could not be observed, in words.

libpq gives no SQLSTATE for a connection that failed, so those are told apart by the server's text; a server that
speaks another language falls through to its own words.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from readiness.errors import NotMeasured
from readiness.probes.failure import name_failure, network_failure, refused

if TYPE_CHECKING:
    import psycopg

    from readiness.probes.deadline import Deadline
    from readiness.redact import Secret

MOST_SHOWN = 300

CONNECT_FAILURES: tuple[tuple[str, str, str], ...] = (
    ("password authentication failed|no password supplied|authentication failed|password is required|SASL", "{0} refused the user or the password", "Correct the credentials in the variable that database.url names."),
    ("no pg_hba.conf entry|pg_hba.conf rejects", "{0} does not admit this host, user or encryption", "Add a line to pg_hba.conf, or set sslmode in database.url as the server demands."),
    ("database .* does not exist|no such database", "{0}: the database does not exist", "Create the database, or correct its name in database.url."),
    ("role .* does not exist|no such user", "{0} does not know the user", "Create the role, or correct the user in database.url."),
    ("role .* is not permitted to log in", "{0}: the role may not log in", "ALTER ROLE ... LOGIN, or use another one."),
    ("too many clients|too many connections|remaining connection slots|no more connections", "{0} has no connection left", "Look at pg_stat_activity for who holds them; raise max_connections or pool."),
    ("starting up", "{0} is starting up", "Wait until it is ready, then run again."),
    ("shutting down", "{0} is shutting down", "Start it again."),
    ("not (?:yet )?accepting connections|recovery mode", "{0} does not accept connections", "Wait until recovery has finished; read the server's log."),
    ("server does not support SSL", "{0} does not speak TLS, which sslmode demands", "Switch ssl on in postgresql.conf, or correct sslmode."),
    ("certificate verify failed|certificate has expired|self.signed certificate", "the TLS certificate of {0} is not trusted", "Renew it, or set sslrootcert to the authority's certificate."),
    ("server certificate for .* does not match|certificate.*host name", "the TLS certificate of {0} is for another host name", "Connect by a name in the certificate."),
    ("root certificate file .* does not exist", "{0}: there is no root certificate to verify the server with", "Set sslrootcert, or sslrootcert=system."),
    ("SSL error|SSL SYSCALL|SSL connection", "TLS with {0} failed", "Compare the TLS versions and client certificates that the server asks for."),
    ("invalid response to|expected authentication request|unexpected message", "what answers at {0} is not PostgreSQL", "Correct host and port in database.url."),
    ("unsupported startup parameter", "a proxy at {0} refused a connection parameter", "Add the parameter to ignore_startup_parameters of PgBouncer."),
    ("closed the connection unexpectedly|connection to server was lost", "{0} closed the connection", "Read the server's log: it may have crashed or be restarting."),
    ("session is read-only|session is not read-only|not in hot standby|is in hot standby", "{0} is not the kind of server that target_session_attrs demands", "Fail over, or correct target_session_attrs."),
    ("No such file or directory", "there is no server at {0}: its socket does not exist", "Start the server, or correct host in database.url."),
)  # fmt: skip
"""Text of libpq or the server, cause, remedy; the first that matches counts. Pinned by the tests where a server can be
brought to say it."""

QUERY_FAILURES: dict[str, tuple[str, str]] = {
    "57014": ("did not finish the query in time", "Look at pg_stat_activity for long queries and lock waits."),
    "55P03": ("did not get a lock in time", "Look at pg_locks for who holds it; a migration may be running."),
    "25P03": ("ended the transaction because it was idle", "Run again; this process was held up."),
    "57P01": ("ended the connection: an administrator shut it down", "Start the server, or read its log."),
    "57P02": ("crashed", "Read the server's log."),
    "57P03": ("does not accept connections at this time", "Wait until it is ready, then run again."),
    "40001": ("cancelled the query in favour of recovery", "Run again; look at max_standby_streaming_delay."),
}
"""SQLSTATE to what the server did and a remedy. Source: PostgreSQL, appendix A."""


def connection_parameters(dsn: str) -> dict[str, Any]:
    """Returns an address as connection parameters.

    Raises:
        NotMeasured: it is not one. The text is not repeated.
    """
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    # SQLAlchemy names its driver in the scheme, which libpq does not know.
    text = re.sub(r"^(postgres(?:ql)?)\+\w+://", r"\1://", dsn.strip())
    is_url = re.match(r"postgres(ql)?://", text) is not None
    try:
        if is_url or ("=" in text and "://" not in text):
            return dict(conninfo_to_dict(text))
    except (psycopg.Error, UnicodeError):
        pass
    raise NotMeasured(
        "the address of the database cannot be read",
        "Write it as postgresql://user:password@host:5432/database; percent-encode special characters of the password.",
    )


def place_of(parameters: dict[str, Any]) -> str:
    """Returns host, port and database, as they may be shown."""
    host = str(parameters.get("host") or parameters.get("hostaddr") or "localhost")
    port = str(parameters.get("port") or 5432)
    hosts, ports = host.split(","), port.split(",")
    ports = [each or "5432" for each in ports + ports[-1:] * (len(hosts) - len(ports))]
    peers = ",".join(
        f"[{each}]:{its}" if ":" in each else f"{each}:{its}" for each, its in zip(hosts, ports, strict=False)
    )
    database = parameters.get("dbname") or ""
    return f"PostgreSQL at {peers}{f'/{database}' if database else ''}"


def connect_failure(error: Exception, where: str, dsn: Secret) -> NotMeasured:
    """Returns why there is no connection."""
    import psycopg

    text = str(error)
    if re.search("[Rr]efused", text):
        return refused(where)
    if re.search("failed to resolve host|could not translate host name|Name or service not known", text):
        return name_failure(where)
    if isinstance(error, psycopg.errors.ConnectionTimeout) or "timeout expired" in text:
        return NotMeasured(f"no connection to {where} in time", "Check that the server is not overloaded or stopped.")
    for pattern, cause, remedy in CONNECT_FAILURES:
        if re.search(pattern, text):
            return NotMeasured(cause.format(where), remedy)
    return network_failure(error, where) or NotMeasured(
        f"no connection to {where}: {server_words(error, dsn)}", "Read the server's log of that moment."
    )


def query_failure(error: psycopg.Error, where: str, dsn: Secret, passed: Deadline | None) -> NotMeasured:
    """Returns why a query was not answered.

    Args:
        error: as raised.
        where: the server, as it may be shown.
        dsn: its address, of which nothing may be shown.
        passed: the deadline, where it was what ended the query.
    """
    if passed is not None:
        remedy = "Check that the server is not stopped or overloaded, and that the network still carries packets."
        return NotMeasured(f"{where} gave no answer within {passed}", passed.remedy(remedy))
    known = QUERY_FAILURES.get(error.sqlstate or "")
    if known is not None:
        return NotMeasured(f"{where} {known[0]}", known[1])
    if error.sqlstate is None:
        return NotMeasured(f"{where} closed the connection", "Read the server's log: it may have crashed or restarted.")
    return NotMeasured(f"{where} answered with an error: {server_words(error, dsn)}", "Read the server's log.")


def is_answer(error: psycopg.Error) -> bool:
    """Returns whether the server refused what was asked, as opposed to not having come to it.

    No SQLSTATE is a lost connection; classes 08 and 57 are connection and operator, 53300 is too many connections,
    55P03 a lock and 40001 a conflict with recovery.
    """
    state = error.sqlstate or "08"
    return state[:2] not in {"08", "57"} and state not in {"53300", "55P03", "40001", "25P03"}


def server_words(error: Exception, dsn: Secret) -> str:
    """Returns the first line of what the server said, without the password."""
    diagnosis = getattr(getattr(error, "diag", None), "message_primary", None)
    lines = str(diagnosis or error).strip().splitlines()
    text = lines[0] if lines else type(error).__name__
    password = connection_parameters(dsn.reveal()).get("password")
    if password:
        text = text.replace(str(password), "***")
    return text[:MOST_SHOWN]
