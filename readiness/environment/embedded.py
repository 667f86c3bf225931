"""Real PostgreSQL and Redis from wheels, started for one run on free loopback ports, and the service on top of them."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from readiness.config.cache import cache_folder
from readiness.config.model import Embedded
from readiness.environment import servers, service
from readiness.environment.binaries import (
    Binaries,
    Finder,
    find_binaries,
    find_package,
    may_enter,
    reachable_binaries,
    server_user,
)
from readiness.environment.children import Children, Start, StartError, is_port_taken, last_lines
from readiness.environment.clusters import Cluster, ClusterCache
from readiness.environment.interface import Casualty, Target
from readiness.errors import ProvisionError, UsageError

NAMES = ("postgresql", "redis", "service")
SERVERS_WITHIN_S = 30.0
INITDB_WITHIN_S = 120.0
PORT_ATTEMPTS = 5
POLL_S = 0.002
ASK_EVERY_S = 0.02
"""How often the guardian is asked who ended."""


class EmbeddedEnvironment:
    """One environment that exists from `provision` to `close`.

    Its guardian boots as soon as the object is made, beside pytest's collection, and has nothing to guard until
    `provision`: Python needs as long to start as PostgreSQL.

    Args:
        name: of the environment.
        where: its table.
        folder: where the user's commands run.
        run_folder_parent: default the system's folder for temporary files.
        announce: gets short lines on what is being started.
        deadline: end of the run's budget on the monotonic clock.
        find: package name to its folder.

    Raises:
        UsageError: the extra is not installed.
    """

    def __init__(
        self,
        name: str,
        where: Embedded,
        folder: Path,
        *,
        run_folder_parent: Path | None = None,
        announce: Callable[[str], None],
        deadline: float | None = None,
        find: Finder = find_package,
    ) -> None:
        if os.name != "posix":
            raise UsageError("environments of kind 'embedded' need Linux or macOS", 'Use kind = "live" here.')
        self._name = name
        self._where = where
        self._folder = folder
        self._parent = run_folder_parent
        self._announce = announce
        self._deadline = deadline
        self._installed = find_binaries(find)
        self._user = server_user()
        self._cache = ClusterCache(cache_folder(os.environ), self._installed, self._user)
        self._owner = os.getpid()
        self._run_folder: Path | None = None
        self._children: Children | None = None
        self._cluster: Cluster | None = None
        self._redis_password = servers.new_password()
        with contextlib.suppress(OSError):  # `provision` tries again, and says what is wrong
            self._boot()

    # --- up ---------------------------------------------------------------------------------------------------

    def provision(self) -> Target:
        """Everything is up and ready when this returns.

        Raises:
            ProvisionError: what did not come up, with its last log lines.
        """
        try:
            return self._provision()
        except OSError as error:
            raise ProvisionError(
                f"the embedded environment could not be set up: {error}",
                "Look at free space and permissions of the folder for temporary files (TMPDIR).",
            ) from error

    def _provision(self) -> Target:
        folder, children = self._boot()
        self._announce(f"starting {self._installed.names}")
        binaries = reachable_binaries(self._installed, folder, self._user)
        self._cluster = self._cache.take(folder / "cluster") or self._initialise(binaries, folder)
        database_port, redis_port = self._start_servers(binaries, folder, self._cluster)
        database_url = f"postgresql://postgres:{self._cluster.password}@{servers.HOST}:{database_port}/postgres"
        redis_url = f"redis://:{self._redis_password}@{servers.HOST}:{redis_port}/0"
        around = service.Surroundings(
            where=self._where,
            table=f"env.{self._name}",
            cwd=self._folder,
            logs=folder,
            environment=service.service_environment(dict(os.environ), database_url, redis_url),
            hide=self._hide,
            deadline=self._deadline,
        )
        # Before `prepare`, which may write the service's address into its configuration.
        (port,) = servers.free_ports(1)
        service.prepare(children, around, port, self._announce)
        url = service.start(children, around, port, self._announce)
        return Target(
            name=self._name, kind="embedded", protected=False, url=url, database_url=database_url, redis_url=redis_url
        )

    def _boot(self) -> tuple[Path, Children]:
        """Returns the run folder, which the servers' user can enter and only we can read, and its guardian."""
        if self._run_folder is not None and self._children is not None:
            return self._run_folder, self._children
        parent = self._parent or Path(tempfile.gettempdir())
        candidates = [parent, Path("/var/tmp"), Path("/tmp")]  # noqa: S108 - mkdtemp makes a private one there
        usable = [path for path in candidates if path.is_dir() and may_enter(path, self._user)]
        folder = Path(tempfile.mkdtemp(prefix="readiness-", dir=usable[0] if usable else parent)).resolve()
        self._run_folder = folder
        if self._user is not None:
            folder.chmod(0o711)
        self._children = Children(folder)
        return folder, self._children

    def _initialise(self, binaries: Binaries, folder: Path) -> Cluster:
        """Returns a new cluster, which is kept for later runs where the cache can be written."""
        self._announce(f"initialising a PostgreSQL cluster, once; it is kept in {self._cache.folder}")
        cluster = Cluster(folder / "cluster", servers.new_password())
        cluster.folder.mkdir(mode=0o711 if self._user else 0o700)
        self._run_initdb(servers.initdb(binaries, folder, cluster, self._user), folder)
        try:
            self._cache.keep(cluster)
        except OSError as error:
            self._announce(f"the PostgreSQL cluster is not kept, every run will initialise one: {error}")
        return cluster

    def _run_initdb(self, start: Start, folder: Path) -> None:
        until = self._until(INITDB_WITHIN_S)
        children = self._running
        self._start(start)
        while (ending := children.endings().get("initdb")) is None:
            if time.monotonic() > until:
                children.stop("initdb")
                raise self._did_not("initdb did not end in time", folder / "initdb.log")
            time.sleep(POLL_S)
        if ending != "ended with exit status 0":
            raise self._did_not(f"initdb {ending}", folder / "initdb.log")

    def _start_servers(self, binaries: Binaries, folder: Path, cluster: Cluster) -> tuple[int, int]:
        """Returns the ports of PostgreSQL and Redis, which both answer; taken ports are replaced by others."""
        until = self._until(SERVERS_WITHIN_S)
        makers: dict[str, Callable[[int], servers.Server]] = {
            "postgresql": lambda port: servers.postgres(binaries, folder, cluster.data, port, self._user),
            "redis": lambda port: servers.redis(binaries, folder, port, self._redis_password, self._user),
        }
        up: dict[str, int] = {}
        for _ in range(PORT_ATTEMPTS):
            ports = servers.free_ports(len(makers))
            pending = {
                name: maker(port) for (name, maker), port in zip(makers.items(), ports, strict=True) if name not in up
            }
            self._start(*(server.start for server in pending.values()))
            ended = self._await_servers(pending, until, up, folder)
            if not ended:
                return up["postgresql"], up["redis"]
            for name, ending in ended.items():
                if not is_port_taken(folder / f"{name}.log"):
                    raise self._did_not(f"{name} {ending} instead of starting", folder / f"{name}.log")
        raise self._did_not(f"{next(iter(ended))} found no free port in {PORT_ATTEMPTS} attempts", None)

    def _await_servers(
        self, pending: dict[str, servers.Server], until: float, up: dict[str, int], folder: Path
    ) -> dict[str, str]:
        """Returns how those that ended did; the others are in `up`."""
        ended: dict[str, str] = {}
        asked = time.monotonic()
        while waiting := {name: each for name, each in pending.items() if name not in up and name not in ended}:
            up |= {name: server.port for name, server in waiting.items() if server.is_ready()}
            if time.monotonic() - asked >= ASK_EVERY_S:
                asked = time.monotonic()
                endings = self._running.endings()
                ended |= {name: endings[name] for name in waiting if name in endings}
                if time.monotonic() > until:
                    name = next(iter(waiting))
                    raise self._did_not(f"{name} was not ready in time", folder / f"{name}.log")
            if waiting.keys() - up.keys() - ended.keys():
                time.sleep(POLL_S)
        return ended

    # --- after ------------------------------------------------------------------------------------------------

    def casualties(self) -> tuple[Casualty, ...]:
        """Returns what has died since `provision`, with its last log lines."""
        if self._children is None or self._run_folder is None:
            return ()
        try:
            endings = self._children.endings()
        except ProvisionError as error:
            return tuple(Casualty(name, f"{name}: {error.cause}") for name in NAMES if name in self._children.started)
        return tuple(
            Casualty(name, self._with_log(f"{name} {endings[name]} during the run", self._run_folder / f"{name}.log"))
            for name in NAMES
            if name in endings
        )

    def logs(self) -> dict[str, Path]:
        """Returns the logs that exist; they are gone after `close`."""
        if self._run_folder is None:
            return {}
        files = [self._run_folder / f"{name}.log" for name in (*NAMES, "prepare", "initdb")]
        return {path.name: path for path in files if path.is_file()}

    def close(self) -> None:
        """Everything that `provision` started is stopped and its files are gone. Never raises; may be called twice."""
        children, folder, cluster = self._children, self._run_folder, self._cluster
        self._children = self._run_folder = self._cluster = None
        if os.getpid() != self._owner:
            return  # a fork of ours, such as pytest-forked makes: it is not its business
        if children is not None:
            with contextlib.suppress(Exception):  # the guardian is gone: so is what it started
                children.stop("prepare", "service")
                children.stop("postgresql", "redis")
                if cluster is not None:
                    self._cache.give_back(cluster)
            children.close()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)  # the guardian did, unless it was killed

    # --- helpers ----------------------------------------------------------------------------------------------

    @property
    def _running(self) -> Children:
        if self._children is None:
            raise ProvisionError("the environment was closed while it was coming up")
        return self._children

    def _start(self, *starts: Start) -> None:
        try:
            self._running.start(*starts)
        except StartError as error:
            raise ProvisionError(
                f"a server of the embedded environment cannot be executed: {error}",
                'Reinstall it: pip install --force-reinstall "pytest-readiness[embedded]"',
            ) from None

    def _until(self, seconds: float) -> float:
        end = time.monotonic() + seconds
        return end if self._deadline is None else min(end, self._deadline)

    def _hide(self, text: str) -> str:
        for password in (self._redis_password, self._cluster.password if self._cluster is not None else ""):
            text = text.replace(password, "***") if password else text
        return text

    def _with_log(self, text: str, log: Path) -> str:
        lines = self._hide(last_lines(log))
        return f"{text}\nThe end of {log.name}:\n{lines}" if lines else text

    def _did_not(self, cause: str, log: Path | None) -> ProvisionError:
        text = self._with_log(cause, log) if log is not None else cause
        return ProvisionError(text, "Run again; where it stays so, judge with an environment of kind live.")
