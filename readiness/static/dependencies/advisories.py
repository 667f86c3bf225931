"""Advisories on this machine: an OSV export, as archive or folder, or a clone of pypa/advisory-database; indexed once."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
import sqlite3
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from readiness.errors import NotMeasured
from readiness.static.dependencies.interface import normalised
from readiness.static.dependencies.matching import Affected, read_affected

VERSION = "1"
"""Changes with what the index holds."""
LARGEST = 8 * 1024 * 1024
"""Bytes of one advisory."""
MOST = 2_000_000
MOST_BYTES = 8 * 1024**3
"""Of an archive, unpacked."""
KEY = "[security-scan] dependencies.database"
_SUFFIXES = (".json", ".yaml", ".yml")
_NAMED = 5
_AHEAD = dt.timedelta(days=1)
"""A clock may be so much fast; what was changed later than that says nothing of when the data is from."""


@dataclass(frozen=True, slots=True)
class Advisories:
    """All that a database knows of some packages."""

    count: int
    """Of its advisories that are about a package of PyPI and not withdrawn."""
    newest: dt.datetime | None
    by_package: Mapping[str, tuple[Affected, ...]]


def load(
    database: Path, shown: str, packages: Iterable[str], cache: Path | None, budget: Callable[[], float]
) -> Advisories:
    """Returns what the database knows of these packages.

    Args:
        database: archive or folder.
        shown: what the configuration calls it.
        packages: normalised names.
        cache: folder for the index; None to make it in memory.
        budget: seconds left of the run.

    Raises:
        NotMeasured: it is not there, cannot be read, holds something else, or the time ran out.
    """
    index = _Index(shown, budget)
    kept = cache / "advisories.sqlite" if cache is not None else None
    try:
        files = _members(database, shown)
        key = _key(database, files)
        if kept is not None:
            with contextlib.suppress(sqlite3.Error, ValueError, TypeError):
                return _query(kept, key, packages)
        for name, data in _contents(database, shown, files):
            index.add(name, data)
    except OSError as error:
        raise NotMeasured(f"the advisory database {shown} cannot be read: {error.strerror}", f"Mend {KEY}.") from None
    index.check()
    if kept is not None:
        with contextlib.suppress(sqlite3.Error, OSError):
            _keep(kept, key, index)
    wanted = {name: tuple(index.by_package[name]) for name in packages if name in index.by_package}
    return Advisories(index.count, index.newest, wanted)


# --- what there is to read --------------------------------------------------------------------------------------------


def _members(database: Path, shown: str) -> list[tuple[str, int, int]]:
    """Returns path inside the folder, size and time of change of each advisory's file; nothing for an archive."""
    if database.is_file():
        return []
    if not database.is_dir():
        raise NotMeasured(
            f"the advisory database {shown} is not there",
            f"Put an OSV export (PyPI/all.zip) or a clone of pypa/advisory-database there, or mend {KEY}.",
        )
    top = database / "vulns" if (database / "vulns").is_dir() else database
    found = []
    for root, folders, names in os.walk(top):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.endswith(_SUFFIXES):
                path = os.path.join(root, name)  # noqa: PTH118 - a Path for each of many thousands takes as long as all the rest
                stat = os.stat(path)  # noqa: PTH116 - see above
                found.append((path, stat.st_size, stat.st_mtime_ns))
        if len(found) > MOST:
            raise NotMeasured(f"the advisory database {shown} has more than {MOST} files", f"Mend {KEY}.")
    return found


def _key(database: Path, files: list[tuple[str, int, int]]) -> str:
    """Returns what names the database's content: of an archive its hash, of a folder its files' names, sizes and times."""
    digest = hashlib.sha256(VERSION.encode())
    if files:
        digest.update(json.dumps(files).encode())
    elif database.is_file():
        with database.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()


def _contents(database: Path, shown: str, files: list[tuple[str, int, int]]) -> Iterator[tuple[str, bytes]]:
    if not database.is_file():
        for path, _, _ in files:
            with open(path, "rb") as opened:  # noqa: PTH123 - see _members
                yield path, opened.read(LARGEST + 1)
        return
    try:
        with zipfile.ZipFile(database) as archive:
            members = [each for each in archive.infolist() if each.filename.endswith(_SUFFIXES)]
            if len(members) > MOST or sum(each.file_size for each in members) > MOST_BYTES:
                raise NotMeasured(f"the advisory database {shown} is larger than any", f"Mend {KEY}.")
            for member in members:
                with archive.open(member) as opened:
                    yield member.filename, opened.read(LARGEST + 1)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise NotMeasured(
            f"the advisory database {shown} is no archive that can be read: {str(error)[:200]}",
            "Fetch it again: a part of it may be missing.",
        ) from None


