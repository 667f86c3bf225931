"""Real PostgreSQL and Redis for tests: what the embedded environment starts, with other settings and to be broken.

Everything is a child of the embedded environment's guardian, so that nothing outlives a test run that was killed.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import psycopg
import redis

from readiness.config.cache import cache_folder
from readiness.environment import servers
from readiness.environment.binaries import Binaries, find_binaries, may_enter, reachable_binaries, server_user
from readiness.environment.children import Children, is_port_taken, last_lines
from readiness.environment.clusters import NEWER_OPTIONS, Cluster, ClusterCache
from tests.waiting import POLL_S, wait_until

HOST = servers.HOST
READY_S = 30.0
PORT_ATTEMPTS = 5

Make = Callable[[int], servers.Server]
"""A port to a server that is to run on it."""


@dataclass(frozen=True)
class Process:
    """A running server program; as much of `subprocess.Popen` as tests need, since it is a child of the guardian."""

    pid: int
    name: str
    children: Children

    def send_signal(self, number: int) -> None:
        """The signal is sent, unless the program has ended and its number may be another's."""
        if not self.has_ended():
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL is sent."""
        self.send_signal(signal.SIGKILL)

    def has_ended(self) -> bool:
        """Whether it has ended."""
        return self.name in self.children.endings()

    def wait(self, timeout: float = READY_S) -> None:
        """It has ended."""
        wait_until(self.has_ended, timeout, f"the end of {self.name}")


@dataclass(frozen=True)
class Server:
    """A server on loopback."""

    port: int
    process: Process
    superuser_password: str

    def stop(self) -> None:
        """The server takes connections and never answers, until it is resumed."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """The server answers again."""
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """The server is gone, and nothing listens on its port."""
        self.process.kill()
        self.process.wait()


@dataclass(frozen=True)
class Postgres(Server):
    """A PostgreSQL server with an empty database `app`, which a standby has not unless its primary has it."""

    install: Path | None = None
    """Of its programs; None for those of the wheel."""

    def dsn(
        self,
        database: str = "app",
        user: str = "postgres",
        password: str | None = None,
        port: int | None = None,
    ) -> str:
        """Returns an address with which to connect; the superuser's unless told."""
        word = self.superuser_password if password is None else password
        return f"postgresql://{user}:{word}@{HOST}:{port or self.port}/{database}"

    def run(self, *statements: str, database: str = "app") -> None:
        """The statements are run as superuser, each on its own."""
        writable = "-c default_transaction_read_only=off"  # also where the server's settings say otherwise
        with psycopg.connect(self.dsn(database), autocommit=True, options=writable) as connection:
            for statement in statements:
                connection.execute(statement.encode())


@dataclass(frozen=True)
class RedisServer(Server):
    """A Redis server; without a password unless `requirepass` was set."""

    @property
    def url(self) -> str:
        """Its address, without a password."""
        return f"redis://{HOST}:{self.port}"

    def ask(self, *words: str, **options: object) -> object:
        """Returns the answer to a command."""
        with self.client(**options) as client:
            return client.execute_command(*words)

    def client(self, **options: object) -> redis.Redis:
        """Returns a client, to be closed."""
        return redis.Redis(HOST, self.port, **options)  # type: ignore[arg-type] # passed on as they are


