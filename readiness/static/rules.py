"""Every rule of the static gates, for `readiness explain RULE`, docs/rules.md and the reports; loaded when first asked for."""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Iterable
from typing import TYPE_CHECKING

from readiness.static import analysers

if TYPE_CHECKING:
    from readiness.static.interface import Rule

SHARED = "readiness.static.skipping"
"""The module of the rules that several gates have."""


def modules() -> tuple[str, ...]:
    """Returns the modules that export `RULES`, in the order of the contract."""
    return tuple(dict.fromkeys((*analysers.MODULES.values(), *analysers.OBSERVERS.values(), SHARED)))


@functools.cache
def _by_id() -> dict[str, Rule]:
    found: dict[str, Rule] = {}
    for name in modules():
        if importlib.util.find_spec(name) is None:
            continue  # of a check that has no module yet
        found |= {rule.id: rule for rule in importlib.import_module(name).RULES}
    return found


def all_rules() -> tuple[Rule, ...]:
    """Returns every rule, those of one gate together and in the order of their ids."""
    gates = list(analysers.MODULES)

    def place(rule: Rule) -> tuple[int, str]:
        gate = rule.id.partition("/")[0]
        return (gates.index(gate) if gate in gates else len(gates)), rule.id

    return tuple(sorted(_by_id().values(), key=place))


def rule(id_: str) -> Rule | None:
    """Returns the rule of that id; None for one that is not ours, such as the number of an advisory."""
    return _by_id().get(id_) if "/" in id_ else None


def documented(ids: Iterable[str]) -> tuple[Rule, ...]:
    """Returns the rules of these ids that are ours, each once, in their order."""
    return tuple(found for id_ in dict.fromkeys(ids) if (found := rule(id_)) is not None)
