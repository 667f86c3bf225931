"""What a flag's definition has to be: its JSON Schema, and what no schema can say."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

from readiness.probes.documents import schema_errors, shown
from readiness.probes.flags.interface import Definition

SCHEMA = Path(__file__).with_name("flag.schema.json")
ROLLED_OUT = ("canary", "gradual")
"""Strategies that reach a percentage of the users."""
NOBODY = ("off", "kill_switch")
EVERYBODY = 100


def definition_of(name: str, where: str, document: Any) -> Definition:
    """Returns the definition with what is wrong with it and how many users it is to reach."""
    errors = schema_errors(document, SCHEMA)
    problems = errors or contradictions(document)
    return Definition(name, where, document, tuple(problems), None if errors else percentage_of(document))


def percentage_of(document: dict[str, Any]) -> float:
    """Returns how many percent of the users a valid definition is to reach; whoever is in no segment counts."""
    rollout = document["rollout"]
    if document["kill_switch"] or not document["enabled"] or rollout["strategy"] in NOBODY:
        return 0.0
    return float(EVERYBODY if rollout["strategy"] == "full" else rollout["percentage"])


def contradictions(document: dict[str, Any]) -> list[str]:
    """Returns what in a definition that satisfies the schema contradicts itself."""
    rollout, found = document["rollout"], []
    strategy, percentage = rollout["strategy"], rollout["percentage"]
    if strategy == "full" and percentage != EVERYBODY:
        found.append(f"/rollout: the strategy is full and the percentage {percentage:g}, not 100")
    if strategy in NOBODY and percentage != 0:
        found.append(f"/rollout: the strategy is {strategy} and the percentage {percentage:g}, not 0")
    if strategy == "kill_switch" and not document["kill_switch"]:
        found.append("/kill_switch: it is off and the strategy is kill_switch")
    stages = document.get("stages")
    if stages is not None:
        if any(low >= high for low, high in pairwise(stages)):
            found.append(f"/stages: {shown(stages)} do not rise")
        if stages[-1] != EVERYBODY:
            found.append(f"/stages: they end at {stages[-1]:g}, not 100")
    elif strategy in ROLLED_OUT:
        found.append(f"/stages: there are none, and the strategy is {strategy}")
    return found
