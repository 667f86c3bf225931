"""The history of a repository's alembic migrations, read from their source; no line of it is run.

Alembic itself imports every script, and env.py imports the models and whatever those import. Here the few names that
make the history are taken from the syntax tree; a script that computes them is said to be unreadable.
"""

from __future__ import annotations

import ast
import os
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from readiness.errors import NotMeasured
from readiness.probes.migration_folders import script_folders, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

NAMES = ("revision", "down_revision", "depends_on", "branch_labels")
MOST_SCRIPTS = 20_000
MOST_BYTES = 4 << 20
"""Of one script; one with more is not read, since its syntax tree takes a hundred times as much."""
_SCRIPT = re.compile(r"(?!\.#|__init__).*\.py")
"""Source: alembic 1.20, ScriptDirectory."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One migration script."""

    id: str
    down: tuple[str, ...]
    """The revisions that it follows; several for a merge, none for a base."""
    depends_on: tuple[str, ...]
    """Ids, or labels of branches, that must have been applied before."""
    labels: tuple[str, ...]
    file: str
    """As the user knows it."""

    def __str__(self) -> str:
        return f"{self.id} ({self.file})"


@dataclass(frozen=True)
class History:
    """The revisions of a repository and what follows what."""

    revisions: Mapping[str, Revision]
    """By id; never empty, each after all that it stands on."""
    heads: tuple[str, ...]
    """Those that no other follows, in order of their names; one, unless branches were not merged."""

    @cached_property
    def _labels(self) -> Mapping[str, str]:
        return {label: each.id for each in self.revisions.values() for label in each.labels}

    def below(self, revision: str) -> tuple[str, ...]:
        """Returns what a revision stands on: what it follows and what it depends on."""
        each = self.revisions[revision]
        return (*each.down, *(self._labels.get(name, name) for name in each.depends_on))

    def implied(self, applied: Iterable[str]) -> set[str]:
        """Returns these revisions and all that they stand on."""
        found: set[str] = set()
        waiting = [revision for revision in applied if revision in self.revisions]
        while waiting:
            revision = waiting.pop()
            if revision not in found:
                found.add(revision)
                waiting += self.below(revision)
        return found

    def pending(self, applied: Iterable[str]) -> tuple[Revision, ...]:
        """Returns what was not applied, in an order in which it can be."""
        done = self.implied(applied)
        return tuple(each for each in self.revisions.values() if each.id not in done)

    def wanted(self, applied: Sequence[str]) -> tuple[str, ...]:
        """Returns what alembic_version holds once every revision is applied.

        The heads; or fewer, where a head depends on another and alembic keeps a row for the first alone.
        """
        is_complete = not self.pending(applied) and set(applied) <= set(self.heads)
        return tuple(sorted(applied)) if is_complete else self.heads


def read_history(path: Path, top: Path) -> History:
    """Returns the history of the revisions in a repository.

    Args:
        path: see `script_folders`.
        top: the repository, which messages name files from.

    Raises:
        NotMeasured: there are no scripts, or one cannot be understood without running it; names the file.
    """
    where = script_folders(path, top)
    scripts = list(dict.fromkeys(file for folder in where.folders for file in _files(folder, where.is_recursive)))
    names = ", ".join(shown(folder, top) for folder in where.folders)
    if not scripts:
        raise NotMeasured(f"there is no migration script in {names}", "Mend path in migrations = {...}.")
    if len(scripts) > MOST_SCRIPTS:
        raise NotMeasured(f"{names} holds over {MOST_SCRIPTS} scripts", "Squash the oldest migrations.")
    revisions: dict[str, Revision] = {}
    for file in scripts:
        revision = _read(file, shown(file, top))
        twin = revisions.setdefault(revision.id, revision)
        if twin is not revision:
            raise NotMeasured(
                f"{twin.file} and {revision.file} are both revision {revision.id}", "Give one of them an id of its own."
            )
    return _linked(revisions)


