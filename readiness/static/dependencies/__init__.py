"""`security-scan/dependencies`: known vulnerabilities of what is declared, locked and installed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from readiness.errors import NotMeasured
from readiness.static.dependencies.interface import RULES, Audit, Engine, Inventory, normalised

if TYPE_CHECKING:
    from readiness.config.security_tables import Dependencies
    from readiness.static.walk import File

__all__ = ["RULES", "observe"]


def observe(
    table: Dependencies,
    *,
    folder: Path,
    budget: Callable[[], float],
    cache: Path | None,
    files: Callable[..., tuple[File, ...]],
    now: dt.datetime | None = None,
    **_others: Any,
) -> Audit:
    """Returns what is known against the dependencies.

    Args:
        table: `[security-scan] dependencies`.
        folder: of the configuration.
        budget: seconds left of the run.
        cache: folder for the index of the advisories; None where nothing is kept.
        files: lists the files below paths.
        now: default the present.

    Raises:
        NotMeasured: nothing can be said: a file or the database is missing, empty or unreadable, a tool is not installed
            or failed, there is nothing to judge.
    """
    from readiness.static.dependencies.audit import audited, settled

    inventory = _inventory(table, folder, files)
    pins, left = settled(inventory)
    if not pins:
        why = f": {left[0].where}: {left[0].text}: {left[0].why}" if left else ""
        raise NotMeasured(
            f"{', '.join(inventory.sources)} name no package with its version, so that nothing could be judged{why}",
            "Name a lock file in [security-scan] dependencies.lock, or set installed = true.",
        )
    judged = _engine(table, folder, cache, budget).judge(pins)
    return audited(inventory, pins, left, judged, max_age=table.max_age, now=now or dt.datetime.now(dt.UTC))


def _inventory(table: Dependencies, folder: Path, files: Callable[..., tuple[File, ...]]) -> Inventory:
    from readiness.static.dependencies.installed import read_installed
    from readiness.static.dependencies.lockfiles import read_lock, read_pyproject
    from readiness.static.dependencies.requirements import read_requirements

    inventory = Inventory(own={normalised(name) for name in table.own})
    for paths, read in (
        (table.requirements, read_requirements),
        (table.lock, read_lock),
        (table.pyproject, read_pyproject),
    ):
        for file in files(paths) if paths else ():
            read(folder / file.name, file.path, inventory)
            inventory.sources.append(file.path)
    if table.installed:
        read_installed(inventory)
        inventory.sources.append("what is installed beside pytest")
    return inventory


def _engine(table: Dependencies, folder: Path, cache: Path | None, budget: Callable[[], float]) -> Engine:
    database = folder / table.database if table.database else None
    shown = table.database or ""
    if table.engine == "osv":
        from readiness.static.dependencies.osv import Osv

        if database is None:
            raise NotMeasured("no advisory database is named", "Add database to [security-scan] dependencies.")
        return Osv(database, shown, cache, budget)
    from readiness.static.dependencies.tools import PipAudit, Safety

    return Safety(database, shown, table.key, budget) if table.engine == "safety" else PipAudit(budget)
