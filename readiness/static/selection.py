"""Which files a gate asks for: its paths and patterns, without what it excludes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from readiness.static.ignoring import compiled
from readiness.static.skipping import Skips

if TYPE_CHECKING:
    from readiness.static.ignoring import Spec

GLOB = frozenset("*?[")


def is_glob(path: str) -> bool:
    """Returns whether a path of the configuration is a pattern."""
    return not GLOB.isdisjoint(path)


def plain(path: str) -> str:
    """Returns a path of the configuration without `./` and a slash at its end; empty for the folder itself."""
    normal = os.path.normpath(path)
    return "" if normal == "." else normal


def fixed_part(path: str) -> str:
    """Returns the folder that a pattern starts in, or the path itself where it is none."""
    parts = plain(path).split("/")
    fixed = next((index for index, part in enumerate(parts) if is_glob(part)), len(parts))
    return "/".join(parts[:fixed])


@dataclass(slots=True)
class Selection:
    """The files of one gate."""

    gate: str
    paths: Sequence[str]
    """Files, folders and patterns, relative to the configuration's folder."""
    exclude: Sequence[str] = ()
    """Patterns as in `.gitignore`."""
    wants: Callable[[str], bool] = lambda _path: True
    skips: Skips = field(default_factory=Skips)
    unmatched: set[str] = field(init=False)
    """Paths that no file was found for so far."""
    _patterns: list[tuple[str, str, Spec | None]] = field(init=False)
    _has_all: bool = field(init=False)
    """One of the paths is the folder itself, and has a match."""
    _excluded: Spec | None = field(init=False)

    def __post_init__(self) -> None:
        self.unmatched = set(self.paths)
        self._patterns = [
            (path, plain(path), compiled(["/" + plain(path)]) if is_glob(path) else None) for path in self.paths
        ]
        self._has_all = False
        self._excluded = compiled(self.exclude)

    def covers(self, path: str) -> bool:
        """Returns whether the file is in one of the paths and not excluded; those paths have a match then."""
        if self._excluded is not None and self.excludes(path):
            return False
        if self._has_all and not self.unmatched:
            return True
        covered = False
        for written, fixed, pattern in self._patterns:
            if covered and written not in self.unmatched:
                continue
            if pattern is None:
                is_in = not fixed or path == fixed or path.startswith(fixed + "/")
            else:
                is_in = bool(pattern.check_file(path).include)
            if is_in:
                self.unmatched.discard(written)
                self._has_all = self._has_all or not fixed
                covered = True
        return covered

    def names(self, root: str) -> bool:
        """Returns whether one of the paths is this, or lies below."""
        return any(f"{fixed_part(path)}/".startswith(f"{root}/") for path in self.paths)

    def excludes(self, path: str) -> bool:
        """Returns whether the path, that of a folder with its slash, is excluded."""
        return self._excluded is not None and bool(self._excluded.check_file(path).include)
