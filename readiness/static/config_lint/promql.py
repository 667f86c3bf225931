"""PromQL: whether an expression parses, and whether an alert on it can fire at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from readiness.errors import NotMeasured

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 20_000
"""Characters; longer expressions are not parsed."""
DEEPEST = 400
"""Operators, signs and brackets of one expression. The parser recurses: thousands of them end the process."""
_STRING = re.compile(r"\"(?:[^\"\\]|\\.){0,2000}\"|'(?:[^'\\]|\\.){0,2000}'|`[^`]{0,2000}`|#[^\n]{0,2000}")
_DEPTH = re.compile(r"[-+*/%^=!<>(\[{]|\b(?:and|or|unless|atan2)\b", re.IGNORECASE)
_LOGQL = re.compile(
    r"\|=|\|~|!~?\s*`|\|\s*(?:json|logfmt|pattern|regexp|unwrap|line_format|label_format|unpack|decolorize|drop|keep)\b"
)
_DURATION = re.compile(
    r"\$\{?__(?:rate_)?interval(?:_ms)?(?::\w+)?\}?|\$\{?__range(?:_s|_ms)?(?::\w+)?\}?|\$\{?__auto\w*\}?"
)
_IN_BRACKETS = re.compile(r"(?<=[\[:])\s*(?:\$\{[\w.:]{1,100}\}|\$\w{1,100}|\[\[\w{1,100}\]\])\s*(?=[\]:])")
_BEHIND_OFFSET = re.compile(r"(?<=\boffset )\s{0,10}(?:\$\{[\w.:]{1,100}\}|\$\w{1,100})")
_BY = re.compile(r"(\b(?:by|without|on|ignoring|group_left|group_right)\s{0,10}\()([^()]{0,500})(?=\))", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{[\w.:-]{1,100}\}|\$\w{1,100}|\[\[\w{1,100}(?::\w{1,50})?\]\]")
_NEVER_NEGATIVE = frozenset(
    [
        "rate",
        "increase",
        "irate",
        "count_over_time",
        "changes",
        "resets",
        "stddev_over_time",
        "stdvar_over_time",
        "absent",
        "absent_over_time",
        "abs",
        "sqrt",
    ]
)
_COUNTS = frozenset({"count"})
_COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})
_MOST_NODES = 5000
MOST_VARIABLES = 4
"""Different ones of one expression for which a name and a number are tried."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What became of an expression: a tree, a complaint, or neither where it was not parsed."""

    tree: Any = None
    error: str = ""


def parser() -> Callable[[str], Any]:
    """Returns the function that parses an expression.

    Raises:
        NotMeasured: the parser is not installed.
    """
    try:
        from promql_parser import parse
    except ImportError:
        raise NotMeasured(
            "PromQL cannot be parsed: promql-parser is not installed", "pip install 'pytest-readiness[static]'"
        ) from None
    return parse


def parse(expression: str) -> Parsed:
    """Returns the tree of an expression, or what is wrong with it; neither where it is too long or too deep to be tried."""
    if len(expression) > LONGEST or len(_DEPTH.findall(_STRING.sub("", expression))) > DEEPEST:
        return Parsed()
    try:
        return Parsed(parser()(expression))
    except ValueError as error:
        return Parsed(error=" ".join(str(error).split())[:160] or "it is no expression")


def is_logql(expression: str) -> bool:
    """Returns whether an expression is one for logs: the same files hold both."""
    return bool(_LOGQL.search(_STRING.sub('""', expression[:LONGEST])))


def with_variables(expression: str) -> str:
    """Returns an expression of a dashboard with a value for each variable, such as Prometheus would get it.

    A variable stands for a duration in brackets and behind `offset`, for labels in `by (...)`, else for a part of a name or
    for a number, such as the first argument of topk: what parses is taken.
    """
    text = _DURATION.sub("5m", expression[:LONGEST])
    text = _BEHIND_OFFSET.sub("5m", _IN_BRACKETS.sub("5m", text))
    text = _BY.sub(lambda found: found[1] + _VARIABLE.sub("x", found[2]), text)
    names = sorted(set(_VARIABLE.findall(text)))[:MOST_VARIABLES]
    tried = ""
    for words in product(("x", "5"), repeat=len(names)):
        values = dict(zip(names, words, strict=True))
        tried = _VARIABLE.sub(lambda found: values.get(found[0], "x"), text)  # noqa: B023 - used before the next turn
        if not parse(tried).error:
            return tried
    return _VARIABLE.sub("x", text)


def doubts(tree: Any, name: str) -> Iterator[tuple[str, str]]:
    """Yields why an alert fires always or never: `always` or `never`, and the reason in words."""
    tree = _bare(tree)
    impossible = next(_impossible(tree), "")
    if impossible:
        yield "never", impossible
    elif not _filters(tree) and not _is_meant_to_fire(tree, name):
        yield "always", "it compares nothing, so that it fires whatever the value is"


