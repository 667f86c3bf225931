"""Initialised PostgreSQL clusters, kept in the user's cache folder so that a run starts in milliseconds.

    ~/.cache/readiness/postgresql-<digest>/     one per PostgreSQL and per choice of initdb's options
        template                                as initdb made it: one file, with a checksum of every part
        spare-<random>/                         a copy that the next run takes

A run takes a spare by renaming it into its own folder: only one run can. At its end it puts back what it changed and
gives the spare back. So a warm start copies nothing; copying a thousand files takes 0.1 s, and up to 1 s on ext4, which
avoids inodes that were deleted in the last minutes. Whatever is not exactly as recorded is thrown away.

The template is one line of JSON, which says what is in it, and all contents in that order: a thousand files fewer.

The superuser's random password is baked into the template and kept beside it, readable by its owner only. `trust` would
let every user of the machine in; a password per run would need another connection, for no gain against other users.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

from readiness.environment.binaries import Binaries, ServerUser
from readiness.environment.trees import CorruptError, read_record, restore, stamps_of, walk, write_file, write_record

INITDB_OPTIONS = ("--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--wal-segsize=1")
"""Small WAL segments, since 16 MB would be most of the cluster."""
NEWER_OPTIONS = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")
"""Since PostgreSQL 17: the same order of text on every machine, and lower() knows all of Unicode."""
SPARES = 2
RECORD = "record.json"
HEAD_LIMIT = 1 << 20
"""Bytes that a template's first line may have; a thousand files take 50 kB."""
STALE_AFTER_S = 3600.0
UNUSED_AFTER_S = 30 * 86400.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """An initialised cluster of this run."""

    folder: Path
    """Holds `data` and, where it can be given back, a record of it."""
    password: str

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.folder / "data"

    @property
    def record(self) -> Path:
        """Which template it is a copy of, and how its files were before PostgreSQL started."""
        return self.folder / RECORD


@dataclass(frozen=True, slots=True)
class Template:
    """A kept cluster."""

    file: Path
    id: str
    password: str
    start: int
    """Offset of the first content."""
    parts: dict[str, tuple[int, int, int] | None]
    """Relative path to offset, size and CRC-32; None for a folder, which comes before what is in it."""

    def read(self, name: str) -> bytes:
        """Returns a file's content.

        Raises:
            CorruptError: it is not as it was written.
        """
        offset, size, checksum = self.parts[name] or (0, 0, 0)
        with self.file.open("rb") as file:
            file.seek(self.start + offset)
            content = file.read(size)
        if len(content) != size or zlib.crc32(content) != checksum:
            raise CorruptError
        return content


def initdb_options(binaries: Binaries) -> tuple[str, ...]:
    """Returns what initdb is called with, besides the folder and the password."""
    is_new = not binaries.postgres.name.endswith("pginstall")
    return (*INITDB_OPTIONS, *(NEWER_OPTIONS if is_new else ()))


