"""Which environment variables code asks for, and whether it can do without: Python by its syntax tree, JavaScript by its words."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

LARGEST = 1_000_000
"""Bytes; larger sources are generated."""
MOST_READS = 500
_PYTHON_WORDS = re.compile(
    rb"\bos\.environ\b|\bgetenv\b|\bfrom os import\b|\bBaseSettings\b|\bdecouple\b|\benviron\.Env\b"
)
_PLAIN_ENVIRON = re.compile(rb"\bfrom os import [^\n]{0,200}\benviron\b")
_ENVIRON = re.compile(
    r"\bprocess\.env(?:\.([A-Za-z_]\w{0,100})|\[['\"]([A-Za-z_]\w{0,100})['\"]\])(!(?!=)|\s{0,20}(?:\|\||\?\?|\?\.|!?=))?"
)
_META = re.compile(r"\bimport\.meta\.env\.([A-Za-z_]\w{0,100})(!(?!=)|\s{0,20}(?:\|\||\?\?|\?\.|!?=))?")
_BUILT_IN = frozenset({"MODE", "DEV", "PROD", "SSR", "BASE_URL"})
"""Of `import.meta.env`, set by the bundler."""
_SUBSTITUTED = re.compile(r"\$\$|\$\{([A-Za-z_]\w{0,100})(?:(:?[-+?])[^}]{0,500})?\}|\$([A-Za-z_]\w{0,100})")


@dataclass(frozen=True, slots=True)
class Read:
    """One place that asks for a variable."""

    name: str
    line: int
    column: int
    is_needed: bool
    """Without it the program does not start, or the call fails; else it goes on without a value."""


def python_reads(data: bytes) -> tuple[list[Read], list[str]]:
    """Returns what a Python file asks for without a default, and the names that it sets itself."""
    if len(data) > LARGEST or not _PYTHON_WORDS.search(data):
        return [], []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the file's own escapes; they are its linter's business
            tree = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return [], []
    visitor = _Python(
        has_decouple=b"decouple" in data,
        has_django_environ=b"environ.Env" in data,
        has_plain_environ=bool(_PLAIN_ENVIRON.search(data)),
    )
    try:
        visitor.visit(tree)
    except RecursionError:
        return [], []
    reads = [read for read in visitor.reads if read.name not in visitor.guarded]
    return reads[:MOST_READS], sorted(visitor.sets)


@dataclass
class _Python(ast.NodeVisitor):
    """Finds reads; what is in a `try` that catches KeyError, or asked for with `in` before, is not needed."""

    has_decouple: bool
    has_django_environ: bool
    has_plain_environ: bool
    """Whether the name `environ` is that of `os`; in a web server it is the request's."""
    reads: list[Read] = field(default_factory=list)
    guarded: set[str] = field(default_factory=set)
    sets: set[str] = field(default_factory=set)
    _caught: int = 0
    _defaulted: set[int] = field(default_factory=set)

    def visit_Try(self, node: ast.Try) -> None:
        caught = any(_catches_missing(handler) for handler in node.handlers)
        self._caught += caught
        for part in node.body:
            self.visit(part)
        self._caught -= caught
        after: tuple[ast.AST, ...] = (*node.handlers, *node.orelse, *node.finalbody)
        for other in after:
            self.visit(other)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        if isinstance(node.op, ast.Or):
            self._defaulted |= {id(each) for each in node.values[:-1]}
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        name = _text(node.left)
        if (
            name
            and any(isinstance(op, ast.In | ast.NotIn) for op in node.ops)
            and any(map(self._is_environ, node.comparators))
        ):
            self.guarded.add(name)
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        name = _text(node.slice)
        if name and self._is_environ(node.value):
            if isinstance(node.ctx, ast.Load):
                self._add(name, node, is_needed=not self._caught)
            else:
                self.sets.add(name)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = _text(node.args[0]) if node.args else ""
        if name:
            self._call(node, name)
        self.generic_visit(node)

    def _call(self, node: ast.Call, name: str) -> None:
        has_default = len(node.args) > 1 or any(each.arg in ("default", None) for each in node.keywords)
        called = node.func
        attribute = called.attr if isinstance(called, ast.Attribute) else ""
        owner = called.value if isinstance(called, ast.Attribute) else None
        plain = called.id if isinstance(called, ast.Name) else ""
        if attribute == "setdefault" and self._is_environ(owner):
            self.sets.add(name)
        elif (attribute == "get" and self._is_environ(owner)) or "getenv" in (attribute, plain):
            if not has_default and id(node) not in self._defaulted:
                self._add(name, node, is_needed=False)
        elif has_default or not re.fullmatch(r"[A-Z][A-Z0-9_]{1,100}", name):
            return
        elif (self.has_decouple and plain == "config") or (
            self.has_django_environ and (plain or (owner.id if isinstance(owner, ast.Name) else "")) == "env"
        ):
            self._add(name, node, is_needed=not self._caught)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        if any(_name_of(base) == "BaseSettings" for base in node.bases):
            prefix = _env_prefix(node)
            for each in node.body:
                if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
                    for name in _required(each, prefix):
                        self._add(name, each, is_needed=True)
        self.generic_visit(node)

    def _is_environ(self, node: ast.AST | None) -> bool:
        if isinstance(node, ast.Attribute):
            return node.attr == "environ" and _name_of(node.value) == "os"
        return self.has_plain_environ and _name_of(node) == "environ"

    def _add(self, name: str, node: Any, *, is_needed: bool) -> None:
        self.reads.append(Read(name[:200], node.lineno, node.col_offset + 1, is_needed))


