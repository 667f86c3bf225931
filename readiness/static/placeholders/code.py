"""Python that ships and does nothing: bodies that only raise NotImplementedError, or promise a result and are empty.

A file says what stands in it; whether a method is defined again in a subclass is known only when all files are seen.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

from readiness.static.placeholders.names import word_set

LARGEST = 1_000_000
"""Bytes of a program that is parsed; a larger one is data, and its tree would take gigabytes."""
MOST_CLASSES = 2000
MOST_STUBS = 200
"""Of one file."""
_CLASSES = re.compile(
    r"^([ \t]*)(?:class[ \t]+(\w+)[ \t]*(?:\[[^\]]{0,200}\][ \t]*)?(?:\(([^()]{0,500}(?:\([^()]{0,200}\)[^()]{0,300}){0,5})\))?[ \t]*:|(?:async[ \t]+)?def[ \t]+(\w+))",
    re.MULTILINE,
)
_LAST_NAME = re.compile(r"([A-Za-z_]\w*)\s*(?:\[.*\])?\s*$")
_DELIBERATE = re.compile(
    r"(?i)subclass|overrid|overload|implement(?:ed|s)? (?:by|in|this|the|it|your|for)|must (?:be )?(?:implement|defin|provid)|should (?:be )?(?:implement|defin|provid)"
    r"|abstract|not support|unsupported|n[o']t available|unavailable|n[o']t allowed|cannot|can't|only |deprecated|removed|does not|doesn't|n[o']t possible"
)
_ABSTRACT_NAME = re.compile(
    r"^_?(?:Base|Abstract)|(?:Base|Abstract|Interface|Mixin|Protocol|ABC|Template|Stub)$|^I[A-Z][a-z]"
)
_ROUTES = word_set("get post put patch delete route websocket task api_route action")
_HANDS_OFF = word_set(
    "abstractmethod abstractproperty abstractclassmethod abstractstaticmethod overload singledispatch singledispatchmethod"
)

Facts: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stub:
    """A function without a body of its own."""

    name: str
    """With its classes: `Report.render`."""
    line: int
    column: int
    raises: bool
    """It raises NotImplementedError; else it is empty."""
    owner: str = ""
    """The class whose subclasses may define it again; empty for a function."""


def tree_of(text: str) -> ast.Module | None:
    """Returns a program's tree; None where it does not parse, or is data rather than a program."""
    if len(text) > LARGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the program that is read
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def stubs(tree: ast.Module) -> list[Stub]:
    """Returns the stubs of a program."""
    return list(islice(_stubs(tree), MOST_STUBS))


def _stubs(tree: ast.Module) -> Iterator[Stub]:
    stack: list[tuple[ast.stmt, tuple[ast.ClassDef, ...]]] = [(node, ()) for node in reversed(tree.body)]
    while stack:
        node, owners = stack.pop()
        if isinstance(node, ast.ClassDef):
            stack.extend((inner, (*owners, node)) for inner in reversed(node.body))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            stub = _stub(node, owners)
            if stub is not None:
                yield stub
        elif isinstance(node, ast.If | ast.Try | ast.With):
            stack.extend((inner, owners) for inner in reversed(node.body))


def _stub(node: ast.FunctionDef | ast.AsyncFunctionDef, owners: Sequence[ast.ClassDef]) -> Stub | None:
    decorators = {_last_name(each) for each in node.decorator_list}
    if decorators & _HANDS_OFF or any(_is_abstract(owner) for owner in owners):
        return None
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    name = ".".join((*(owner.name for owner in owners), node.name))
    owner = owners[-1].name if owners else ""
    if len(body) == 1 and isinstance(body[0], ast.Raise):
        said = _not_implemented(body[0])
        is_stub = said is not None and not _DELIBERATE.search(said) and not _is_operator(node.name)
        return Stub(name, node.lineno, node.col_offset + 1, True, owner) if is_stub else None
    is_empty = all(isinstance(each, ast.Pass) or _is_ellipsis(each) for each in body)
    promises = node.returns is not None and not _is_nothing(node.returns)
    if is_empty and body and (promises or decorators & _ROUTES):
        return Stub(name, node.lineno, node.col_offset + 1, False, owner)
    return None


def _not_implemented(statement: ast.Raise) -> str | None:
    """Returns what the error says; None where it is another one."""
    raised = statement.exc
    said = ""
    if isinstance(raised, ast.Call):
        said = " ".join(
            node.value
            for each in raised.args
            for node in ast.walk(each)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        )
        raised = raised.func
    return said if isinstance(raised, ast.Name) and raised.id == "NotImplementedError" else None


def _is_abstract(owner: ast.ClassDef) -> bool:
    """Returns whether a class says that it is not complete."""
    bases = {_last_name(base) for base in owner.bases} | {_last_name(word.value) for word in owner.keywords}
    return bool(bases & {"Protocol", "ABC", "ABCMeta", "Interface", "TypedDict"}) or bool(
        _ABSTRACT_NAME.search(owner.name)
    )


def _is_operator(name: str) -> bool:
    """Returns whether not having it is how Python says that something cannot be done with an object."""
    return name.startswith("__") and name.endswith("__") and name != "__call__"


def _is_ellipsis(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and statement.value.value is ...
    )


def _is_nothing(returns: ast.expr) -> bool:
    """Returns whether the annotation allows None, or that the function never returns."""
    text = ast.unparse(returns)
    return bool(
        re.search(r"\b(?:None|Optional|NoReturn|Never|Any|object|Iterator|Generator|AsyncIterator|TypeGuard)\b", text)
    )


def _last_name(node: ast.expr) -> str:
    while isinstance(node, ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


# --- all files together -----------------------------------------------------------------------------------------


def classes(text: str) -> list[list[Any]]:
    """Returns the classes of a program that have bases, each as its name, theirs, and the names of its methods.

    Read off the lines, not off a tree: every program of the repository is asked.
    """
    found: list[list[Any]] = []
    open_: list[tuple[int, list[Any] | None]] = []
    for match in _CLASSES.finditer(text):
        indent = len(match[1].expandtabs())
        while open_ and open_[-1][0] >= indent:
            open_.pop()
        if match[4]:
            if open_ and open_[-1][1] is not None:
                open_[-1][1][2].append(match[4])
            continue
        bases = [
            last[1]
            for each in (match[3] or "").split(",")
            if "=" not in each and (last := _LAST_NAME.search(each.strip()))
        ]
        entry = [match[2], bases, []] if bases and bases != ["object"] else None
        open_.append((indent, entry))
        if entry is not None and len(found) < MOST_CLASSES:
            found.append(entry)
    return found


def overridden(facts: Mapping[str, Facts]) -> set[tuple[str, str]]:
    """Returns class and method for every method that a subclass defines again, by the classes' names alone."""
    below: dict[str, set[str]] = defaultdict(set)
    methods: dict[str, set[str]] = defaultdict(set)
    for each in facts.values():
        for name, bases, defined in each.get("classes", ()):
            methods[name].update(defined)
            for base in bases:
                below[base].add(name)
    wanted = {stub[3] for each in facts.values() for stub in each.get("stubs", ()) if stub[3]}
    found: set[tuple[str, str]] = set()
    for owner in wanted:
        seen, waiting = {owner}, list(below.get(owner, ()))
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            found.update((owner, method) for method in methods.get(name, ()))
            waiting.extend(below.get(name, ()))
    return found
