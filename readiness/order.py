"""What the command line asks for, read and validated: everything that can be refused before anything is contacted."""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.util
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from readiness import facts
from readiness.collection import Collection
from readiness.config.loading import find, load
from readiness.config.model import Settings
from readiness.config.quantity import Duration, Ratio
from readiness.config.rollout_tables import Rollout
from readiness.decision import Rules
from readiness.errors import UsageError
from readiness.gate import RESERVED, Gate, builtin_gates
from readiness.redact import Redactor
from readiness.static.extras import refuse_missing

ROLLOUT = "rollout"
SAME = 1e-9
DAY_S = 86_400
LONGEST_S = 14 * DAY_S
"""The longest budget of a run. All waiting is bounded by it, and the system's timers count no more than 24 days."""
REFUSED = {
    "debug": "writes every argument of every hook to a file",
    "pastebin": "sends the output to a public server before it is redacted",
}
"""pytest's options that would get round all redaction, and how."""


@dataclass(frozen=True, slots=True)
class Order:
    """One run as it was asked for."""

    settings: Settings
    rules: Rules
    collection: Collection
    redactor: Redactor
    """Knows every secret of the settings."""
    folder: Path
    """Where reports go."""
    budget_s: float
    stage: float | None
    """The rollout stage under judgement, 0 to 1; None where the run judges no rollout."""
    taken: tuple[str, ...]
    """Short options that were typed and belong to the repository's own conftest."""
    is_plan: bool
    started: dt.datetime


def read_order(config: pytest.Config, options: argparse.Namespace, taken: tuple[str, ...], redactor: Redactor) -> Order:
    """Returns what the command line asks for.

    Raises:
        UsageError: for anything wrong on the command line or in the configuration.
    """
    if sys.flags.optimize:
        raise UsageError(
            "Python runs with -O, which takes assert statements away.", "Run without -O and PYTHONOPTIMIZE."
        )
    _refuse_what_shows_secrets(options)
    gates = (*builtin_gates(), *_gates_of_plugins(config))
    selected = _selected_gates(options.readiness_gate, gates)
    start = config.invocation_params.dir
    path = find(start, Path(options.readiness_config) if options.readiness_config else None)
    is_plan = bool(getattr(options, "collectonly", False))
    settings = load(
        options.readiness_env,
        start=start,
        path=path,
        environ=os.environ,
        gates=gates,
        extra_gates=facts.gates_of_user_checks(path),
        only=selected,
        plan=is_plan,
        redactor=redactor,
    )
    started = dt.datetime.now(dt.UTC)
    rules = _rules(settings, gates, selected, started.date())
    stage = _stage(options.readiness_stage, settings, rules, is_plan=is_plan)
    if stage is not None and rules.required is not None and ROLLOUT not in rules.required:
        # Who names a stage asks for its answer: a canary to be rolled back is no GO, whatever else is required.
        rules = replace(rules, required=(*rules.required, ROLLOUT))
    collection = Collection(settings, gates, rules, redactor, () if is_plan or stage is not None else (ROLLOUT,))
    _refuse_nothing_to_judge(collection, selected)
    if not is_plan:
        refuse_missing({gate: table for gate, table in settings.gates.items() if collection.is_wanted(gate)})
    return Order(
        settings=settings,
        rules=rules,
        collection=collection,
        redactor=redactor,
        folder=start / (options.readiness_reports or f"reports/{settings.environment}"),
        budget_s=_budget_s(options.readiness_deadline, settings, stage),
        stage=stage,
        taken=taken,
        is_plan=is_plan,
        started=started,
    )


def _refuse_what_shows_secrets(options: argparse.Namespace) -> None:
    refused = {f"--{option}": why for option, why in REFUSED.items() if getattr(options, option, None)}
    if os.environ.get("PYTEST_DEBUG"):
        refused["PYTEST_DEBUG"] = "prints every argument of every hook"
    for name, why in refused.items():
        raise UsageError(f"{name} {why}, and would show the secrets of {options.readiness_env}.", "Leave it out.")


def _gates_of_plugins(config: pytest.Config) -> list[Gate]:
    remedy = "The hook pytest_readiness_gates() returns a list of readiness.Gate; mend or unload the plugin."
    try:
        found = [gate for gates in config.hook.pytest_readiness_gates() for gate in gates]
    except Exception as error:
        raise UsageError(
            f"a plugin's pytest_readiness_gates() failed: {type(error).__name__}: {error}.", remedy
        ) from error
    for gate in found:
        if not isinstance(gate, Gate):
            raise UsageError(f"a plugin's pytest_readiness_gates() returned {gate!r}, which is no gate.", remedy)
    return found


