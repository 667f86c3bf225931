"""Plugin that runs checks: hands out probes, records evidence, and puts the result on the teardown report.

Lives in every process that runs tests. Evidence travels on reports only, as builtins: a worker that crashes has
reported nothing, and a check without evidence is `unmeasured`.
"""

from __future__ import annotations

import functools
import inspect
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from readiness import wire
from readiness.baseline import compared
from readiness.collection import Collection, check_id, mark_of_item
from readiness.config.base import Table
from readiness.deadline import Deadline
from readiness.decision import Rules, settle
from readiness.errors import NotMeasured, ReadinessError, Unreachable
from readiness.evidence import Evidence, Findings, Measure
from readiness.mark import CheckMark, sections_of, surely_asserts, title_of
from readiness.model import CheckResult, Outcome, Severity
from readiness.observer import Observer
from readiness.redact import Redactor

if TYPE_CHECKING:
    from readiness.watching import RolloutProbe

MAX_MESSAGE = 8000
"""Characters of a message that a report keeps."""


class Violated(pytest.fail.Exception):  # type: ignore[misc,name-defined] # pytest types it as an attribute
    """A limit does not hold, or a finding blocks: what the evidence says at the end, without a traceback."""


@dataclass(slots=True)
class State:
    """What is known about one check while it runs."""

    item: pytest.Item
    mark: CheckMark
    result: CheckResult
    evidence: Evidence
    executions: int = 0
    """How often pytest set it up; more than once under pytest-rerunfailures."""
    attempts: int = 0
    phases: dict[str, tuple[Outcome, str, str]] = field(default_factory=dict)
    """Phase to outcome, message, remedy; only phases that did not pass."""
    duration_s: float = 0.0
    has_concluded: bool = False


