"""What each check asserts, why, how it is measured and what to do when it fails: read from its docstring.

Check files are read, never imported: explaining a check runs no code of anybody.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from readiness.errors import UsageError
from readiness.gate import Gate, builtin_gates
from readiness.mark import declared_as, is_template, sections_in

if TYPE_CHECKING:
    from readiness.static.interface import Rule

WHEN = "When it runs"


@dataclass(frozen=True, slots=True)
class Explained:
    """The documentation of one check or rule."""

    id: str
    """With the parameter's name where it has one, such as `health/endpoint[path]` or `rollout/{metric}`."""
    title: str
    sections: tuple[tuple[str, str], ...]
    """Heading and paragraph, in the order of the docstring; the last says when the check runs."""
    file: Path | None = None
    """Of the check; None for a rule."""

    @property
    def bare_id(self) -> str:
        """The id without its parameter."""
        return self.id.partition("[")[0]


def explained(files: Iterable[Path]) -> tuple[Explained, ...]:
    """Returns the documentation of every check in the files, in their order.

    Raises:
        UsageError: a file cannot be read or is not Python.
    """
    return tuple(each for file in files for each in _checks_in(file))


def explained_rules() -> tuple[Explained, ...]:
    """Returns the documentation of every rule that a finding of the static gates can name."""
    from readiness.static.rules import all_rules

    return tuple(_explain_rule(rule) for rule in all_rules())


def find(id_: str, checks: Iterable[Explained], rules: Iterable[Explained] = ()) -> Explained:
    """Returns the check or rule of that id; a parameter in brackets is ignored.

    Raises:
        UsageError: there is none; says which checks there are, and the nearest check or rule.
    """
    from readiness.config.suggest import nearest

    known = {each.bare_id: each for each in checks}
    by_id = {each.id: each for each in rules} | known
    wanted = declared_as(id_, by_id)
    if wanted not in by_id:
        near = nearest(wanted, by_id)
        hint = f" Did you mean {near!r}?" if near else ""
        text = f"there is no check and no rule {id_!r}. Known checks: {', '.join(known)}.{hint}"
        raise UsageError(text, "docs/checks.md lists all checks, docs/rules.md all rules.")
    return by_id[wanted]


def as_text(found: Explained) -> str:
    """Returns the documentation as a terminal shows it."""
    import textwrap

    lines = [found.id, found.title, ""]
    for heading, paragraph in found.sections:
        lines += [f"{heading}:", *textwrap.wrap(paragraph, 100, initial_indent="    ", subsequent_indent="    "), ""]
    return "\n".join(lines)


def as_markdown(gates: Iterable[Gate]) -> str:
    """Returns docs/checks.md: every built-in check, by gate."""
    lines = [
        "# The checks",
        "",
        "<!-- Made from the checks' docstrings by `python -m readiness.explain`; a test keeps it current. -->",
        "",
        "`readiness explain CHECK` shows the same in a terminal.",
    ]
    for gate in gates:
        if gate.file is None:
            continue
        lines += ["", f"## {gate.name}", "", f"{gate.title}."]
        for check in explained([gate.file]):
            lines += ["", f"### `{check.id}`", "", f"{check.title}.", ""]
            lines += [f"- **{heading}:** {paragraph}" for heading, paragraph in check.sections]
    return "\n".join(lines) + "\n"


def rules_as_markdown() -> str:
    """Returns docs/rules.md: every rule of the static gates, by the check that it is a part of."""
    lines = [
        "# The rules",
        "",
        "<!-- Made from the rules' tables by `python -m readiness.explain rules`; a test keeps it current. -->",
        "",
        "A finding names the rule that it breaks. `readiness explain RULE` shows the same in a terminal. A waiver with `match`",
        "accepts the findings of a rule, and a [baseline](baseline.md) those that are there today.",
    ]
    check = ""
    for each in sorted(explained_rules(), key=lambda each: each.sections[0][1]):
        if each.sections[0][1] != check:
            check = each.sections[0][1]
            lines += ["", f"## {check}"]
        lines += ["", f"### `{each.id}`", "", f"{each.title}.", ""]
        lines += [f"- **{heading}:** {paragraph}" for heading, paragraph in each.sections[1:]]
    return "\n".join(lines) + "\n"


def _explain_rule(rule: Rule) -> Explained:
    sections = (
        ("Part of the check", rule.check),
        ("Severity", f"{rule.severity}, unless the finding says otherwise"),
        ("Why it matters", rule.why),
        ("What to do", rule.remedy),
        ("Source", rule.source),
    )
    title = rule.title.rstrip(".")
    return Explained(rule.id, title, tuple((heading, paragraph) for heading, paragraph in sections if paragraph))


def _checks_in(file: Path) -> Iterator[Explained]:
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError) as error:
        raise UsageError(f"{file} cannot be read: {error}.", "Mend the file.") from None
    for node in tree.body:
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "check" and decorator.args:
                yield _explain(node, decorator, file)


def _explain(node: ast.FunctionDef | ast.AsyncFunctionDef, decorator: ast.Call, file: Path) -> Explained:
    first = decorator.args[0]
    id_ = str(first.value) if isinstance(first, ast.Constant) else node.name
    said = {
        word.arg: word.value.value
        for word in decorator.keywords
        if word.arg is not None and isinstance(word.value, ast.Constant)
    }
    doc = inspect.cleandoc(ast.get_docstring(node) or "")
    title = doc.partition("\n")[0].rstrip(".") or node.name.removeprefix("test_").replace("_", " ")
    argument, _, key = str(said.get("each", "")).partition(" in ")
    needs = str(said.get("needs", "")).replace("_", "-")
    gate = id_.partition("/")[0]
    conditions = [_said_of(gate, needs) or f"where [{gate}] has the key {needs}"] if needs else []
    if key:
        conditions.append(f"once for each of {_said_of(gate, key) or key.replace('_', '-')}")
    if said.get("writes"):
        conditions.append("never on a protected target, because it writes")
    when = "; ".join(conditions) or "whenever its gate is configured"
    if said.get("severity") == "advisory":
        when += "; a failure warns and does not block"
    sections = (*sections_in(doc).items(), (WHEN, f"{when}."))
    return Explained(f"{id_}[{argument}]" if argument and not is_template(id_) else id_, title, sections, file)


def _said_of(gate: str, name: str) -> str:
    """Returns what a gate's table says of a value that it derives from its keys; empty where the name is a key itself."""
    tables = {each.name: each.table for each in builtin_gates()}
    derived = getattr(tables.get(gate), name.replace("-", "_"), None)
    if not isinstance(derived, property):
        return ""
    said = inspect.cleandoc(derived.__doc__ or "").partition("\n")[0].rstrip(".").removeprefix("True ")
    return said[:1].lower() + said[1:]


if __name__ == "__main__":
    import sys

    sys.stdout.write(rules_as_markdown() if sys.argv[1:] == ["rules"] else as_markdown(builtin_gates()))
