"""Waiting for a lock: whoever has it keeps it, sharers share it, and nobody waits for longer than there is time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from readiness.locks import acquire

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
