"""The report folder: each file whole or not at all, the sets of two runs never mixed, earlier reports kept.

A run writes all its files under temporary names, and only then renames them, `report.json` first: what disagrees with
it is older. Meanwhile it holds a lock on the folder itself (`flock`, released by the kernel when a process dies, and
leaving no file behind), so that of two runs into one folder the last one wins as a whole.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import re
import secrets
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from readiness.errors import ReportError, UsageError
from readiness.locks import acquire

SOURCE = "report.json"
HISTORY = "history"
KEPT = 50
"""Earlier reports that the history keeps."""
_LOCKED_WITHIN_S = 30.0
_KEPT_NAME = re.compile(r"\d{8}T\d{6}Z-.+\.json")
_TEMPORARY = ".readiness-*.tmp"


def prepare_folder(folder: Path) -> None:
    """The folder exists and can be written.

    Raises:
        UsageError: where it cannot be made or written, before anything was judged.
    """
    probe = folder / f".readiness-{secrets.token_hex(8)}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(probe, b"readiness\n")
        probe.unlink()
    except OSError as error:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)
        reason = error.strerror or type(error).__name__
        raise UsageError(
            f"the report folder {folder} cannot be written: {reason}",
            "Pass --readiness-reports=DIR with a folder that this user may write to.",
        ) from error


def write_set(folder: Path, files: Mapping[str, bytes], run: str) -> tuple[Path, ...]:
    """All files stand in the folder; an earlier run's `report.json` is in the history.

    Args:
        folder: exists.
        files: name to content; `report.json` among them.
        run: id of the run that writes. A report of the same run is replaced without a trace in the history: it is
            the one that said that the run had not finished.

    Raises:
        ReportError: where a file cannot be written. No report of an earlier run is left in its place then, since it
            would be taken for this one's.
    """
    names = sorted(files, key=lambda name: name != SOURCE)
    try:
        with locked(folder):
            try:
                _replace(folder, {name: files[name] for name in names}, run)
            except OSError:
                _withdraw(folder, names, run)
                raise
    except OSError as error:
        raise ReportError(
            f"the reports in {folder} cannot be written: {error.strerror or type(error).__name__}",
            "Make room, or pass --readiness-reports=DIR with another folder.",
        ) from error
    return tuple(folder / name for name in names)


def withdraw(folder: Path, names: tuple[str, ...]) -> None:
    """None of the named reports stands in the folder; its `report.json`, where there is one, is in the history."""
    with contextlib.suppress(OSError, ReportError), locked(folder):
        _withdraw(folder, list(names), None)


@contextlib.contextmanager
def locked(folder: Path, within_s: float = _LOCKED_WITHIN_S) -> Iterator[None]:
    """Inside, no other run writes to the folder.

    Raises:
        ReportError: where another run holds the lock for longer than `within_s` seconds.
    """
    if sys.platform == "win32":  # no flock there: unique temporary names still keep each file whole
        yield
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        until = time.monotonic() + within_s
        with contextlib.suppress(OSError):  # a network file system without locks: each file is still whole
            if not acquire(handle, lambda: until - time.monotonic()):
                raise ReportError(
                    f"another run has been writing to {folder} for over {within_s:g} s",
                    "Wait for it, or pass --readiness-reports=DIR with another folder.",
                )
        yield
    finally:
        os.close(handle)


def _replace(folder: Path, files: Mapping[str, bytes], run: str) -> None:
    for left_over in folder.glob(_TEMPORARY):  # of a run that was killed while it wrote: nobody else holds the lock
        left_over.unlink(missing_ok=True)
    token = secrets.token_hex(8)
    temporary = {name: folder / f".readiness-{token}-{number}.tmp" for number, name in enumerate(files)}
    try:
        for name, path in temporary.items():
            _write(path, files[name])
        _keep_previous(folder, run)
        for name, path in temporary.items():
            path.replace(folder / name)
        _sync(folder)
    finally:
        for path in temporary.values():
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def _write(path: Path, data: bytes) -> None:
    # Not tempfile: its files are for their owner only, and a report is for everybody that may read the folder.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o666)
    with open(handle, "wb") as file:  # noqa: PTH123 - pathlib cannot open a descriptor
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """The folder's entries survive a power cut, where the system can promise it."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _keep_previous(folder: Path, run: str) -> None:
    """An earlier run's report is in the history, copied, so that at no time the folder is without one."""
    history = folder / HISTORY
    for superseded in history.glob(f"*-{_safe(run)}.json"):  # another run moved our unfinished one away
        superseded.unlink(missing_ok=True)
    source = folder / SOURCE
    if not source.is_file():
        return
    data = source.read_bytes()
    found, stamp = _origin(data, source)
    if found == run:
        return
    history.mkdir(exist_ok=True)
    temporary = history / f".readiness-{secrets.token_hex(8)}.tmp"
    try:
        _write(temporary, data)
        temporary.replace(history / f"{stamp}-{_safe(found)}.json")
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    for old in sorted(path for path in history.iterdir() if _KEPT_NAME.fullmatch(path.name))[:-KEPT]:
        old.unlink(missing_ok=True)


def _withdraw(folder: Path, names: list[str], run: str | None) -> None:
    """As far as it can be done: no report of another run stands in the folder."""
    with contextlib.suppress(OSError):
        source = folder / SOURCE
        if source.is_file():
            found, stamp = _origin(source.read_bytes(), source)
            if run is not None and found == run:
                return
            (folder / HISTORY).mkdir(exist_ok=True)
            source.replace(folder / HISTORY / f"{stamp}-{_safe(found)}.json")
    for name in names:
        with contextlib.suppress(OSError):
            (folder / name).unlink(missing_ok=True)


def _origin(data: bytes, path: Path) -> tuple[str, str]:
    """Returns the run's id and the time it finished, as file names hold it; what cannot be read gets its file's time."""
    try:
        run = json.loads(data)["run"]
        moment = dt.datetime.fromisoformat(run["finished"]).astimezone(dt.UTC)
        found = str(run["id"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        moment, found = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC), "unreadable"
    # Without colons, which artefact stores and some file systems refuse.
    return found, moment.strftime("%Y%m%dT%H%M%SZ")


def _safe(run: str) -> str:
    """Returns the run's id as part of a file name and of a glob."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", run)[:80] or "_"
