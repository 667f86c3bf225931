"""All detectors, in the order in which they are asked, and the rules that they are documented by."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from readiness.model import FindingSeverity
from readiness.static.interface import Rule
from readiness.static.secrets import connections, keyed, keys, manifests, vendors
from readiness.static.secrets.detector import CHECK, GATE

if TYPE_CHECKING:
    from readiness.static.secrets.detector import Detector

DETECTORS: tuple[Detector, ...] = (
    *keys.DETECTORS,
    *vendors.DETECTORS,
    *connections.DETECTORS,
    *manifests.DETECTORS,
    *keyed.DETECTORS,
)
"""What an earlier one has found, a later one does not report again: from the particular to the general."""
DERIVED: tuple[Detector, ...] = (*keys.DERIVED, *connections.DERIVED, *manifests.DERIVED, *keyed.DERIVED)
UNSEARCHED = "unscanned-rest"
"""Begins as the rules do whose findings no baseline may list."""
_UNSEARCHED = Rule(
    f"{GATE}/{UNSEARCHED}",
    CHECK,
    FindingSeverity.BLOCKING,
    "Every place that may hold a secret was looked at",
    "A file with hundreds of thousands of such places is no source code; a secret may hide among them.",
    "Move such data out of the repository, or name the file in `exclude` to say that it need not be searched.",
)


def _documented() -> tuple[Rule, ...]:
    rules: dict[str, Rule] = {}
    for detector in (*DETECTORS, *DERIVED):
        rules.setdefault(detector.name, detector.rule)
    return (*rules.values(), _UNSEARCHED)


RULES: tuple[Rule, ...] = _documented()
BY_NAME: dict[str, Detector] = {each.name: each for each in reversed((*DETECTORS, *DERIVED))}


def version() -> str:
    """Returns a hash that changes with any module of this package, so that no finding of an older one is taken from a cache."""
    from pathlib import Path

    texts = sorted(file.read_bytes() for file in Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:16]
