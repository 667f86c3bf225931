"""Which files are not part of the repository: `.gitignore` files, and the globs that the configuration excludes."""

from __future__ import annotations

import functools
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from pathspec import PathSpec

    Spec: TypeAlias = PathSpec[Any]

MAX_IGNORE_FILE = 1024 * 1024
"""Bytes; a longer `.gitignore` ignores nothing, so that more is judged and not less."""
METADATA = frozenset({".git", ".hg", ".svn", ".jj"})
"""What version control keeps for itself: no part of any release."""


@functools.cache
def _backend() -> str:
    """Returns how patterns are matched: by google-re2, in linear time whatever the pattern, where it is installed."""
    try:
        import re2  # type: ignore[import-untyped] # google-re2 ships no types
    except ImportError:
        return "simple"
    return "re2" if re2 else "simple"


def compiled(lines: Iterable[str], style: Callable[..., Spec] | None = None) -> Spec | None:
    """Returns patterns in the language of `.gitignore`; None where there is none among the lines.

    A line that git would not understand is left out, as git does.

    Args:
        lines: the patterns.
        style: makes the specification; default one in which a pattern of a folder means all that is in it.
    """
    from pathspec import GitIgnoreSpec
    from pathspec.patterns.gitignore import GitIgnorePatternError

    make = style or functools.partial(GitIgnoreSpec.from_lines, backend=_backend())

    def is_pattern(line: str) -> bool:
        try:
            make([line])
        except (GitIgnorePatternError, ValueError):
            return False
        return True

    kept = [line for line in lines if line.strip() and not line.startswith("#")]
    try:
        return make(kept) if kept else None
    except (GitIgnorePatternError, ValueError):
        return compiled(filter(is_pattern, kept), style)


@functools.cache
def _as_git() -> Callable[..., Spec]:
    """Returns what makes a specification of which the last pattern decides that matches the path itself.

    That is how git sees it, for a walk that enters no ignored folder. In pathspec's own way the patterns of a folder
    also match what is in it, so that `*`, `!*/` and `!*.py` together would not find `a/b.py`.
    """
    from pathspec import PathSpec
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    class Exact(GitIgnoreSpecPattern):
        @classmethod
        def pattern_to_regex(cls, pattern: Any) -> Any:
            regex, include = super().pattern_to_regex(pattern)
            if isinstance(regex, str):
                regex = regex.replace("(?P<ps_d>/)", "/$")
                regex += "." if regex.endswith("/") else ""  # `a/**` means what is in it, and not the folder
            return regex, include

    return functools.partial(PathSpec.from_lines, Exact, backend=_backend())


def read_ignore_file(folder: str) -> Spec | None:
    """Returns the patterns of the folder's own `.gitignore`; None where it has none that can be read."""
    try:
        handle = os.open(os.path.join(folder, ".gitignore"), os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)  # noqa: PTH118 - called for every folder
    except OSError:
        return None
    try:
        state = os.fstat(handle)
        if not stat.S_ISREG(state.st_mode) or state.st_size > MAX_IGNORE_FILE:
            return None
        text = os.read(handle, MAX_IGNORE_FILE).decode("utf-8-sig", "replace")
    except OSError:
        return None
    finally:
        os.close(handle)
    return compiled(text.splitlines(), _as_git())


class Rules:
    """The `.gitignore` files that hold in one folder, the nearest last.

    Args:
        levels: how long the path of each file's folder is, with its slash, and the file's patterns.
    """

    __slots__ = ("_levels",)

    def __init__(self, levels: tuple[tuple[int, str, Spec], ...] = ()) -> None:
        self._levels = levels

    def below(self, folder: str, prefix: str) -> Rules:
        """Returns what holds in a folder below.

        Args:
            folder: where it is.
            prefix: its path as it is matched, with a slash at its end.
        """
        spec = read_ignore_file(folder)
        return self if spec is None else Rules((*self._levels, (len(prefix), "", spec)))

    @classmethod
    def above(cls, folder: Path) -> Rules:
        """Returns what the folders between the work tree's top and this one, which is not among them, say of it."""
        levels: list[tuple[int, str, Spec]] = []
        names: list[str] = []
        inside = folder
        while not (inside / ".git").exists():
            if inside.parent == inside:
                return cls()  # no work tree: nothing above has a say
            names.insert(0, inside.name)
            inside = inside.parent
            spec = read_ignore_file(str(inside))
            if spec is not None:
                levels.insert(0, (0, "/".join(names) + "/", spec))
        return cls(tuple(levels))

    def ignore(self, path: str) -> bool:
        """Returns whether git ignores the path; that of a folder ends in a slash. Folders above it are not looked at."""
        for length, prefix, spec in reversed(self._levels):
            said = spec.check_file(prefix + path[length:]).include
            if said is not None:
                return said
        return False


def parents(path: str) -> Iterator[str]:
    """Yields `a/`, `a/b/` for `a/b/c`."""
    parts = path.split("/")
    for count in range(1, len(parts)):
        yield "/".join(parts[:count]) + "/"
