"""Python source as a syntax tree with resolved names. Nothing is imported or executed."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass

_WORTH_PARSING = re.compile(
    rb"fastapi|flask|starlette|django|router|blueprint|urlpatterns|^[ \t]*(?:app|application|api)\b.*=|create_app|make_app"
    rb"|health|livez|readyz|psycopg|asyncpg|pg8000|redis",
    re.IGNORECASE | re.MULTILINE,
)
"""Most files of a large repository have none of these, and parsing is what takes the time."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What the names in one file mean."""

    file: str
    module: str
    """Dotted, as seen from the root of the repository."""
    imports: dict[str, str]
    """Name in the file to the dotted name of what was imported."""
    tops: frozenset[str]
    """First parts of its absolute imports."""
    levels: int
    """How many folders above the file are packages, because its relative imports reach that far."""

    def resolve(self, node: ast.expr | None) -> str:
        """Returns the dotted name of a name or an attribute; empty for any other expression."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        first = self.imports.get(node.id) or f"{self.module}.{node.id}"
        return ".".join([first, *reversed(parts)])


def is_worth_parsing(data: bytes) -> bool:
    """True where a file may have to do with an application, its routes or its stores."""
    return _WORTH_PARSING.search(data) is not None


def parse(data: bytes) -> ast.Module | None:
    """Returns the syntax tree; None where there is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the user's code, which is not what this is for
        try:
            return ast.parse(data)
        # MemoryError is what the parser raises where brackets are nested too deeply.
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def scope_of(file: str, tree: ast.Module) -> Scope:
    """Returns what the names in the file mean, from its imports."""
    *folders, stem = file.removesuffix(".py").split("/")
    is_package = stem == "__init__"
    module = ".".join(folders if is_package else [*folders, stem])
    imports: dict[str, str] = {}
    tops: set[str] = set()
    levels = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                tops.add(first)
                imports[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                levels = max(levels, node.level)
                package = folders[: len(folders) - (node.level - 1)] if node.level <= len(folders) else []
                base = ".".join([*package, base] if base else package)
            else:
                tops.add(base.partition(".")[0])
            for alias in node.names:
                imports[alias.asname or alias.name] = f"{base}.{alias.name}" if base else alias.name
    return Scope(file, module, imports, frozenset(tops), levels)


def text_of(node: ast.expr | None) -> str | None:
    """Returns the value of a string literal; None for anything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def argument(call: ast.Call, position: int | None, *keywords: str) -> ast.expr | None:
    """Returns the argument at `position` or with one of the names; None where it is not given."""
    for keyword in call.keywords:
        if keyword.arg in keywords:
            return keyword.value
    if position is not None and len(call.args) > position:
        return call.args[position]
    return None
