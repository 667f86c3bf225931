"""Decisions as nobody would write them, for Hypothesis."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from hypothesis import strategies as st

from readiness.model import (
    Answer,
    CheckResult,
    Decision,
    EnvironmentInfo,
    Finding,
    GateResult,
    Limit,
    Measurement,
    Outcome,
    Reason,
    RunInfo,
    Scalar,
    ServiceInfo,
    WaiverResult,
    WaiverUse,
)

anything = st.text(st.characters(exclude_categories=()), max_size=30)
"""Any code point, lone surrogates and noncharacters included."""
stamps = st.integers(0, 7_000_000_000).map(
    lambda second: dt.datetime.fromtimestamp(second, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
)


def _scalars(*, finite: bool) -> st.SearchStrategy[Scalar]:
    whole = st.integers(-(2**63), 2**64 - 1)
    return st.one_of(st.none(), st.booleans(), whole, _floats(finite=finite), anything)


def _floats(*, finite: bool) -> st.SearchStrategy[float]:
    return st.floats(allow_nan=not finite, allow_infinity=not finite)


def decisions(text: st.SearchStrategy[str] = anything, *, finite: bool = False) -> st.SearchStrategy[Decision]:
    """Returns decisions of every shape: the words of the model, and `text` wherever text is free."""
    numbers, scalars = _floats(finite=finite), _scalars(finite=finite).filter(lambda x: not isinstance(x, str)) | text
    bound = st.none() | numbers
    limits = st.builds(Limit, at_most=bound, at_least=bound, equals=scalars, satisfies=st.none() | text)
    measurements = st.builds(
        Measurement, name=text, value=scalars, unit=text, limit=st.none() | limits, holds=st.booleans()
    )
    optional = st.none() | text
    findings = st.builds(Finding, rule=text, path=text, text=text, remedy=text)
    uses = st.builds(WaiverUse, check=text, reason=text, owner=text, expires=text, ticket=text)
    checks = st.builds(
        CheckResult, id=text, gate=text, title=text, duration_s=numbers, message=optional, remedy=optional,
        runbook=optional, node_id=text, measurements=st.lists(measurements, max_size=2).map(tuple),
        findings=st.lists(findings, max_size=2).map(tuple), waiver=st.none() | uses,
    )  # fmt: skip
    counts = st.dictionaries(st.sampled_from([str(outcome) for outcome in Outcome]), st.integers(0, 10**6))
    gates = st.builds(GateResult, name=text, title=text, outcomes=counts, duration_s=numbers)
    runs = st.builds(
        RunInfo, id=text, started=stamps, finished=stamps, duration_s=numbers, workers=st.integers(1, 64),
        versions=st.dictionaries(text, text, max_size=2),
    )  # fmt: skip
    return st.builds(
        Decision,
        reasons=st.lists(st.builds(Reason, text, text, text, text), max_size=3).map(tuple),
        service=st.builds(ServiceInfo, text, text, text, st.booleans()),
        environment=st.builds(EnvironmentInfo, text, text, st.booleans()),
        run=runs,
        waivers=st.lists(st.builds(WaiverResult, check=text, expires=text, note=text), max_size=3).map(tuple),
        gates=st.lists(gates, max_size=3).map(tuple),
        checks=st.lists(checks, max_size=4).map(tuple),
    ).map(lambda decision: replace(decision, reasons=()) if decision.decision is Answer.GO else decision)