class Execution:
    """Runs the checks of one process."""

    def __init__(
        self,
        collection: Collection,
        rules: Rules,
        redactor: Redactor,
        deadline: Deadline,
        runbook_link: Callable[[str], str],
        *,
        rollout: Callable[[], RolloutProbe] | None = None,
    ) -> None:
        self.collection = collection
        self.rules = rules
        self.redactor = redactor
        self.deadline = deadline
        self.runbook_link = runbook_link
        self.observer = Observer(
            collection.table_of,
            deadline.left_s,
            _patience(collection),
            folder=collection.settings.folder,
            rollout=rollout,
        )
        self._rollout_sent = False
        self._states: dict[str, State] = {}
        self._plan_sent = False

    # --- what the fixtures hand out ---

    def table_of(self, item: pytest.Item) -> Table | None:
        """Returns the table of the item's gate."""
        mark = mark_of_item(item)
        return self.collection.table_of(mark.gate) if mark else None

    def measure_of(self, item: pytest.Item) -> Measure:
        """Returns the recorder of the item's measurements."""
        return Measure(self._state(item).evidence)

    def findings_of(self, item: pytest.Item) -> Findings:
        """Returns the recorder of the item's findings."""
        return Findings(self._state(item).evidence)

    def _state(self, item: pytest.Item) -> State:
        state = self._states.get(item.nodeid)
        if state is None:
            raise RuntimeError(f"{item.nodeid} is no check: decorate it with @check('gate/name')")
        return state

    # --- one check ---

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """A new execution begins with empty evidence."""
        mark = mark_of_item(item)
        if mark is None:
            return
        state = self._states.get(item.nodeid)
        if state is None:
            state = self._states[item.nodeid] = self._new_state(item, mark)
        state.evidence.reset()
        state.phases.clear()
        state.executions += 1
        state.has_concluded = False
        if self.deadline.has_passed:
            raise NotMeasured(
                "the deadline of the run was reached before this check",
                "Raise [policy] deadline, or find out what is slow.",
            )

    def _new_state(self, item: pytest.Item, mark: CheckMark) -> State:
        id_ = check_id(item, mark)
        function = getattr(item, "function", None)
        result = CheckResult(
            id=id_,
            gate=mark.gate,
            title=title_of(function) if function else mark.id,
            severity=self.rules.severity_of(id_, mark.severity),
            outcome=Outcome.NOT_RUN,
            node_id=item.nodeid,
        )
        compare = functools.partial(compared, gate=mark.gate, baseline=self.rules.baseline, today=self.rules.today)
        source = f"{self.collection.settings.file.name} [{mark.gate}]"
        return State(item, mark, result, Evidence(source, compare=compare))

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        """The check is called, again after a failure where its table allows attempts, and its evidence concluded."""
        __tracebackhide__ = True
        state = self._states.get(pyfuncitem.nodeid)
        if state is None or inspect.iscoroutinefunction(pyfuncitem.obj):
            return None
        table = self.table_of(pyfuncitem)
        allowed = getattr(table, "attempts", 1)
        start = state.evidence.mark()
        for attempt in range(1, allowed + 1):
            state.attempts += 1
            state.evidence.rewind(start)
            try:
                self._call(pyfuncitem, state)
            except Unreachable:
                raise  # that was tried as often as the configuration says
            except (AssertionError, pytest.fail.Exception, ReadinessError):
                pause = float(getattr(table, "every", 0))
                if attempt == allowed or self.deadline.left_s() <= pause:
                    raise
                time.sleep(pause)
            else:
                break
        return True

    def _call(self, item: pytest.Function, state: State) -> None:
        __tracebackhide__ = True
        if "seen" in item.funcargs:
            item.funcargs["seen"] = self.observer.take(item, state.mark)
        wanted = inspect.signature(item.obj).parameters
        _refuse_result(item.obj(**{name: item.funcargs[name] for name in wanted if name in item.funcargs}))
        self._conclude(item, state)

    def _conclude(self, item: pytest.Function, state: State) -> None:
        """The check fails where a limit does not hold, and is unmeasured where it observed nothing."""
        state.has_concluded = True
        if violations := state.evidence.violations():
            raise Violated("\n".join(violations), pytrace=False)
        if state.evidence.is_empty and not surely_asserts(item.function):
            raise NotMeasured(
                f"check {state.result.id} neither measured nor asserted anything",
                "Call measure(...), or assert outside of loops, branches and with blocks, which may not count.",
            )

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """The evidence of an async check, which its own plugin has called, is concluded too."""
        result = yield
        state = self._states.get(item.nodeid)
        if state is not None and not state.has_concluded and isinstance(item, pytest.Function):
            self._conclude(item, state)
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
        """At teardown the report carries the evidence."""
        report: Any = yield
        state = self._states.get(item.nodeid)
        if state is not None:
            self._note(state, call, report)
        return report  # type: ignore[no-any-return] # whatever pytest made

    def _note(self, state: State, call: pytest.CallInfo[None], report: Any) -> None:
        if (problem := _classify(call, str(state.item.path))) is not None:
            state.phases[call.when] = problem
        state.duration_s += call.duration
        if call.excinfo is not None and isinstance(call.excinfo.value, ReadinessError) and report.failed:
            report.longrepr = f"unmeasured: {call.excinfo.value}"  # where in a probe it was found helps nobody
        if not report.failed and call.when != "teardown":
            return
        result = self._final(state)
        if report.failed and (reason := self._why_it_does_not_block(result)):
            # The word that pytest has for it is an expected failure.
            report.outcome, report.wasxfail = "skipped", reason
        if call.when != "teardown":
            return
        payload = {"result": self.redactor.redact_all(wire.to_builtins(result))}
        if not self._plan_sent:
            payload["plan"] = self.redactor.redact_all(wire.to_builtins(list(self.collection.plan.checks.values())))
            payload["plan_errors"] = list(self.collection.plan.errors)
            self._plan_sent = True
        if not self._rollout_sent and (rollout := self.observer.rollout) is not None:
            payload["rollout"] = self.redactor.redact_all(wire.to_builtins(rollout))
            self._rollout_sent = True
        report.readiness = payload
        facts = {"check": result.id, "outcome": str(result.outcome), "severity": str(result.severity)}
        properties = state.item.user_properties
        properties[:] = [*(pair for pair in properties if pair[0] not in facts), *facts.items()]
        report.user_properties = list(properties)

    def _why_it_does_not_block(self, result: CheckResult) -> str:
        if result.waiver is not None:
            return f"waived: {result.waiver.reason}"
        if result.severity is Severity.ADVISORY:
            return "advisory"
        return "" if self.rules.needs(result.gate) else f"gate {result.gate} is not required"

    def _final(self, state: State) -> CheckResult:
        """Returns what the phases so far add up to; what could not be measured outweighs what failed."""
        problems = []
        for phase, (outcome, message, remedy) in state.phases.items():
            # A fixture's assertion says nothing about the check.
            is_about_it = phase == "call" or outcome is not Outcome.FAILED
            problems.append((outcome if is_about_it else Outcome.UNMEASURED, message, remedy))
        if not problems and not state.has_concluded:
            problems.append((Outcome.UNMEASURED, "the check was set up but never executed", ""))
        if not problems and (late := state.evidence.violations()):
            problems.append((Outcome.FAILED, "\n".join(late), ""))  # recorded by a fixture after the call
        if not problems:
            return self._result(state, Outcome.PASSED, "", "")
        worst = min(problems, key=lambda problem: problem[0] is not Outcome.UNMEASURED)
        return settle(self._result(state, *worst), self.rules)

    def _result(self, state: State, outcome: Outcome, message: str, remedy: str) -> CheckResult:
        failed = outcome is not Outcome.PASSED
        function = getattr(state.item, "function", None) if failed else None
        help_text = sections_of(function).get("If it fails", "") if function is not None else ""
        return replace(
            state.result,
            outcome=outcome,
            attempts=max(1, state.attempts, state.executions, self.observer.attempts_at(state.mark)),
            duration_s=round(state.duration_s, 6),
            message=self.redactor.redact(message)[:MAX_MESSAGE] if failed else None,
            remedy=(remedy or help_text or None) if failed else None,
            runbook=(self.runbook_link(state.mark.runbook or state.result.title) or None) if failed else None,
            measurements=tuple(state.evidence.measurements),
            findings=state.evidence.compare(state.evidence.findings),
        )


