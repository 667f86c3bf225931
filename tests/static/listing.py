"""What the scanners that look at files themselves get of the walk, for tests: the files of a folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from readiness.static.walk import File, Selection, Walk


def budget(seconds: float = 120.0) -> Callable[[], float]:
    """Returns a run's budget that starts now."""
    until = time.monotonic() + seconds
    return lambda: until - time.monotonic()


def lister(folder: Path) -> Callable[..., tuple[File, ...]]:
    """Returns what lists the folder's files below some paths, by the walk itself."""

    def files(paths: Sequence[str], exclude: Sequence[str] = ()) -> tuple[File, ...]:
        return tuple(Walk(folder, [Selection("files", paths, exclude)], budget()).files())

    return files


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Writes files and returns the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder
