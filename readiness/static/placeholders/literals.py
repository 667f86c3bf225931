"""Values that are written into programs: settings in modules, defaults of variables, arguments of calls."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from readiness.static.placeholders.entry import Entry
from readiness.static.placeholders.names import normal

_LEAVES = (ast.Constant, ast.Name, ast.expr_context, ast.operator, ast.cmpop, ast.arg, ast.alias)
PACKED = 2000
"""Characters of a line that nobody has written by hand: such a file is made from others."""
_GETTERS = frozenset(
    ["getenv", "get", "config", "env", "str", "url", "pop", "setdefault", "env_str", "decouple_config"]
)
_ENV_NAME = re.compile(r"^[A-Z][A-Z0-9_]{2,80}$")
_QUOTED = re.compile(
    r"(?:^|[\s,{(;.\[])[\"']?([A-Za-z_][\w.\-]{1,80})[\"']?\]?\s*(?::(?![:/])\s*(?:string\s*=\s*)?|=>|:?=(?![=>])|\?\?=|\|\|=)\s*"
    r"(?:(?:process\.env\.|os\.environ|ENV\[|System\.getenv|getenv)[\w\"'\].()\[]{0,60}\s*(?:\|\||\?\?|,|\?:|:)\s*)?[\"'`]([^\"'`\n]{2,300})[\"'`]"
)


def python_entries(tree: ast.Module) -> Iterator[Entry]:
    """Yields the text that a program gives to names, keys, arguments and as the default of variables."""
    waiting: list[ast.AST] = [node for node in tree.body if not _is_trial(node)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                yield from _literal(_target(target), node.value)
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield from _literal(key.value, value)
        elif isinstance(node, ast.Call):
            yield from _call(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = [*node.args.posonlyargs, *node.args.args]
            for argument, default in zip(
                arguments[len(arguments) - len(node.args.defaults) :], node.args.defaults, strict=True
            ):
                yield from _literal(argument.arg, default)
        waiting.extend(each for each in ast.iter_child_nodes(node) if not isinstance(each, _LEAVES))


def _is_trial(node: ast.stmt) -> bool:
    """Returns whether a statement runs only where the module is started by itself, to try it out."""
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Compare)
        and isinstance(node.test.left, ast.Name)
        and node.test.left.id == "__name__"
    )


def _call(node: ast.Call) -> Iterator[Entry]:
    name = (
        node.func.attr
        if isinstance(node.func, ast.Attribute)
        else node.func.id
        if isinstance(node.func, ast.Name)
        else ""
    )
    first = node.args[0] if node.args else None
    if (
        name in _GETTERS
        and isinstance(first, ast.Constant)
        and isinstance(first.value, str)
        and _ENV_NAME.match(first.value)
    ):
        given = [*node.args[1:2], *(word.value for word in node.keywords if word.arg == "default")]
        for value in given:
            yield from _literal(first.value, value, is_default=True)
        return
    for word in node.keywords:
        if word.arg:
            yield from _literal(word.arg, word.value)


def _literal(name: str, value: ast.expr | None, *, is_default: bool = False) -> Iterator[Entry]:
    if isinstance(value, ast.BoolOp) and isinstance(value.op, ast.Or):
        value, is_default = value.values[-1], True
    if name and isinstance(value, ast.Constant) and isinstance(value.value, str) and 1 < len(value.value) <= 300:  # noqa: PLR2004 - longer text is prose
        yield Entry(normal(name), value.value, line=value.lineno, is_default=is_default, is_code=True)


def _target(target: ast.expr) -> str:
    if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
        return str(target.slice.value)
    return target.attr if isinstance(target, ast.Attribute) else target.id if isinstance(target, ast.Name) else ""


def quoted_entries(text: str, lines: Iterable[tuple[int, str]]) -> Iterator[Entry]:
    """Yields the same of a program in another language, line by line.

    Args:
        text: of the program.
        lines: number and text of those that are worth a look.
    """
    if max(map(len, text.splitlines()), default=0) > PACKED:
        return
    for number, line in lines:
        if len(line) > 500 or line.lstrip()[:2] in ("//", "/*", "* ", "# ", "--", "<!"):  # noqa: PLR2004 - a longer line is packed code
            continue
        for found in _QUOTED.finditer(line):
            is_default = "env" in line[found.start() : found.end()].lower()
            yield Entry(normal(found[1]), found[2], line=number, is_default=is_default, is_code=True)
