"""The files of a repository, found and read within bounds: number, size, time, and never outside its folder."""

from __future__ import annotations

import itertools
import os
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from readiness.scaffold.toml import shown

MAX_FILES = 20_000
MAX_PER_FOLDER = 2_000
"""A folder full of data must not use up what is for the others."""
MAX_BYTES = 512 * 1024
"""Source and configuration that people write is smaller."""
MAX_SECONDS = 10.0
"""A last resort, for disks that hang; the other bounds are the same on every machine."""
_MAX_NOTES = 10

# fmt: off
SKIPPED = frozenset({
    ".git", ".hg", ".svn", ".venv", "venv", "virtualenv", "node_modules", "bower_components", "site-packages", "build",
    "dist", "__pycache__", "__pypackages__", ".tox", ".nox", ".eggs", ".cache", ".pytest_cache", ".mypy_cache",
    ".ruff_cache", ".hypothesis", ".idea", ".vscode", ".terraform", "htmlcov", "target",
})
"""Folders of tools and of other people's code. A folder with a `pyvenv.cfg` is skipped whatever its name is."""
ASIDE = frozenset({
    "tests", "test", "testing", "fixtures", "docs", "doc", "examples", "example", "samples", "demos", "benchmarks",
    "benchmark", "vendor", "third_party",
})
"""Folders whose applications and migrations are not the service to be released."""
# fmt: on


def depth(file: str) -> int:
    """Returns how many folders `file` lies in."""
    return file.count("/")


def is_aside(file: str) -> bool:
    """True for tests, examples and the like."""
    *folders, name = file.split("/")
    is_test = name == "conftest.py" or name.startswith("test_") or name.endswith("_test.py")
    return is_test or not ASIDE.isdisjoint(folder.lower() for folder in folders)


@dataclass(slots=True)
class Files:
    """The files below a folder, nearest first."""

    root: Path
    names: tuple[str, ...] = ()
    """Relative to the root, with `/`; folder by folder, the outermost first, sorted within a folder."""
    notes: list[str] = field(default_factory=list)
    """What was left out, for people."""
    until: float = 0.0
    """End of the time budget on the monotonic clock."""
    known: frozenset[str] = frozenset()
    """The same as a set."""
    python_folders: frozenset[str] = frozenset()
    """Folders with Python source in them or below them."""
    _content: dict[str, bytes] = field(default_factory=dict)

    def read(self, name: str) -> bytes:
        """Returns the file's bytes; none, and a note, where it cannot be read, is too large or the time is over."""
        if name not in self.known:
            return b""
        if name in self._content:
            return self._content[name]
        data = b""
        if self.has_time():
            try:
                with (self.root / name).open("rb") as file:
                    data = file.read(MAX_BYTES + 1)
            except OSError as error:
                self.note(f"{shown(name)} cannot be read: {error.strerror}")
            if len(data) > MAX_BYTES:
                self.note(f"{shown(name)} is larger than {MAX_BYTES // 1024} KiB and was not read")
                data = b""
        if not name.endswith(".py"):  # small ones that several readers ask for
            self._content[name] = data
        return data

    def text(self, name: str) -> str:
        """Returns the same as text; bytes that are not UTF-8 are replaced."""
        return self.read(name).decode("utf-8-sig", "replace")

    def has_time(self) -> bool:
        """False, and a note, when the time is over."""
        if time.monotonic() < self.until:
            return True
        self.note(f"stopped after {MAX_SECONDS:g} s: not every file was read")
        return False

    def note(self, text: str) -> None:
        """The note is kept once; after ten a last one says that there were more."""
        if text not in self.notes and len(self.notes) < _MAX_NOTES:
            self.notes.append(text if len(self.notes) < _MAX_NOTES - 1 else "... and more of the kind")


def find(root: Path) -> Files:
    """Returns the files below `root`. Links to folders are not followed, and links to files only inside of `root`."""
    files = Files(root, until=time.monotonic() + MAX_SECONDS)
    real = os.path.realpath(root)
    names: list[str] = []
    folders = deque([""])
    seen = 0
    while folders and files.has_time():
        folder = folders.popleft()
        entries = _entries(files, folder)
        seen += len(entries)
        if seen > MAX_FILES:
            files.note(f"stopped after {MAX_FILES:,} files: {shown(folder)} and what follows was left out")
            break
        if folder and any(entry.name == "pyvenv.cfg" for entry in entries):
            continue
        for entry in entries:
            name = f"{folder}/{entry.name}" if folder else entry.name
            try:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in SKIPPED and not entry.name.endswith(".egg-info"):
                        folders.append(name)
                elif entry.is_file() and (not entry.is_symlink() or _is_inside(entry.path, real)):
                    names.append(name)
            except OSError:  # a link to itself
                continue
    files.names = tuple(names)
    files.known = frozenset(names)
    files.python_folders = frozenset(
        str(folder) for name in names if name.endswith(".py") for folder in PurePosixPath(name).parents
    )
    return files


def _entries(files: Files, folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(files.root / folder) as found:
            entries = list(itertools.islice(found, MAX_PER_FOLDER + 1))
    except OSError as error:
        files.note(f"{shown(folder) or 'the folder'} cannot be read: {error.strerror}")
        return []
    if len(entries) > MAX_PER_FOLDER:
        files.note(f"{shown(folder) or 'the folder'} holds more than {MAX_PER_FOLDER:,} entries: the rest was left out")
        entries = entries[:MAX_PER_FOLDER]
    return sorted(_nameable(files, entries), key=lambda entry: entry.name)


def _nameable(files: Files, entries: list[os.DirEntry[str]]) -> Iterator[os.DirEntry[str]]:
    for entry in entries:
        try:
            entry.name.encode()
        except UnicodeEncodeError:  # TOML could not hold the name
            files.note(f"{shown(entry.name)} was left out: its name is not UTF-8")
        else:
            yield entry


def _is_inside(path: str, root: str) -> bool:
    return os.path.realpath(path).startswith(root.rstrip("/") + "/")
