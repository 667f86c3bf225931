"""Which checks there are: the check files, the functions in them that apply, one item per parameter."""

from __future__ import annotations

import hashlib
import importlib
import re
import sys
import types
import unittest
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from readiness.config.base import Table
from readiness.config.model import Own, Settings
from readiness.decision import Rules
from readiness.gate import Gate
from readiness.mark import MARK, CheckMark, check_files, declared_gates, declared_ids, declared_in, title_of
from readiness.model import Severity
from readiness.redact import Redactor
from readiness.selection import Named, lost, named_in, unnamed

FIXTURES = (
    "env",
    "folder",
    "http",
    "database",
    "cache",
    "flags",
    "repository",
    "rollout",
    "table",
    "seen",
    "measure",
    "findings",
)
"""Fixtures that built-in check files get as their own, so that a conftest's fixture of that name cannot replace them."""
_ESCAPE = re.compile(r"\\(?:\\|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")
"""How pytest writes a backslash and what is not ASCII in the name of a parameter."""


def mark_of(function: object) -> CheckMark | None:
    """Returns what `@check` said of a test function or item; None where it is no check."""
    marks = getattr(function, "pytestmark", ())
    return next((mark.args[0] for mark in marks if mark.name == MARK), None)


def mark_of_item(item: pytest.Item) -> CheckMark | None:
    """Returns what `@check` said of a collected item; None where it is no check."""
    mark = item.get_closest_marker(MARK)
    return mark.args[0] if mark else None


def check_id(item: pytest.Item, mark: CheckMark) -> str:
    """Returns the item's check id, with its parameters as pytest names them but in the letters of the configuration."""
    callspec = getattr(item, "callspec", None)
    return mark.id_of(None if callspec is None else as_written(callspec.id))


def as_written(parameter: str) -> str:
    """Returns the name of a parameter without pytest's escapes, so that a waiver can name it as the configuration does.

    What cannot be printed, such as a line feed, stays escaped. The redacted name and not the parameter itself, which may
    hold a secret and need not be unique.
    """

    def character(escape: re.Match[str]) -> str:
        text = escape[0].encode().decode("unicode_escape", "replace")
        return text if text.isprintable() else escape[0]

    return _ESCAPE.sub(character, parameter)


