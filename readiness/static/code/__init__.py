"""`security-scan/code`: weaknesses in Python code, found by bandit in several processes, or by ruff's S rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from readiness.errors import NotMeasured
from readiness.static.code.rules import CHECK, RULES
from readiness.static.interface import Scan, Skipped

if TYPE_CHECKING:
    from readiness.config.security_tables import Bandit
    from readiness.static.walk import File

__all__ = ["RULES", "observe"]

LARGEST = 2 * 1024 * 1024
"""Bytes; bandit takes seconds and hundreds of megabytes for a larger one, which no person has written."""
SUFFIXES = (".py", ".pyw")


def observe(
    table: Bandit | None,
    *,
    folder: Path,
    budget: Callable[[], float],
    cache: Path | None,
    files: Callable[..., tuple[File, ...]],
    **_others: Any,
) -> Scan:
    """Returns what the scanner finds in the repository's code.

    Args:
        table: `[security-scan] bandit`; None for its defaults.
        folder: of the configuration.
        budget: seconds left of the run.
        cache: folder that is kept between runs; None where there is none.
        files: lists the files below paths as the walk sees them.

    Raises:
        NotMeasured: there is no file to scan, the engine is not installed or cannot follow its configuration, or the
            time ran out.
    """
    from readiness.config.security_tables import Bandit
    from readiness.static.paths import PathClass, path_class

    chosen = table or Bandit(paths=["."])
    listed = [file for file in files(chosen.paths, chosen.exclude) if file.path.endswith(SUFFIXES)]
    wanted = [file for file in listed if chosen.tests or path_class(file.path) is not PathClass.TESTS]
    if not wanted:
        left_out = f"; {len(listed)} are tests, which are left out" if listed else ""
        raise NotMeasured(
            f"there is no Python file to scan below {', '.join(chosen.paths)}{left_out}",
            "Mend [security-scan] bandit.paths.",
        )
    notes = [f"{len(listed) - len(wanted)} tests were left out"] if len(listed) > len(wanted) else []
    if chosen.engine == "ruff":
        from readiness.static.code.ruff import scan_with_ruff

        return scan_with_ruff(wanted, chosen, folder, budget, notes=notes)
    from readiness.static.code.bandit import scan_with_bandit

    return scan_with_bandit(wanted, chosen, folder, budget, cache=cache, notes=notes)


def scan_of(
    found: Iterable[Any],
    *,
    files: int,
    size: int,
    cached: int = 0,
    skipped: Iterable[Skipped] = (),
    notes: Iterable[str],
) -> Scan:
    """Returns the scan with these findings."""
    named = tuple(skipped)
    return Scan("security-scan", files, size, cached, named, {CHECK: tuple(found)}, tuple(notes), len(named))
