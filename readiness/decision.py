"""From results and policy to verdicts and the decision. Pure: no I/O, no clock; *today* is an argument.

The rule: GO if and only if every required gate is configured, ran at least one check, and each of its blocking
checks is `passed` or `waived` by a valid waiver, and nothing went wrong with the run itself. Absence of evidence is
never evidence.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from readiness import baseline as known
from readiness.config.baseline import Baseline, is_not_looked_at
from readiness.config.model import Waiver
from readiness.config.waivers import has_expired, is_over_broad, matches
from readiness.model import (
    Answer,
    CheckResult,
    Decision,
    EnvironmentInfo,
    Finding,
    GateResult,
    Outcome,
    Reason,
    RunInfo,
    ServiceInfo,
    Severity,
    Verdict,
    WaiverResult,
    WaiverState,
    WaiverUse,
)

OBSERVED = frozenset({Outcome.PASSED, Outcome.FAILED, Outcome.ADVISORY, Outcome.WAIVED})
"""Outcomes that stand on an observation."""
MAX_NAMED = 5
"""How many checks a reason names."""
SATISFIED = frozenset({Outcome.PASSED, Outcome.WAIVED})
"""Outcomes of a blocking check that a GO may contain."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the configuration says about judging, for one environment and one day."""

    environment: str
    today: dt.date
    """The day in UTC at the start of the run."""
    advisory: tuple[str, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    required: tuple[str, ...] | None = None
    """Gates named by the policy; None means every configured one."""
    selected: tuple[str, ...] = ()
    """Gates that the command line narrowed the run to; empty means all."""
    configured: tuple[str, ...] = ()
    """Gates that have a table, or checks of the user's own."""
    titles: tuple[tuple[str, str], ...] = ()
    """Gate name and title, in the order of the report."""
    flaky_passes: int = 0
    baseline: Baseline | None = None
    """The findings that are known."""

    def severity_of(self, check: str, declared: Severity) -> Severity:
        """Returns the severity of a check after the policy's `advisory` patterns."""
        return Severity.ADVISORY if any(matches(pattern, check) for pattern in self.advisory) else declared

    def is_in_force(self, waiver: Waiver) -> bool:
        """Returns whether the waiver speaks of this environment."""
        return waiver.env is None or self.environment in waiver.env

    def needs(self, gate: str) -> bool:
        """Returns whether this run's decision stands on the gate, should it have checks."""
        if self.selected:
            return gate in self.selected
        return self.required is None or gate in self.required

    @property
    def needed(self) -> tuple[str, ...]:
        """The gates that this run's decision stands on."""
        return self.selected or (self.configured if self.required is None else self.required)


def find_waiver(result: CheckResult, rules: Rules) -> Waiver | None:
    """Returns the first valid waiver that covers all of a failure.

    A waiver with `match` covers only findings whose rule or text contains it: each blocking finding must be covered
    by some valid waiver, and nothing but findings may have failed. Without findings the failure's own text must
    contain it. That something was not looked at can never be waived.
    """
    check, text = result.id, result.message or ""
    valid = [
        waiver
        for waiver in rules.waivers
        if rules.is_in_force(waiver) and matches(waiver.check, check) and not has_expired(waiver, rules.today)
    ]
    blocking = [finding for finding in result.findings if finding.blocks]
    if any(is_not_looked_at(finding.rule) for finding in blocking):  # as what is unmeasured
        return None

    def covers(waiver: Waiver, finding: Finding) -> bool:
        return waiver.match is None or waiver.match in finding.rule or waiver.match in finding.text

    for waiver in valid:
        if waiver.match is None:
            return waiver
    if blocking:
        only_findings = blocking[0].text in text and all(measurement.holds for measurement in result.measurements)
        covering = [next((waiver for waiver in valid if covers(waiver, finding)), None) for finding in blocking]
        return covering[0] if only_findings and all(covering) else None
    return next((waiver for waiver in valid if waiver.match is not None and waiver.match in text), None)


def settle(result: CheckResult, rules: Rules) -> CheckResult:
    """Returns the result with a failure turned into `advisory` or `waived` where the policy says so.

    `unmeasured` and `not-run` stay what they are: they can never be waived.
    """
    if result.outcome is not Outcome.FAILED:
        return result
    if result.severity is Severity.ADVISORY:
        return replace(result, outcome=Outcome.ADVISORY)
    waiver = find_waiver(result, rules)
    if waiver is None:
        return result
    use = WaiverUse(waiver.check, waiver.reason, waiver.owner, waiver.expires.isoformat(), waiver.ticket)
    return replace(result, outcome=Outcome.WAIVED, waiver=use)


def decide(
    results: Iterable[CheckResult],
    troubles: Iterable[Reason],
    rules: Rules,
    *,
    service: ServiceInfo,
    environment: EnvironmentInfo,
    run: RunInfo,
) -> Decision:
    """Returns the decision.

    Args:
        results: one per check, settled; their order is kept within a gate.
        troubles: what went wrong with the run itself, such as an interrupt; any of them means NO-GO.
        rules: what the configuration says.
        service: what is to be released.
        environment: where it was judged.
        run: when and with what.
    """
    by_gate: dict[str, list[CheckResult]] = {}
    for result in results:
        by_gate.setdefault(result.gate, []).append(result)
    titles = dict(rules.titles)
    names = list(dict.fromkeys([*titles, *rules.configured, *rules.needed, *by_gate]))
    if rules.selected:
        names = [name for name in names if name in rules.selected]
    gates, reasons, found = [], list(troubles), list[Reason]()
    for name in names:
        checks = by_gate.get(name, [])
        required = rules.needs(name) if checks else name in rules.needed
        if not checks and not required and name not in rules.configured:
            continue
        gates.append(
            _judge_gate(name, titles.get(name, name), required, checks, name in rules.configured or bool(checks))
        )
        if required:
            found += _reasons_of_gate(name, checks, name in rules.configured or bool(checks))
    reasons += _merge_repeated(found)
    if not rules.needed and not any(gate.required for gate in gates):
        reasons.append(Reason("", "", Outcome.NOT_RUN, "No gate is configured, so nothing was judged."))
    checks_in_order = tuple(check for gate in gates for check in by_gate.get(gate.name, []))
    reasons += _flaky_reasons(checks_in_order, rules)
    return Decision(
        decision=Answer.NO_GO if reasons else Answer.GO,
        partial=bool(rules.selected),
        reasons=tuple(reasons),
        service=service,
        environment=environment,
        run=run,
        gates=tuple(gates),
        checks=checks_in_order,
        waivers=_waiver_results(checks_in_order, rules),
        baseline=known.outcome(checks_in_order, rules.baseline, rules.today) if rules.baseline else None,
    )


def _judge_gate(name: str, title: str, required: bool, checks: list[CheckResult], configured: bool) -> GateResult:
    counts = Counter(str(check.outcome) for check in checks)
    duration = round(sum(check.duration_s for check in checks), 6)
    return GateResult(name, title, required, _verdict(checks, configured), dict(counts), duration)


def _verdict(checks: list[CheckResult], configured: bool) -> Verdict:
    if not configured:
        return Verdict.NOT_CONFIGURED
    blocking = {check.outcome for check in checks if check.severity is Severity.BLOCKING}
    every = {check.outcome for check in checks}
    if Outcome.FAILED in blocking:
        return Verdict.FAIL
    if not every & OBSERVED or blocking - OBSERVED:
        return Verdict.UNMEASURED
    if Outcome.WAIVED in every:
        return Verdict.WAIVED
    return Verdict.PASS if every == {Outcome.PASSED} else Verdict.WARN


def _reasons_of_gate(name: str, checks: list[CheckResult], configured: bool) -> list[Reason]:
    if not configured:
        text = f"Gate {name} is required but not configured. Add a table [{name}] to the configuration."
        return [Reason(name, "", Verdict.NOT_CONFIGURED, text)]
    if not checks:
        text = f"Gate {name} is required but none of its checks was collected, so it was not judged."
        return [Reason(name, "", Outcome.NOT_RUN, text)]
    reasons = [
        Reason(name, check.id, check.outcome, check.message or f"{check.title}: {check.outcome}")
        for check in checks
        if check.severity is Severity.BLOCKING and check.outcome not in SATISFIED
    ]
    if not reasons and not any(check.outcome in OBSERVED for check in checks):
        text = f"Gate {name} is required but none of its checks observed anything."
        reasons.append(Reason(name, "", Outcome.UNMEASURED, text))
    return reasons


def _merge_repeated(reasons: list[Reason]) -> list[Reason]:
    """Returns the reasons with those that say the same of several checks as one: one cause is one blocker.

    Only for what was not observed: failures differ even where their words do not.
    """
    groups: dict[tuple[str, str], list[Reason]] = {}
    for number, reason in enumerate(reasons):
        is_repeatable = reason.check and reason.outcome in (Outcome.UNMEASURED, Outcome.NOT_RUN)
        groups.setdefault((reason.outcome, reason.text if is_repeatable else str(number)), []).append(reason)
    return [_merged(group) if len(group) > 1 else group[0] for group in groups.values()]


def _merged(group: list[Reason]) -> Reason:
    gates = list(dict.fromkeys(reason.gate for reason in group))
    named = ", ".join(reason.check for reason in group[:MAX_NAMED])
    more = f" and {len(group) - MAX_NAMED} more" if len(group) > MAX_NAMED else ""
    text = f"{group[0].text.rstrip('.')}. This keeps {len(group)} checks from being measured: {named}{more}."
    return Reason(gates[0] if len(gates) == 1 else "", "", group[0].outcome, text)


def _flaky_reasons(checks: tuple[CheckResult, ...], rules: Rules) -> list[Reason]:
    flaky = [check for check in checks if check.outcome is Outcome.PASSED and check.attempts > 1]
    if len(flaky) <= rules.flaky_passes:
        return []
    names = ", ".join(check.id for check in flaky[:MAX_NAMED]) + (" and others" if len(flaky) > MAX_NAMED else "")
    count = "1 check" if len(flaky) == 1 else f"{len(flaky)} checks"
    text = (
        f"{count} passed only after a retry ({names}); "
        f"[policy] flaky-passes allows {rules.flaky_passes}. Find out why they failed first."
    )
    return [Reason("", flaky[0].id if len(flaky) == 1 else "", "flaky", text)]


def _waiver_results(checks: tuple[CheckResult, ...], rules: Rules) -> tuple[WaiverResult, ...]:
    results = []
    for waiver in rules.waivers:
        if not rules.is_in_force(waiver):
            continue
        expires = waiver.expires.isoformat()
        matched = [check for check in checks if matches(waiver.check, check.id)]
        waived = any(check.outcome is Outcome.WAIVED and _covers_some(waiver, check) for check in matched)
        state = (
            WaiverState.EXPIRED
            if has_expired(waiver, rules.today)
            else WaiverState.ACTIVE
            if waived
            else WaiverState.UNUSED
        )
        notes = []
        if not matched:
            notes.append("matches no check of this run")
        if is_over_broad(waiver.check) and waiver.match is None:
            notes.append("over-broad: it covers every check of a gate; name the check, or narrow it with match")
        results.append(WaiverResult(waiver.check, state, expires, "; ".join(notes)))
    return tuple(results)


def _covers_some(waiver: Waiver, check: CheckResult) -> bool:
    if waiver.match is None:
        return True
    texts = [check.message or "", *(finding.rule for finding in check.findings), *(f.text for f in check.findings)]
    return any(waiver.match in text for text in texts)