def _refuse_result(result: object) -> None:
    """Raises NotMeasured for what a check returned: a coroutine or a generator was not run, and nobody reads the rest."""
    if result is None:
        return
    if inspect.iscoroutine(result):
        result.close()  # Python would warn of one that was never awaited, at a place that says nothing
    raise NotMeasured(
        f"the check returned {type(result).__name__} instead of asserting",
        "Assert or measure(...) in the check itself, and return nothing; a wrapper awaits or runs what it wraps.",
    )


def _patience(collection: Collection) -> dict[str, tuple[int, float]]:
    """Returns how often each part of the target may be tried: the service as often as the health gate says."""
    table = collection.table_of("health")
    return {"http": (getattr(table, "attempts", 1), float(getattr(table, "every", 0.0)))}


def _classify(call: pytest.CallInfo[None], check_file: str) -> tuple[Outcome, str, str] | None:
    """Returns outcome, message and remedy of a phase that did not pass.

    `failed` is what the check itself says of the target; whatever else ended it left the target unmeasured.
    """
    if call.excinfo is None:
        return None
    error = call.excinfo.value
    if isinstance(error, pytest.skip.Exception):
        reason = getattr(error, "msg", "") or str(error)
        text = f"the check was skipped, so nothing was judged: {reason}"
        return Outcome.UNMEASURED, text, "A check measures or fails; waive it if it must not block."
    if isinstance(error, (AssertionError, Violated)):
        return Outcome.FAILED, str(error) or "an assert without a message failed", ""
    if isinstance(error, pytest.fail.Exception):
        # pytest-timeout and pytest itself use the same exception; pytest.xfail one of its subclasses.
        is_its_own = type(error) is pytest.fail.Exception and _raised_through(error) == check_file
        return Outcome.FAILED if is_its_own else Outcome.UNMEASURED, str(error), ""
    if isinstance(error, ReadinessError):
        return Outcome.UNMEASURED, error.cause, error.remedy
    return Outcome.UNMEASURED, f"the check broke with {type(error).__name__}: {error}", ""


def _raised_through(error: BaseException) -> str:
    """Returns the file that called the function which raised the error; that is `pytest.fail` for its exception."""
    frames = list(traceback.walk_tb(error.__traceback__))
    return frames[-2][0].f_code.co_filename if len(frames) > 1 else ""
