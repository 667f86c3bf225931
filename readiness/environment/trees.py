"""Folder trees of which it is known whether anything in them changed."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

from readiness.environment.binaries import ServerUser

Stamps: TypeAlias = dict[str, list[int]]
"""Relative path to size and time of the last change in nanoseconds; a folder's are -1, -1."""
FOLDER = [-1, -1]


class CorruptError(Exception):
    """A tree is not as it was recorded."""


def walk(top: str, only: Stamps | None = None, prefix: str = "") -> Iterator[tuple[os.DirEntry[str], str]]:
    """Yields everything below `top` with its relative path, parents first. Enters no link, and folders of `only`."""
    with os.scandir(top) as entries:
        for entry in list(entries):
            name = prefix + entry.name
            yield entry, name
            if entry.is_dir(follow_symlinks=False) and (only is None or name in only):
                yield from walk(entry.path, only, f"{name}/")


def stamps_of(top: Path) -> Stamps:
    """Returns what is there."""
    stamps: Stamps = {}
    for entry, name in walk(str(top)):
        if entry.is_dir(follow_symlinks=False):
            stamps[name] = FOLDER
        else:
            status = entry.stat(follow_symlinks=False)
            stamps[name] = [status.st_size, status.st_mtime_ns]
    return stamps


def read_record(file: Path) -> tuple[str, Stamps]:
    """Returns the owner and the stamps that `write_record` wrote.

    Raises:
        CorruptError: they cannot be read.
    """
    try:
        record = json.loads(file.read_bytes())
        return str(record["of"]), dict(record["stamps"])
    except (OSError, ValueError, KeyError, TypeError):
        raise CorruptError from None


def write_record(file: Path, of: str, top: Path) -> None:
    """What is below `top` now is recorded, for the owner `of`, such as the id of what it is a copy of."""
    write_file(file, json.dumps({"of": of, "stamps": stamps_of(top)}).encode(), None)


def restore(top: Path, stamps: Stamps, original: Callable[[str], bytes], user: ServerUser | None) -> None:
    """The tree is as it was: what changed or is missing is written anew, what is new is deleted.

    Nothing is written through a link, which a program may have planted to have another file overwritten.

    Args:
        top: the tree.
        stamps: of the tree as it was.
        original: relative path to content.
        user: owner of what is written; None for ourselves.

    Raises:
        CorruptError: something is of another kind than it was.
    """
    seen = set()
    for entry, name in walk(str(top), stamps):
        if name not in stamps:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)  # noqa: PTH108 - a DirEntry
            continue
        seen.add(name)
        status = entry.stat(follow_symlinks=False)
        if stamps[name] == FOLDER:
            is_same_kind = stat.S_ISDIR(status.st_mode)
        else:
            is_same_kind = stat.S_ISREG(status.st_mode) and status.st_nlink == 1
        if not is_same_kind:
            raise CorruptError
        if stamps[name] not in (FOLDER, [status.st_size, status.st_mtime_ns]):
            write_file(top / name, original(name), user)
    for name in stamps.keys() - seen:
        if stamps[name] == FOLDER:
            raise CorruptError
        write_file(top / name, original(name), user)


def write_file(path: Path, content: bytes, user: ServerUser | None) -> None:
    """The file holds `content`, is `user`'s, and nobody else may read it."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        if user is not None:
            os.fchown(fd, user.uid, user.gid)
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(fd, rest) :]
    finally:
        os.close(fd)
