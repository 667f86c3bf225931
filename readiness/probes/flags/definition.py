"""What a flag's definition has to be: its JSON Schema, and what no schema can say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from readiness.config.flag_rules import EVERYBODY, NOBODY, ROLLED_OUT, stage_problems, strategy_problem
from readiness.probes.documents import schema_errors, shown
from readiness.probes.flags.interface import Definition

SCHEMA = Path(__file__).with_name("flag.schema.json")


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
    if problem := strategy_problem(strategy, percentage):
        found.append(f"/rollout: {problem}")
    if strategy == "kill_switch" and not document["kill_switch"]:
        found.append("/kill_switch: it is off and the strategy is kill_switch")
    stages = document.get("stages")
    if stages is not None:
        found += [f"/stages: {shown(stages)} {problem}" for problem in stage_problems(stages)]
    elif strategy in ROLLED_OUT:
        found.append(f"/stages: there are none, and the strategy is {strategy}")
    return found
