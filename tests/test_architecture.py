"""The import rule, read from the source: who may know whom, and what a run that judges nothing never pays for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "readiness"

LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"model", "errors", "locks"}),
    frozenset({"wire", "redact", "disguise"}),
    frozenset({"config", "gate", "mark"}),
    frozenset({"decision", "baseline"}),
    frozenset({"reports", "signoff"}),
    frozenset(
        {
            "run",
            "ahead",
            "collection",
            "deadline",
            "distributed",
            "evidence",
            "execution",
            "hiding",
            "explain",
            "observer",
            "order",
            "facts",
            "fixtures",
            "ledger",
            "planning",
            "selection",
            "live",
            "staging",
            "watching",
        }
    ),
    frozenset({"plugin", "cli", "backtesting", "scaffold", "adoption"}),
)
"""From the bottom up: a module imports its own layer and those before it."""
OBSERVERS = frozenset({"probes", "static", "rollout", "environment"})
"""They see neither verdict, policy nor report, and not each other; only the run's layer and above know them."""
SEEN_BY_OBSERVERS = frozenset({"model", "errors", "wire", "redact", "config", "locks"})
RUN = next(number for number, layer in enumerate(LAYERS) if "run" in layer)

EXCEPTIONS = {
    # Asks whether this run judges anything, when a mark is used in a run that does not; pytest loaded the plugin before.
    ("readiness.mark", "readiness.plugin"),
}
"""Imports that break the rule on purpose; each is used, or the test fails."""

HEAVY = frozenset({"httpcore", "httpx", "jinja2", "jsonschema", "psycopg", "redis", "sqlalchemy", "testcontainers"})
"""Imported inside the function that needs them, or in a module that is itself imported only there."""


@dataclass(frozen=True)
class Import:
    """One imported module, where it stands."""

    source: str
    target: str
    line: int
    is_for_types: bool
    is_at_import: bool
    """Whether it is executed when `source` is imported."""

    def __str__(self) -> str:
        return f"{self.source}:{self.line} imports {self.target}"


