"""Which checks there are: the check files, the functions in them that apply, one item per parameter."""

from __future__ import annotations

import hashlib
import importlib
import sys
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from readiness.config.model import Settings, Table
from readiness.decision import Rules
from readiness.gate import Gate
from readiness.mark import MARK, CheckMark, declared_gates, title_of
from readiness.model import Severity

FIXTURES = ("env", "folder", "http", "database", "cache", "table", "seen", "measure", "findings")
"""Fixtures that built-in check files get as their own, so that a conftest's fixture of that name cannot replace them."""


def mark_of(function: object) -> CheckMark | None:
    """Returns what `@check` said of a test function or item; None where it is no check."""
    marks = getattr(function, "pytestmark", ())
    return next((mark.args[0] for mark in marks if mark.name == MARK), None)


def mark_of_item(item: pytest.Item) -> CheckMark | None:
    """Returns what `@check` said of a collected item; None where it is no check."""
    mark = item.get_closest_marker(MARK)
    return mark.args[0] if mark else None


def check_id(item: pytest.Item, mark: CheckMark) -> str:
    """Returns the item's check id, with its parameters as pytest writes them in the node id."""
    callspec = getattr(item, "callspec", None)
    return f"{mark.id}[{callspec.id}]" if callspec is not None else mark.id


def user_check_files(settings: Settings, builtin: Iterable[Path]) -> tuple[Path, ...]:
    """Returns the user's own check files, in a stable order.

    `[service] checks` names folders or files; without it the folder `checks` beside the configuration, if any.
    """
    names = settings.service.checks
    roots = [settings.folder / name for name in (names if names is not None else ["checks"])]
    known = {path.resolve() for path in builtin}
    files: dict[Path, None] = {}
    for root in roots:
        for file in [root] if root.is_file() else sorted(root.rglob("test_*.py")):
            if file.resolve() not in known and file.is_file():
                files[file.resolve()] = None
    return tuple(files)


@dataclass(frozen=True, slots=True)
class Planned:
    """One check that was collected."""

    id: str
    gate: str
    title: str
    severity: Severity
    node_id: str
    deselected: bool = False
    hidden: bool = False
    """Declared in a check file and not collected by pytest, for example because of `python_functions`."""


@dataclass(slots=True)
class Plan:
    """Every check of a run."""

    checks: dict[str, Planned] = field(default_factory=dict)
    """By node id."""
    errors: list[str] = field(default_factory=list)

    def add(self, planned: Planned) -> None:
        """The check is part of the plan; an id that another function has too is an error."""
        twin = next(
            (one for one in self.checks.values() if one.id == planned.id and one.node_id != planned.node_id), None
        )
        if twin is not None:
            self.errors.append(f"check id {planned.id} is declared twice: {twin.node_id} and {planned.node_id}")
        self.checks[planned.node_id] = planned


def _import_builtin(path: Path) -> types.ModuleType:
    """Imports a check file outside the user's packages, by a name that cannot clash with one of the user's tests.

    `import_module` and not a loader of our own: so pytest's import hook rewrites the asserts.
    """
    package = f"readiness_checks_{hashlib.sha256(str(path.parent).encode()).hexdigest()[:8]}"
    if package not in sys.modules:
        pytest.register_assert_rewrite(package)
        parent = types.ModuleType(package)
        parent.__path__ = [str(path.parent)]
        sys.modules[package] = parent
    module = importlib.import_module(f"{package}.{path.stem}")
    from readiness import fixtures

    for name in FIXTURES:
        if not hasattr(module, name):
            setattr(module, name, getattr(fixtures, name))
    return module


class CheckModule(pytest.Module):
    """An installed check file: a clean node id, wherever it lies, and an import that touches nobody's `sys.path`."""

    def _getobj(self) -> types.ModuleType:
        return _import_builtin(self.path)


class Collection:
    """Plugin: collects the checks that apply to the settings; lives in every process that collects."""

    def __init__(self, settings: Settings, gates: Iterable[Gate], rules: Rules) -> None:
        self.settings = settings
        self.selected = rules.selected
        self.rules = rules
        self.gates = {gate.name: gate for gate in gates}
        self.builtin = {
            gate.file.resolve(): gate for gate in self.gates.values() if gate.file and self.is_wanted(gate.name)
        }
        self.user_files = user_check_files(settings, [gate.file for gate in self.gates.values() if gate.file])
        self.plan = Plan()
        self._applicable: dict[str, tuple[CheckMark, str]] = {}

    def is_wanted(self, gate: str) -> bool:
        """Returns whether checks of this gate are part of the run."""
        if self.selected and gate not in self.selected:
            return False
        return gate in self.settings.gates or gate not in self.gates

    @property
    def files(self) -> list[str]:
        """The check files, as command line arguments."""
        wanted = [file for file in self.user_files if not self.selected or declared_gates(file) & set(self.selected)]
        return [str(path) for path in (*self.builtin, *wanted)]

    def table_of(self, gate: str) -> Table | None:
        """Returns the gate's table of the configuration."""
        return self.settings.gates.get(gate)

    def applies(self, mark: CheckMark) -> bool:
        """Returns whether the check exists under these settings."""
        if not self.is_wanted(mark.gate) or (mark.writes and self.settings.is_protected):
            return False
        for key in (mark.needs, mark.each and mark.each[1]):
            if key and getattr(self.table_of(mark.gate), key.replace("-", "_"), None) in (None, False):
                return False
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makemodule(self, module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
        """A built-in check file becomes a `CheckModule`."""
        gate = self.builtin.get(module_path.resolve())
        if gate is None:
            return None
        module: pytest.Module = CheckModule.from_parent(parent, path=module_path, nodeid=f"checks/{module_path.name}")
        return module

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makeitem(
        self, collector: pytest.Collector, name: str, obj: object
    ) -> list[pytest.Item] | None:
        """A check that does not apply is not collected; one that does is remembered, to notice if it is hidden."""
        mark = mark_of(obj) if callable(obj) and isinstance(collector, (pytest.Module, pytest.Class)) else None
        if mark is None:
            return None
        if not self.applies(mark):
            return []
        self._applicable[f"{collector.nodeid}::{name}"] = (mark, title_of(obj))  # type: ignore[arg-type] # callable
        return None

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """`each="argument in key"` becomes one check per item under that key."""
        mark = mark_of(metafunc.function)
        if mark is None or mark.each is None:
            return
        argument, key = mark.each
        items = getattr(self.table_of(mark.gate), key, None) or ()
        metafunc.parametrize(argument, list(items), ids=[str(item) for item in items])

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Iterator[None]:
        """The plan is known before anybody deselects."""
        seen = set()
        for item in items:
            mark = mark_of_item(item)
            if mark is None:
                continue
            seen.add(item.nodeid.partition("[")[0])
            function = getattr(item, "function", None)
            self.plan.add(
                self._planned(item.nodeid, check_id(item, mark), mark, title_of(function) if function else mark.id)
            )
        for node_id, (mark, title) in self._applicable.items():
            if node_id not in seen:
                self.plan.add(self._planned(node_id, mark.id, mark, title, hidden=True))
        return (yield)

    def _planned(self, node_id: str, id_: str, mark: CheckMark, title: str, *, hidden: bool = False) -> Planned:
        severity = self.rules.severity_of(id_, mark.severity)
        return Planned(id_, mark.gate, title, severity, node_id, hidden=hidden)

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """A deselected check stays in the plan, as one that will not run."""
        import dataclasses

        for item in items:
            if item.nodeid in self.plan.checks:
                self.plan.checks[item.nodeid] = dataclasses.replace(self.plan.checks[item.nodeid], deselected=True)
