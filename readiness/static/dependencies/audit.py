"""From what is depended upon and what is known against it to findings, and to all that kept us from knowing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from readiness.model import Finding, FindingSeverity
from readiness.static.dependencies.interface import (
    CHECK,
    VULNERABLE,
    Audit,
    Inventory,
    Judged,
    Open,
    Pin,
    Vulnerability,
)
from readiness.static.fingerprint import fingerprint, hashed
from readiness.static.interface import Skipped

if TYPE_CHECKING:
    from readiness.config.quantity import Duration

DAY_S = 86400.0
_NAMED = 10


def settled(inventory: Inventory) -> tuple[list[Pin], list[Open]]:
    """Returns the versions to judge, and what is left open.

    An open requirement is settled by a version of its package that another source names and that fits: the lock file
    beside pyproject.toml, the constraints, what is installed. The user's own packages are nobody's to judge.
    """
    own = inventory.own
    pins = [pin for pin in inventory.pins if pin.name not in own]
    known: dict[str, list[str]] = {}
    for pin in pins:
        known.setdefault(pin.name, []).append(pin.version)
    constrained = {pin.name: pin for pin in inventory.constraints}
    left = []
    for each in inventory.open:
        if each.name in own:
            continue
        if each.specifier is None:
            left.append(each)
        elif any(_fits(version, each.specifier) for version in known.get(each.name, ())):
            continue
        elif each.name in constrained and _fits(constrained[each.name].version, each.specifier):
            pins.append(constrained[each.name])
        else:
            left.append(each)
    return pins, left


def _fits(version: str, specifier: str) -> bool:
    try:
        return SpecifierSet(specifier).contains(version, prereleases=True)
    except (InvalidSpecifier, ValueError):
        return False


def audited(
    inventory: Inventory,
    pins: Sequence[Pin],
    left: Sequence[Open],
    judged: Judged,
    *,
    max_age: Duration,
    now: dt.datetime,
) -> Audit:
    """Returns all that is to be said."""
    still_open = [*left, *judged.open]
    age_d = round((now - judged.newest).total_seconds() / DAY_S, 3) if judged.newest is not None else None
    unknown = {(each.name, each.path, each.line) for each in judged.open}
    reasons = []
    if still_open:
        shown = "; ".join(f"{each.where}: {each.text}: {each.why}" for each in still_open[:_NAMED])
        more = f"; and {len(still_open) - _NAMED} more" if len(still_open) > _NAMED else ""
        reasons.append(f"{len(still_open)} dependencies could not be judged: {shown}{more}")
    if age_d is not None and age_d * DAY_S > max_age:
        reasons.append(
            f"the newest advisory of {judged.source} was changed {age_d:.1f} days ago, more than max-age = {max_age}"
        )
    elif age_d is None and judged.advisories is not None:
        reasons.append(f"{judged.source} does not say when it was changed, so that it may be of any age")
    return Audit(
        gate="security-scan",
        files=len(inventory.sources),
        size=0,
        cached=0,
        skipped=tuple(Skipped(each.where, f"{each.text}: {each.why}") for each in still_open),
        found={CHECK: tuple(_findings(judged.vulnerabilities))},
        notes=tuple(_notes(inventory, judged)),
        unscanned=len(still_open),
        judged=len({(pin.name, pin.version) for pin in pins if (pin.name, pin.path, pin.line) not in unknown}),
        advisories=judged.advisories,
        age_d=age_d,
        unmeasured=tuple(reasons),
    )


def _notes(inventory: Inventory, judged: Judged) -> Iterable[str]:
    yield f"judged: {', '.join(inventory.sources)}; held against {judged.source}"
    yield from dict.fromkeys(inventory.notes)
    if inventory.own:
        yield f"not judged, as packages of your own: {', '.join(sorted(inventory.own))}"


def _findings(vulnerabilities: Iterable[Vulnerability]) -> list[Finding]:
    """Returns one finding for each problem of each version, at the first place that names the version."""
    first: dict[tuple[str, str, str], Vulnerability] = {}
    also: dict[tuple[str, str, str], list[str]] = {}
    for each in vulnerabilities:
        key = (each.pin.name, each.pin.version, each.ids[0])
        if key in first:
            also[key].append(f"{each.pin.path}:{each.pin.line}" if each.pin.line else each.pin.path)
        first.setdefault(key, each)
        also.setdefault(key, [])
    found = [_finding(each, list(dict.fromkeys(also[key]))) for key, each in first.items()]
    return sorted(found, key=lambda each: (each.path, each.line, each.text))


def _finding(vulnerability: Vulnerability, also: Sequence[str]) -> Finding:
    pin, ids = vulnerability.pin, vulnerability.ids
    fixed = vulnerability.fixed
    text = f"{pin.name} {pin.version} has the known vulnerability {ids[0]}"
    text += f" ({', '.join(ids[1:])})" if len(ids) > 1 else ""
    text += f"; fixed in {', '.join(fixed)}" if fixed else "; no fixed version is known"
    text += f" [{pin.note}]" if pin.note else ""
    text += f"; also in {', '.join(also)}" if also else ""
    upgrade = (
        f"Upgrade {pin.name} to {fixed[0]} or later."
        if fixed
        else f"Replace {pin.name}, or see in the advisory how to live with it."
    )
    return Finding(
        rule=VULNERABLE,
        path=pin.path,
        line=pin.line,
        column=1 if pin.line else 0,
        severity=FindingSeverity.BLOCKING,
        text=f"{text}.",
        remedy=f'{upgrade} To accept it until a date: a [[waiver]] with match = "{ids[0]}".',
        fingerprint=fingerprint(VULNERABLE, pin.path, hashed(f"{pin.name}\0{ids[0]}")),
    )
