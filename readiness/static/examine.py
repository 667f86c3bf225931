"""One file is read, and each gate's analyser has looked at it; the same here and in a worker process."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec

from readiness.static.fingerprint import hashed
from readiness.static.interface import Found, Hit
from readiness.static.masking import masked
from readiness.static.skipping import Why
from readiness.static.source import Source

if TYPE_CHECKING:
    from readiness.static.interface import Analyser

HEAD = 8192
"""Bytes in which a NUL makes a file binary, as git sees it."""
MARKS = (b"\xfe\xff", b"\xff\xfe")
"""Byte order marks of UTF-16 and UTF-32, which are text in spite of their NULs."""
ATTEMPTS = 3
"""How often a file is read that changes meanwhile."""
MAX_HITS = 2000
"""Hits of one gate in one file that are kept, the blocking ones first."""
MAX_EXCERPT = 200
MAX_TEXT = 2000
NOTHING = b""
"""What is kept of a file in which nothing was found."""
BINARY = b"B"
TOO_LARGE = b"L"
NOT_LOOKED_AT = (BINARY, TOO_LARGE)
"""What is kept of such files; no result that is packed is as short."""

State = tuple[int, int, int, int]
_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[Found] = msgspec.msgpack.Decoder(Found)


@dataclass(frozen=True, slots=True)
class Task:
    """A file to look at."""

    path: str
    name: str
    """As the system calls it, relative to the folder."""
    known: dict[str, bytes]
    """Gate to the hash of the content of which its findings are known; empty where nothing is."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What came of it."""

    state: State = (0, 0, 0, 0)
    digest: bytes = b""
    """Hash of the content."""
    found: dict[str, bytes | None] = field(default_factory=dict)
    """Gate to what its analyser has found, packed; None where the content is the one that it knows."""
    broken: dict[str, str] = field(default_factory=dict)
    """Gate to how its analyser broke."""
    why: Why | None = None
    """Where the file was not looked at."""
    detail: str = ""


class Unread(Exception):  # noqa: N818 - no error of this program
    """The file cannot be looked at."""

    def __init__(self, why: Why, detail: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Content:
    """What was read of a file."""

    state: State
    data: bytes
    """All of it, or only its head where that is enough to know that it is not looked at."""
    is_binary: bool


def read(path: str, limit: int) -> Content:
    """Returns a regular file's content as it was at one moment.

    Args:
        path: of the file; a link is not followed.
        limit: of a larger file only the head is read, as of a binary one.

    Raises:
        Unread: it is no file, cannot be read, or changes all the time.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY
    try:
        for _ in range(ATTEMPTS):
            handle = os.open(path, flags)
            try:
                content = _read_once(handle, limit)
            finally:
                os.close(handle)
            if content is not None:
                return content
    except FileNotFoundError:
        raise Unread(Why.VANISHED) from None
    except OSError as error:
        raise Unread(Why.UNREADABLE, error.strerror or type(error).__name__) from None
    raise Unread(Why.CHANGING)


def _read_once(handle: int, limit: int) -> Content | None:
    before = os.fstat(handle)
    if not stat.S_ISREG(before.st_mode):
        raise Unread(Why.SPECIAL)
    head = os.read(handle, HEAD)
    is_binary = b"\0" in head and not head.startswith(MARKS)
    parts = [head]
    if not is_binary and before.st_size <= limit:
        left = before.st_size - len(head) + 1  # one more than there is, to see that it has grown
        while left > 0 and (part := os.read(handle, min(left, 1 << 20))):
            parts.append(part)
            left -= len(part)
    after = os.fstat(handle)
    state = state_of(after)
    data = b"".join(parts)
    is_whole = is_binary or before.st_size > limit or len(data) == after.st_size
    return Content(state, data, is_binary) if is_whole and state == state_of(before) else None


def state_of(seen: os.stat_result) -> State:
    """Returns what tells that a file is still the same without reading it."""
    return seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino


class Examiner:
    """Looks at files with the analysers of several gates.

    Args:
        folder: that the names of the tasks are relative to.
        analysers: by gate.
        limits: gate to the largest file in bytes that it looks at.
    """

    def __init__(self, folder: str, analysers: Mapping[str, Analyser], limits: Mapping[str, int]) -> None:
        self.folder = folder
        self.analysers = analysers
        self.limits = limits

    def examine(self, task: Task) -> Examined:
        """Returns what the analysers of the task's gates have found; never raises for a file's content."""
        try:
            content = read(os.path.join(self.folder, task.name), max(self.limits[gate] for gate in task.known))  # noqa: PTH118 - the name may be no UTF-8
        except Unread as unread:
            return Examined(why=unread.why, detail=unread.detail)
        digest = hashlib.sha256(content.data, usedforsecurity=False).digest()[:16]
        found: dict[str, bytes | None] = {}
        broken: dict[str, str] = {}
        source: Source | None = None
        for gate, known in task.known.items():
            if content.is_binary:
                found[gate] = BINARY
            elif content.state[0] > self.limits[gate]:
                found[gate] = TOO_LARGE
            elif known == digest:
                found[gate] = None
            else:
                source = source or Source(task.path, content.data)
                try:
                    found[gate] = pack(self.analysers[gate].analyse(source))
                except Exception as error:  # noqa: BLE001 - a broken analyser leaves its gate unmeasured, and no other
                    broken[gate] = type(error).__name__  # not its text, which may hold what stands in the file
        return Examined(content.state, digest, found, broken)


def pack(found: Found) -> bytes:
    """Returns what was found, to be sent and kept: bounded, and of each anchor only the hash."""
    if not found.hits and found.facts is None:
        return NOTHING
    hits = list(found.hits)
    if len(hits) > MAX_HITS:
        hits.sort(key=lambda hit: (_rank(hit), hit.line, hit.column))
        first, more = hits[MAX_HITS], len(hits) - MAX_HITS
        text = f"{more} more findings are in this file; only the first {MAX_HITS} are listed."
        hits[MAX_HITS:] = [
            replace(first, line=0, column=0, text=text, anchor=f"{more} more", excerpt="", severity="blocking")
        ]
    return _ENCODER.encode(Found(tuple(_kept(hit) for hit in hits), found.facts))


def _rank(hit: Hit) -> int:
    return {"blocking": 0, "": 1, "advisory": 2}.get(hit.severity, 3)


def _kept(hit: Hit) -> Hit:
    return replace(
        hit,
        anchor=hashed(hit.anchor),
        text=masked(hit.text[:MAX_TEXT], is_prose=True),
        excerpt=masked(hit.excerpt[:MAX_EXCERPT]),
        severity=str(hit.severity),
    )


def unpack(packed: bytes) -> Found:
    """Returns what was packed.

    Raises:
        msgspec.DecodeError: it was not packed by this version.
    """
    return Found() if packed == NOTHING else _DECODER.decode(packed)


def is_packed(data: bytes) -> bool:
    """Returns whether it is what `pack` makes, or stands for a file that is not looked at."""
    if data in (NOTHING, *NOT_LOOKED_AT):
        return True
    try:
        _DECODER.decode(data)
    except (ValueError, msgspec.MsgspecError):
        return False
    return True


def plain_hit(path: str, hit: Hit) -> tuple[str, Hit]:
    """Returns a hit of several files together, of whose anchor only the hash is kept."""
    return path, _kept(hit)
