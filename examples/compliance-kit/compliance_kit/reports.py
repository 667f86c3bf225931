"""Evaluations of a mapping, and the small report that is made of one."""

from __future__ import annotations

import hashlib
from typing import Any

_CONTROLS = (
    "access control",
    "audit logging",
    "encryption at rest",
    "encryption in transit",
    "incident response",
    "backup and recovery",
    "vendor management",
    "data retention",
)


def evaluate_mapping(mapping_name: str) -> dict[str, Any]:
    """Return which controls the mapping covers and the share of them, 0 to 1.

    A stand-in for the real rules: the same name always gives the same result.
    """
    digest = hashlib.sha256(mapping_name.encode()).digest()
    controls = {control: "covered" if byte >= 64 else "gap" for control, byte in zip(_CONTROLS, digest, strict=False)}
    covered = sum(state == "covered" for state in controls.values())
    return {"controls": controls, "score": covered / len(controls)}


def report_of(mapping_name: str, evaluation: dict[str, Any]) -> dict[str, Any]:
    """Return the report: its title, score, and the gaps to close."""
    gaps = [name for name, state in evaluation["controls"].items() if state == "gap"]
    return {
        "title": f"Compliance report: {mapping_name}",
        "score": evaluation["score"],
        "controls": evaluation["controls"],
        "gaps": gaps,
    }
