"""The files of a repository, found once for all gates; nothing is opened but folders and `.gitignore` files."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from readiness.errors import NotMeasured
from readiness.static.ignoring import METADATA, Rules, parents
from readiness.static.selection import Selection, fixed_part, plain
from readiness.static.skipping import Why
from readiness.static.tracked import among, tracked

RAISE_DEADLINE = "Raise deadline in [policy] or --readiness-deadline, or find out what used the time up."
REPORTS = re.compile(r"report\.(?:json|html|sarif)|junit\.xml|summary\.md|metrics\.prom|[\w-]+\.log|\.readiness-.*")
"""The names of what a run writes into its folder of reports."""
HISTORY = "history"
EVERY = 2048
"""How many names are looked at between two looks at the clock."""


@dataclass(frozen=True, slots=True)
class File:
    """A regular file, as the walk has seen it."""

    path: str
    """Relative to the configuration's folder, with `/`; what is no UTF-8 or cannot be printed is escaped."""
    state: tuple[int, int, int, int]
    """Size, time of the last change of content and of the inode in ns, and the inode: as long as they are the same, the
    content is."""
    gates: tuple[str, ...]
    """Whose business it is."""
    raw: str = ""
    """The path as the system calls it, where that is something else."""

    @property
    def size(self) -> int:
        """In bytes."""
        return self.state[0]

    @property
    def name(self) -> str:
        """The path to open, relative to the configuration's folder."""
        return self.raw or self.path


@dataclass(slots=True)
class _Folder:
    """A folder to list."""

    path: str
    """As it is shown, with a slash at its end; empty for the top."""
    raw: str
    """As the system calls it, in the same way."""
    rules: Rules
    is_report: bool = False
    """Reports are written here, which are no part of the repository; whatever else is here is."""


