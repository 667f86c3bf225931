"""The engine ruff: its S rules, most of what bandit knows at a hundredth of the time, without severities of its own."""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from readiness.errors import NotMeasured
from readiness.static.code import scan_of
from readiness.static.code.findings import Issue, findings_of, lines_of, quiet
from readiness.static.code.rules import severity_of
from readiness.static.command import program, run
from readiness.static.interface import Scan, Skipped

if TYPE_CHECKING:
    from readiness.config.security_tables import Bandit
    from readiness.static.walk import File

WITHIN_S = 300.0
LEVELS = ("low", "medium", "high")
_AT_ONCE = 100_000
"""Characters of file names in one command line, of the 128 KiB or more that a system takes."""
_HARMLESS = "seems safe"
"""What ruff says of a shell that runs a fixed text, which bandit gives a low severity."""


def scan_with_ruff(
    files: Sequence[File], table: Bandit, folder: Path, budget: Callable[[], float], notes: Sequence[str] = ()
) -> Scan:
    """Returns what ruff's S rules find in these files; `# noqa` accepts a line.

    Raises:
        NotMeasured: ruff is not installed, failed, or did not end in time.
    """
    top = Path(os.path.realpath(folder))
    command = [program("ruff", "security"), "check", *_options(table, top)]
    by_name = {str(top / file.name): file for file in files}
    said: defaultdict[str, list[Issue]] = defaultdict(list)
    below = 0
    for batch in _batches([f"./{file.name}" for file in files]):
        ended = run([*command, *batch], folder=top, within_s=min(WITHIN_S, budget()))
        for each in _diagnostics(ended.out, ended.status, ended.last_words):
            if each.get("filename") not in by_name:
                raise NotMeasured("ruff found something in a file that it was not asked about")
            issue = _issue(each)
            if issue is None or LEVELS.index(_severity(issue)) < LEVELS.index(table.severity):
                below += 1
            elif issue.number or not any(not other.number for other in said[each["filename"]]):
                said[each["filename"]].append(issue)
    found = [one for name, issues in said.items() for one in findings_of(by_name[name].path, _lines(name), issues)]
    skipped = [
        Skipped(by_name[name].path, issue.text) for name, issues in said.items() for issue in issues if not issue.number
    ]
    return scan_of(
        sorted(found, key=lambda each: (each.path, each.line, each.column)),
        files=len(files) - len(skipped),
        size=sum(file.size for file in files),
        skipped=skipped,
        notes=[
            *notes,
            "scanned by ruff, which knows most of bandit's tests and no confidence",
            *([f"{below} findings are below severity {table.severity}"] if below else []),
        ],
    )


def _options(table: Bandit, folder: Path) -> list[str]:
    own = ["--config", str(folder / table.config)] if table.config else ["--isolated"]
    minor = min(sys.version_info.minor, 14)  # the newest that every supported ruff knows
    select = ["--select", "S,E902", "--target-version", f"py3{minor}"]
    return [*own, *select, "--output-format", "json", "--no-cache", "--no-fix", "--exit-zero", "--quiet"]


def _batches(names: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    length = 0
    for name in names:
        if batch and length + len(name) > _AT_ONCE:
            yield batch
            batch, length = [], 0
        batch.append(name)
        length += len(name) + 1
    yield batch


def _diagnostics(out: str, status: int, last_words: str) -> list[dict[str, Any]]:
    try:
        document = json.loads(out) if status == 0 else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, list):
        raise NotMeasured(f"ruff failed with exit status {status}: {last_words}", "Mend [security-scan] bandit.config.")
    return document


def _issue(each: dict[str, Any]) -> Issue | None:
    place = each.get("location") or {}
    line, column = int(place.get("row") or 0), int(place.get("column") or 0)
    code, message = str(each.get("code") or ""), str(each.get("message") or "")
    number = code.removeprefix("S")
    if not (code.startswith("S") and number.isdigit()):
        return Issue("", line, column, f"this could not be scanned by ruff: {quiet('', message)}.")
    if _HARMLESS in message:
        return None
    return Issue(number, line, column, f"{code}: {quiet(number, message)}")


def _severity(issue: Issue) -> str:
    return severity_of(issue.number) if issue.number else "high"


def _lines(name: str) -> list[str]:
    try:
        return lines_of(Path(name).read_bytes())
    except OSError:
        return []
