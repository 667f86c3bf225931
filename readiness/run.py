"""One active run: the only module that knows all parts. It calls pure functions and holds no rules.

Order of a run on the controller: `activate` (configuration), `Run.start` (everything that may be refused), first
NO-GO report, provisioning, checks, decision, reports, clean-up.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import functools
import gc
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from readiness import facts, fixtures, wire
from readiness.config.rollout_tables import Rollout
from readiness.deadline import Deadline
from readiness.decision import decide
from readiness.distributed import Distributed
from readiness.environment import factory
from readiness.environment.interface import Environment, Target
from readiness.errors import ReadinessError, ReportError, UsageError
from readiness.execution import Execution
from readiness.hiding import Hiding
from readiness.ledger import Ledger
from readiness.model import Answer, Decision, EnvironmentInfo, RunInfo, ServiceInfo
from readiness.observer import Desk
from readiness.order import ROLLOUT, Order, read_order
from readiness.redact import Redactor
from readiness.reports import json, markdown, publish
from readiness.selection import Named
from readiness.staging import Staged, note_of

NO_RUN_OPTIONS = ("collectonly", "showfixtures", "show_fixtures_per_test", "markers", "cacheshow", "help", "version")
"""pytest's options with which nothing is run: nothing is provisioned, judged or written."""
INTERRUPTED = 2
"""pytest's exit status for an interrupt."""
WORKER = "PYTEST_XDIST_WORKER"
"""Variable that pytest-xdist sets in its workers, for them and for whatever they start."""


def activate(config: pytest.Config, options: argparse.Namespace, taken: tuple[str, ...], redactor: Redactor) -> Run:
    """Returns the run that the command line asks for, its configuration loaded and validated.

    Raises:
        pytest.UsageError: for anything wrong on the command line or in the configuration, and where no report can be
            written; exit status 4.
    """
    try:
        run = Run(read_order(config, options, taken, redactor))
    except UsageError as error:
        raise pytest.UsageError(redactor.redact(str(error))) from None
    run.redact_logs(config)
    # Where it is set, `pytest_cmdline_main` knows more: a run that a worker of another run starts inherits it.
    if WORKER not in os.environ:
        run.begin(options)
    return run


