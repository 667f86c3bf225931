"""PostgreSQL and Redis as processes of a run: how each is started and how to tell that it is ready."""

from __future__ import annotations

import os
import secrets
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from readiness.environment.binaries import Binaries, ServerUser
from readiness.environment.children import Start
from readiness.environment.clusters import Cluster, initdb_options

HOST = "127.0.0.1"
POSTGRES_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # TCP is enough, and a long TMPDIR would exceed the 107 bytes of a socket's path
    "fsync": "off",  # the data is thrown away
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "dynamic_shared_memory_type": "mmap",  # in the data folder: after kill -9 nothing stays behind in /dev/shm
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_timezone": "UTC",
    "checkpoint_warning": "0",
}
PING_TIMEOUT_S = 0.25
"""Another program that listens on the port may never answer."""
REDIS_SETTINGS = {
    "bind": HOST,
    "save": '""',
    "appendonly": "no",
    "daemonize": "no",
    "maxmemory": "256mb",  # bounded, and as a cache is usually set up
    "maxmemory-policy": "allkeys-lru",
    "databases": "16",
}


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is to run: how, and whether it does."""

    start: Start
    is_ready: Callable[[], bool]
    """Never raises, takes at most a quarter of a second, and is true only for our own server."""
    port: int


def free_ports(count: int) -> list[int]:
    """Returns different ports that nobody listens on at the moment."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def server_environment(binaries: Binaries) -> dict[str, str]:
    """Returns a clean environment: the user's PGDATA, PGPORT or LC_ALL are about another server."""
    return {"PATH": f"{binaries.postgres / 'bin'}{os.pathsep}{os.defpath}", "LC_ALL": "C", "TZ": "UTC"}


def _start(name: str, argv: list[str], folder: Path, env: dict[str, str], user: ServerUser | None) -> Start:
    return {
        "name": name,
        "argv": argv,
        "env": env,
        "cwd": "/",
        "log": str(folder / f"{name}.log"),
        "user": (user.uid, user.gid) if user is not None else None,
        "steps": [(int(signal.SIGTERM), 1.5)],
        "whole_group": False,
        "orphaned": int(signal.SIGKILL),
        "wave": 1,
    }


def initdb(binaries: Binaries, folder: Path, cluster: Cluster, user: ServerUser | None) -> Start:
    """Returns how to initialise `cluster`, whose folder exists and belongs to us; its password is in a file there."""
    password = cluster.folder / "password"
    password.touch(mode=0o600)
    password.write_text(cluster.password)
    cluster.data.mkdir(mode=0o700)
    if user is not None:
        for path in (password, cluster.data):
            os.chown(path, user.uid, user.gid)
    options = [*initdb_options(binaries), "--no-sync", "--no-instructions", f"--pwfile={password}"]
    argv = [str(binaries.postgres / "bin/initdb"), *options, f"--pgdata={cluster.data}"]
    return _start("initdb", argv, folder, server_environment(binaries), user)


def postgres(binaries: Binaries, folder: Path, data: Path, port: int, user: ServerUser | None) -> Server:
    """Returns PostgreSQL on an initialised cluster."""
    settings = [f"--{name}={value}" for name, value in POSTGRES_SETTINGS.items()]
    argv = [str(binaries.postgres / "bin/postgres"), "-D", str(data), f"--port={port}", *settings]
    start = _start("postgresql", argv, folder, server_environment(binaries), user)
    # fast, then immediate shutdown: both end the sessions and remove the shared memory, which SIGKILL would leave
    start["steps"] = [(int(signal.SIGINT), 2.0), (int(signal.SIGQUIT), 1.0)]
    start["orphaned"] = int(signal.SIGQUIT)
    (data / "postmaster.pid").unlink(missing_ok=True)  # of an attempt on a port that was taken

    def is_ready() -> bool:
        # Written by the postmaster itself; connecting over and over would fill its log, and find a foreign server.
        try:
            lines = (data / "postmaster.pid").read_text(errors="replace").splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"  # noqa: PLR2004 - PM_STATUS is its eighth line

    return Server(start, is_ready, port)


def redis(binaries: Binaries, folder: Path, port: int, password: str, user: ServerUser | None) -> Server:
    """Returns Redis with nothing in it. The password is in a file: the arguments of a program are public."""
    data = folder / "redis"
    data.mkdir(mode=0o700, exist_ok=True)
    settings = {**REDIS_SETTINGS, "port": str(port), "requirepass": password}
    file = data / "redis.conf"
    file.touch(mode=0o600)
    file.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    if user is not None:
        for path in (data, file):
            os.chown(path, user.uid, user.gid)
    start = _start("redis", [str(binaries.redis), "redis.conf"], folder, server_environment(binaries), user)
    start["steps"] = []  # killed: it has nothing to save, and looks at SIGTERM only ten times a second
    start["cwd"] = str(data)  # and no absolute path in its configuration, where spaces would need quoting

    def is_ready() -> bool:
        try:
            with socket.create_connection((HOST, port), timeout=PING_TIMEOUT_S) as connection:
                connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
                reply = b""
                while reply.count(b"\r\n") < 2 and (data := connection.recv(1024)):  # noqa: PLR2004 - two commands
                    reply += data
        except OSError:
            return False
        return reply == b"+OK\r\n+PONG\r\n"

    return Server(start, is_ready, port)


def new_password() -> str:
    """Returns random text that needs no quoting in a URL or a configuration file."""
    return secrets.token_hex(16)
