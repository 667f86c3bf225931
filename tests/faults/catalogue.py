"""For every built-in check: a healthy target that it passes, and faults that trip it.

To add a check: its key goes into the healthy table of its gate, and at least one fault into `FAULTS`.

    failed(CHECK, WHAT IS WRONG, HOW TO BREAK IT, TEXT OF ITS MESSAGE, *PATTERNS OF CHECKS THAT CANNOT PASS EITHER)

`unmeasured(...)` is the same for a fault that keeps the check from observing anything. Every other check of the gate
must still pass, so that a fault says what is wrong and nothing else.
"""

from __future__ import annotations

from tests.faults import cache, database, service
from tests.faults.breaking import wanting
from tests.faults.entry import Fault, failed, unmeasured
from tests.faults.proxy import HOST
from tests.faults.service import PAGE, answering
from tests.faults.targets import RELEASE, says

HEALTHY = {
    "health": f"""
        within = "5s"
        samples = 3
        endpoints = [
          {{ path = "/health", json = {{ status = "healthy" }} }},
          {{ path = "/openapi.json", schema = "schemas/openapi.json" }},
          "/ready",
        ]
        version = {{ path = "/release", pointer = "/version", equals = "{RELEASE}" }}
    """,
    "database": """
        connect-within = "5s"
        query-within = "5s"
        server-version = ">=14"
        tables = ["audit_logs"]
    """,
    "redis": """
        ping-within = "5s"
        server-version = ">=6"
    """,
}
"""Gate to its table: each key is set that a check needs. The limits are wide; a fault sets its own."""

HEALTH, OPENAPI, READY = (f"health/endpoint[/{name}]" for name in ("health", "openapi.json", "ready"))
TABLE = "database/table[audit_logs]"
WELL = {"status": "healthy"}

FAULTS: tuple[Fault, ...] = (
    # --- health -------------------------------------------------------------------------------------------------------
    failed(HEALTH, "503", answering("/health", says(WELL, 503)), "status: observed 503, expected exactly 200"),
    failed(READY, "404", answering("/ready", says({}, 404)), "status: observed 404, expected exactly 200"),
    failed(HEALTH, "503 now and then", answering("/health", says(WELL), says(WELL, 503), says(WELL)), "observed 503"),
    failed(
        HEALTH,
        "down now and then",
        answering("/health", says(WELL), says({"status": "down"}), says(WELL)),
        "answer /status: observed down, expected exactly healthy",
    ),
    failed(
        HEALTH,
        "value missing",
        answering("/health", says({})),
        "answer /status: observed nothing, expected exactly healthy",
    ),
    failed(HEALTH, "sign-in page", answering("/health", PAGE), "answered 200 with text/html, not JSON"),
    failed(
        OPENAPI,
        "schema broken",
        answering("/openapi.json", says({"openapi": 3})),
        "/openapi: 3 is not of type 'string'",
    ),
    failed(
        READY, "slow", service.slow("/ready", 0.3, within="250ms"), "expected at most 250 ms (readiness.toml [health]"
    ),
    unmeasured(HEALTH, "nothing listens", service.gone, "refused the connection", "health/*"),
    unmeasured(READY, "hangs up", service.hanging_up, "closed the connection without an answer", "health/*"),
    failed(
        "health/version",
        "release before",
        answering("/release", says({"version": "1.9.9"})),
        "release: observed 1.9.9, expected exactly 2.0.0",
    ),
    failed("health/version", "no release told", answering("/release", says({"name": "shop"})), "nothing at /version"),
    failed("health/version", "500", answering("/release", says({"version": RELEASE}, 500)), "status: observed 500"),
    failed("health/version", "sign-in page", answering("/release", PAGE), "answered 200 with text/html, not JSON"),
    # --- database -----------------------------------------------------------------------------------------------------
    failed(
        "database/connects",
        "slow network",
        database.slow(connect_s=0.2, connect_within="100ms"),
        "expected at most 100 ms (readiness.toml [database] connect-within)",
    ),
    unmeasured("database/connects", "password changed", database.wrong_password, "refused the user", "database/*"),
    unmeasured("database/connects", "no connection left", database.exhausted, "no connection left", "database/*"),
    unmeasured("database/connects", "killed", database.killed, "refused the connection", "database/*"),
    failed(
        "database/answers",
        "slow network",
        database.slow(answer_s=0.06, query_within="50ms"),
        "expected at most 50 ms (readiness.toml [database] query-within)",
    ),
    failed("database/server-version", "too old", wanting("database.server-version", ">=99"), "in the range >=99"),
    failed(
        "database/accepts-writes",
        "read-only role",
        database.role("ALTER ROLE {role} SET default_transaction_read_only = on"),
        "read-only transaction",
    ),
    failed("database/accepts-writes", "read-only server", database.read_only, "read-only transaction"),
    failed("database/accepts-writes", "standby", database.standby, "read-only transaction"),
    failed(TABLE, "not migrated", database.without_table, "there is no table audit_logs in the search path"),
    failed(
        TABLE,
        "not granted",
        database.role("REVOKE SELECT ON audit_logs FROM {role}"),
        "permission denied for table audit_logs",
    ),
    # --- redis --------------------------------------------------------------------------------------------------------
    failed(
        "redis/ping",
        "slow network",
        cache.slow(0.06, ping_within="50ms"),
        "expected at most 50 ms (readiness.toml [redis] ping-within)",
    ),
    unmeasured("redis/ping", "stopped", cache.stopped, "gave no answer within 5 s", "redis/*"),
    unmeasured("redis/ping", "killed", cache.killed, "refused the connection", "redis/*"),
    unmeasured("redis/ping", "password set", cache.locked, "wants a password and was given none", "redis/*"),
    failed("redis/server-version", "too old", wanting("redis.server-version", ">=99"), "in the range >=99"),
    failed("redis/round-trip", "memory full", cache.full, "OOM command not allowed"),
    failed(
        "redis/round-trip",
        "replica",
        cache.told("REPLICAOF", HOST, "{port}"),
        "READONLY You can't write against a read only replica",
    ),
    failed("redis/round-trip", "not permitted", cache.told("ACL", "SETUSER", "default", "-set"), "NOPERM"),
)
