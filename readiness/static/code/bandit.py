"""The engine bandit: each file by bandit's own code, several at once, none a second time while nothing has changed."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from readiness.errors import NotMeasured
from readiness.static.code import LARGEST, scan_of
from readiness.static.code.findings import Issue, findings_of, lines_of, quiet
from readiness.static.code.pool import Pool, Task
from readiness.static.code.settings import BanditSettings, read
from readiness.static.code.store import Store, key_of
from readiness.static.interface import Scan, Skipped

if TYPE_CHECKING:
    from readiness.config.security_tables import Bandit
    from readiness.model import Finding
    from readiness.static.walk import File

VERSION = "1"
"""Changes with what `worker` and this module make of a file."""
MOST_WORKERS = 16
_PER_WORKER = 200_000
"""Bytes of code that are worth a process of their own, which takes as long to start as bandit to scan so much."""


def scan_with_bandit(
    files: Sequence[File],
    table: Bandit,
    folder: Path,
    budget: Callable[[], float],
    *,
    cache: Path | None,
    notes: Sequence[str] = (),
    workers: int | None = None,
) -> Scan:
    """Returns what bandit finds in these files.

    Raises:
        NotMeasured: it is not installed, cannot follow its configuration, or the time ran out.
    """
    settings = read(folder, table.config)
    taken = [file for file in files if settings.takes(file.path)]
    if not taken:
        raise NotMeasured(
            f"{' and '.join(settings.files) or 'bandit'} leaves out all of the {len(files)} Python files",
            "Mend exclude_dirs there, or [security-scan] bandit.paths.",
        )
    store = Store(cache, _version(settings, table))
    answers, misses, keys = _look_up(taken, folder, store)
    if misses:
        greeting = {"settings": settings.as_json(), "severity": table.severity, "confidence": table.confidence}
        wanted = workers or _worker_count(misses)
        for path, answer in Pool(greeting, wanted, budget).scan(misses).items():
            answers[path] = answer
            if path in keys and "volatile" not in answer:
                store.put(keys[path], answer)
    store.save()
    found = [finding for file in taken for finding in _findings(file, folder, answers[file.path])]
    skipped = [Skipped(file.path, _why(answers[file.path])) for file in taken if _why(answers[file.path])]
    return scan_of(
        found,
        files=len(taken) - len(skipped),
        size=sum(file.size for file in taken),
        cached=len(taken) - len(misses) - sum(file.size > LARGEST for file in taken),
        skipped=skipped,
        notes=[*notes, *_notes(settings, table, answers, len(files) - len(taken))],
    )


def _version(settings: BanditSettings, table: Bandit) -> str:
    """Returns what a kept result depends on besides the file. bandit itself is not imported for it, which takes long."""
    try:
        bandit = metadata.version("bandit")
    except metadata.PackageNotFoundError:
        raise NotMeasured("bandit is not installed", "pip install 'pytest-readiness[security]'") from None
    plugins = sorted(
        f"{point.value} {point.dist.version if point.dist else ''}"
        for group in ("bandit.plugins", "bandit.blacklists")
        for point in metadata.entry_points(group=group)
    )
    parts = [VERSION, bandit, sys.version, plugins, settings.as_json(), table.severity, table.confidence]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def _look_up(
    files: Sequence[File], folder: Path, store: Store
) -> tuple[dict[str, dict[str, Any]], list[Task], dict[str, str]]:
    """Returns what is known already, what is to be scanned, and the keys for the latter's results."""
    answers: dict[str, dict[str, Any]] = {}
    misses, keys = [], {}
    for file in files:
        if file.size > LARGEST:
            answers[file.path] = _unread(f"it is larger than {LARGEST // 1024**2} MiB")
            continue
        try:
            data = _read(folder / file.name)
        except OSError as error:
            answers[file.path] = _unread(f"it cannot be read: {error.strerror}")
            continue
        keys[file.path] = key_of(file.path, data)
        known = store.get(keys[file.path])
        if known is not None:
            answers[file.path] = known
        else:
            misses.append(_task(file, folder, keys))
    return answers, misses, keys


def _task(file: File, folder: Path, keys: dict[str, str]) -> Task:
    def content() -> bytes:
        # read again: the content of all files at once may be more than the memory holds
        data = _read(folder / file.name)
        keys[file.path] = key_of(file.path, data)
        return data

    return Task(file.path, file.size, content)


def _read(file: Path) -> bytes:
    with file.open("rb") as opened:
        data = opened.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise OSError(0, "it grows while it is read")
    return data


def _unread(why: str) -> dict[str, Any]:
    return {"issues": [], "problems": [[0, why]], "nosec": 0, "below": 0}


def _worker_count(tasks: Sequence[Task]) -> int:
    free = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(free, MOST_WORKERS, sum(task.size for task in tasks) // _PER_WORKER))


def _why(answer: dict[str, Any]) -> str:
    """Returns why the file as a whole could not be scanned; empty where it was."""
    return next((text for line, text in answer["problems"] if not line), "")


def _findings(file: File, folder: Path, answer: dict[str, Any]) -> list[Finding]:
    if not answer["issues"] and not answer["problems"]:
        return []
    try:
        lines = lines_of(_read(folder / file.name)) if file.size <= LARGEST else []
    except OSError:
        lines = []
    issues = [_issue(each, lines) for each in answer["issues"]]
    for line, why in answer["problems"]:
        what = "what stands here could not be judged" if line else "this could not be scanned by bandit"
        issues.append(Issue("", line, 0, f"{what}: {why}."))
    return findings_of(file.path, lines, issues)


def _issue(each: dict[str, Any], lines: Sequence[str]) -> Issue:
    number = str(each["test"]).removeprefix("B")
    line = each["line"] or 0
    text = lines[line - 1] if 0 < line <= len(lines) else ""
    # the syntax tree counts bytes
    column = len(text.encode()[: max(each["column"], 0)].decode(errors="ignore")) + 1 if each["column"] >= 0 else 0
    said = quiet(number, each["text"])
    return Issue(
        number, line, column, f"{each['test']}: {said} (severity {each['severity']}, confidence {each['confidence']})"
    )


def _notes(settings: BanditSettings, table: Bandit, answers: dict[str, dict[str, Any]], left_out: int) -> list[str]:
    counts = {name: sum(answer[name] for answer in answers.values()) for name in ("nosec", "below")}
    told = {
        f"bandit was configured by {' and '.join(settings.files)}": bool(settings.files),
        f"{left_out} files are left out by bandit's own configuration": left_out,
        f"{counts['nosec']} findings are accepted by # nosec": counts["nosec"],
        f"{counts['below']} findings are below severity {table.severity} or confidence {table.confidence}": counts[
            "below"
        ],
    }
    return [text for text, is_so in told.items() if is_so]
