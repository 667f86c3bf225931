"""What the judge answers with: the action, the evidence of each metric, and why, in words. JSON-able."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from readiness.rollout.interface import Action
from readiness.rollout.rules import RuleState


class Code(StrEnum):
    """Why, for programs; the text of a reason is for people."""

    # Rolls back.
    EVIDENCE = "worse-than-baseline"
    RULE = "limit-broken"
    CANARY_DOWN = "canary-down"
    ALERT = "critical-alert"
    ROLLED_BACK = "rolled-back-before"
    SHARED_ROLLBACK = "shared-incident-rollback"
    # Holds.
    UNREADABLE = "unreadable"
    MISSING = "missing"
    LOST = "data-lost"
    NO_TRAFFIC = "no-traffic"
    NO_BASELINE = "no-baseline"
    TARGETS_DOWN = "targets-down"
    RESTARTS = "restarts"
    SHARED = "shared-incident"
    RULE_UNKNOWN = "rule-unknown"
    SUSPICION = "suspicion"
    TOO_EARLY = "too-early"
    NOT_SHOWN = "not-shown-to-be-below-limit"
    ALERTS_UNKNOWN = "alerts-unknown"
    FORBIDDEN = "forbidden"
    INCONCLUSIVE = "inconclusive"
    # Promotes.
    SHOWN = "shown-to-be-healthy"


ROLLS_BACK = frozenset({Code.EVIDENCE, Code.RULE, Code.CANARY_DOWN, Code.ALERT, Code.ROLLED_BACK, Code.SHARED_ROLLBACK})
"""Any of these is a rollback."""
NOT_MEASURED = frozenset({Code.UNREADABLE, Code.MISSING, Code.ALERTS_UNKNOWN})
"""Where nothing rolls back, these make the check `unmeasured` instead of failed."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for the action."""

    code: Code
    text: str
    metric: str = ""
    """Empty where the whole rollout is meant."""


@dataclass(frozen=True, slots=True)
class MetricState:
    """What is known of one metric after a look; shares and counts are those of the stage, evidence of the rollout."""

    name: str
    canary_requests: int
    canary_bad: int
    baseline_requests: int
    baseline_bad: int
    evidence: float
    """That the canary is worse than the baseline; 1 says nothing, 1/alpha of the whole rolls back."""
    p: float
    """1 / the largest evidence so far, at most 1: valid at any look."""
    limit_evidence: float | None
    """That the canary is above its rollback limit; None without one."""
    promotion: float | None
    """That it is below its promotion limit; 20 promotes; None without one."""
    rule: RuleState | None
    phi: float
    """The divisor for overdispersion in the last interval."""
    lost: int
    """Requests of the stage whose outcome will never be known, estimated."""
    is_measured: bool
    """Whether both arms were measured in the last interval."""
    missing: str
    """What is missing for promotion, in words; empty where nothing is."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answer to one look."""

    action: Action
    time_s: float
    stage: float
    evidence: float
    """One number over all metrics; rolls back at `threshold`."""
    threshold: float
    p: float
    """The chance of as much evidence against a healthy release at any time in the rollout, at most."""
    elapsed_s: float
    """Of the stage."""
    scrapes: int
    """Of the stage."""
    reasons: tuple[Reason, ...]
    """Why; for a rollback those that demand it, for a hold all that is in the way of promotion."""
    metrics: tuple[MetricState, ...]

    @property
    def is_unmeasured(self) -> bool:
        """Whether it holds because something could not be observed."""
        return self.action is Action.HOLD and any(reason.code in NOT_MEASURED for reason in self.reasons)

    def to_json(self) -> dict[str, Any]:
        """Returns it as JSON builtins: one point of the trajectory."""
        builtins: dict[str, Any] = asdict(self)
        builtins["action"] = str(self.action)
        builtins["is_unmeasured"] = self.is_unmeasured
        builtins["reasons"] = [
            {"code": str(each.code), "metric": each.metric, "text": each.text} for each in self.reasons
        ]
        builtins["metrics"] = [
            {**state, "rule": None if state["rule"] is None else str(state["rule"])} for state in builtins["metrics"]
        ]
        return builtins
