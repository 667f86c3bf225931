"""The decision rule: what may lead to GO, and that nothing else ever does."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.config.model import Waiver
from readiness.decision import OBSERVED, SATISFIED, Rules, decide, settle
from readiness.model import (
    Answer,
    CheckResult,
    Decision,
    EnvironmentInfo,
    Finding,
    FindingSeverity,
    Outcome,
    Reason,
    RunInfo,
    ServiceInfo,
    Severity,
    Verdict,
    WaiverState,
)

TODAY = dt.date(2026, 11, 21)
GATES = ("health", "database", "redis")


def result(check: str, outcome: Outcome = Outcome.PASSED, **changes: object) -> CheckResult:
    fields = {"title": check, "severity": Severity.BLOCKING, "message": None} | changes
    return CheckResult(check, check.partition("/")[0], outcome=outcome, **fields)  # type: ignore[arg-type] # test data


def rules(**changes: object) -> Rules:
    fields = {"environment": "staging", "today": TODAY, "configured": GATES, "titles": tuple((g, g) for g in GATES)}
    return Rules(**fields | changes)  # type: ignore[arg-type] # test data


def waiver(check: str = "redis/ping", **changes: object) -> Waiver:
    fields = {"check": check, "reason": "known", "owner": "me", "expires": TODAY} | changes
    return Waiver(**fields)  # type: ignore[arg-type] # test data


def judge(results: list[CheckResult], how: Rules, *troubles: Reason) -> Decision:
    return decide(
        [settle(one, how) for one in results],
        troubles,
        how,
        service=ServiceInfo("s", "o", "", False),
        environment=EnvironmentInfo("staging", "live", True),
        run=RunInfo("1", "", "", 0.0, 1),
    )


ALL_PASS = [result(f"{gate}/one") for gate in GATES]

outcomes = st.sampled_from(list(Outcome))
results = st.lists(
    st.builds(
        result,
        st.tuples(st.sampled_from(GATES), st.integers(0, 9)).map(lambda pair: f"{pair[0]}/c{pair[1]}"),
        outcomes,
        severity=st.sampled_from(list(Severity)),
        attempts=st.integers(1, 2),
    ),
    max_size=12,
)
waivers = st.lists(
    st.builds(
        waiver,
        st.sampled_from(["*", "redis/*", "health/c1", "database/c[2]", "nothing/x"]),
        expires=st.dates(TODAY - dt.timedelta(2), TODAY + dt.timedelta(2)),
        env=st.sampled_from([None, ["staging"], ["production"]]),
        match=st.sampled_from([None, "CVE-1", "x"]),
    ),
    max_size=4,
)


class TestTheRule:
    """GO if and only if every required gate was judged and nothing that blocks is left."""

    def test_everything_passed_is_go(self) -> None:
        """All checks of all configured gates passed."""
        decision = judge(ALL_PASS, rules())
        assert (decision.decision, decision.reasons) == (Answer.GO, ())
        assert [gate.verdict for gate in decision.gates] == [Verdict.PASS] * 3

    def test_nothing_configured_is_no_go(self) -> None:
        """Absence of evidence is not evidence."""
        decision = judge([], rules(configured=(), titles=()))
        assert decision.decision is Answer.NO_GO
        assert "nothing was judged" in decision.reasons[0].text

    def test_required_gate_without_table_is_no_go(self) -> None:
        """The policy names a gate that nobody configured."""
        decision = judge(ALL_PASS, rules(required=(*GATES, "flags")))
        assert [(reason.gate, reason.outcome) for reason in decision.reasons] == [("flags", "not-configured")]
        assert decision.gates[-1].verdict is Verdict.NOT_CONFIGURED

    def test_required_gate_without_results_is_no_go(self) -> None:
        """A gate that ran no check was not judged."""
        decision = judge(ALL_PASS[:2], rules())
        assert [(reason.gate, reason.outcome) for reason in decision.reasons] == [("redis", "not-run")]

    def test_gate_that_is_not_required_does_not_block(self) -> None:
        """The policy lists the gates that count."""
        decision = judge([*ALL_PASS[:2], result("redis/one", Outcome.FAILED)], rules(required=("health", "database")))
        assert decision.decision is Answer.GO
        assert decision.gates[2].verdict is Verdict.FAIL
        assert not decision.gates[2].required

    @pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.UNMEASURED, Outcome.NOT_RUN])
    def test_one_blocking_check_is_enough(self, outcome: Outcome) -> None:
        """Each outcome but passed and waived blocks, and the reason names the check."""
        decision = judge([*ALL_PASS, result("redis/two", outcome, message="why")], rules())
        assert [(r.check, r.outcome, r.text) for r in decision.reasons] == [("redis/two", outcome, "why")]

    def test_gate_with_only_unmeasured_advisory_checks_was_not_judged(self) -> None:
        """Advisory checks do not block, but a gate that observed nothing does."""
        silent = result("redis/one", Outcome.UNMEASURED, severity=Severity.ADVISORY)
        decision = judge([*ALL_PASS[:2], silent], rules())
        assert decision.reasons[0].gate == "redis"
        assert decision.gates[2].verdict is Verdict.UNMEASURED

    def test_trouble_of_the_run_is_no_go(self) -> None:
        """An interrupt, a crash, a deadline."""
        decision = judge(ALL_PASS, rules(), Reason("", "", "interrupted", "Ctrl-C"))
        assert decision.decision is Answer.NO_GO

    def test_selected_gates_are_partial_and_required(self) -> None:
        """`--gate` narrows the decision, says so, and makes the named gate count."""
        decision = judge([ALL_PASS[0]], rules(selected=("health",), required=("redis",)))
        assert (decision.decision, decision.partial) == (Answer.GO, True)
        assert [gate.name for gate in decision.gates] == ["health"]

    def test_flaky_passes_are_limited(self) -> None:
        """A pass after a retry counts against `flaky-passes`."""
        flaky = [*ALL_PASS, result("health/two", attempts=2)]
        assert judge(flaky, rules()).reasons[0].outcome == "flaky"
        assert judge(flaky, rules(flaky_passes=1)).decision is Answer.GO


class TestProperties:
    """What holds for every run."""

    @given(results, waivers, st.sampled_from([None, ("health",), GATES, (*GATES, "flags")]))
    def test_go_means_each_required_gate_was_judged(
        self, some: list[CheckResult], accepted: list[Waiver], required: tuple[str, ...] | None
    ) -> None:
        """The rule of the contract, stated the other way round."""
        how = rules(waivers=tuple(accepted), required=required, flaky_passes=99)
        decision = judge(some, how)
        final = [settle(one, how) for one in some]
        holds = all(
            gate in GATES
            and any(one.outcome in OBSERVED for one in final if one.gate == gate)
            and all(one.outcome in SATISFIED for one in final if one.gate == gate and one.severity is Severity.BLOCKING)
            for gate in how.needed
        )
        assert (decision.decision is Answer.GO) == holds

    @given(results, waivers)
    def test_unmeasured_and_not_run_are_never_waived(self, some: list[CheckResult], accepted: list[Waiver]) -> None:
        """Only what was observed to fail can be accepted."""
        how = rules(waivers=tuple(accepted))
        for one in some:
            if one.outcome in (Outcome.UNMEASURED, Outcome.NOT_RUN):
                assert settle(one, how) == one

    @given(results, waivers, st.data())
    def test_losing_a_result_never_turns_no_go_into_go_within_a_gate(
        self, some: list[CheckResult], accepted: list[Waiver], data: st.DataObject
    ) -> None:
        """A check that loses its observation is unmeasured, and that is never better than what it was."""
        how = rules(waivers=tuple(accepted), flaky_passes=99)
        if not some or judge(some, how).decision is Answer.GO:
            return
        index = data.draw(st.integers(0, len(some) - 1))
        lost = [
            *some[:index],
            result(some[index].id, Outcome.UNMEASURED, severity=some[index].severity),
            *some[index + 1 :],
        ]
        assert judge(lost, how).decision is Answer.NO_GO or some[index].severity is Severity.ADVISORY

    @given(results)
    def test_counts_agree_with_checks(self, some: list[CheckResult]) -> None:
        """Each check is counted once, in the gate that it belongs to."""
        decision = judge(some, rules())
        assert sum(sum(gate.outcomes.values()) for gate in decision.gates) == len(decision.checks) == len(some)


class TestWaivers:
    """A failure may be accepted, with an end."""

    def test_valid_waiver_turns_a_failure_into_waived(self) -> None:
        """The last valid day still counts."""
        decision = judge([*ALL_PASS, result("redis/ping", Outcome.FAILED)], rules(waivers=(waiver(),)))
        assert decision.decision is Answer.GO
        assert decision.checks[-1].outcome is Outcome.WAIVED
        assert decision.checks[-1].waiver is not None
        assert decision.waivers[0].state is WaiverState.ACTIVE
        assert decision.gates[2].verdict is Verdict.WAIVED

    @pytest.mark.parametrize("match", [None, "unreadable-file", ".env"])
    def test_what_was_not_looked_at_is_never_waived(self, match: str | None) -> None:
        """Of a file that could not be read nothing is known that somebody could accept."""
        rule = "security-scan/unreadable-file"
        unread = Finding(rule, ".env", 0, 0, FindingSeverity.BLOCKING, ".env was not looked at", "")
        failing = result("redis/ping", Outcome.FAILED, message=".env was not looked at")
        failing = CheckResult(**{f: getattr(failing, f) for f in failing.__slots__} | {"findings": (unread,)})
        decision = judge([*ALL_PASS, failing], rules(waivers=(waiver(match=match),)))
        assert decision.decision is Answer.NO_GO

    def test_expired_waiver_does_not_count_and_is_reported(self) -> None:
        """One day later it is over."""
        late = waiver(expires=TODAY - dt.timedelta(1))
        decision = judge([*ALL_PASS, result("redis/ping", Outcome.FAILED)], rules(waivers=(late,)))
        assert decision.decision is Answer.NO_GO
        assert decision.waivers[0].state is WaiverState.EXPIRED

    def test_unused_and_over_broad_waivers_are_reported(self) -> None:
        """A waiver that nothing needed, and one that covers a whole gate."""
        decision = judge(ALL_PASS, rules(waivers=(waiver("redis/*"),)))
        assert decision.waivers[0].state is WaiverState.UNUSED
        assert "over-broad" in decision.waivers[0].note

    def test_waiver_of_another_environment_is_none_of_this_run(self) -> None:
        """`env` limits it."""
        other = waiver(env=["production"])
        decision = judge([*ALL_PASS, result("redis/ping", Outcome.FAILED)], rules(waivers=(other,)))
        assert decision.decision is Answer.NO_GO
        assert decision.waivers == ()

    def test_match_covers_only_findings_that_contain_it(self) -> None:
        """One uncovered finding keeps the failure."""
        known = Finding("cve", "requirements.txt", 1, 1, FindingSeverity.BLOCKING, "CVE-1 in a", "")
        new = Finding("cve", "requirements.txt", 2, 1, FindingSeverity.BLOCKING, "CVE-2 in b", "")
        how = rules(waivers=(waiver("redis/scan", match="CVE-1"),))
        failing = result("redis/scan", Outcome.FAILED, message="CVE-1 in a\nCVE-2 in b")
        one = CheckResult(**{f: getattr(failing, f) for f in failing.__slots__} | {"findings": (known,)})
        two = CheckResult(**{f: getattr(failing, f) for f in failing.__slots__} | {"findings": (known, new)})
        assert settle(one, how).outcome is Outcome.WAIVED
        assert settle(two, how).outcome is Outcome.FAILED

    def test_advisory_failure_needs_no_waiver(self) -> None:
        """It is `advisory`, and the gate warns."""
        decision = judge([*ALL_PASS, result("redis/hit-rate", Outcome.FAILED, severity=Severity.ADVISORY)], rules())
        assert decision.decision is Answer.GO
        assert decision.checks[-1].outcome is Outcome.ADVISORY
        assert decision.gates[2].verdict is Verdict.WARN

    def test_policy_patterns_make_checks_advisory(self) -> None:
        """`advisory = ["redis/*"]`."""
        how = rules(advisory=("redis/*",))
        assert how.severity_of("redis/hit-rate", Severity.BLOCKING) is Severity.ADVISORY
        assert how.severity_of("database/connects", Severity.BLOCKING) is Severity.BLOCKING
