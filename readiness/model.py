"""The words of a run as types: what was measured, what was found, what each check came to, what is decided.

All are frozen and hold only exact builtins and each other, so that `readiness.wire` can carry them between
processes and into files.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | None
"""A value that can be observed and compared."""


class Outcome(StrEnum):
    """What a check came to."""

    PASSED = "passed"
    FAILED = "failed"
    ADVISORY = "advisory"
    """Failed, and configured not to block."""
    WAIVED = "waived"
    """Failed, and accepted by a valid waiver."""
    UNMEASURED = "unmeasured"
    """Could not be observed: connection lost, no data, crash, deadline. Never waivable."""
    NOT_RUN = "not-run"
    """Planned or required, and not executed. Never waivable."""


class Severity(StrEnum):
    """Whether a failing check blocks the release."""

    BLOCKING = "blocking"
    ADVISORY = "advisory"


class FindingSeverity(StrEnum):
    """What a finding does to its check: it fails, it warns, or nothing."""

    BLOCKING = "blocking"
    ADVISORY = "advisory"
    INFORMATION = "information"


class Verdict(StrEnum):
    """What a gate came to."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    WARN = "warn"
    WAIVED = "waived"
    FAIL = "fail"
    UNMEASURED = "unmeasured"
    NOT_CONFIGURED = "not-configured"


class Answer(StrEnum):
    """The decision itself."""

    GO = "GO"
    NO_GO = "NO-GO"


class WaiverState(StrEnum):
    """What became of a waiver in this run."""

    ACTIVE = "active"
    EXPIRED = "expired"
    UNUSED = "unused"


@dataclass(frozen=True, slots=True)
class Limit:
    """What a measured value is held against; every bound that is set must hold."""

    at_most: float | None = None
    at_least: float | None = None
    equals: Scalar = None
    satisfies: str | None = None
    """A requirement in words or as a version range, such as `>=14`; whether it holds was decided by the check."""

    @property
    def is_empty(self) -> bool:
        """True where no bound is set."""
        return self == Limit()


@dataclass(frozen=True, slots=True)
class Measurement:
    """An observed value, its unit, its limit and whether it holds."""

    name: str
    value: Scalar
    unit: str
    limit: Limit | None
    """None where the value is recorded for information."""
    holds: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """A located problem."""

    rule: str
    path: str
    line: int
    column: int
    severity: FindingSeverity
    text: str
    remedy: str
    excerpt: str = ""
    """What stands there, cut to one short line; never a secret."""
    fingerprint: str = ""
    """The same for the same problem after its line has moved; empty where it has none."""


@dataclass(frozen=True, slots=True)
class WaiverUse:
    """The waiver that turned a failure into `waived`."""

    check: str
    reason: str
    owner: str
    expires: str
    """Last valid day, ISO 8601, UTC."""
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Everything known about one check at the end of a run."""

    id: str
    """`gate/name` or `gate/name[param]`; stable, independent of node id and address."""
    gate: str
    title: str
    severity: Severity
    outcome: Outcome
    attempts: int = 1
    """How often it was executed; a pass after more than one is a flaky pass."""
    duration_s: float = 0.0
    message: str | None = None
    """Why it did not pass; None for a pass."""
    remedy: str | None = None
    runbook: str | None = None
    """Link to the runbook's heading."""
    measurements: tuple[Measurement, ...] = ()
    findings: tuple[Finding, ...] = ()
    waiver: WaiverUse | None = None
    node_id: str = ""
    """pytest's node id, to run it again."""


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate's verdict and the counts behind it."""

    name: str
    title: str
    required: bool
    verdict: Verdict
    outcomes: dict[str, int] = field(default_factory=dict)
    """Outcome to count; only those that occurred."""
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for a NO-GO. Gate or check are empty where the whole run is meant."""

    gate: str
    check: str
    outcome: str
    text: str


@dataclass(frozen=True, slots=True)
class WaiverResult:
    """What became of one waiver of the configuration."""

    check: str
    state: WaiverState
    expires: str
    note: str = ""
    """For example that it is over-broad: it matches every check of a gate."""


@dataclass(frozen=True, slots=True)
class ServiceInfo:
    """What is to be released."""

    name: str
    owner: str
    commit: str
    """Full hash, or empty where the folder is no git work tree."""
    dirty: bool


@dataclass(frozen=True, slots=True)
class EnvironmentInfo:
    """Where it was judged."""

    name: str
    kind: str
    protected: bool


@dataclass(frozen=True, slots=True)
class RunInfo:
    """When and with what it was judged."""

    id: str
    started: str
    """ISO 8601, UTC, ending in Z; so is `finished`."""
    finished: str
    duration_s: float
    workers: int
    """1 without pytest-xdist."""
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """GO or NO-GO, and all that it stands on. Every report is a pure function of this."""

    decision: Answer
    partial: bool
    """True where `--gate` narrowed the run: the decision covers only those gates."""
    reasons: tuple[Reason, ...]
    service: ServiceInfo
    environment: EnvironmentInfo
    run: RunInfo
    gates: tuple[GateResult, ...]
    checks: tuple[CheckResult, ...]
    waivers: tuple[WaiverResult, ...]
