"""What a run knows so far: what was planned, collected, reported, and what went wrong with the run itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from readiness import wire
from readiness.collection import Plan, Planned
from readiness.decision import SATISFIED, Rules, settle
from readiness.model import CheckResult, Outcome, Reason

MAX_NAMED = 5
"""How many node ids a reason names."""


class Ledger:
    """Collects facts as pytest reports them; what they mean is decided in `readiness.decision`."""

    def __init__(self) -> None:
        self.plan: dict[str, Planned] = {}
        self.troubles: list[tuple[str, str]] = []
        self._results: dict[str, CheckResult] = {}
        self._workers: dict[str, object] = {}
        self._collected: dict[str, None] = {}
        self._finished: set[str] = set()
        self._failed: dict[str, None] = {}
        self._crashed: set[str] = set()
        self._why_stopped = ""
        self.rollout: dict[str, Any] | None = None
        """What was observed of the rollout, for the report; None where none was."""

    def trouble(self, kind: str, text: str, remedy: str = "") -> None:
        """Something is wrong with the run itself; no GO any more. Said twice, it counts once."""
        # The remedy is no part of a log whose end, indented, is the end of the text.
        gap = "\n" if text.rpartition("\n")[2].startswith("    ") else " "
        entry = (kind, f"{text}{gap}{remedy}".strip())
        if entry not in self.troubles:
            self.troubles.append(entry)

    def has(self, kind: str) -> bool:
        """Returns whether there is a trouble of this kind."""
        return any(kind == known for known, _ in self.troubles)

    @property
    def has_collected(self) -> bool:
        """True once any test was collected."""
        return bool(self._collected)

    def collected(self, node_ids: Iterable[str]) -> None:
        """These tests were to run."""
        self._collected.update(dict.fromkeys(node_ids))

    def planned(self, plan: Plan) -> None:
        """These are the checks of one process; every process has the same."""
        self.plan.update(plan.checks)
        for text in plan.errors:
            self.trouble("collection", text)

    def stopped(self, why: object) -> None:
        """Pytest was told to stop early, such as by `-x`."""
        self._why_stopped = str(why) if why else ""

    def enter(self, report: pytest.TestReport) -> None:
        """One phase of one test was reported."""
        payload: dict[str, Any] | None = getattr(report, "readiness", None)
        if payload is not None:
            self._keep(report, wire.from_builtins(payload["result"], CheckResult))
            self.rollout = payload.get("rollout", self.rollout)
            if "plan" in payload:
                checks = {one.node_id: one for one in wire.from_builtins(payload["plan"], list[Planned])}
                self.planned(Plan(checks, payload["plan_errors"]))
        if report.when == "teardown":
            self._finished.add(report.nodeid)
        elif report.when not in ("setup", "call"):  # pytest-xdist reports a crashed worker's test as "???"
            self._crashed.add(report.nodeid)
        if report.failed:
            self._failed[report.nodeid] = None

    def _keep(self, report: pytest.TestReport, result: CheckResult) -> None:
        """The last result counts, as of a retry; but of several workers that ran the same check the worst one."""
        worker = getattr(report, "node", None)
        earlier, its_worker = self._results.get(report.nodeid), self._workers.get(report.nodeid)
        if earlier is None or its_worker is worker or earlier.outcome in SATISFIED:
            self._results[report.nodeid] = result
            self._workers[report.nodeid] = worker

    def results(self, rules: Rules) -> list[CheckResult]:
        """Returns one settled result per planned check, in the order of the plan."""
        results = []
        for node_id, planned in self.plan.items():
            known = self._results.get(node_id)
            if known is not None and node_id not in self._crashed:
                results.append(settle(known, rules))
                continue
            outcome, text, remedy = self._why_missing(node_id, planned)
            results.append(
                CheckResult(
                    planned.id,
                    planned.gate,
                    planned.title,
                    planned.severity,
                    outcome,
                    message=text,
                    remedy=remedy,
                    node_id=node_id,
                )
            )
        return results

    def _why_missing(self, node_id: str, planned: Planned) -> tuple[Outcome, str, str]:
        if node_id in self._crashed:
            text = "the process that ran this check crashed, so nothing was observed"
            return Outcome.UNMEASURED, text, "Run it alone, without -n, to see why."
        if planned.hidden and not self.has("collection"):
            text = (
                "pytest did not collect this check: --lf or a plugin left it out, "
                "another function has its name, or the ini option python_functions hides it"
            )
            return Outcome.NOT_RUN, text, "See what `pytest --collect-only` lists; add test_* to python_functions."
        if planned.deselected:
            text = "this check was deselected, by -k, -m, --lf, --deselect, a plugin, or because others were named"
            return Outcome.NOT_RUN, text, "Run without it; --gate narrows a run to whole gates."
        if self.troubles:
            return Outcome.NOT_RUN, f"the run ended before this check ({self.troubles[0][0]})", ""
        if self._why_stopped:
            return Outcome.NOT_RUN, f"the run was stopped before this check: {self._why_stopped}", ""
        return Outcome.NOT_RUN, "this check was collected but never reported", "See pytest's own output."

    def reasons(self) -> list[Reason]:
        """Returns what is wrong with the run itself, as reasons for a NO-GO."""
        reasons = [Reason("", "", kind, text) for kind, text in self.troubles]
        crashed = [node_id for node_id in self._crashed if node_id not in self.plan]
        if crashed:
            reasons.append(Reason("", "", "crashed", f"A worker crashed while it ran {_named(crashed)}."))
        beside = [node_id for node_id in self._failed if node_id not in self.plan and node_id not in self._crashed]
        if beside:
            reasons.append(Reason("", "", "failed", f"Tests that ran beside the checks failed: {_named(beside)}."))
        lost = [node_id for node_id in self._collected if node_id not in self._finished | self._crashed]
        if lost and (self._finished or not self.has("environment")):  # without one nothing was to run
            why = f" pytest was stopped: {self._why_stopped}." if self._why_stopped else ""
            text = f"Incomplete: {len(lost)} of {len(self._collected)} tests that were collected never reported: {_named(lost)}.{why}"
            reasons.append(Reason("", "", "incomplete", text))
        return reasons


def _named(node_ids: list[str]) -> str:
    more = f" and {len(node_ids) - MAX_NAMED} more" if len(node_ids) > MAX_NAMED else ""
    return ", ".join(node_ids[:MAX_NAMED]) + more