def _linked(revisions: Mapping[str, Revision]) -> History:
    """Returns the history, its revisions sorted; refuses one with an unknown revision or a circle in it."""
    unsorted = History(revisions, ())
    waiting = {revision: set(unsorted.below(revision)) for revision in revisions}
    for revision, below in waiting.items():
        for missing in sorted(below - revisions.keys()):
            raise NotMeasured(
                f"{revisions[revision].file} follows revision {missing}, which no script is",
                "Commit the missing script, or mend down_revision or depends_on.",
            )
    ordered: dict[str, Revision] = {}
    followers: dict[str, list[str]] = {revision: [] for revision in revisions}
    for revision, below in waiting.items():
        for each in below:
            followers[each].append(revision)
    ready = sorted(revision for revision, below in waiting.items() if not below)
    while ready:
        revision = ready.pop(0)
        ordered[revision] = revisions[revision]
        for follower in followers[revision]:
            waiting[follower].discard(revision)
            if not waiting[follower]:
                ready.append(follower)
    for revision in revisions:
        if revision not in ordered:
            raise NotMeasured(f"{revisions[revision].file} follows itself in a circle", "Mend its down_revision.")
    followed = {each for revision in revisions.values() for each in revision.down}
    return History(ordered, tuple(sorted(revisions.keys() - followed)))


def _files(folder: Path, is_recursive: bool) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if is_recursive and each != "__pycache__")
        top = folder.__class__(root)
        yield from ((top / name).resolve() for name in sorted(files) if _SCRIPT.fullmatch(name))


def _read(file: Path, name: str) -> Revision:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise NotMeasured(f"{name} is larger than {MOST_BYTES >> 20} MiB", "Move the data out of the script.")
        tree = ast.parse(file.read_bytes(), name)
    except OSError as error:
        raise NotMeasured(f"{name} cannot be read: {error.strerror}", "Give this user the right to.") from None
    except SyntaxError as error:
        raise NotMeasured(f"{name} is not Python: {error.msg}, line {error.lineno}", "Mend the script.") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise NotMeasured(f"{name} cannot be parsed: {type(error).__name__}", "Mend the script.") from None
    values = _literals(tree, name)
    for required in NAMES[:2]:
        if required not in values:
            raise NotMeasured(f"{name} sets no {required}", "Move what is no migration out of that folder.")
    texts = {key: _texts(value, key, name) for key, value in values.items()}
    if len(texts["revision"]) != 1 or not isinstance(values["revision"], str):
        raise NotMeasured(f"{name}: revision is not a text", "Set it to the revision's id.")
    return Revision(
        texts["revision"][0], texts["down_revision"], texts.get("depends_on", ()), texts.get("branch_labels", ()), name
    )


def _literals(tree: ast.Module, name: str) -> dict[str, object]:
    """Returns the values that a script gives to the names, the last one counting as it does for Python."""
    values: dict[str, object] = {}
    plain: set[int] = set()
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            targets, value = statement.targets, statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets, value = [statement.target], statement.value
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Name) and target.id in NAMES:
                plain.add(id(target))
                try:
                    values[target.id] = ast.literal_eval(value)
                except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
                    raise _computed(name, target.id, value.lineno) from None
    for node in _of_module(tree):
        for bound in _bound(node):
            if bound in NAMES and id(node) not in plain:
                raise _computed(name, bound, getattr(node, "lineno", 1))
    return values


def _of_module(tree: ast.AST) -> Iterator[ast.AST]:
    """Yields what is executed when the module is imported; the inside of functions is not, except for `global`."""
    for node in ast.iter_child_nodes(tree):
        yield node
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            yield from (each for each in ast.walk(node) if isinstance(each, ast.Global))
        else:
            yield from _of_module(node)


def _bound(node: ast.AST) -> Sequence[str]:
    """Returns the names that a node gives a value to."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        return [node.id]
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, ast.Global):
        return node.names
    if isinstance(node, ast.alias):
        return [(node.asname or node.name).partition(".")[0]]
    return []


def _computed(name: str, variable: str, line: int) -> NotMeasured:
    return NotMeasured(
        f"{name}:{line}: {variable} is not a literal, and migration scripts are read without running them",
        f"Write {variable} as plain text, at the top level of the script.",
    )


def _texts(value: object, variable: str, name: str) -> tuple[str, ...]:
    parts = value if isinstance(value, (tuple, list, set, frozenset)) else () if value is None else (value,)
    for part in parts:
        if not isinstance(part, str) or not part:
            raise NotMeasured(f"{name}: {variable} holds something that is no text", f"Write {variable} as text.")
    return tuple(str(part) for part in parts)