def _is_meant_to_fire(tree: Any, name: str) -> bool:
    """Returns whether the alert is a heartbeat, which fires as long as alerting works."""
    return bool(re.search(r"watchdog|dead.?man|heartbeat|always.?firing|test", name, re.IGNORECASE)) or str(
        tree
    ).startswith("vector(")


def _bare(node: Any) -> Any:
    while type(node).__name__ == "ParenExpr":
        node = node.expr
    return node


def _nodes(tree: Any) -> Iterator[Any]:
    """Yields the nodes of a tree, from the top, none of them in brackets."""
    left = [tree]
    for _ in range(_MOST_NODES):
        if not left:
            return
        node = _bare(left.pop())
        yield node
        kind = type(node).__name__
        if kind == "BinaryExpr":
            left += [node.lhs, node.rhs]
        elif kind == "Call":
            left += list(node.args)
        elif kind in ("AggregateExpr", "UnaryExpr", "SubqueryExpr"):
            left.append(node.expr)


def _is_comparison(node: Any) -> bool:
    """Returns whether a node keeps only what compares as it should; with `bool` it keeps all."""
    return _compares(node) and not (node.modifier and node.modifier.return_bool)


def _compares(node: Any) -> bool:
    return type(node).__name__ == "BinaryExpr" and str(node.op) in _COMPARISONS


def _filters(tree: Any) -> bool:
    """Returns whether anything in the expression can leave it without a result while its series exist."""
    for node in _nodes(tree):
        if _is_comparison(node):
            return True
        if type(node).__name__ == "BinaryExpr" and str(node.op) in ("unless", "and"):
            return True
        if type(node).__name__ == "Call" and node.func.name in ("absent", "absent_over_time"):
            return True
        # What is recorded, or exists only while something is wrong, may be the condition itself.
        if type(node).__name__ == "VectorSelector" and (
            ":" in (node.name or "") or node.name in ("ALERTS", "ALERTS_FOR_STATE")
        ):
            return True
    return False


def _impossible(tree: Any) -> Iterator[str]:
    """Yields comparisons that nothing satisfies and that the whole depends on."""
    for part in _all_needed(tree):
        if not _is_comparison(part):
            continue
        left, right = _bare(part.lhs), _bare(part.rhs)
        number = _number(right)
        if number is None:
            continue
        op = str(part.op)
        if _is_count(left) and ((op in ("==", "<=") and number == 0) or (op == "<" and 0 <= number <= 1)):
            yield f"`{_cut(left)}` has no value at all where there is nothing to count, and is never 0: use absent() or `or vector(0)`"
        elif _is_never_negative(left) and ((op == "<" and number <= 0) or (op in ("<=", "==") and number < 0)):
            yield f"`{_cut(left)}` is never less than 0"
        elif _is_up(left) and ((op == ">" and number >= 1) or (op in (">=", "==") and number > 1)):
            yield "`up` is 0 or 1"
    yield from _empty_ranges(tree)


def _empty_ranges(tree: Any) -> Iterator[str]:
    """Yields `x > 5 and x < 3`."""
    bounds: dict[str, list[tuple[str, float]]] = {}
    for part in _all_needed(tree):
        number = _number(_bare(part.rhs)) if _is_comparison(part) else None
        if number is not None:
            bounds.setdefault(str(_bare(part.lhs)), []).append((str(part.op), number))
    for left, found in bounds.items():
        low = max((number for op, number in found if op in (">", ">=")), default=None)
        high = min((number for op, number in found if op in ("<", "<=")), default=None)
        if low is not None and high is not None and low > high:
            yield f"`{left[:80]}` cannot be above {low:g} and below {high:g}"


def _all_needed(tree: Any) -> Iterator[Any]:
    """Yields the parts that must all have a result: those that `and` joins, and what `unless` takes from."""
    left = [tree]
    for _ in range(_MOST_NODES):
        if not left:
            return
        node = _bare(left.pop())
        op = str(node.op) if type(node).__name__ == "BinaryExpr" else ""
        if op == "and":
            left += [node.lhs, node.rhs]
        elif op == "unless":
            left.append(node.lhs)
        else:
            yield node


def _number(node: Any) -> float | None:
    if type(node).__name__ == "NumberLiteral":
        return float(node.val)
    if type(node).__name__ == "UnaryExpr":
        inner = _number(_bare(node.expr))
        return None if inner is None else -inner
    return None


def _is_up(node: Any) -> bool:
    return type(node).__name__ == "VectorSelector" and node.name == "up"


def _is_count(node: Any) -> bool:
    return type(node).__name__ == "AggregateExpr" and str(node.op) in _COUNTS


def _is_never_negative(node: Any) -> bool:
    if type(node).__name__ == "Call":
        return node.func.name in _NEVER_NEGATIVE
    if type(node).__name__ == "AggregateExpr" and str(node.op) in ("sum", "avg", "max", "min", "count"):
        return _is_count(node) or _is_never_negative(_bare(node.expr))
    return False


def _cut(node: Any) -> str:
    return " ".join(str(node).split())[:80]
