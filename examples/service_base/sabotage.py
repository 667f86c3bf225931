"""Breaks the servers behind a service, as the faults of servers say.

Real faults of the real servers: sessions that are held, locks, memory that is full. It needs the rights of a
superuser, and is for servers that are thrown away afterwards; so it refuses all that are not on this machine.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import psycopg.sql
import redis

from service_base.faults import Faults
from service_base.settings import Settings

MAXMEMORY = 16 * 1024 * 1024
"""Small, so that filling it takes no time."""
_CHUNK = 64 * 1024
_DEADLINE_S = 10.0
_SAVE_FILE = "cannot-be-written.rdb"


def refuse_strangers(*urls: str) -> None:
    """Raise `RuntimeError` unless each server is on this machine."""
    for url in urls:
        host = urlsplit(url).hostname
        if host not in {"127.0.0.1", "::1", "localhost"}:
            raise RuntimeError(f"faults of servers are for servers on this machine, not for one on {host}")


class Sabotage:
    """What is broken behind one process, from `begin` to `end`."""

    def __init__(self, settings: Settings, faults: Faults, table: str) -> None:
        """Nothing is broken yet; `table` is what `table-missing` takes away."""
        self._dsn = settings.database_url.replace("postgresql+psycopg://", "postgresql://", 1)
        self._redis_url = settings.redis_url
        self._faults = faults
        self._table = table
        self._sessions: list[psycopg.Connection] = []
        self._over = threading.Event()

    def begin(self) -> None:
        """Break what the faults say; return when it is broken."""
        steps: dict[str, Callable[[float], None]] = {
            "old-revision": self._old_revision,
            "table-missing": self._table_missing,
            "idle-in-transaction": self._idle,
            "long-query": self._long_query,
            "takes-connections": self._take_connections,
            "deadlocks": self._deadlocks,
            "no-eviction": self._no_eviction,
            "redis-full": self._fill_redis,
            "save-fails": self._fail_save,
        }
        for name, step in steps.items():
            if name in self._faults:
                refuse_strangers(self._dsn, self._redis_url)
                step(self._faults.value(name))

    def end(self) -> None:
        """Give the sessions back."""
        self._over.set()
        for session in self._sessions:
            session.close()

    # -- PostgreSQL ---------------------------------------------------------------

    def _session(self) -> psycopg.Connection:
        session = psycopg.connect(self._dsn, autocommit=True, application_name="sabotage", connect_timeout=5)
        self._sessions.append(session)
        return session

    def _old_revision(self, _: float) -> None:
        self._session().execute("UPDATE alembic_version SET version_num = '0001'")

    def _table_missing(self, _: float) -> None:
        name = psycopg.sql.Identifier(self._table)
        gone = psycopg.sql.Identifier(f"{self._table}_gone")
        self._session().execute(psycopg.sql.SQL("ALTER TABLE {} RENAME TO {}").format(name, gone))

    def _idle(self, age_s: float) -> None:
        self._session().execute("BEGIN; SELECT 1")
        time.sleep(age_s)

    def _long_query(self, age_s: float) -> None:
        self._beside(self._session().execute, "SELECT pg_sleep(600)")
        time.sleep(age_s)

    def _take_connections(self, share: float) -> None:
        session = self._session()
        row = session.execute(
            "SELECT current_setting('max_connections')::int, count(*) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend'"
        ).fetchone()
        limit, used = row or (0, 0)
        for _ in range(math.ceil(limit * share) - used):
            self._session()

    def _deadlocks(self, _: float) -> None:
        """Two transactions at a time take two locks in opposite order, again and again."""
        sessions = [self._session() for _ in range(2)]
        for session in sessions:
            session.execute("SET deadlock_timeout = '1ms'")

        def one(session: psycopg.Connection, first: int, second: int, both: threading.Barrier) -> None:
            with contextlib.suppress(psycopg.errors.DeadlockDetected), session.transaction():
                session.execute("SELECT pg_advisory_xact_lock(%s)", [first])
                both.wait(_DEADLINE_S)
                session.execute("SELECT pg_advisory_xact_lock(%s)", [second])
            session.execute("SELECT pg_stat_force_next_flush()")  # else a session tells once in a second

        def over_and_over() -> None:
            while not self._over.wait(0.005):
                both = threading.Barrier(2)
                other = self._beside(one, sessions[1], 2, 1, both)
                one(sessions[0], 1, 2, both)
                other.join()

        self._beside(over_and_over)

    # -- Redis --------------------------------------------------------------------

    def _no_eviction(self, _: float) -> None:
        with redis.Redis.from_url(self._redis_url) as client:
            client.config_set("maxmemory-policy", "noeviction")

    def _fill_redis(self, share: float) -> None:
        with redis.Redis.from_url(self._redis_url) as client:
            client.config_set("maxmemory", MAXMEMORY)
            number = 0
            while client.info("memory")["used_memory"] < MAXMEMORY * share:
                client.set(f"sabotage:{number}", b"x" * _CHUNK, ex=600)
                number += 1

    def _fail_save(self, _: float) -> None:
        with redis.Redis.from_url(self._redis_url) as client:
            folder = Path(client.config_get("dir")["dir"]) / _SAVE_FILE
            folder.mkdir(exist_ok=True)  # the file that is to be saved cannot replace a folder
            client.config_set("dbfilename", _SAVE_FILE)
            client.config_set("stop-writes-on-bgsave-error", "no")  # else it refuses even PING, and nothing starts
            client.config_set("save", "3600 1")
            client.bgsave()
            end = time.monotonic() + _DEADLINE_S
            while client.info("persistence")["rdb_last_bgsave_status"] != "err" and time.monotonic() < end:
                time.sleep(0.01)

    def _beside(self, work: Callable[..., object], *arguments: object) -> threading.Thread:
        """Return a running thread which ends quietly when its session is closed, and keeps no process alive."""

        def run() -> None:
            with contextlib.suppress(psycopg.Error, threading.BrokenBarrierError):
                work(*arguments)

        thread = threading.Thread(target=run, name="sabotage", daemon=True)
        thread.start()
        return thread


def break_redis(settings: Settings, faults: Faults) -> Callable[[], None]:
    """Return what happens to Redis when the service has said that it is ready; once."""
    done = threading.Event()

    def act() -> None:
        if done.is_set():
            return
        done.set()
        if not {"redis-dies", "redis-pauses"} & set(faults.names()):
            return
        refuse_strangers(settings.redis_url)
        with contextlib.suppress(redis.RedisError), redis.Redis.from_url(settings.redis_url) as client:
            if "redis-dies" in faults:
                client.shutdown(nosave=True)
            if "redis-pauses" in faults:
                client.execute_command("CLIENT", "PAUSE", "60000", "ALL")

    return act
