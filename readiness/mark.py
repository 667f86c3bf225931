"""`@check`: what turns a pytest test function into a check. It only validates and returns a pytest mark."""

from __future__ import annotations

import ast
import functools
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from readiness.model import Severity

MARK = "readiness_check"
"""Name of the pytest mark that `check` sets; its only positional argument is a `CheckMark`."""

_WORD = r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*"
_ID = re.compile(rf"{_WORD}/(?:{_WORD}|\{{([a-z_]\w*)\}})")
_DECLARED = re.compile(r"""\bcheck\(\s*["']([a-z][a-z0-9-]*/(?:[a-z][a-z0-9-]*|\{[a-z_]\w*\}))["']""")
_EACH = re.compile(r"([a-z_]\w*) in ([a-z_]\w*)")
_SECTION = re.compile(r"^(Holds when|Why it matters|Measured by|If it fails|Source):\s*", re.MULTILINE)

F = TypeVar("F", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class CheckMark:
    """What `@check` says about a function."""

    id: str
    severity: Severity
    runbook: str
    each: tuple[str, str] | None
    """Argument name, and the attribute of the gate's table whose items it takes one by one."""
    needs: str | None
    """Attribute of the gate's table without which the check does not exist."""
    writes: bool
    observe: Callable[..., object] | None
    alone: bool = False

    @property
    def gate(self) -> str:
        """The gate's name: what stands before the slash."""
        return self.id.partition("/")[0]

    def id_of(self, parameter: str | None) -> str:
        """Returns the id of the check, for one of its parameters as pytest writes it."""
        if parameter is None:
            return self.id
        return (
            self.id.replace(f"{{{self.each[0]}}}", parameter)
            if is_template(self.id) and self.each
            else f"{self.id}[{parameter}]"
        )


@dataclass(frozen=True, slots=True)
class Declared:
    """One use of `@check`, wherever pytest may or may not find the function."""

    file: str
    qualname: str
    mark: CheckMark
    title: str


_declared: dict[tuple[str, int, str], Declared] = {}
"""By file, line and id; kept for the process, because a module that is imported once is decorated once."""


@functools.cache
def _resolved(file: str) -> str:
    return str(Path(file).resolve())


def is_template(id_: str) -> bool:
    """Returns whether each parameter's check has a name of its own, as in `rollout/{metric}`."""
    return id_.endswith("}")


def declared_as(check: str, declared: Iterable[str]) -> str:
    """Returns the declared id of a check: without its parameter, or the template that its name was made of."""
    bare, known = check.partition("[")[0], list(declared)
    if bare in known:
        return bare
    gate = bare.partition("/")[0]
    return next((each for each in known if is_template(each) and each.partition("/")[0] == gate), bare)


def declared_in(files: Iterable[Path]) -> list[Declared]:
    """Returns every check that was declared in these files when they were imported."""
    wanted = {str(file) for file in files}
    return [each for (file, _, _), each in _declared.items() if file in wanted]


def check(
    id: str,  # noqa: A002 - the contract calls a check's name its id
    /,
    *,
    severity: str = "blocking",
    runbook: str = "",
    each: str | None = None,
    needs: str | None = None,
    writes: bool = False,
    observe: Callable[..., object] | None = None,
    alone: bool = False,
) -> Callable[[F], F]:
    """The decorated test function is a check of the gate that its id names.

    Args:
        id: `gate/name` in kebab case; says what must hold, such as `billing/charges-a-card`. With `each`, the name may be
            its argument in braces: `rollout/{metric}` is a check `rollout/errors` for the item `errors`.
        severity: `blocking` or `advisory`.
        runbook: heading of the runbook (or words of it) that a failure links to.
        each: `"argument in key"`: one check per item of the list under that key of the gate's table.
        needs: key of the gate's table without which the check is not collected.
        writes: True where it writes to the target; it is not collected on a protected one.
        observe: what to observe, taken concurrently ahead of the check and handed to it as `seen`. It is called with
            those of `http`, `database`, `cache`, `flags`, `repository`, `rollout`, `table` and the `each` argument that its
            parameters name.
        alone: it is observed no sooner than the turn of the first such check comes, and two at once, because it asks so
            much that the times of other observations would suffer. One that writes is observed in its turn.

    Raises:
        ValueError: for an id, a severity or an `each` of another form.
    """
    named = _ID.fullmatch(id)
    if not named:
        raise ValueError(
            f"check id {id!r} is not of the form 'gate/name' in kebab case, such as 'billing/charges-a-card'"
        )
    if severity not in set(Severity):
        raise ValueError(f"severity {severity!r} of check {id} is unknown. Known: {', '.join(Severity)}")
    parts = None
    if each is not None:
        match = _EACH.fullmatch(each)
        if match is None:
            raise ValueError(
                f"each={each!r} of check {id} is not of the form 'argument in key', such as 'table in tables'"
            )
        parts = (match[1], match[2])
    if named[1] is not None and (parts is None or parts[0] != named[1]):
        raise ValueError(f"check id {id!r} has a name in braces that is not the argument of each={each!r}")
    mark = CheckMark(id, Severity(severity), runbook, parts, needs, writes, observe, alone)

    def decorate(function: F) -> F:
        from readiness import plugin

        code = inspect.unwrap(function).__code__
        file = _resolved(code.co_filename)
        _declared[file, code.co_firstlineno, id] = Declared(file, function.__qualname__, mark, title_of(function))
        marked: F = getattr(pytest.mark, MARK)(mark)(function)
        if not plugin.is_active():
            skip = pytest.mark.skip(reason=f"readiness check {id}: runs only with --env=NAME")
            marked = skip(marked)
        return marked

    return decorate


def check_files(folder: Path, names: Iterable[str]) -> list[Path]:
    """Returns the check files of the user's own, in a stable order, each once.

    Args:
        folder: of the configuration.
        names: folders and files, relative to it. In a folder every Python file counts that declares a check, or that
            pytest would take for a test file.
    """
    found: dict[Path, None] = {}
    for name in names:
        root = folder / name
        for file in [root] if root.is_file() else sorted(root.rglob("*.py")):
            is_test = file.name.startswith("test_") or file.stem.endswith("_test")
            if root.is_file() or is_test or declared_gates(file):
                found[file.resolve()] = None
    return list(found)


def declared_gates(file: Path) -> set[str]:
    """Returns the gates of the checks that a check file declares, found without importing it; empty where unreadable.

    By its text and not its syntax tree, which takes as long to build as pytest takes to collect the file.
    """
    return {each.partition("/")[0] for each in declared_ids(file)}


def declared_ids(file: Path) -> list[str]:
    """Returns the ids of the checks that a check file declares; see `declared_gates`."""
    try:
        return _ids_in(file, file.stat().st_mtime_ns)
    except OSError:
        return []  # pytest reports the file itself when it collects it


@functools.cache
def _ids_in(file: Path, _changed: int) -> list[str]:
    return _DECLARED.findall(file.read_text("utf-8", "replace"))


def title_of(function: Callable[..., Any]) -> str:
    """Returns the first line of the check's docstring without its full stop, or its name in words."""
    doc = inspect.getdoc(function) or ""
    first = doc.partition("\n")[0].strip()
    return first.rstrip(".") or function.__name__.removeprefix("test_").replace("_", " ")


def sections_of(function: Callable[..., Any]) -> dict[str, str]:
    """Returns the named paragraphs of the check's docstring, such as `If it fails`, each as one line."""
    return sections_in(inspect.getdoc(function) or "")


def sections_in(doc: str) -> dict[str, str]:
    """Returns the named paragraphs of a cleaned docstring, each as one line."""
    pieces = _SECTION.split(doc)
    return {title: " ".join(text.split()) for title, text in zip(pieces[1::2], pieces[2::2], strict=True)}


def surely_asserts(function: Callable[..., Any]) -> bool:
    """Returns whether each normal return of the function has passed an `assert` statement.

    An assert inside a loop, a branch, a `with` block (which may swallow it), an exception handler or a nested function
    may never count, and neither may one behind an early `return`, one of what is always true, such as a tuple, or one in
    a function that a decorator wraps and may not call; such a check has to `measure` something to count as evidence.
    """
    if hasattr(function, "__wrapped__"):
        return False
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return False
    return any(isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and _asserts(node.body) for node in tree.body)


def _asserts(body: list[ast.stmt]) -> bool:
    for statement in body:
        if isinstance(statement, ast.Assert) and not isinstance(statement.test, _ALWAYS_TRUE):
            return True
        if any(isinstance(node, ast.Return) for node in ast.walk(statement)):
            return False
    return False


_ALWAYS_TRUE = (ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.Set, ast.JoinedStr, ast.Lambda)