class Run:
    """Plugin: one run, on the controller and, with less to do, in each worker."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.settings = order.settings
        self.redactor = order.redactor
        self.rules = order.rules
        self.deadline = Deadline(order.budget_s)
        self.clock = time.monotonic()
        self.ledger = Ledger()
        self.run_id = os.urandom(6).hex()
        self.workers = 1
        self.environment: Environment | None = None
        self.target: Target | None = None
        self.decision: Decision | None = None
        self.published: tuple[Path, ...] = ()
        self.staged: Staged | None = None
        self.session: pytest.Session | None = None
        self.is_real = False
        self._pid = os.getpid()
        self._is_shown = False
        self._shared: Path | None = None
        self._undo = contextlib.ExitStack()

    # --- configure -------------------------------------------------------------------------------------------------

    def start(self, config: pytest.Config) -> None:
        """The run's plugins are registered; whatever can be refused was refused."""
        worker: dict[str, Any] | None = getattr(config, "workerinput", None)
        handed = worker["readiness"] if worker is not None else None
        if handed is not None:
            self.rules = self.order.collection.rules = replace(self.rules, today=dt.date.fromisoformat(handed["today"]))
            self.deadline = Deadline(handed["left_s"])
            self.run_id = handed["run"]
            self.order.collection.named = wire.from_builtins(handed["named"], tuple[Named, ...])
        if self.order.stage is not None:
            self.staged = Staged(
                self.order, config, run=self.run_id, left_s=self.deadline.left_s, is_worker=handed is not None
            )
        self.execution = Execution(
            self.order.collection,
            self.rules,
            self.redactor,
            self.deadline,
            self._runbook_link,
            rollout=None if self.staged is None else self.staged.probe,
        )
        config.stash[fixtures.EXECUTION] = self.execution
        for plugin, name in (
            (self.order.collection, "collection"),
            (self.execution, "execution"),
            (fixtures, "fixtures"),
            # After the execution: outside of it, and so the last to see a report.
            (Hiding(config, self.redactor), "hiding"),
        ):
            config.pluginmanager.register(plugin, f"readiness-{name}")
        config.add_cleanup(self.execution.observer.close)
        self.execution.observer.desk = Desk(
            self.settings,
            self.order.collection.is_wanted,
            cache=functools.partial(facts.kept_folder, config, "readiness-static"),
            shared=Path(handed["shared"]) if handed is not None else None,
            reports=self.order.folder,
        )
        if handed is not None:
            if handed["target"] is not None:
                self.execution.observer.provide(wire.from_builtins(handed["target"], Target))
            return
        self._start_controller(config)

    def redact_logs(self, config: pytest.Config) -> None:
        """No secret is in the log messages of this process, until pytest cleans up."""
        config.add_cleanup(self._undo.close)
        self._undo.callback(facts.redact_log_records(self.redactor))

    def begin(self, options: argparse.Namespace) -> None:
        """From here on a run that dies has left a NO-GO, whatever conftests and plugins do next.

        Never called in a worker, whose NO-GO would be one of another run. Called again, it changes nothing.

        Raises:
            pytest.UsageError: where no report can be written.
        """
        if self.is_real or any(getattr(options, name, False) for name in NO_RUN_OPTIONS):
            return
        self.is_real = True
        service, environment, run = self._about()
        partial = bool(self.rules.selected)
        try:
            publish.prepare_folder(self.order.folder)
            publish.publish_unfinished(
                service, environment, run, self.order.folder, self.redactor, partial=partial, note=note_of(self.order)
            )
        except (UsageError, ReportError) as error:
            raise pytest.UsageError(self.redactor.redact(str(error))) from None

    def _start_controller(self, config: pytest.Config) -> None:
        self.config = config
        if self.is_real:
            try:
                self.environment = factory.create(self.settings, announce=self._announce, deadline=self.deadline.end)
            except UsageError as error:
                raise pytest.UsageError(self.redactor.redact(str(error))) from None
        # What was imported so far lives as long as the process: pytest's collections of garbage need not walk it.
        gc.freeze()
        self._undo.callback(gc.unfreeze)
        config.pluginmanager.register(self, "readiness-run")
        config.pluginmanager.register(_Door(self.ledger), "readiness-door")
        config.pluginmanager.register(_LastWord(self), "readiness-last-word")
        config.pluginmanager.register(Distributed(self), "readiness-distributed")

    def _announce(self, text: str) -> None:
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.ensure_newline()
            reporter.write_line(f"readiness: {text}")

    def _runbook_link(self, heading: str) -> str:
        return facts.runbook_link(self.settings.folder, self.settings.service.runbook, heading)

    def shared_folder(self) -> Path:
        """Returns a folder of this run that its workers share; only this user may enter it."""
        if self._shared is None:
            self._shared = Path(tempfile.mkdtemp(prefix="readiness-"))
            self._undo.callback(shutil.rmtree, self._shared, ignore_errors=True)
        return self._shared

    # --- session ---------------------------------------------------------------------------------------------------

    def pytest_report_header(self) -> str:
        """One line: the environment, the configuration, where reports go."""
        kind = (self.settings.is_protected and "live, protected") or facts.kind_of(self.settings)
        file = facts.shown_path(self.settings.file, self.config.invocation_params.dir)
        folder = facts.shown_path(self.order.folder, self.config.invocation_params.dir)
        note = (
            f"; taken by this repository: {', '.join(f'--{name}' for name in self.order.taken)}"
            if self.order.taken
            else ""
        )
        return f"readiness: judging {self.settings.environment} ({kind}) by {file}; reports in {folder}{note}"

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """SIGTERM ends the run in order, and so does the deadline."""
        self.session = session
        if not self.is_real:
            return
        with contextlib.suppress(ValueError):  # signals belong to the main thread; elsewhere there are none to catch
            self._undo.callback(signal.signal, signal.SIGTERM, signal.signal(signal.SIGTERM, self._on_sigterm))
        self.deadline.arm()

    def _on_sigterm(self, *_: object) -> NoReturn:
        if self.deadline.has_passed:
            text = f"The deadline of {self.deadline.budget_s:g} s was reached."
            self.ledger.trouble("deadline", text + " Raise [policy] deadline, or find out what is slow.")
            pytest.exit(text, returncode=1)
        self.ledger.trouble("interrupted", "The run was ended by SIGTERM.")
        pytest.exit("ended by SIGTERM", returncode=INTERRUPTED)

    def provision(self) -> None:
        """The environment is up, or the ledger says why not."""
        if self.environment is None:
            return
        try:
            self.target = self.environment.provision()
        except pytest.exit.Exception:
            raise  # an Exception too, and not the environment's: SIGTERM or the deadline, which the ledger has
        except ReadinessError as error:
            self.ledger.trouble("environment", f"The environment did not come up: {error.cause}", error.remedy)
        except Exception as error:  # noqa: BLE001 - whatever stopped it, nothing can be judged
            self.ledger.trouble("environment", f"The environment did not come up: {type(error).__name__}: {error}")
        else:
            self.execution.observer.provide(self.target)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Iterator[None]:
        """Round the checks: provision before, decide after, and let pytest's own exit status say so."""
        if not self.is_real:
            return (yield)
        is_distributed = self.config.pluginmanager.hasplugin("dsession")
        try:
            if not is_distributed and session.items and not session.testsfailed:
                self.provision()
                self.execution.observer.look_ahead(session.items)
            return (yield)
        finally:
            if self.staged is not None:
                self.staged.leave()
            if not is_distributed:
                self.ledger.collected(item.nodeid for item in session.items)
                self.ledger.planned(self.order.collection.plan)
            self.ledger.stopped(session.shouldfail or session.shouldstop)
            if self.environment is not None and not self.ledger.has("environment"):  # else it never came up
                for casualty in self.environment.casualties():
                    self.ledger.trouble("environment", casualty.text)
            self.decision = self._decide()
            if self.decision.decision is Answer.NO_GO and (self.ledger.has_collected or self.ledger.troubles):
                session.testsfailed = max(1, session.testsfailed)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """What each check came to is in the ledger."""
        self.ledger.enter(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that could not be collected may hold checks."""
        if report.failed:
            why = self.redactor.redact(report.longreprtext)[-500:]
            self.ledger.trouble("collection", f"{report.nodeid or 'a file'} could not be collected: {why}")
        elif report.skipped and Path(report.nodeid).name in {Path(file).name for file in self.order.collection.files}:
            self.ledger.trouble("collection", f"{report.nodeid} was skipped as a whole, with the checks in it.")

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Whatever broke, the run cannot be trusted any more."""
        self.ledger.trouble("internal error", f"pytest or a plugin broke: {excinfo.typename}: {excinfo.value}")

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Ctrl-C, or a plugin's `pytest.exit`."""
        if not self.ledger.has("interrupted") and not self.ledger.has("deadline"):
            # pytest's own Session.Interrupted is a KeyboardInterrupt too, and says why.
            what = "Ctrl-C" if type(excinfo.value) is KeyboardInterrupt else f"{excinfo.typename}: {excinfo.value}"
            self.ledger.trouble("interrupted", f"The run was interrupted by {what}.")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """The reports are written, before the terminal shows its summary."""
        if self._is_ours():
            self._finish()
            self._append_step_summary()

    def agree(self, session: pytest.Session) -> None:
        """Pytest's exit status and the published decision say the same, whatever other plugins did to the status."""
        if not self._is_ours():
            return
        status = int(session.exitstatus)
        if status != 0 and self.decision is not None and self.decision.decision is Answer.GO:
            self.retract(f"pytest ended with status {status} although every check passed: see its output.")
        elif status == 0:
            self._fail(session)

    def retract(self, why: str) -> None:
        """Whatever was published before, the reports say NO-GO now."""
        if self._is_ours():
            self.ledger.trouble("pytest", why)
            self._finish()
            self._is_shown = False  # what the terminal showed does not hold any more

    def _fail(self, session: pytest.Session | None) -> None:
        is_go = self.decision is not None and self.decision.decision is Answer.GO
        if session is not None and not is_go and int(session.exitstatus) == 0:
            session.exitstatus = 1

    def _is_ours(self) -> bool:
        """True in a real run, in the process that began it; not in one that a check has forked."""
        return self.is_real and os.getpid() == self._pid

    def _finish(self) -> None:
        """The reports of the final decision stand in the folder, or the ledger says why not."""
        self.deadline.disarm()
        self.decision = self._decide()
        logs = {name: path.read_bytes() for name, path in (self.environment.logs() if self.environment else {}).items()}
        try:
            if not self.order.folder.is_dir():  # a check may have removed it
                publish.prepare_folder(self.order.folder)
            self.published = publish.publish(
                self.decision,
                self.order.folder,
                self.redactor,
                extra_files=logs,
                rollout=self._rollout,
                root=self.settings.folder,
            )
        except (ReportError, UsageError, OSError) as error:
            cause = str(error) if isinstance(error, OSError) else error.cause
            self.ledger.trouble("reports", f"The reports could not be written: {cause}", getattr(error, "remedy", ""))
            self.decision = self._decide()
            self.published = ()

    @property
    def _rollout(self) -> dict[str, Any] | None:
        return None if self.staged is None else self.staged.document(self.ledger.rollout)

    def _append_step_summary(self) -> None:
        path = os.environ.get("GITHUB_STEP_SUMMARY")
        if path and self.published:
            try:
                markdown.append_step_summary(json.read(self.order.folder / "report.json"), Path(path))
            except ReportError as error:
                self._announce(f"the step summary could not be written: {error.cause}")  # the reports are there

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Iterator[None]:
        """The decision is the last thing that is read."""
        yield
        if self.order.is_plan:
            self._print_plan(terminalreporter)
        elif self.decision is not None and self.is_real:
            terminalreporter.section("readiness")
            for text, markup in self._panel():
                terminalreporter.write_line(text, **markup)
            self._is_shown = True

    def _panel(self) -> list[tuple[str, dict[str, bool]]]:
        if self.decision is None:
            return []
        folder = facts.shown_path(self.order.folder, self.config.invocation_params.dir)
        width = shutil.get_terminal_size().columns
        return facts.panel(self.decision, self.redactor, width, folder, self.published, rollout=self._rollout)

    def _print_plan(self, reporter: Any) -> None:
        reporter.section("readiness plan")
        table = self.settings.gates.get(ROLLOUT)
        # Only where the gate was asked for by its name: any other plan contacts nobody.
        is_asked = isinstance(table, Rollout) and ROLLOUT in self.rules.selected
        for line in facts.plan_lines(self.order.collection, self.settings, self.rules, asks_prometheus=is_asked):
            reporter.write_line(line)
        if isinstance(table, Rollout) and is_asked:
            from readiness.planning import rollout_lines

            for line in rollout_lines(table, self.settings.missing, self.settings.folder):
                reporter.write_line(self.redactor.redact(line))

    @pytest.hookimpl(tryfirst=True)
    def pytest_unconfigure(self) -> None:
        """Everything that was started is stopped; a run that never got to its reports leaves a NO-GO."""
        self.deadline.disarm()
        if not self._is_ours():
            return
        try:
            if self.decision is None and not self.ledger.troubles:
                self.ledger.trouble("internal error", "The run ended before any check was run.")
            if not self.published and not self.ledger.has("reports"):
                self._finish()
            self._fail(self.session)
            if not self._is_shown:  # pytest shows no summary after an internal error
                sys.stderr.write("".join(f"{text}\n" for text, _ in self._panel()))
        finally:
            if self.environment is not None:
                self.environment.close()

    # --- deciding --------------------------------------------------------------------------------------------------

    def _about(self) -> tuple[ServiceInfo, EnvironmentInfo, RunInfo]:
        now = dt.datetime.now(dt.UTC)
        took_s = time.monotonic() - self.clock
        run = facts.run_info(self.run_id, self.order.started, now, took_s, self.workers, config=self.settings.file)
        return facts.service_info(self.settings), facts.environment_info(self.settings), run

    def _decide(self) -> Decision:
        service, environment, run = self._about()
        decision = decide(
            self.ledger.results(self.rules),
            self.ledger.reasons(),
            self.rules,
            service=service,
            environment=environment,
            run=run,
        )
        return replace(decision, rules=facts.documented_rules(decision.checks))


class _LastWord:
    """Plugin: outside of all others at the end of the session, so that none of them can turn a NO-GO into a success."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        """The published decision and the exit status agree, also where a plugin breaks at the end."""
        try:
            result = yield
        except BaseException as error:
            self.run.retract(f"The end of pytest's session broke with {type(error).__name__}: {error}")
            raise
        self.run.agree(session)
        return result


class _Door:
    """Plugin: without an environment no check is run, since each would report the same.

    Not part of `Run`, whose hook of the same name is a wrapper and so cannot keep the others from running.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> bool | None:
        """True keeps pytest's own loop from starting."""
        return True if self.ledger.has("environment") else None