class ClusterCache:
    """The kept clusters of one PostgreSQL.

    Args:
        folder: see `cache_folder`; made when it is first needed.
        binaries: as installed, not a run's copy of them.
        user: who PostgreSQL runs as, and must own the data.
    """

    def __init__(self, folder: Path, binaries: Binaries, user: ServerUser | None) -> None:
        key = hashlib.sha256(repr((2, binaries.stamp, initdb_options(binaries), user)).encode()).hexdigest()[:16]
        self.folder = folder / f"postgresql-{key}"
        self.user = user

    def take(self, target: Path) -> Cluster | None:
        """Returns a cluster in `target`: a spare, else a copy of the template; None where there is no intact template.

        Raises:
            OSError: the copy could not be written.
        """
        try:
            template = self._read_template()
            if template is None:
                return None
            if not self._take_spare(template, target):
                self._copy(template, target)
        except (CorruptError, FileNotFoundError):
            shutil.rmtree(target, ignore_errors=True)
            _remove(self.folder / "template")
            return None
        return Cluster(target, template.password)

    def keep(self, cluster: Cluster) -> None:
        """A freshly initialised cluster is the template from now on, and recorded so that it can be given back.

        Raises:
            OSError: the cache cannot be written.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._is_ours():
            raise PermissionError(f"{self.folder} belongs to another user")
        self._prune()
        new = self.folder / f"new-{os.urandom(8).hex()}"
        parts: dict[str, tuple[int, int, int] | None] = {}
        contents: list[bytes] = []
        offset = 0
        for entry, name in walk(str(cluster.data)):
            if entry.is_dir(follow_symlinks=False):
                parts[name] = None
                continue
            content = Path(entry.path).read_bytes()
            parts[name] = (offset, len(content), zlib.crc32(content))
            contents.append(content)
            offset += len(content)
        head = {"id": new.name, "password": cluster.password, "parts": parts}
        try:
            write_file(new, b"".join([json.dumps(head).encode(), b"\n", *contents]), None)
            new.rename(self.folder / "template")
        except OSError:
            new.unlink(missing_ok=True)
            raise
        write_record(cluster.record, new.name, cluster.data)

    def give_back(self, cluster: Cluster) -> None:
        """The cluster is a spare for the next run, all that this one changed undone; or nothing happens.

        Its server must have stopped.
        """
        moved = self.folder / f"back-{os.urandom(8).hex()}"
        try:
            template = self._read_template()
            of, stamps = read_record(cluster.record)
            if template is None or of != template.id or len(self._entries("spare-")) >= SPARES:
                return
            cluster.folder.rename(moved)  # first: here no program that the service ran as `user` can reach it
            restore(moved / "data", stamps, template.read, self.user)
            moved_cluster = Cluster(moved, cluster.password)
            write_record(moved_cluster.record, template.id, moved_cluster.data)
            moved.rename(self.folder / moved.name.replace("back-", "spare-"))
        except (OSError, CorruptError):  # the next run copies the template
            shutil.rmtree(moved, ignore_errors=True)

    # --- parts ------------------------------------------------------------------------------------------------

    def _read_template(self) -> Template | None:
        path = self.folder / "template"
        try:
            if not self._is_ours():
                return None
            with path.open("rb") as file:
                line = file.readline(HEAD_LIMIT)
            head = json.loads(line)
            return Template(path, str(head["id"]), str(head["password"]), len(line), dict(head["parts"]))
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return None
        except (ValueError, KeyError, TypeError, OSError):
            raise CorruptError from None

    def _is_ours(self) -> bool:
        """False where somebody else could have put a password or a program of his there, as with sudo and HOME kept."""
        return self.folder.stat().st_uid == os.geteuid()

    def _take_spare(self, template: Template, target: Path) -> bool:
        for spare in self._entries("spare-"):
            try:
                spare.rename(target)
            except OSError:  # another run was faster, or the cache is on another file system
                continue
            try:
                of, stamps = read_record(target / RECORD)
                if of == template.id and stamps_of(target / "data") == stamps:
                    return True
            except (CorruptError, OSError):
                pass
            shutil.rmtree(target, ignore_errors=True)
        return False

    def _copy(self, template: Template, target: Path) -> None:
        target.mkdir(mode=0o711 if self.user else 0o700)
        for name, part in {"": None, **template.parts}.items():
            path = target / "data" / name
            if part is not None:
                write_file(path, template.read(name), self.user)
                continue
            path.mkdir(mode=0o700)
            if self.user is not None:
                os.chown(path, self.user.uid, self.user.gid)
        write_record(target / RECORD, template.id, target / "data")

    def _entries(self, prefix: str) -> list[Path]:
        try:
            return [path for path in self.folder.iterdir() if path.name.startswith(prefix)]
        except OSError:
            return []

    def _prune(self) -> None:
        """What killed runs left half done, and clusters of a PostgreSQL that is no longer used, are gone."""
        now = time.time()
        old = [(path, STALE_AFTER_S) for prefix in ("new-", "back-") for path in self._entries(prefix)]
        # a used one changes whenever a spare comes or goes
        old += [(path, UNUSED_AFTER_S) for path in self.folder.parent.glob("postgresql-*") if path != self.folder]
        for path, age in old:
            try:
                if now - path.stat().st_mtime > age:
                    _remove(path)
            except OSError:  # another run did it
                continue


def _remove(path: Path) -> None:
    """It is gone, whatever it is; or somebody else removes it."""
    try:
        path.unlink()
    except OSError:
        shutil.rmtree(path, ignore_errors=True)