class Servers:
    """The servers of one test session; all are stopped and their files gone when it is closed."""

    def __init__(self) -> None:
        installed, self._user = find_binaries(), server_user()
        parents = [Path(tempfile.gettempdir()), Path("/var/tmp")]
        parent = next((path for path in parents if may_enter(path, self._user)), parents[0])
        self._folder = Path(tempfile.mkdtemp(prefix="readiness-servers-", dir=parent)).resolve()
        self._folder.chmod(0o711)  # the servers' user gets in
        self._children = Children(self._folder)
        self._binaries = reachable_binaries(installed, self._folder, self._user)
        self._reachable = {self._binaries: self._binaries}
        # The user's own cache, as in each embedded run: one initdb for all sessions, which takes two seconds.
        self._cache = ClusterCache(cache_folder(os.environ), installed, self._user)
        self._numbers = itertools.count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is left."""
        self._children.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    @contextmanager
    def postgres(
        self,
        *,
        standby: bool = False,
        of: Postgres | None = None,
        install: Path | None = None,
        **settings: object,
    ) -> Iterator[Postgres]:
        """A server of its own.

        Args:
            standby: it is in recovery, answers reads and takes no write; it has no database `app`.
            of: it is a copy of this one, and streams from it; its name there is `copy`.
            install: folder of another PostgreSQL than that of the wheel.
            settings: of postgresql.conf, besides and instead of those of the embedded environment.
        """
        folder = self.new_folder()
        install = of.install if of is not None else install
        binaries = self._binaries_of(install)
        cluster = self._cluster(folder, install) if of is None else self._copy(folder, of, binaries.postgres)
        if standby:
            (cluster.data / "standby.signal").touch()
        given = {"cluster_name": "copy"} | settings if of is not None else settings
        extra = [f"--{name}={value}" for name, value in given.items()]

        def make(port: int) -> servers.Server:
            return servers.postgres(binaries, folder, cluster.data, port, self._user)

        with self._running(make, folder, extra) as (port, process):
            server = Postgres(port, process, cluster.password, install)
            if of is not None:
                wait_until(lambda: _is_streaming_to_copy(of), what="streaming to the standby")
            elif not standby:
                server.run("CREATE DATABASE app", database="postgres")
            yield server

    @contextmanager
    def redis(
        self, *, requirepass: str = "", flags: Sequence[str] = (), program: Path | None = None, **settings: object
    ) -> Iterator[RedisServer]:
        """A server of its own, with no bound on its memory.

        Args:
            requirepass: the password; none by default.
            flags: options without a value, such as `--sentinel`, which needs a password.
            program: another `redis-server` or `valkey-server` than that of the wheel.
            settings: of redis.conf, with `_` for `-`, besides and instead of those of the embedded environment.
        """
        folder = self.new_folder()
        password = requirepass or servers.new_password()
        given = {"maxmemory": 0, "maxmemory-policy": "noeviction"}
        given |= {name.replace("_", "-"): value for name, value in settings.items()}
        extra = [*(word for name, value in given.items() for word in (f"--{name}", str(value))), *flags]
        binaries = self._binaries_of(redis=program)

        def make(port: int) -> servers.Server:
            return servers.redis(binaries, folder, port, password, self._user)

        with self._running(make, folder, extra) as (port, process):
            server = RedisServer(port, process, password)
            if not requirepass:
                server.ask("CONFIG", "SET", "requirepass", "", password=password)
            yield server

    def new_folder(self) -> Path:
        """Returns a folder that the servers can enter, which pytest's own is not where they run as another user."""
        folder = self._folder / str(next(self._numbers))
        folder.mkdir(mode=0o711)
        return folder

    # --- parts ----------------------------------------------------------------------------------------------------

    def _binaries_of(self, postgres: Path | None = None, redis: Path | None = None) -> Binaries:
        """Returns the programs with another PostgreSQL or Redis, where the servers' user reaches them."""
        other = replace(
            self._binaries, postgres=postgres or self._binaries.postgres, redis=redis or self._binaries.redis
        )
        if other not in self._reachable:
            self._reachable[other] = reachable_binaries(other, self.new_folder(), self._user)
        return self._reachable[other]

    def _cluster(self, folder: Path, install: Path | None) -> Cluster:
        """Returns a cluster that was never started; thrown away at the end, since tests break it."""
        kept = self._cache.take(folder / "cluster") if install is None else None
        if kept is not None:
            return kept
        cluster = Cluster(folder / "cluster", servers.new_password())
        cluster.folder.mkdir(mode=0o711)
        binaries = self._binaries_of(install)
        start = servers.initdb(binaries, folder, cluster, self._user)
        name = start["name"] = f"initdb-{next(self._numbers)}"
        if install is not None:  # of any version
            start["argv"] = [word for word in start["argv"] if word not in NEWER_OPTIONS]
        self._children.start(start)
        wait_until(lambda: name in self._children.endings(), what="the end of initdb")
        assert self._children.endings()[name] == "ended with exit status 0", last_lines(Path(start["log"]))
        if install is None:
            self._cache.keep(cluster)
        return cluster

    def _copy(self, folder: Path, of: Postgres, install: Path) -> Cluster:
        """Returns a copy of a running server's cluster, which streams from it once it is started."""
        cluster = Cluster(folder / "cluster", of.superuser_password)
        cluster.folder.mkdir(mode=0o711)
        cluster.data.mkdir(mode=0o700)
        who: dict[str, Any] = {}
        if self._user is not None:
            os.chown(cluster.data, self._user.uid, self._user.gid)
            who = {"user": self._user.uid, "group": self._user.gid, "extra_groups": []}
        # Of any version: a newer one copies from older servers, but the address that it notes (-R) they do not know.
        programs = (each / "bin/pg_basebackup" for each in (install, self._binaries.postgres))
        program = next(each for each in programs if each.is_file())
        command = [str(program), "-D", str(cluster.data), "-d", of.dsn("postgres"), "--no-sync", "--checkpoint=fast"]
        done = subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=READY_S, check=False, **who)
        assert done.returncode == 0, done.stderr
        with (cluster.data / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"primary_conninfo = '{of.dsn('')}'\n")
        (cluster.data / "standby.signal").touch()
        return cluster

    @contextmanager
    def _running(self, make: Make, folder: Path, extra: list[str]) -> Iterator[tuple[int, Process]]:
        """A server that answers, on a free port; stopped at the end, also where a test has stopped or killed it."""
        port, process = self._start(make, extra)
        try:
            yield port, process
        finally:
            process.send_signal(signal.SIGCONT)
            self._children.stop(process.name)
            shutil.rmtree(folder, ignore_errors=True)

    def _start(self, make: Make, extra: list[str]) -> tuple[int, Process]:
        for _ in range(PORT_ATTEMPTS):
            (port,) = servers.free_ports(1)
            server = make(port)
            start = server.start
            name = start["name"] = f"{start['name']}-{next(self._numbers)}"
            start["argv"] = [*start["argv"], *extra]
            # At once, since the data is thrown away; unlike SIGKILL it lets PostgreSQL remove its shared memory.
            start["steps"] = [(int(signal.SIGQUIT), 2.0)]
            process = Process(self._children.start(start)[0], name, self._children)
            end = time.monotonic() + READY_S
            while not process.has_ended():
                if server.is_ready():
                    return port, process
                assert time.monotonic() < end, f"{name} was not ready in time:\n{last_lines(Path(start['log']))}"
                time.sleep(POLL_S)
            log = Path(start["log"])
            assert is_port_taken(log), f"{name} did not start:\n{last_lines(log)}"
        raise AssertionError(f"no free port in {PORT_ATTEMPTS} attempts")


def _is_streaming_to_copy(primary: Postgres) -> bool:
    query = "SELECT count(*) FROM pg_stat_replication WHERE application_name = 'copy' AND state = 'streaming'"
    with psycopg.connect(primary.dsn("postgres")) as connection:
        return connection.execute(query).fetchone() == (1,)