class _Imports(ast.NodeVisitor):
    def __init__(self, source: str, *, is_package: bool) -> None:
        self.source = source
        self.home = source if is_package else source.rpartition(".")[0]
        self.found: list[Import] = []
        self._is_for_types = False
        self._depth = 0

    def _add(self, node: ast.AST, target: str) -> None:
        line = getattr(node, "lineno", 0)
        self.found.append(
            Import(self.source, target, line, self._is_for_types, not (self._depth or self._is_for_types))
        )

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(node, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        parent = node.module or ""
        if node.level:
            base = self.home.rsplit(".", node.level - 1)[0] if node.level > 1 else self.home
            parent = f"{base}.{parent}" if parent else base
        # `from readiness import facts` names a module, `from readiness.facts import panel` what is in it.
        for alias in node.names:
            name = f"{parent}.{alias.name}"
            self._add(node, name if _is_module(name) else parent)

    def visit_If(self, node: ast.If) -> None:
        is_for_types = ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        before, self._is_for_types = self._is_for_types, self._is_for_types or is_for_types
        for part in node.body:
            self.visit(part)
        self._is_for_types = before
        for part in node.orelse:
            self.visit(part)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._depth += 1
        self.generic_visit(node)
        self._depth -= 1

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - the name that ast.NodeVisitor calls


def _is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return name.startswith("readiness.") and (path.is_dir() or path.with_suffix(".py").is_file())


def _name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(text: str, source: str, *, is_package: bool = False) -> list[Import]:
    """Returns every import in the source text of a module."""
    visitor = _Imports(source, is_package=is_package)
    visitor.visit(ast.parse(text))
    return visitor.found


def _imports_in(folder: Path) -> Iterator[Import]:
    for file in sorted(folder.rglob("*.py")):
        yield from imports_of(file.read_text("utf-8"), _name(file), is_package=file.name == "__init__.py")


IMPORTS = tuple(_imports_in(PACKAGE))
CHECK_IMPORTS = tuple(_imports_in(ROOT / "checks"))


def _part(module: str) -> str:
    """Returns the part of the package that a module belongs to: `config` for `readiness.config.model`."""
    return module.split(".")[1] if module.startswith("readiness.") else ""


def _layer(part: str) -> int:
    return next((number for number, layer in enumerate(LAYERS) if part in layer), -1)


def _parts() -> list[str]:
    return sorted(
        path.stem if path.suffix else path.name
        for path in PACKAGE.iterdir()
        if path.name != "__init__.py" and (path.suffix == ".py" or any(path.rglob("*.py")))
    )


def breaks_rule(found: Import) -> str:
    """Returns which sentence of the import rule this import breaks; empty if none."""
    source, target = _part(found.source), _part(found.target)
    if not target or found.is_for_types or source == target or (found.source, found.target) in EXCEPTIONS:
        return ""
    if source in OBSERVERS:
        return "" if target in SEEN_BY_OBSERVERS else f"{source} imports only {', '.join(sorted(SEEN_BY_OBSERVERS))}"
    if not source:
        return ""  # the package itself resolves public names late; tests/test_package.py holds what importing it loads
    if target in OBSERVERS:
        return "" if _layer(source) >= RUN else "only the run's layer and above know probes and environments"
    return "" if _layer(target) <= _layer(source) else f"{source} is below {target}"


@pytest.mark.parametrize("part", _parts())
def test_part_has_a_place(part: str) -> None:
    """A new module is put into a layer before anything imports it."""
    assert part in OBSERVERS or _layer(part) >= 0, f"readiness/{part} is in no layer of {Path(__file__).name}"


@pytest.mark.parametrize("part", _parts())
def test_part_imports_only_what_it_may_know(part: str) -> None:
    """Every module imports its own layer and those below; observers know neither verdict, policy nor report."""
    broken = [f"{found}: {why}" for found in IMPORTS if _part(found.source) == part and (why := breaks_rule(found))]
    assert not broken, "\n".join(broken)


def test_exceptions_are_still_needed() -> None:
    """An exception that nothing uses any more is removed."""
    made = {(found.source, found.target) for found in IMPORTS}
    assert made >= EXCEPTIONS


def test_checks_import_only_public_names() -> None:
    """A check of this package is written with what a user's own check is written with."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text("utf-8"))
    public = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    )
    for file in sorted((ROOT / "checks").glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "readiness":
                assert {alias.name for alias in node.names} <= set(public), f"{file.name}:{node.lineno}"
    inner = [str(found) for found in CHECK_IMPORTS if _part(found.target) and not found.is_for_types]
    assert not inner, "\n".join(inner)


def test_nothing_imports_the_inside_of_pytest() -> None:
    """`_pytest` changes without notice."""
    inside = [str(found) for found in (*IMPORTS, *CHECK_IMPORTS) if found.target.split(".")[0] == "_pytest"]
    assert not inside, "\n".join(inside)


def test_plugin_imports_only_pytest_and_the_standard_library() -> None:
    """What pytest loads in every run of every repository stays light."""
    light = {"__future__", "argparse", "collections", "contextlib", "copy", "pathlib", "pytest", "typing"}
    at_import = {
        found.target.split(".")[0] for found in IMPORTS if found.source == "readiness.plugin" and found.is_at_import
    }
    assert at_import <= light


def test_heavy_packages_are_imported_where_they_are_needed() -> None:
    """Importing a module loads no client library; a module that cannot do without one is imported inside functions."""
    heavy = {found.source for found in IMPORTS if found.is_at_import and found.target.split(".")[0] in HEAVY}
    # What imports a heavy module while it is imported is as heavy.
    while more := {f.source for f in IMPORTS if f.is_at_import and f.target in heavy and f.source not in heavy}:
        heavy |= more
    assert {_part(module) for module in heavy} <= {"probes"}, sorted(heavy)
    # The fixtures name these when no check has asked for one yet.
    assert not heavy & {"readiness.probes.http", "readiness.probes.postgres", "readiness.probes.redis"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import readiness.run", "readiness.run"),
        ("from readiness.run import Run", "readiness.run"),
        ("from readiness import run", "readiness.run"),
        ("from . import plugin", "readiness.plugin"),
        ("from .run import Run", "readiness.run"),
        ("def late():\n    from readiness.run import Run", "readiness.run"),
        ("if True:\n    import readiness.run", "readiness.run"),
        ("try:\n    import readiness.run\nfinally:\n    pass", "readiness.run"),
    ],
)
def test_rule_sees_each_way_to_import(text: str, expected: str) -> None:
    """No spelling of an upward import escapes the rule."""
    (found,) = imports_of(text, "readiness.decision")
    assert found.target == expected
    assert breaks_rule(found)


@pytest.mark.parametrize(
    ("source", "text", "is_broken"),
    [
        ("readiness.probes.http", "from readiness.config import model", False),
        ("readiness.probes.http", "from readiness.decision import decide", True),
        ("readiness.probes.http", "from readiness.reports import publish", True),
        ("readiness.probes.http", "from readiness.environment import factory", True),
        ("readiness.decision", "from readiness.probes import http", True),
        ("readiness.reports.html.view", "from readiness.decision import Rules", False),
        ("readiness.model", "from readiness.wire import to_json", True),
        ("readiness.run", "from readiness.probes.http import HttpProbe", False),
        ("readiness.decision", "if TYPE_CHECKING:\n    from readiness.run import Run", False),
        ("readiness.decision", "if TYPE_CHECKING:\n    pass\nelse:\n    from readiness.run import Run", True),
    ],
)
def test_rule_knows_right_from_wrong(source: str, text: str, is_broken: bool) -> None:
    """The rule forbids what architecture.md forbids and nothing else."""
    (found,) = imports_of(text, source)
    assert bool(breaks_rule(found)) is is_broken