def _text(node: ast.AST | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _name_of(node: ast.AST | None) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _catches_missing(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(
        kind is None or _name_of(kind) in ("KeyError", "LookupError", "Exception", "BaseException") for kind in kinds
    )


def _env_prefix(node: ast.ClassDef) -> str:
    """Returns the prefix that the class puts before its fields' names, however it says so."""
    for each in ast.walk(node):
        if isinstance(each, ast.keyword) and each.arg == "env_prefix":
            return _text(each.value)
        if isinstance(each, ast.Assign) and any(_name_of(target) == "env_prefix" for target in each.targets):
            return _text(each.value)
    return ""


def _required(node: ast.AnnAssign, prefix: str) -> Iterator[str]:
    """Yields the variable of a field without a default; nothing where the name is made in another way."""
    name, value = _name_of(node.target), node.value
    if name.startswith(("_", "model_")) or "ClassVar" in ast.unparse(node.annotation)[:200]:
        return
    if value is None:
        yield (prefix + name).upper()
        return
    if not isinstance(value, ast.Call) or _name_of(value.func) != "Field":
        return
    given = {each.arg: each.value for each in value.keywords}
    first = value.args[0] if value.args else given.get("default")
    is_required = first is None or (isinstance(first, ast.Constant) and first.value is Ellipsis)
    if not is_required or "default_factory" in given or None in given:
        return
    alias = given.get("validation_alias", given.get("alias", given.get("env")))
    if alias is None:
        yield (prefix + name).upper()
    elif _text(alias):
        yield _text(alias)


def javascript_reads(data: bytes) -> list[Read]:
    """Returns what a JavaScript or TypeScript file asks for without a default."""
    if len(data) > LARGEST or (b"process.env" not in data and b"import.meta.env" not in data):
        return []
    found = []
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), start=1):
        if ".env" not in line or len(line) > 2000:  # noqa: PLR2004 - longer lines are minified
            continue
        for match in (*_ENVIRON.finditer(line), *_META.finditer(line)):
            *names, after = match.groups()
            name = next((each for each in names if each), "")
            if after in (None, "!") and name not in _BUILT_IN and not line.lstrip().startswith(("//", "*")):
                found.append(Read(name, number, match.start() + 1, after == "!"))
    return found[:MOST_READS]


def substituted(text: str) -> Iterator[tuple[str, bool]]:
    """Yields the variables that compose puts into a value, each with whether it has a default; `$$` is a dollar."""
    for match in _SUBSTITUTED.finditer(text[:10_000]):
        name = match[1] or match[3]
        if name:
            yield name, (match[2] or "").endswith(("-", "+"))
