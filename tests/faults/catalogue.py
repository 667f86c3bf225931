"""For every built-in check: a healthy target that it passes, and faults that trip it.

To add a check: its key goes into the healthy table of its gate, and at least one fault into `FAULTS`.

    failed(CHECK, WHAT IS WRONG, HOW TO BREAK IT, TEXT OF ITS MESSAGE, *PATTERNS OF CHECKS THAT CANNOT PASS EITHER)

`unmeasured(...)` is the same for a fault that keeps the check from observing anything. Every other check of the gate
must still pass, so that a fault says what is wrong and nothing else.
"""

from __future__ import annotations

from tests.faults import cache, database, flags, repository, rollout, secrets, security, service
from tests.faults.breaking import wanting
from tests.faults.entry import Fault, failed, unmeasured
from tests.faults.service import PAGE, answering
from tests.faults.targets import RELEASE, says

HEALTHY = {
    "health": f"""
        within = "5s"
        samples = 3
        endpoints = [
          {{ path = "/health", json = {{ status = "healthy" }} }},
          {{ path = "/openapi.json", schema = "schemas/openapi.json" }},
          "/ready", "/text",
          {{ path = "/typed", content-type = "application/json", max-body = "2KiB", schema = "schemas/health.json" }},
          {{ path = "/degraded", accept = ["degraded", "/components/mail"] }},
          {{ path = "/page", content-type = "text/html" }},
          {{ path = "/drained", status = 204 }},
          {{ path = "/deep", method = "POST", body = {{ deep = true }} }},
        ]
        version = {{ path = "/release", pointer = "/version", equals = "{RELEASE}" }}
    """,
    "database": """
        connect-within = "5s"
        query-within = "5s"
        server-version = ">=14"
        tables = ["audit_logs"]
        migrations = { tool = "alembic", path = "migrations" }
        max-replication-lag = "5s"
        max-deadlocks = 0
        max-mean-query = "5s"
    """,
    "redis": """
        ping-within = "5s"
        server-version = ">=6"
        eviction-policy = "noeviction"
        max-evicted-keys = 0
        min-hit-rate = "70%"
        persistence = true
    """,
    "flags": """
        required = ["checkout"]
        file = "feature_flags/flags.json"
        sample-users = 500
    """,
    "config-lint": """
        paths = ["shop"]
    """,
    "placeholder-audit": """
        paths = ["shop"]
    """,
    "security-scan": f"""
        secrets = {{ paths = ["shop"] }}
        {security.TABLE.strip()}
    """,
    "rollout": rollout.HEALTHY,
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
    *service.FAULTS,
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
    failed("database/accepts-writes", "standby", database.standby, "write: observed cannot ", "database/query-time"),
    failed(TABLE, "not migrated", database.without_table, "there is no table audit_logs in the search path"),
    failed(
        TABLE,
        "not granted",
        database.role("REVOKE SELECT ON audit_logs FROM {role}"),
        "permission denied for table audit_logs",
    ),
    failed(
        "database/migrations",
        "behind",
        database.revision("0001"),
        "revision in the database: observed 0001, expected exactly 0002 (readiness.toml [database] migrations)",
    ),
    failed("database/migrations", "ahead", database.revision("0003"), "no script in the repository is revision 0003"),
    failed("database/migrations", "never run", database.revision(None), "observed none, expected exactly 0002"),
    failed("database/migrations", "no table", database.without_versions, "there is no table alembic_version"),
    failed(
        "database/migrations",
        "two heads",
        database.script('revision = "0002b"\ndown_revision = "0001"'),
        "observed 0002, expected exactly 0002, 0002b",
    ),
    unmeasured(
        "database/migrations",
        "computed",
        database.script('revision = "".join("0003")\ndown_revision = "0002"'),
        "migrations/versions/another.py:1: revision is not a literal",
    ),
    unmeasured(
        "database/migrations",
        "not granted",
        database.role("REVOKE SELECT ON alembic_version FROM {role}"),
        "permission denied for table alembic_version",
    ),
    failed(
        "database/connections",
        "nearly exhausted",
        database.holding("app", 30),
        "connections and 3 reserved of 40",
    ),
    failed(
        "database/connections",
        "nearly exhausted for the role",
        database.role("ALTER ROLE {role} CONNECTION LIMIT 32", held=27),
        "share of the connection limit of role troubled",
    ),
    failed(
        "database/long-queries",
        "runs for long",
        database.running("SELECT pg_sleep(60)", max_query_age="200ms"),
        "expected at most 0.2 s (readiness.toml [database] max-query-age)",
    ),
    failed(
        "database/long-queries",
        "blocked",
        database.running("SELECT pg_advisory_lock(7)", holding="SELECT pg_advisory_lock(7)", max_query_age="200ms"),
        "s, waiting for a lock of pid ",
    ),
    unmeasured(
        "database/long-queries",
        "not permitted",
        database.role("REVOKE pg_monitor FROM {role}", others=1),
        "hides the state of 1 session of other roles from role troubled",
        "database/idle-in-transaction",
        "database/replication-lag",
    ),
    failed(
        "database/idle-in-transaction",
        "forgotten",
        database.forgetting(max_idle_in_transaction="200ms"),
        "expected at most 0.2 s (readiness.toml [database] max-idle-in-transaction)",
    ),
    unmeasured(
        "database/idle-in-transaction",
        "not permitted",
        database.role("REVOKE pg_monitor FROM {role}", others=2),
        "hides the state of 2 sessions of other roles from role troubled",
        "database/long-queries",
        "database/replication-lag",
    ),
    failed(
        "database/replication-lag",
        "no standby",
        database.alone,
        "standbys: observed 0, expected at least 1",
    ),
    failed(
        "database/replication-lag",
        "replay paused",
        database.paused,
        "app: still behind when the watch ended",
    ),
    failed(
        "database/replication-lag",
        "standby stopped",
        database.standby_stopped,
        "s, expected at most 0.5 s (readiness.toml [database] max-replication-lag)",
    ),
    failed(
        "database/replication-lag",
        "standby gone",
        database.unused_slot,
        "standby of slot gone: observed not connected, expected exactly streaming",
    ),
    failed(
        "database/replication-lag",
        "primary gone",
        database.orphaned,
        "standby itself: observed not connected to a primary, expected exactly streaming",
        "database/accepts-writes",
        "database/query-time",
    ),
    unmeasured(
        "database/replication-lag",
        "not permitted",
        database.role("REVOKE pg_monitor FROM {role}"),
        "hides the state of replication from role troubled",
    ),
    failed("database/deadlocks", "since the last run", database.deadlocked, "observed 2, expected at most 0"),
    failed(
        "database/deadlocks",
        "after a reset",
        database.deadlocked_after_reset,
        "deadlocks since the statistics were reset",
    ),
    failed(
        "database/query-time",
        "slow statement",
        database.slow_statement,
        "ms, expected at most 20 ms (readiness.toml [database] max-mean-query)",
    ),
    unmeasured(
        "database/query-time", "not installed", database.without_extension, "pg_stat_statements is not installed"
    ),
    unmeasured("database/query-time", "nothing counted", database.unused, "knows no statement with 5 calls"),
    unmeasured(
        "database/query-time",
        "not granted",
        database.statements_revoked,
        "permission denied for view pg_stat_statements",
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
    failed("redis/round-trip", "memory full", cache.full, "OOM command not allowed", "redis/memory"),
    failed(
        "redis/round-trip",
        "replica",
        cache.with_replica("replica", cache.nothing),
        "READONLY You can't write against a read only replica",
    ),
    failed("redis/round-trip", "not permitted", cache.told("ACL", "SETUSER", "default", "-set"), "NOPERM"),
    failed("redis/memory", "nearly full", cache.nearly_full, "used memory of maxmemory: observed 9"),
    failed(
        "redis/memory",
        "no bound",
        wanting("redis.max-memory", "0.001%"),
        "used memory of what the machine has",
    ),
    failed("redis/evictions", "evicting", cache.evicting, "s, in this run", "redis/memory"),
    failed("redis/evictions", "evicted since the last run", cache.evicted_since, "s, since the last run"),
    failed(
        "redis/eviction-policy",
        "another policy",
        cache.told("CONFIG", "SET", "maxmemory-policy", "allkeys-lru"),
        "maxmemory-policy: observed allkeys-lru, expected exactly noeviction",
    ),
    failed("redis/hit-rate", "misses", cache.missing, "expected at least 70 % (readiness.toml [redis] min-hit-rate)"),
    unmeasured("redis/hit-rate", "not used yet", cache.told("CONFIG", "RESETSTAT"), "look-ups, too few for a hit rate"),
    failed("redis/persistence", "save failed", cache.failed_save("no"), "last RDB save: observed err"),
    failed(
        "redis/persistence",
        "save failed, writes stopped",
        cache.failed_save("yes"),
        "last RDB save: observed err",
        "redis/round-trip",
        "redis/ping",
    ),
    failed("redis/persistence", "rewrite failed", cache.failed_rewrite, "last AOF rewrite: observed err"),
    failed(
        "redis/persistence",
        "not configured",
        cache.told("CONFIG", "SET", "save", ""),
        "data is kept: observed no, expected exactly yes",
    ),
    unmeasured(
        "redis/persistence",
        "not permitted",
        cache.told("ACL", "SETUSER", "default", "-config"),
        "does not let us see whether it saves anything",
    ),
    failed("redis/clients", "nearly exhausted", cache.nearly_exhausted, "observed 90 %, expected at most 80 %"),
    failed(
        "redis/replication",
        "primary gone",
        cache.with_replica("replica", cache.primary_gone),
        "link to the primary: observed down, expected exactly up",
        "redis/round-trip",
    ),
    failed(
        "redis/replication",
        "primary silent",
        cache.with_replica("replica", cache.primary_silent),
        "s, expected at most 1.5 s (readiness.toml [redis] max-replication-lag)",
        "redis/round-trip",
    ),
    failed(
        "redis/replication",
        "replica silent",
        cache.with_replica("primary", cache.replica_silent),
        "s, expected at most 1.5 s (readiness.toml [redis] max-replication-lag)",
    ),
    failed(
        "redis/replication",
        "no replica",
        wanting("redis.min-replicas", 1),
        "replicas online: observed 0, expected at least 1",
    ),
    # --- flags --------------------------------------------------------------------------------------------------------
    *flags.FAULTS,
    # --- config-lint, placeholder-audit -------------------------------------------------------------------------------
    *repository.FAULTS,
    # --- security-scan ------------------------------------------------------------------------------------------------
    *security.FAULTS,
    *secrets.FAULTS,
    *rollout.FAULTS,
)