# --- the index --------------------------------------------------------------------------------------------------------


class _Index:
    def __init__(self, shown: str, budget: Callable[[], float]) -> None:
        self.by_package: dict[str, list[Affected]] = defaultdict(list)
        self.count = 0
        self.newest: dt.datetime | None = None
        self._shown = shown
        self._budget = budget
        self._unreadable: list[str] = []
        self._latest = dt.datetime.now(dt.UTC) + _AHEAD

    def add(self, name: str, data: bytes) -> None:
        """One more advisory is known."""
        if self._budget() <= 0:
            raise NotMeasured("no time was left to read the advisories", "Raise [policy] deadline.")
        try:
            record = _decoded(name, data)
            changed, packages = _time_of(record["modified"]), read_affected(record, _is_pypi)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self._unreadable.append(name.replace("\\", "/").rpartition("/")[2])
            return
        if changed <= self._latest and (self.newest is None or changed > self.newest):
            self.newest = changed
        self.count += bool(packages)
        for package, affected in packages.items():
            self.by_package[normalised(package)].append(affected)

    def check(self) -> None:
        """Everything could be read."""
        if self._unreadable:
            named = ", ".join(self._unreadable[:_NAMED]) + (", ..." if len(self._unreadable) > _NAMED else "")
            raise NotMeasured(
                f"{len(self._unreadable)} files of {self._shown} are no advisories in OSV's format: {named}",
                f"Fetch the database again, or let {KEY} name the folder that holds nothing else.",
            )


def _decoded(name: str, data: bytes) -> dict[str, Any]:
    if len(data) > LARGEST:
        raise ValueError(name)
    if name.endswith(".json"):
        document = json.loads(data)
    else:
        import yaml

        try:
            # BaseLoader makes text of every scalar: no version becomes a number, and nothing is built but text
            document = yaml.load(data, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))  # noqa: S506 - see above
        except yaml.YAMLError as error:
            raise ValueError(name) from error
    if not isinstance(document, dict):
        raise TypeError(name)
    return document


def _time_of(text: Any) -> dt.datetime:
    time = dt.datetime.fromisoformat(str(text))
    return time if time.tzinfo is not None else time.replace(tzinfo=dt.UTC)


def _is_pypi(ecosystem: Any) -> bool:
    return str(ecosystem).partition(":")[0] == "PyPI"


# --- kept between runs ------------------------------------------------------------------------------------------------


def _keep(file: Path, key: str, index: _Index) -> None:
    new = file.with_name(f"{file.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    try:
        with contextlib.closing(sqlite3.connect(new)) as store, store:
            store.execute("CREATE TABLE about (key TEXT, count INTEGER, newest TEXT)")
            store.execute("CREATE TABLE affected (package TEXT PRIMARY KEY, document TEXT) WITHOUT ROWID")
            newest = index.newest.isoformat() if index.newest else None
            store.execute("INSERT INTO about VALUES (?, ?, ?)", (key, index.count, newest))
            rows = ((name, json.dumps(found)) for name, found in index.by_package.items())
            store.executemany("INSERT INTO affected VALUES (?, ?)", rows)
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)


def _query(file: Path, key: str, packages: Iterable[str]) -> Advisories:
    """Returns what is kept.

    Raises:
        sqlite3.Error: nothing is, or it cannot be read.
        ValueError: it is of another database.
    """
    with contextlib.closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as store:
        about = store.execute("SELECT key, count, newest FROM about").fetchone()
        if about is None or about[0] != key:
            raise ValueError("another database")
        found = {}
        for name in packages:
            row = store.execute("SELECT document FROM affected WHERE package = ?", (name,)).fetchone()
            if row is not None:
                found[name] = tuple(_restored(each) for each in json.loads(row[0]))
        return Advisories(int(about[1]), dt.datetime.fromisoformat(about[2]) if about[2] else None, found)


def _restored(each: list[Any]) -> Affected:
    id_, aliases, ranges, versions = each
    return Affected(id_, aliases, [[(kind, text) for kind, text in events] for events in ranges], versions)
