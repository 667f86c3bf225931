"""What the static gates need to be installed, asked before a run starts: a gate that cannot look must not be found out last."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from readiness.config.static_tables import SecurityScan
from readiness.errors import UsageError
from readiness.static.analysers import EXTRAS

if TYPE_CHECKING:
    from readiness.config.base import Table

_PARSING = ("pathspec", "re2", "yaml", "yaml_rs")
NEEDED = {
    "config-lint": (*_PARSING, "check_jsonschema", "jsonschema_rs", "promql_parser", "validate_pyproject"),
    "placeholder-audit": _PARSING,
    "security-scan": _PARSING,
}
"""Gate to the modules that are imported for it."""
DISTRIBUTIONS = {"re2": "google-re2", "yaml": "pyyaml"}
"""Module to the name under which it is installed, where that is another one."""


def _is_installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def refuse_missing(tables: Mapping[str, Table], is_installed: Callable[[str], bool] = _is_installed) -> None:
    """Returns when everything that these gates need is installed.

    Args:
        tables: gate to its table, of the gates that will be judged; those that read no files need nothing.
        is_installed: by a module's name; nothing is imported.

    Raises:
        UsageError: something is missing; all of it is named.
    """
    missing = {
        gate: [module for module in _needed(gate, table) if not is_installed(module)]
        for gate, table in tables.items()
        if gate in NEEDED
    }
    gates = [gate for gate, modules in missing.items() if modules]
    if not gates:
        return
    what = _joined(
        dict.fromkeys(DISTRIBUTIONS.get(each, each.replace("_", "-")) for gate in gates for each in missing[gate])
    )
    extras = ",".join(dict.fromkeys(EXTRAS[gate] for gate in gates))
    kinds = "an extra" if len({EXTRAS[gate] for gate in gates}) == 1 else "extras"
    subject = f"the gate {gates[0]} needs" if len(gates) == 1 else f"the gates {_joined(gates)} need"
    raise UsageError(f"{subject} {kinds}: {what} not installed", f'pip install "pytest-readiness[{extras}]"')


def _needed(gate: str, table: Table) -> tuple[str, ...]:
    if isinstance(table, SecurityScan) and table.bandit is not None and table.bandit.engine == "bandit":
        return (*NEEDED[gate], "bandit")
    return NEEDED[gate]


def _joined(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
