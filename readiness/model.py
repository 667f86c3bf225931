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
class BaselineUse:
    """The entry of the baseline that knows a finding."""

    expired: bool
    """True where its last day has passed: the finding counts as if it were not known."""
    owner: str = ""
    reason: str = ""
    expires: str = ""
    """Last valid day, ISO 8601, UTC; empty where it has no end."""
    incomplete: bool = False
    """True where it must name owner, reason and last day, and does not: the finding counts as if it were not known."""

    @property
    def accepts(self) -> bool:
        """True where the finding does nothing to its check."""
        return not self.expired and not self.incomplete


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
    baseline: BaselineUse | None = None
    """The entry of the baseline that knows it; None for a new one."""

    @property
    def place(self) -> str:
        """`path:line:column`, as editors and terminals make a link of it; the path alone where the file is meant."""
        if self.line < 1:
            return self.path
        return f"{self.path}:{self.line}:{self.column}" if self.column > 0 else f"{self.path}:{self.line}"

    @property
    def is_known(self) -> bool:
        """True where the baseline accepts it, so that it does nothing to its check."""
        return self.baseline is not None and self.baseline.accepts

    @property
    def blocks(self) -> bool:
        """True where it fails its check."""
        return self.severity is FindingSeverity.BLOCKING and not self.is_known


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """What is documented of a rule that a finding names."""

    id: str
    title: str
    """What holds when it finds nothing, in one line."""
    why: str
    remedy: str
    source: str = ""
    """RFC, vendor page or runbook."""


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
class BaselineResult:
    """What became of the baseline in this run; the counts are of its entries."""

    file: str
    """As the configuration names it."""
    entries: int
    known: int
    """Seen again, and in force."""
    expired: int
    """Seen again, and accept nothing: their last day has passed, or they lack the owner, reason or day that they need."""
    vanished: int
    """Not seen any more, by gates that were observed in full."""
    unobserved: int
    """Of gates that were not observed in full, so that nothing can be said of them."""


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
    config: str = ""
    """The configuration file, from the top of the git work tree on; findings' paths start from its folder."""


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
    baseline: BaselineResult | None = None
    """None where the configuration names none."""
    rules: tuple[RuleInfo, ...] = ()
    """What is documented of the rules that findings name."""
