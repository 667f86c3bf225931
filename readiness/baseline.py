"""What a baseline does to findings, and what findings do to a baseline: pure functions, no file, no clock.

A baseline accepts findings and nothing else. Limits that do not hold, checks that observed nothing and gates that did
not run stay what they are, so that it can never turn `unmeasured` into a pass.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from readiness.config.baseline import Baseline, Entry, Key, cannot_be_listed
from readiness.model import BaselineResult, BaselineUse, CheckResult, Finding, FindingSeverity, Outcome

OBSERVED = frozenset({Outcome.PASSED, Outcome.FAILED, Outcome.ADVISORY, Outcome.WAIVED})
"""Outcomes of a check that has looked."""


def key_of(gate: str, finding: Finding) -> Key:
    """Returns what the finding is known by: not its line."""
    return Key(finding.path, gate, finding.rule, finding.fingerprint)


def compared(findings: Sequence[Finding], gate: str, baseline: Baseline | None, today: dt.date) -> tuple[Finding, ...]:
    """Returns the findings of one check, those that the baseline knows with its entry.

    A finding that is there more often than the baseline knows is new from then on.
    """
    if baseline is None or not baseline.entries:
        return tuple(findings)
    seen: Counter[Key] = Counter()
    marked = []
    for finding in findings:
        key = key_of(gate, finding)
        entry = baseline.by_key.get(key)
        seen[key] += 1
        marked.append(
            finding if entry is None or seen[key] > entry.count else replace(finding, baseline=_use(entry, today))
        )
    return tuple(marked)


def _use(entry: Entry, today: dt.date) -> BaselineUse:
    expires = entry.expires.isoformat() if entry.expires else ""
    return BaselineUse(entry.has_expired(today), entry.owner, entry.reason, expires, entry.is_incomplete)


def observed_gates(checks: Iterable[CheckResult]) -> frozenset[str]:
    """Returns the gates whose every check has looked: only of those a finding that is not there has vanished."""
    outcomes: dict[str, set[Outcome]] = {}
    for check in checks:
        outcomes.setdefault(check.gate, set()).add(check.outcome)
    return frozenset(gate for gate, seen in outcomes.items() if seen <= OBSERVED)


def outcome(checks: Sequence[CheckResult], baseline: Baseline, today: dt.date) -> BaselineResult:
    """Returns what became of the baseline in a run."""
    seen = {key_of(check.gate, finding) for check in checks for finding in check.findings}
    observed = observed_gates(checks)
    absent = [entry for entry in baseline.entries if entry.key not in seen]
    expired = sum(not entry.accepts(today) for entry in baseline.entries if entry.key in seen)
    vanished = sum(entry.key.gate in observed for entry in absent)
    return BaselineResult(
        file=baseline.file,
        entries=len(baseline.entries),
        known=len(baseline.entries) - len(absent) - expired,
        expired=expired,
        vanished=vanished,
        unobserved=len(absent) - vanished,
    )


@dataclass(frozen=True, slots=True)
class Update:
    """A baseline as it should be from now on."""

    entries: tuple[Entry, ...]
    added: int
    removed: int
    kept: int
    expired: int
    """Of those kept, how many accept nothing any more, until somebody changes their day."""
    unlisted: Mapping[str, int]
    """Why a finding that blocks cannot be listed, to how many there are."""


def updated(
    entries: Sequence[Entry],
    checks: Sequence[CheckResult],
    today: dt.date,
    *,
    adds: bool,
    elsewhere: Collection[Key] = (),
) -> Update:
    """Returns the baseline after a run: findings that vanished are out, and, where `adds`, those that block are in.

    Entries of gates that were not observed in full stay as they are, and so do owner, reason and last day of each entry:
    accepting what is there now does not renew what was accepted until a day. What another file knows, `elsewhere`, is
    not added: that file says on which terms.
    """
    counts, blocking, unlisted = _counted(checks)
    observed = observed_gates(checks)
    known = {entry.key: entry for entry in entries}
    kept = {key: entry for key, entry in known.items() if key in counts or key.gate not in observed}
    found = {
        key: replace(kept[key], count=max(kept[key].count, count)) if key in kept else Entry(key, count)
        for key, count in (blocking.items() if adds else ())
        if key in kept or key not in elsewhere
    }
    after = kept | found
    return Update(
        entries=tuple(sorted(after.values(), key=lambda entry: entry.key)),
        added=len(after) - len(kept),
        removed=len(known) - len(kept),
        kept=len(kept),
        expired=sum(entry.has_expired(today) for entry in kept.values()),
        unlisted=unlisted,
    )


def _counted(checks: Sequence[CheckResult]) -> tuple[dict[Key, int], dict[Key, int], dict[str, int]]:
    """Returns how often one check reports each finding, the same of those that block, and what cannot be listed."""
    every: dict[Key, int] = {}
    blocking: dict[Key, int] = {}
    unlisted: Counter[str] = Counter()
    for check in checks:
        here = Counter(key_of(check.gate, finding) for finding in check.findings)
        blocks = {key_of(check.gate, f) for f in check.findings if f.severity is FindingSeverity.BLOCKING}
        for key, count in here.items():
            every[key] = max(count, every.get(key, 0))
            if key in blocks:
                why = cannot_be_listed(key)
                if why:
                    unlisted[why] += count
                else:
                    blocking[key] = every[key]
    return every, blocking, dict(unlisted)
