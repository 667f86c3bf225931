"""`readiness baseline`: the findings of a report become known, or those that vanished are forgotten.

It reads a report and writes one file. A run never writes its own baseline: it would accept what it has just found.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from readiness.baseline import Update, observed_gates, updated
from readiness.config import baseline as baseline_file
from readiness.config import secrets_baseline
from readiness.config.source import find
from readiness.config.source import read as read_config
from readiness.errors import ReportError, UsageError
from readiness.model import Decision
from readiness.reports.json import decision_from
from readiness.reports.json import read as read_report
from readiness.reports.text import count_of, one_line

DEFAULT = "readiness-baseline.json"
REPORT = "report.json"


@dataclass(frozen=True, slots=True)
class Adoption:
    """A baseline file as it should be written."""

    target: Path
    text: str
    said: tuple[str, ...]
    """What its reader is told, line by line."""


def adopt(
    *, adds: bool, report: Path | None, file: Path | None, config: Path | None, start: Path, today: dt.date
) -> Adoption:
    """Returns the baseline after a report.

    Args:
        adds: findings that block become known; else only those that vanished are taken out.
        report: a `report.json` or its folder; None for the only one below `reports/`.
        file: the baseline; None for that of the configuration.
        config: the configuration; None to look for it from `start` upward.
        start: the folder that the user is in.
        today: the day in UTC.

    Raises:
        UsageError: where one of the files cannot be used, or the report observed nothing.
    """
    target, is_configured = (file, True) if file is not None else _configured(config, start)
    elsewhere = _known_secrets(config, start, target)
    source = _report(report, start)
    decision = _observed(source)
    entries: tuple[baseline_file.Entry, ...] = ()
    if target.exists():
        entries, unusable = baseline_file.read(target)
        if unusable:
            raise UsageError(f"{target} {unusable[0].text}.", unusable[0].remedy)
    elif not adds:
        raise UsageError(f"{target} does not exist, so that nothing can be taken out of it.", "Write it first.")
    update = updated(entries, decision.checks, today, adds=adds, elsewhere=elsewhere)
    said = [_summary(target, source, update), *_remarks(update)]
    if not is_configured:
        said.append(f'Next: add to the configuration\n    [baseline]\n    file = "{target.name}"')
    return Adoption(target, baseline_file.render(update.entries).decode(), tuple(said))


def _configured(config: Path | None, start: Path) -> tuple[Path, bool]:
    """Returns the baseline's place and whether the configuration names it; nothing else of it is looked at."""
    found = find(start, config)
    table = read_config(found, start).document.get("baseline")
    name = table.get("file") if isinstance(table, dict) else None
    if name is not None and (not isinstance(name, str) or not name or "${" in name):
        raise UsageError("[baseline] file in the configuration is no plain path.", "Pass --file=FILE.")
    path = found.parent / (name or DEFAULT)
    return (path.relative_to(start) if path.is_relative_to(start) else path), name is not None


def _known_secrets(config: Path | None, start: Path, target: Path) -> frozenset[baseline_file.Key]:
    """Returns what the baseline of secrets knows, where the configuration names one that is another file."""
    try:
        found = find(start, config)
    except UsageError:
        return frozenset()  # --file was given, and there is no configuration
    table = read_config(found, start).document.get("security-scan")
    secrets = table.get("secrets") if isinstance(table, dict) else None
    name = secrets.get("baseline") if isinstance(secrets, dict) else None
    if not isinstance(name, str) or (found.parent / name).absolute() == target.absolute():
        return frozenset()
    entries, _ = secrets_baseline.read(found.parent / name)  # what is wrong with it, the next run says
    return frozenset(entry.key for entry in entries)


def _report(given: Path | None, start: Path) -> Path:
    if given is not None:
        return given / REPORT if given.is_dir() else given
    found = sorted((start / "reports").glob(f"*/{REPORT}"))
    if len(found) == 1:
        return found[0].relative_to(start)
    if not found:
        raise UsageError(
            "there is no report below reports/.", "Run `pytest --env=NAME` first, or name a report.json or its folder."
        )
    names = ", ".join(str(path.parent.relative_to(start)) for path in found)
    raise UsageError(f"there are several reports: {names}.", "Name one of them.")


def _observed(source: Path) -> Decision:
    try:
        decision = decision_from(read_report(source))
    except ReportError as error:
        raise UsageError(f"{error.cause}.", error.remedy) from None
    if not observed_gates(decision.checks):
        raise UsageError(
            f"{source} observed no gate in full, so that it says neither what is there nor what has vanished.",
            "Mend what kept its checks from being measured, and run `pytest --env=NAME` again.",
        )
    return decision


def _summary(target: Path, source: Path, update: Update) -> str:
    counts = f"{update.added:,} added, {update.removed:,} removed, {update.kept:,} kept"
    return f"{target}: {count_of(len(update.entries), 'known finding')} ({counts}), from {source}."


def _remarks(update: Update) -> list[str]:
    said = [
        f"Not listed, so that they block still: {count_of(number, 'finding')} of which each {one_line(why)}."
        for why, number in update.unlisted.items()
    ]
    if update.expired:
        verb = "has" if update.expired == 1 else "have"
        said.append(
            f"{count_of(update.expired, 'entry', 'entries')} {verb} expired: change `expires` to accept them again."
        )
    return said
