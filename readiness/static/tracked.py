"""What git tracks: a file that is committed ships, also where `.gitignore` names it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from readiness.errors import NotMeasured
from readiness.static.command import run

_ESCAPED = '"'
_ENVIRON = {"LC_ALL": "C", "GIT_DISCOVERY_ACROSS_FILESYSTEM": "1", "GIT_OPTIONAL_LOCKS": "0"}
_NO_WORK_TREE = "not a git repository"


def tracked(folder: Path, budget: Callable[[], float]) -> frozenset[str]:
    """Returns the files below the folder that git tracks, as the system calls them, relative to it.

    There are none outside of a work tree. Nothing that the repository configures is executed.

    Raises:
        NotMeasured: it is a work tree, and git is not there or cannot list it.
    """
    if not any(os.path.lexists(each / ".git") for each in (folder, *folder.parents)):
        return frozenset()
    git = shutil.which("git")
    if git is None:
        raise NotMeasured("git is not installed")
    safe = ("-c", "core.fsmonitor=false", "-c", "core.quotePath=true", "-c", "safe.directory=*")
    ended = run([git, *safe, "ls-files"], folder=folder, within_s=budget(), environ=_ENVIRON)
    if ended.status == 0:
        return frozenset(map(_unquoted, ended.out.splitlines()))
    if _NO_WORK_TREE in ended.err:
        return frozenset()
    raise NotMeasured(ended.last_words)


def among(files: Collection[str], hidden: Collection[str]) -> Iterator[str]:
    """Yields the files, in order, that are among those that are hidden, or in a folder of them, which ends in a slash."""
    for file in sorted(files):
        at = file.find("/") + 1
        is_hidden = file in hidden
        while at and not is_hidden:
            is_hidden = file[:at] in hidden
            at = file.find("/", at) + 1
        if is_hidden:
            yield file


def _unquoted(line: str) -> str:
    """Returns the path of which git has escaped what is not plain ASCII."""
    if not line.startswith(_ESCAPED):
        return line
    return os.fsdecode(line[1:-1].encode("ascii", "replace").decode("unicode_escape").encode("latin-1", "replace"))
