"""`${NAME}` in texts: which variables a configuration needs, and what it is with their values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from readiness.config.merging import Place
from readiness.errors import Problem
from readiness.redact import SHORTEST, Redactor, is_too_short, stands_in

_TOKEN = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

Report = Callable[[Place, str, str], Problem]
"""Makes a problem from a place in the effective configuration, a text and a remedy."""


@dataclass(slots=True)
class Substitution:
    """A configuration with the values of its variables."""

    tree: Any = None
    used: dict[Place, tuple[str, ...]] = field(default_factory=dict)
    """Places that held a reference, or a literal `$${`, and the variables they named."""
    missing: dict[str, None] = field(default_factory=dict)
    """Variables that are not set, in order of appearance."""
    open: set[Place] = field(default_factory=set)
    """Places whose value is not known."""
    problems: list[Problem] = field(default_factory=list)


def substitute(
    tree: Any, environ: Mapping[str, str], report: Report, is_idle: Callable[[Place], bool], *, is_plan: bool
) -> Substitution:
    """Each reference in `tree` is replaced by its value.

    What cannot be is a problem, or in a plan only missing; at a place that is idle it does not matter.
    """
    result = Substitution()

    def value_of(name: str, path: Place) -> str:
        value = environ.get(name)
        if value and value.strip():
            return value
        result.open.add(path)
        if is_idle(path):
            return "missing"
        result.missing[name] = None
        if not is_plan:
            state = "is not set" if value is None else "is set but empty"
            text = f"the environment variable {name} {state}, and its value is needed here."
            result.problems.append(report(path, text, f"export {name}=..."))
        return "missing"

    def replace(text: str, path: Place) -> str:
        names: list[str] = []

        def one(match: re.Match[str]) -> str:
            if match[0] == "$${":
                return "${"
            if not match[2] or not _NAME.fullmatch(match[1]):
                result.problems.append(report(path, *_unreadable(match[0])))
                result.open.add(path)
                return "missing"
            names.append(match[1])
            return value_of(match[1], path)

        replaced = _TOKEN.sub(one, text)
        if replaced != text:
            result.used[path] = tuple(names)
        return replaced

    result.tree = _walk(tree, (), replace)
    return result


def keep_secret(
    used: Mapping[Place, tuple[str, ...]],
    environ: Mapping[str, str],
    public: Iterable[str],
    redactor: Redactor,
    report: Report,
) -> list[Problem]:
    """Every value is known to `redactor`; returns those that no redaction could keep out of a report.

    Args:
        used: places and the variables in them.
        environ: the variables' values.
        public: texts that reports hold whatever the outcome.
        redactor: learns each value that it can keep out of a report.
        report: makes a problem of a place, a text and a remedy.
    """
    problems = []
    texts = tuple(public)
    first: dict[str, Place] = {}
    for path, names in used.items():
        for name in names:
            first.setdefault(name, path)
    for name, path in first.items():
        value = environ.get(name, "")
        if not value.strip():
            continue
        if is_too_short(value):
            text = f"the value of ${{{name}}} has fewer than {SHORTEST} characters and cannot be kept out of reports."
            problems.append(report(path, text, _NO_SECRET))
        elif any(stands_in(value, text) for text in texts):
            text = f"the value of ${{{name}}} is a word that reports hold anyway, so it cannot be kept out of them."
            problems.append(report(path, text, _NO_SECRET))
        else:
            redactor.add(name, value)
    return problems


_NO_SECRET = "Write the value itself here if it is no secret, else choose a longer one of its own."  # noqa: S105 - advice


def references(text: str) -> list[str]:
    """Returns the variables that `text` names."""
    return [match[1] for match in _TOKEN.finditer(text) if match[1] and match[2]]


def literals(tree: Any) -> Iterator[str]:
    """Yields what of a configuration is written out: keys, and texts without their references."""
    if isinstance(tree, str):
        yield from (part for part in re.split(r"\$\{[^}]*\}", tree) if part)
    elif isinstance(tree, dict):
        for key, item in tree.items():
            yield key
            yield from literals(item)
    elif isinstance(tree, list):
        for item in tree:
            yield from literals(item)
    else:
        yield str(tree)


def _unreadable(seen: str) -> tuple[str, str]:
    if not seen.endswith("}"):
        return "a reference that starts with '${' does not end.", "Write ${NAME}, or $${ for the text ${ itself."
    return (
        f"'{seen}' names no environment variable: a name has letters, digits and '_', and there are no defaults.",
        "Write ${NAME}, or $${ for the text ${ itself.",
    )


def _walk(tree: Any, path: Place, replace: Callable[[str, Place], str]) -> Any:
    if isinstance(tree, str):
        return replace(tree, path)
    if isinstance(tree, dict):
        return {key: _walk(item, (*path, key), replace) for key, item in tree.items()}
    if isinstance(tree, list):
        return [_walk(item, (*path, index), replace) for index, item in enumerate(tree)]
    return tree
