"""Waiting for a lock: whoever has it keeps it, sharers share it, and nobody waits for longer than there is time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from readiness.locks import acquire, holding

HOLDER = "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); sys.stdin.read()"


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """An empty file."""
    (path := tmp_path / "lock").touch()
    return path


@pytest.fixture
def handles(lock: Path) -> Iterator[tuple[int, int]]:
    """Two open files of the same lock."""
    found = os.open(lock, os.O_RDWR), os.open(lock, os.O_RDWR)
    yield found
    for handle in found:
        os.close(handle)


def none_left() -> float:
    """A budget that is spent."""
    return 0.0


def test_one_holder_at_a_time(handles: tuple[int, int]) -> None:
    """The second gives up when its time is over, however little it is."""
    assert acquire(handles[0], none_left)
    assert not acquire(handles[1], none_left)
    left = iter((0.1, 0.05, 0.0))
    assert not acquire(handles[1], lambda: next(left), poll_s=0.001)
    assert list(left) == []


def test_sharers_share_it_and_keep_others_out(handles: tuple[int, int]) -> None:
    """Readers beside each other; never a writer beside a reader."""
    assert acquire(handles[0], none_left, is_shared=True)
    assert acquire(handles[1], none_left, is_shared=True)
    assert not acquire(handles[1], none_left)


def test_a_dead_holder_gives_it_back(lock: Path, handles: tuple[int, int]) -> None:
    """A process that holds it is killed: whoever waits has it."""
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    holder.stdout.readline()
    assert not acquire(handles[0], none_left)
    asked = 0

    def left() -> float:
        nonlocal asked
        asked += 1
        holder.kill()
        return 30.0 if asked < 3000 else 0.0

    assert acquire(handles[0], left, poll_s=0.01)
    holder.communicate()


def test_what_is_held_is_gone_afterwards(tmp_path: Path) -> None:
    """A second one is told that it does not hold it, and takes it away from nobody."""
    path = tmp_path / "folder" / "lock"
    with holding(path, none_left) as first:
        with holding(path, none_left) as second:
            assert (first, second) == (True, False)
        with holding(path, none_left) as third:
            assert not third
    assert not path.exists()
    with holding(path, none_left) as again:
        assert again


def test_a_file_that_its_holder_has_removed_is_not_held(tmp_path: Path) -> None:
    """Who waited for it would share it with nobody: the next one would make a new file."""
    path = tmp_path / "lock"
    first = holding(path, none_left)
    assert first.__enter__()
    asked = 0

    def left() -> float:
        nonlocal asked
        asked += 1
        first.__exit__(None, None, None)
        return 30.0

    with holding(path, left, poll_s=0.001) as second:
        assert second
        assert path.exists()
        with holding(path, none_left) as third:
            assert not third
    assert asked == 1
