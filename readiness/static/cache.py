"""What was found in each file, kept between runs: by the file's content, the analyser's version and the largest size."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from readiness.static.examine import State, is_packed

if TYPE_CHECKING:
    from readiness.static.walk import File

FORMAT = "2"
"""Changes with what is written."""
LARGEST = 256 * 1024 * 1024
"""Bytes of one gate's file; one that would be larger is not written."""
VERSIONS = 4
"""Files of one gate that are kept, such as those of several environments; the one used least recently goes first."""
RACY_NS = 2_000_000_000
"""A file may change twice within the resolution of its times, at most two seconds on the file systems there are. So one
that had just changed when it was read is read the next time as well."""
FOR_ANOTHER_DAY: State = (-1, 0, 0, 0)
"""The state of no file."""

Entry: TypeAlias = tuple[State, bytes, bytes]
"""A file's state, the hash of its content, and what was found, packed."""
_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[dict[str, Entry]] = msgspec.msgpack.Decoder(dict[str, Entry])


class Cache:
    """The entries of one gate; what cannot be read or written is as good as not there.

    Args:
        folder: returns where it is kept; None for nowhere.
        gate: the gate.
        version: what the entries depend on besides the files.
    """

    def __init__(self, folder: Path | None, gate: str, version: str) -> None:
        name = hashlib.sha256(f"{FORMAT}\0{version}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
        self._gate = gate
        self._file = folder / f"{gate}-{name}" if folder is not None else None
        self._before: dict[str, Entry] = {}
        self._after: dict[str, Entry] = {}
        self._is_new = False
        if self._file is not None:
            with contextlib.suppress(OSError, ValueError, msgspec.MsgspecError):
                self._before = _load(self._file)

    def known(self, file: File) -> tuple[bytes, bytes | None]:
        """Returns the hash of the content that the file had, and what was found in it where it surely is the same.

        The hash is empty where nothing is known of the file.
        """
        entry = self._before.get(file.path)
        if entry is None or not is_packed(entry[2]):
            return b"", None
        if entry[0] != file.state:
            return entry[1], None
        self._after[file.path] = entry
        return entry[1], entry[2]

    def confirm(self, path: str, state: State, read_at_ns: int) -> bytes:
        """Returns what was found in a file whose content proved to be the one that is known."""
        _, digest, packed = self._before[path]
        self.put(path, state, digest, packed, read_at_ns)
        return packed

    def put(self, path: str, state: State, digest: bytes, packed: bytes, read_at_ns: int) -> None:
        """What was found is kept.

        Args:
            path: of the file.
            state: that it had when it was read.
            digest: of its content.
            packed: what was found.
            read_at_ns: the time before it was read.
        """
        is_settled = max(state[1], state[2]) < read_at_ns - RACY_NS
        entry: Entry = (state if is_settled else FOR_ANOTHER_DAY, digest, packed)
        self._is_new = self._is_new or self._before.get(path) != entry
        self._after[path] = entry

    def save(self) -> None:
        """The entries of the files that were seen are kept for the next run; those of the others are gone."""
        if self._file is None:
            return
        with contextlib.suppress(OSError):
            if self._is_new or len(self._after) != len(self._before):
                write_whole(self._file, _checked(_ENCODER.encode(self._after)))
            else:
                os.utime(self._file)
            _prune(self._file.parent, self._gate)


def _load(file: Path) -> dict[str, Entry]:
    if file.stat().st_size > LARGEST:
        return {}
    data = file.read_bytes()
    digest, body = data[:32], data[32:]
    if hashlib.sha256(body).digest() != digest:
        return {}
    return _DECODER.decode(body)


def _checked(body: bytes) -> bytes:
    """Returns the body behind its hash: a file that was cut short or overwritten by something else says so."""
    return hashlib.sha256(body).digest() + body


def write_whole(file: Path, data: bytes) -> None:
    """The file holds the data, or what it held before; nobody else may read it.

    Raises:
        OSError: it cannot be written.
    """
    if len(data) > LARGEST:
        file.unlink(missing_ok=True)
        return
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as new:
            new.write(data)
        os.replace(name, file)  # noqa: PTH105 - a name of mkstemp
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)  # noqa: PTH108 - a name of mkstemp
        raise


def _prune(folder: Path, gate: str) -> None:
    """Only so many versions stay, and nothing that an interrupted write has left."""
    now_ns = max((file.stat().st_mtime_ns for file in folder.iterdir()), default=0)
    for file in folder.glob(".new-*"):
        if file.stat().st_mtime_ns < now_ns - 3600 * 1_000_000_000:
            file.unlink(missing_ok=True)
    kept = sorted(folder.glob(f"{gate}-*"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
    for file in kept[VERSIONS:]:
        file.unlink(missing_ok=True)