def setting(table: Table | None, key: str) -> Any:
    """Returns the value of a key, in kebab case or as an attribute; None where the table has none."""
    if isinstance(table, Own):
        return table.values.get(key, table.values.get(key.replace("_", "-")))
    return getattr(table, key.replace("-", "_"), None)


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
    """Declared in a check file and not collected by pytest, for example because of `python_functions` or `--lf`."""


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

    def __init__(
        self,
        settings: Settings,
        gates: Iterable[Gate],
        rules: Rules,
        redactor: Redactor,
        without: tuple[str, ...] = (),
    ) -> None:
        """Nothing is collected yet.

        Args:
            settings: the configuration.
            gates: all that there are.
            rules: what the policy says.
            redactor: knows the secrets.
            without: gates that are not judged although they are configured.
        """
        self.settings = settings
        self.without = without
        self._found: set[str] = set()
        self.selected = rules.selected
        self.rules = rules
        self.redactor = redactor
        self.root = Path.cwd()
        self.gates = {gate.name: gate for gate in gates}
        self.builtin = {
            gate.file.resolve(): gate for gate in self.gates.values() if gate.file and self.is_wanted(gate.name)
        }
        own = check_files(settings.folder, settings.service.checks or ["checks"])
        shipped = {gate.file.resolve() for gate in self.gates.values() if gate.file}
        self.user_files = tuple(file for file in own if file not in shipped)
        self._check_files = frozenset({*self.builtin, *self.user_files})
        self.named: tuple[Named, ...] = ()
        """The checks that alone are to run; empty where all are."""
        self.plan = Plan()

    def is_wanted(self, gate: str) -> bool:
        """Returns whether checks of this gate are part of the run."""
        if gate in self.without or (self.selected and gate not in self.selected):
            return False
        return gate in self.settings.gates or gate not in self.gates

    @property
    def files(self) -> list[str]:
        """The check files, as command line arguments."""
        gates = {file: declared_gates(file) for file in self.user_files} if self.selected else {}
        wanted = [file for file in self.user_files if not gates.get(file) or gates[file] & set(self.selected)]
        return [str(path) for path in (*self.builtin, *wanted)]

    def arguments(self, given: list[str], positional: Iterable[str]) -> list[str]:
        """Returns pytest's arguments with the check files among them.

        They stand first, or behind a `--`, which pytest before 9 refuses between files: an option at the end whose
        value may be left out, such as a bare `--cov`, would take one. A file of which only some checks are named is
        collected as a whole, and so are the others; what was not named is deselected later. So it is in the plan, with
        each parameter of a check, and keeps the run from being a GO.

        Args:
            given: the command line.
            positional: those of its arguments that are files and node ids, and not options or their values.
        """
        shipped = {f"checks/{path.name}": path for path in self.builtin}
        named = named_in(positional, self.root, self._check_files, shipped)
        self.named = tuple(named.values())
        arguments = [each for each in given if each not in named]
        place = arguments.index("--") + 1 if "--" in arguments else 0
        # Each file once: pytest before 9 collects twice what it is given twice.
        arguments[place:place] = dict.fromkeys([*(each.file for each in named.values()), *self.files])
        return arguments

    def table_of(self, gate: str) -> Table | None:
        """Returns the gate's table of the configuration."""
        return self.settings.gates.get(gate)

    def applies(self, mark: CheckMark) -> bool:
        """Returns whether the check exists under these settings."""
        if not self.is_wanted(mark.gate) or (mark.writes and self.settings.is_protected):
            return False
        table = self.table_of(mark.gate)
        for key in (mark.needs, mark.each and mark.each[1]):
            value = setting(table, key) if key else True
            if value is None or value is False:  # a limit of 0 is one
                return False
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makemodule(self, module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
        """A built-in check file becomes a `CheckModule`."""
        gate = self.builtin.get(module_path.resolve())
        if gate is None:
            return None
        # Unless the repository has a file of its own there, whose node ids would be the same.
        is_taken = (parent.config.rootpath / "checks" / module_path.name).resolve() in self.user_files
        prefix = "readiness/checks" if is_taken else "checks"
        module: pytest.Module = CheckModule.from_parent(parent, path=module_path, nodeid=f"{prefix}/{module_path.name}")
        return module

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makeitem(self, collector: pytest.Collector, obj: object) -> list[pytest.Item] | None:
        """A check that does not apply is not collected."""
        mark = mark_of(obj) if callable(obj) and isinstance(collector, (pytest.Module, pytest.Class)) else None
        return None if mark is None or self.applies(mark) else []

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """`each="argument in key"` becomes one check per item under that key."""
        mark = mark_of(metafunc.function)
        if mark is None or mark.each is None:
            return
        argument, key = mark.each
        items = setting(self.table_of(mark.gate), key) or ()
        # An id goes everywhere, also into files of pytest's and of other plugins.
        metafunc.parametrize(argument, list(items), ids=[self.redactor.redact(str(item)) for item in items])

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
        """The plan is known before anybody deselects; then whatever was not named is."""
        items[:] = [item for item in items if not self._is_of_a_test_case(item)]
        for item in items:
            mark = mark_of_item(item)
            if mark is not None:
                function = getattr(item, "function", None)
                title = title_of(function) if function else mark.id
                self._found.add(mark.id)
                self.plan.add(self._planned(item.nodeid, check_id(item, mark), mark.gate, mark.severity, title))
        self._plan_what_is_missing()
        if self.named:
            self._leave_out_what_is_not_named(config, items)
        return (yield)

    def _is_of_a_test_case(self, item: pytest.Item) -> bool:
        """Returns whether a check is a method that the unittest module calls, past whatever a check is held to."""
        mark = mark_of_item(item)
        if mark is None or not issubclass(getattr(item, "cls", None) or object, unittest.TestCase):
            return False
        text = f"check {mark.id} is a method of a unittest.TestCase, which is not run as a check. Make it a function."
        self.plan.errors.append(text)
        return True

    def _leave_out_what_is_not_named(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        self.plan.errors += lost(items, self.named)
        left_out = set(unnamed(items, self.named, self._check_files))
        if left_out:
            config.hook.pytest_deselected(items=[item for item in items if item in left_out])
            items[:] = [item for item in items if item not in left_out]

    def _plan_what_is_missing(self) -> None:
        """A check that its file declares and pytest did not collect is in the plan, as one that will not run."""
        files = [Path(file) for file in self.files]
        declared = declared_in(files)
        for each in declared:
            mark = each.mark
            if mark.id not in self._found and self.applies(mark):
                node_id = f"{Path(each.file).name}::{each.qualname}::{mark.id}"
                self.plan.add(self._planned(node_id, mark.id, mark.gate, mark.severity, each.title, hidden=True))
        imported = {each.file for each in declared}
        for file in files:
            for id_ in declared_ids(file) if str(file) not in imported else ():
                gate = id_.partition("/")[0]
                if id_ not in self._found and self.is_wanted(gate):
                    self.plan.add(self._planned(f"{file.name}::{id_}", id_, gate, Severity.BLOCKING, id_, hidden=True))

    def _planned(
        self, node_id: str, id_: str, gate: str, declared: Severity, title: str, *, hidden: bool = False
    ) -> Planned:
        return Planned(id_, gate, title, self.rules.severity_of(id_, declared), node_id, hidden=hidden)

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """A deselected check stays in the plan, as one that will not run."""
        import dataclasses

        for item in items:
            if item.nodeid in self.plan.checks:
                self.plan.checks[item.nodeid] = dataclasses.replace(self.plan.checks[item.nodeid], deselected=True)