def _selected_gates(names: list[str], gates: tuple[Gate, ...]) -> tuple[str, ...]:
    for name in names:
        if name in RESERVED:
            raise UsageError(
                f"gate {name!r} is not available yet.", f"Known: {', '.join(gate.name for gate in gates)}."
            )
    return tuple(dict.fromkeys(names))


def _refuse_nothing_to_judge(collection: Collection, selected: tuple[str, ...]) -> None:
    """Raises UsageError where no check file would run: pytest would fall back to the user's own tests."""
    settings = collection.settings
    file = settings.file.name
    own = set(settings.known_gates) - set(collection.gates)
    for name in selected:
        if name not in collection.gates and name not in own:
            raise UsageError(
                facts.unknown_name("gate", name, [*collection.gates, *sorted(own)]),
                f"Pass one of them to --gate, or add checks of that gate to {settings.folder / 'checks'}.",
            )
    if collection.files:
        return
    if selected:
        raise UsageError(
            f"no check of {', '.join(selected)} can run: {file} has no table for it, or it has no checks yet.",
            f"Add a table [{selected[0]}] to {file}.",
        )
    raise UsageError(
        f"{file} configures no gate, so nothing would be judged.",
        "Add a table such as [health]; 'readiness init' writes a first one.",
    )


def _rules(settings: Settings, gates: tuple[Gate, ...], selected: tuple[str, ...], today: dt.date) -> Rules:
    own = tuple(name for name in settings.known_gates if name not in {gate.name for gate in gates})
    return Rules(
        environment=settings.environment,
        today=today,
        advisory=tuple(settings.policy.advisory),
        waivers=settings.waivers,
        required=None if settings.policy.required is None else tuple(settings.policy.required),
        selected=selected,
        configured=tuple(dict.fromkeys((*settings.gates, *own))),
        titles=tuple((gate.name, gate.title) for gate in gates),
        flaky_passes=settings.policy.flaky_passes,
        baseline=settings.baseline,
    )


def _budget_s(text: str | None, settings: Settings, stage: float | None) -> float:
    """Returns the seconds of the run; observing a rollout comes on top of what the policy grants all other checks."""
    given = _deadline(text)
    table = settings.gates.get(ROLLOUT)
    budget_s = float(given or settings.policy.deadline)
    if given is None and stage is not None and isinstance(table, Rollout):
        budget_s += float(table.observe)
    if budget_s > LONGEST_S:
        source = f"--readiness-deadline={text}" if given else f"[policy] deadline of {settings.file.name}"
        raise UsageError(
            f"{source}: the run would have {budget_s / DAY_S:,.1f} days, and more than {LONGEST_S // DAY_S} are no bound.",
            'Write what a run may take, such as "15m".',
        )
    return budget_s


def _stage(text: str | None, settings: Settings, rules: Rules, *, is_plan: bool) -> float | None:
    """Returns the stage under judgement; None where no rollout is judged."""
    file, table = settings.file.name, settings.gates.get(ROLLOUT)
    is_selected = not rules.selected or ROLLOUT in rules.selected
    if not isinstance(table, Rollout) or not is_selected:
        if text is not None:
            why = f"{file} has no table [rollout]" if is_selected else "--gate leaves the gate rollout out"
            raise UsageError(
                f"--stage={text}: {why}, so no stage is judged.", "Take --stage out, or add what it is for."
            )
        return None
    known = ", ".join(map(str, table.stages))
    if text is None:
        if is_plan or not rules.needs(ROLLOUT):
            return None
        raise UsageError(
            f"[rollout] of {file} has stages ({known}), and the command line does not say which of them to judge.",
            f"Pass --stage={table.stages[0]}. Runs that judge no rollout leave it out of [policy] required, or name their "
            "gates with --gate.",
        )
    try:
        share = Ratio.parse(text if text.endswith("%") else f"{text}%")
    except ValueError:
        raise UsageError(f"--stage={text} is no percentage.", f"Pass one of the stages of {file}: {known}.") from None
    for each in table.stages:
        if abs(each - share) < SAME:
            _require_parser(table)
            return float(each)
    raise UsageError(f"--stage={text} is none of the stages of [rollout] in {file}: {known}.", "Pass one of them.")


def _require_parser(table: Rollout) -> None:
    if table.scrape is not None and importlib.util.find_spec("prometheus_client") is None:
        raise UsageError(
            "[rollout] scrape needs the package prometheus-client, which is not installed.",
            "pip install 'pytest-readiness[rollout]', or name a `prometheus` instead.",
        )


def _deadline(text: str | None) -> Duration | None:
    if text is None:
        return None
    try:
        value = Duration.parse(text)
    except ValueError as error:
        raise UsageError(f"--readiness-deadline={text}: {error}.") from None
    if value <= 0:
        raise UsageError(f"--readiness-deadline={text}: a run needs more time than none.")
    return value
