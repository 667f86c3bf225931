"""Where each gate's analyser comes from.

A gate's module exports two names, and everything else about it is its own business:

    RULES: tuple[Rule, ...]
        Every rule that its hits may name; a hit of an unknown rule makes the gate unmeasured.

    def make(table, *, environment: str, folder: Path, settings: Settings) -> Analyser
        table: the gate's table of the configuration; of security-scan the whole one, of which the secrets scan uses
            `table.secrets`. It says what the options are; `paths`, `exclude` and `max-file-size` are the walk's business.
        environment: name of the environment under judgement, such as `production`; severities may depend on it.
        folder: of the configuration, absolute; to read files that the table names, such as schemas, once.
        settings: all of the configuration, to read and not to keep: it holds secrets, and the analyser is pickled.

The analyser's `version` covers its rules, its options, what it has read of `folder`, and the environment where that
changes what it finds. It must not raise for any content of a file: where it does, the gate is unmeasured. Two methods
it may have besides those of the interface:

    def judges(self, path: str) -> bool
        Whether the file counts as one that was looked at; default `wants`. Of others it takes only facts, so that they
        are no evidence: without any file that it judges the gate is unmeasured.

    def notes(self, facts: Mapping[str, Any]) -> Iterable[str]
        What a reader of the report has to know, such as how many documents had no schema.

The checks of security-scan that look at more than single files have modules of their own, each with

    def observe(table, *, folder: Path, environment: str, settings: Settings, budget: Callable[[], float],
                cache: Path | None, files: Callable[..., tuple[File, ...]]) -> Scan
        table: the part of the table that is theirs, such as `table.bandit`.
        budget: seconds left of the run; NotMeasured where they do not suffice.
        cache: a folder of its own that is kept between runs and cleared by --cache-clear; None where there is none.
        files: `files(paths, exclude=())` lists the files below these paths as the walk sees them, .gitignore honoured.

and are asked for by `repository.code()`, `repository.dependencies()` and `repository.workflows()`.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

from readiness.errors import NotMeasured

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from readiness.config.base import Table
    from readiness.config.model import Settings
    from readiness.static.interface import Analyser, Rule

MODULES = {
    "config-lint": "readiness.static.config_lint",
    "placeholder-audit": "readiness.static.placeholders",
    "security-scan": "readiness.static.secrets",
}
"""Gate to the module of its analyser, in the order of the contract."""
OBSERVERS = {
    "code": "readiness.static.code",
    "dependencies": "readiness.static.dependencies",
    "workflows": "readiness.static.workflows",
}
"""Check of security-scan to the module that observes for it."""
EXTRAS = {"config-lint": "static", "placeholder-audit": "static", "security-scan": "security"}


def make_analyser(gate: str, table: Table, *, environment: str, folder: Path, settings: Settings) -> Analyser:
    """Returns the analyser of a gate.

    Raises:
        NotMeasured: where what it needs is not installed.
    """
    module = load(MODULES[gate], EXTRAS[gate], f"the gate {gate}")
    try:
        analyser: Analyser = module.make(table, environment=environment, folder=folder, settings=settings)
    except ModuleNotFoundError as error:
        raise not_installed(error, EXTRAS[gate], f"the gate {gate}") from error
    return analyser


def rules_of(gate: str) -> Mapping[str, Rule]:
    """Returns the rules that hits of a gate may name, by id; those of what could not be read among them."""
    from readiness.static.skipping import RULES

    module = load(MODULES[gate], EXTRAS[gate], f"the gate {gate}")
    return {rule.id: rule for rule in (*module.RULES, *RULES) if rule.id.startswith(f"{gate}/")}


def load(name: str, extra: str, what: str) -> ModuleType:
    """Returns a module of this package.

    Raises:
        NotMeasured: where something that it imports is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise not_installed(error, extra, what) from error


def not_installed(error: ModuleNotFoundError, extra: str, what: str) -> NotMeasured:
    """Returns what to say where a package is missing."""
    return NotMeasured(
        f"{what} needs the package {error.name}, which is not installed",
        f"pip install 'pytest-readiness[{extra}]'",
    )
