"""Facts about the run's surroundings, in the words of the report: commit, versions, runbook, plan."""

from __future__ import annotations

import datetime as dt
import difflib
import functools
import logging
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from readiness.config.source import read as read_config
from readiness.errors import ConfigError
from readiness.mark import check_files, declared_gates
from readiness.model import CheckResult, EnvironmentInfo, RuleInfo, RunInfo, ServiceInfo

if TYPE_CHECKING:
    import pytest

    from readiness.collection import Collection
    from readiness.config.model import Settings
    from readiness.decision import Rules
    from readiness.model import Decision
    from readiness.redact import Redactor
    from readiness.reports.terminal import Line

GIT_TIMEOUT_S = 5.0


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """Returns the message for a name that is not known, with the nearest known one."""
    names = list(known)
    near = difflib.get_close_matches(name, names, 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"{kind} {name!r} is not known. Known: {', '.join(names)}.{hint}"


def shown_path(path: Path, start: Path) -> str:
    """Returns the path relative to `start` where it lies below it."""
    path = Path(os.path.abspath(path))  # noqa: PTH100 - not resolve(): a user knows the link, not what it points to
    return str(path.relative_to(start)) if path.is_relative_to(start) else str(path)


def kind_of(settings: Settings) -> str:
    """Returns the environment's kind: embedded, containers or live."""
    return str(settings.where.__struct_config__.tag)


def environment_info(settings: Settings) -> EnvironmentInfo:
    """Returns where the run judges."""
    return EnvironmentInfo(settings.environment, kind_of(settings), settings.is_protected)


@functools.lru_cache(maxsize=4)
def _git_state(folder: Path) -> tuple[str, bool]:
    """Returns the commit and whether the work tree differs from it, in one call of git."""
    command = ["git", "-C", str(folder), "--no-optional-locks", "status", "--porcelain=v2", "--branch"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=GIT_TIMEOUT_S, check=True)  # noqa: S603 - fixed words
    except (OSError, subprocess.SubprocessError):
        return "", False
    lines = done.stdout.splitlines()
    commit = next((line.split()[-1] for line in lines if line.startswith("# branch.oid ")), "")
    return ("" if commit == "(initial)" else commit), any(not line.startswith("#") for line in lines)


def service_info(settings: Settings) -> ServiceInfo:
    """Returns what is to be released; the commit is empty outside a git work tree."""
    commit, dirty = _git_state(settings.folder)
    return ServiceInfo(settings.service.name, settings.service.owner, commit, dirty)


def run_info(
    run_id: str, started: dt.datetime, now: dt.datetime, duration_s: float, workers: int, *, config: Path
) -> RunInfo:
    """Returns when and with what it was judged."""
    return RunInfo(
        run_id, _utc(started), _utc(now), round(duration_s, 3), workers, _versions(), _path_in_work_tree(config)
    )


@functools.lru_cache(maxsize=4)
def _path_in_work_tree(config: Path) -> str:
    """Returns the file's path from the top of its git work tree on; its name alone where it is in none."""
    top = next((folder for folder in config.parents if os.path.lexists(folder / ".git")), config.parent)
    return config.relative_to(top).as_posix()


def documented_rules(checks: Iterable[CheckResult]) -> tuple[RuleInfo, ...]:
    """Returns what is documented of the rules that findings name; nothing is loaded where there are none."""
    ids = dict.fromkeys(finding.rule for check in checks for finding in check.findings)
    if not ids:
        return ()
    try:
        from readiness.static.rules import documented

        found = documented(ids)
    except ImportError:  # what is written of a rule is no evidence: without it the findings stand all the same
        return ()
    return tuple(RuleInfo(rule.id, rule.title, rule.why, rule.remedy, rule.source) for rule in found)


def _utc(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _versions() -> dict[str, str]:
    """Returns what took part, from the modules themselves: the metadata of distributions takes milliseconds to read."""
    import readiness

    versions = {"python": platform.python_version(), "pytest-readiness": readiness.__version__}
    for name, module in (("pytest", "pytest"), ("pytest-xdist", "xdist")):
        version = getattr(sys.modules.get(module), "__version__", None)
        if version is not None:
            versions[name] = str(version)
    return versions


def gates_of_user_checks(config: Path) -> tuple[str, ...]:
    """Returns the gates that the user's own check files declare, before the configuration is validated."""
    try:
        document = read_config(config, config.parent).document
    except ConfigError:
        return ()  # reported by the loader
    service = document.get("service")
    names = service.get("checks") if isinstance(service, dict) else None
    files = check_files(config.parent, [str(name) for name in names] if isinstance(names, list) else ["checks"])
    return tuple(sorted({gate for file in files for gate in declared_gates(file)}))


def kept_folder(config: pytest.Config, name: str) -> Path | None:
    """Returns a folder in pytest's cache, which `--cache-clear` clears; None without the cache, or where it is read-only."""
    cache = getattr(config, "cache", None)
    try:
        return None if cache is None else Path(cache.mkdir(name))
    except OSError:
        return None


# --- the runbook ---


@functools.lru_cache(maxsize=8)
def _headings(runbook: Path) -> tuple[str, ...]:
    try:
        text = runbook.read_text("utf-8", "replace")
    except OSError:
        return ()
    return tuple(re.findall(r"^#{1,6}\s+(.+?)\s*#*$", text, re.MULTILINE))


def _slug(heading: str) -> str:
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip())


def runbook_link(folder: Path, runbook: str, heading: str) -> str:
    """Returns a link to the runbook's heading that shares most words with `heading`; to the file where none does."""
    if not runbook:
        return ""
    wanted = set(re.findall(r"[a-z0-9]{3,}", heading.lower()))
    best, score = "", 0
    for candidate in _headings(folder / runbook):
        if _slug(candidate) == heading:
            return f"{runbook}#{heading}"
        shared = len(wanted & set(re.findall(r"[a-z0-9]{3,}", candidate.lower())))
        if shared > score:
            best, score = candidate, shared
    return f"{runbook}#{_slug(best)}" if best else runbook


# --- what the terminal shows ---


def plan_lines(collection: Collection, settings: Settings, rules: Rules, *, asks_prometheus: bool = False) -> list[str]:
    """Returns the plan: every check that would run, where, and which settings are missing."""
    info = environment_info(settings)
    but = " but the Prometheus of [rollout], which is asked for today's traffic" if asks_prometheus else ""
    lines = [
        f"environment {info.name} ({info.kind}{', protected' if info.protected else ''}); "
        f"nothing is contacted or started{but}"
    ]
    lines += [
        f"required gate {name} has no table in {settings.file.name}: the run would be NO-GO"
        for name in rules.needed
        if name not in rules.configured
    ]
    lines += [f"missing: environment variable {name} is not set" for name in settings.missing]
    lines += collection.plan.errors
    counts: dict[str, int] = {}
    for planned in collection.plan.checks.values():
        mark = " (deselected)" if planned.deselected else " (not collected)" if planned.hidden else ""
        lines.append(f"{planned.id}  {planned.severity}  {planned.title}{mark}")
        counts[planned.gate] = counts.get(planned.gate, 0) + 1
    total = ", ".join(f"{gate} {count}" for gate, count in counts.items())
    lines.append(f"{sum(counts.values())} checks: {total}" if counts else "no check would run: the run would be NO-GO")
    return lines


def panel(
    decision: Decision,
    redactor: Redactor,
    width: int,
    folder: str,
    files: Iterable[Path],
    *,
    rollout: dict[str, Any] | None = None,
) -> list[Line]:
    """Returns the decision as the terminal shows it: lines with pytest's markup."""
    from readiness.reports import terminal
    from readiness.reports.json import document
    from readiness.reports.withholding import redact_document

    names = [file.name for file in files]
    shown = redact_document(document(decision, rollout=rollout), redactor)
    return terminal.panel(shown, width, folder=folder if names else "", files=names)


def redact_log_records(redactor: Redactor) -> Callable[[], None]:
    """Log messages of this process show no secret; returns what undoes it."""
    before = logging.getLogRecordFactory()

    def make(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = before(*args, **kwargs)
        try:
            text = record.getMessage()
        except Exception:  # noqa: BLE001 - a broken log call is reported by logging itself, later
            return record
        if (clean := redactor.redact(text)) != text:
            record.msg, record.args = clean, ()
        if record.exc_info and not record.exc_text:  # formatters take it as it is, where it is there
            record.exc_text = redactor.redact(logging.Formatter().formatException(record.exc_info))
        if record.stack_info:
            record.stack_info = redactor.redact(record.stack_info)
        return record

    logging.setLogRecordFactory(make)
    return lambda: logging.setLogRecordFactory(before)