class Walk:
    """One walk.

    Args:
        folder: of the configuration.
        selections: which files are wanted; what was not looked at is told to them.
        budget: seconds left.
        avoid: folders of our own, such as that of the reports.
    """

    def __init__(
        self, folder: Path, selections: Sequence[Selection], budget: Callable[[], float], avoid: Sequence[Path] = ()
    ) -> None:
        self.folder = folder
        self.selections = selections
        self._budget = budget
        self._avoid = frozenset(os.path.realpath(path) for path in avoid)
        self._hidden: set[str] = set()
        """What git ignores, as the system calls it, a folder with its slash: what is tracked of it is looked at all the same."""
        self._links: list[tuple[str, str]] = []
        self._folders: set[str] = set()
        self._seen = 0
        self._shown: dict[str, str] = {}
        self._gates: dict[tuple[str, ...], tuple[str, ...]] = {}

    def files(self) -> Iterator[File]:
        """Yields each wanted file once, folder by folder, in the order of their names.

        Raises:
            NotMeasured: the budget is used up.
        """
        above = Rules.above(self.folder)
        explicit: list[tuple[str, Rules]] = []
        reached: set[str] = set()
        for root in self._roots():
            rules = self._rules_at(root, above)
            if rules is None:  # ignored, and named in the configuration all the same
                explicit.append((root, Rules()))
            else:
                yield from self._below(root, rules, self.selections, reached)
        for root, rules in explicit:
            naming = [each for each in self.selections if each.names(root)]
            yield from self._below(root, rules, naming, reached)
        yield from self._tracked(reached)
        self._settle_links(reached)

    @cached_property
    def tracked(self) -> frozenset[str]:
        """The files that git tracks.

        Raises:
            NotMeasured: git cannot say.
        """
        return tracked(self.folder, self._budget)

    def _tracked(self, reached: set[str]) -> Iterator[File]:
        """Yields what is committed although `.gitignore` names it: it ships like everything else."""
        if self._hidden <= {".git/"}:
            return
        try:
            files = self.tracked
        except NotMeasured as failure:
            for each in self.selections:
                if not each.excludes(".git"):
                    each.skips.add(".git", Why.NOT_LISTED, failure.cause)
            return
        top = os.path.realpath(self.folder)
        for raw in among(files, self._hidden):
            self._look_at_clock()
            shown = self._name(_shown(raw), raw)
            where = os.path.join(top, raw)  # noqa: PTH118 - the path may be no UTF-8
            try:
                state = os.lstat(where)
            except OSError:  # deleted, and only not committed yet
                continue
            is_own = os.path.realpath(os.path.dirname(where)) == os.path.dirname(where)  # noqa: PTH120 - as above
            if shown in reached or not is_own or not stat.S_ISREG(state.st_mode):
                continue
            file = self._file(shown, raw, state, self.selections)
            if file is not None:
                reached.add(shown)
                yield file

    def _roots(self) -> list[str]:
        """Returns where to start; what lies below another start is left out unless it is ignored from there."""
        return sorted({fixed_part(path) for each in self.selections for path in each.paths})

    def _rules_at(self, root: str, above: Rules) -> Rules | None:
        """Returns what holds in the folder that `root` is in; None where git ignores it."""
        rules = above.below(str(self.folder), "")
        for parent in parents(root):
            if rules.ignore(parent):
                return None
            rules = rules.below(str(self.folder / parent), parent)
        return None if root and (rules.ignore(root) or rules.ignore(root + "/")) else rules

    def _below(self, root: str, rules: Rules, selections: Sequence[Selection], reached: set[str]) -> Iterator[File]:
        where = self.folder / root
        try:
            state = where.stat()
        except OSError as error:
            for each in selections:
                if any(plain(path) == root for path in each.paths):
                    each.skips.add(root, Why.UNREADABLE, error.strerror or "")
            return
        if stat.S_ISDIR(state.st_mode):
            prefix = f"{root}/" if root else ""
            inner = rules.below(str(where), prefix) if root else rules
            is_report = bool(self._avoid) and os.path.realpath(where) in self._avoid
            yield from self._walk(_Folder(prefix, prefix, inner, is_report), selections, reached)
        elif root not in reached:
            file = self._file(root, root, state, selections)
            if file is not None:
                reached.add(root)
                yield file

    def _walk(self, top: _Folder, selections: Sequence[Selection], reached: set[str]) -> Iterator[File]:
        stack = [top]
        while stack:
            here = stack.pop()
            if here.path in self._folders and here.path != top.path:
                continue
            again = here.path in self._folders
            self._folders.add(here.path)
            below: list[_Folder] = []
            for entry in self._entries(here, selections):
                self._look_at_clock()
                shown = self._name(here.path + _shown(entry.name), here.raw + entry.name)
                if shown in reached and again:
                    continue
                found = self._look_at(entry, here, shown, selections)
                if isinstance(found, _Folder):
                    below.append(found)
                elif found is not None:
                    reached.add(found.path)
                    yield found
            stack.extend(reversed(below))

    def _name(self, shown: str, raw: str) -> str:
        """Returns the path as it is shown, which is that of no other file."""
        if "\\" not in shown:
            return shown
        while self._shown.setdefault(shown, raw) != raw:
            shown += "~"
        return shown

    def _entries(self, here: _Folder, selections: Sequence[Selection]) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(os.path.join(self.folder, here.raw)) as entries:  # noqa: PTH118 - the path may be no UTF-8
                return sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            why = Why.VANISHED if isinstance(error, FileNotFoundError) else Why.UNREADABLE_FOLDER
            for each in selections:
                if each.covers(here.path or "."):
                    each.skips.add(here.path or ".", why, error.strerror or "")
            return []

    def _look_at(
        self, entry: os.DirEntry[str], here: _Folder, shown: str, selections: Sequence[Selection]
    ) -> File | _Folder | None:
        """Returns the file or folder, unless nobody wants it."""
        if entry.name in METADATA:
            self._hidden.add(f"{here.raw}{entry.name}/")
        if entry.name in METADATA or (here.is_report and REPORTS.fullmatch(entry.name)):
            return None
        try:
            if entry.is_symlink():
                if not here.rules.ignore(shown):
                    self._links.append((shown, here.raw + entry.name))
                return None
            if entry.is_dir(follow_symlinks=False):
                return self._folder(entry, here, shown, selections)
            if here.rules.ignore(shown):
                self._hidden.add(here.raw + entry.name)
                return None
            return self._file(shown, here.raw + entry.name, entry.stat(follow_symlinks=False), selections)
        except OSError as error:
            why = Why.VANISHED if isinstance(error, FileNotFoundError) else Why.UNREADABLE
            self._skip(shown, why, error.strerror or "", selections)
            return None

    def _folder(
        self, entry: os.DirEntry[str], here: _Folder, shown: str, selections: Sequence[Selection]
    ) -> _Folder | None:
        path, raw = shown + "/", f"{here.raw}{entry.name}/"
        if all(each.excludes(path) for each in selections):
            return None
        if here.rules.ignore(path):
            self._hidden.add(raw)
            return None
        if here.is_report and entry.name == HISTORY:
            return None
        is_report = bool(self._avoid) and os.path.realpath(entry.path) in self._avoid
        return _Folder(path, raw, here.rules.below(entry.path, path), is_report)

    def _file(self, shown: str, raw: str, state: os.stat_result, selections: Sequence[Selection]) -> File | None:
        gates = tuple(each.gate for each in selections if each.covers(shown) and each.wants(shown))
        if not gates:
            return None
        if not stat.S_ISREG(state.st_mode):
            self._skip(shown, Why.SPECIAL, "", selections)
            return None
        gates = self._gates.setdefault(gates, gates)  # one tuple for all files of the same gates
        seen = (state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino)
        return File(shown, seen, gates, "" if raw == shown else raw)

    def _skip(self, shown: str, why: Why, detail: str, selections: Sequence[Selection]) -> None:
        for each in selections:
            if each.covers(shown) and each.wants(shown):
                each.skips.add(shown, why, detail)

    def _settle_links(self, reached: set[str]) -> None:
        """A link whose target was walked needs nothing more; the others are named."""
        top = os.path.realpath(self.folder)
        for shown, raw in self._links:
            self._look_at_clock()
            try:
                target = os.path.realpath(os.path.join(top, raw), strict=True)  # noqa: PTH118 - the path may be no UTF-8
            except OSError as error:
                self._skip(shown, Why.LINK_BROKEN, error.strerror or "", self.selections)
                continue
            inside = os.path.relpath(target, top)
            if inside.startswith(".."):
                self._skip(shown, Why.LINK_OUT, "", self.selections)
            elif not self._is_walked("/".join(map(_shown, inside.split("/"))), reached):
                self._skip(shown, Why.LINK_IGNORED, "", self.selections)

    def _is_walked(self, path: str, reached: set[str]) -> bool:
        return path in reached or f"{path}/" in self._folders or path == "."

    def _look_at_clock(self) -> None:
        self._seen += 1
        if self._seen % EVERY == 0:
            check_budget(self._budget)


def check_budget(budget: Callable[[], float]) -> None:
    """Raises NotMeasured where no time is left."""
    if budget() <= 0:
        raise NotMeasured("the run's deadline passed while the repository was read", RAISE_DEADLINE)


def _shown(name: str) -> str:
    """Returns a name as it can be printed and written, what is no UTF-8 or cannot be printed being escaped."""
    if name.isprintable():  # lone surrogates, which stand for bytes that are no UTF-8, are not
        return name
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in text)


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
