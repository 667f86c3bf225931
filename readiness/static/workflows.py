"""`security-scan/workflows`: GitHub workflows, actions and Dependabot's configuration, audited by zizmor without a network."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from readiness.errors import NotMeasured
from readiness.model import Finding, FindingSeverity
from readiness.static.command import Ended, program, run
from readiness.static.fingerprint import fingerprint, hashed
from readiness.static.interface import Rule, Scan, Skipped

if TYPE_CHECKING:
    from readiness.config.security_tables import Workflows
    from readiness.static.walk import File

CHECK = "security-scan/workflows"
UNSAFE = "security-scan/unsafe-workflow"
UNAUDITED = "security-scan/unaudited-workflow"
WITHIN_S = 120.0
MOST = 5000
SEVERITIES = ("unknown", "informational", "low", "medium", "high")
CONFIDENCES = ("unknown", "low", "medium", "high")

RULES: tuple[Rule, ...] = (
    Rule(
        UNSAFE,
        CHECK,
        FindingSeverity.BLOCKING,
        "Workflows grant no more than they need and run nothing that strangers wrote",
        "A workflow holds the token of the repository and the keys of its releases: who can make it run a command has both.",
        "Make the edit that the audit's page describes; accept it on its line with `# zizmor: ignore[AUDIT]` and the reason.",
        "https://docs.zizmor.sh/audits/",
    ),
    Rule(
        UNAUDITED,
        CHECK,
        FindingSeverity.BLOCKING,
        "Every workflow could be audited",
        "Of a file that cannot be read as a workflow nothing is known, so that it cannot be called clean.",
        "Mend the file's syntax, or move what is no workflow out of the folder.",
    ),
)
_BY_ID = {rule.id: rule for rule in RULES}
_WORKFLOW = re.compile(r"(?:^|/)\.github/workflows/[^/]+\.ya?ml$")
_ACTION = re.compile(r"(?:^|/)action\.ya?ml$")
_DEPENDABOT = re.compile(r"(?:^|/)\.github/dependabot\.ya?ml$")
_NOTHING_TO_READ = "no inputs collected"
"""What zizmor says where it can read none of the files."""
_CAUSES = re.compile(r"^\s*\d+: ((?!<|core::|std::|zizmor::|_|main$).*)$", re.MULTILINE)
_COMPLETED = re.compile(r"\bcompleted (\./.*)$", re.MULTILINE)


def observe(
    table: Workflows,
    *,
    folder: Path,
    budget: Callable[[], float],
    files: Callable[..., tuple[File, ...]],
    **_others: Any,
) -> Scan:
    """Returns what zizmor finds in the repository's workflows.

    Args:
        table: `[security-scan] workflows`.
        folder: of the configuration.
        budget: seconds left of the run.
        files: lists the files below paths.

    Raises:
        NotMeasured: there is no workflow, or zizmor is not installed, failed or did not end in time.
    """
    wanted = [file for file in files(table.paths) if is_audited(file.path)]
    if not wanted:
        raise NotMeasured(
            f"there is no workflow below {', '.join(table.paths)}",
            "Mend [security-scan] workflows.paths, or take workflows out.",
        )
    if len(wanted) > MOST:
        raise NotMeasured(f"there are more than {MOST} workflows", "Narrow [security-scan] workflows.paths.")
    top = Path(os.path.realpath(folder))
    command = [program("zizmor", "security"), "--offline", "--format", "json-v1", "--no-progress", "--color", "never"]
    command += ["--no-exit-codes", "--persona", table.persona, *(f"./{file.name}" for file in wanted)]
    ended = run(command, folder=top, within_s=min(WITHIN_S, budget()))
    audited = set(_COMPLETED.findall(ended.err))
    missed = [file for file in wanted if f"./{file.name}" not in audited]
    told = [] if len(missed) == len(wanted) and _NOTHING_TO_READ in ended.err else _findings_of(ended)
    found = [*_found(told, table, {f"./{file.name}": file.path for file in wanted}), *map(_unaudited, missed)]
    return Scan(
        gate="security-scan",
        files=len(wanted) - len(missed),
        size=sum(file.size for file in wanted),
        cached=0,
        skipped=tuple(Skipped(file.path, "zizmor cannot read it as what its name says") for file in missed),
        found={CHECK: tuple(sorted(found, key=lambda each: (each.path, each.line, each.column, each.text)))},
        unscanned=len(missed),
    )


def is_audited(path: str) -> bool:
    """Returns whether zizmor knows what to make of a file, by its name."""
    return any(pattern.search(path) for pattern in (_WORKFLOW, _ACTION, _DEPENDABOT))


def _findings_of(ended: Ended) -> list[dict[str, Any]]:
    try:
        document = json.loads(ended.out) if ended.status == 0 else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, list):
        why = "; ".join(_CAUSES.findall(ended.err))[:300] or ended.last_words
        raise NotMeasured(f"zizmor failed with exit status {ended.status}: {why}", "Mend zizmor's configuration.")
    return document


def _found(told: Sequence[dict[str, Any]], table: Workflows, paths: dict[str, str]) -> Iterator[Finding]:
    seen: Counter[str] = Counter()
    for each in told:
        if each.get("ignored"):
            continue
        place = _primary(each)
        name = place["symbolic"]["key"].get("Local", {}).get("verbatim_path", "")
        if name not in paths:
            raise NotMeasured("zizmor found something in a file that it was not asked about")
        start = place["concrete"]["location"]["start_point"]
        levels = each["determinations"]
        severity, confidence = str(levels["severity"]).lower(), str(levels["confidence"]).lower()
        anchor = hashed(json.dumps([each["ident"], place["symbolic"]["route"], place["concrete"]["feature"]]))
        yield Finding(
            rule=UNSAFE,
            path=paths[name],
            line=start["row"] + 1,
            column=start["column"] + 1,
            severity=severity_of(severity, confidence, table),
            text=f"{each['ident']}: {each['desc']}: {place['symbolic']['annotation']}"
            f" (severity {severity}, confidence {confidence}).",
            remedy=f"{each['url']} says what to do; to accept it, `# zizmor: ignore[{each['ident']}]` on its line.",
            fingerprint=fingerprint(UNSAFE, paths[name], anchor, seen[name + anchor]),
        )
        seen[name + anchor] += 1


def _primary(each: dict[str, Any]) -> dict[str, Any]:
    places: list[dict[str, Any]] = each["locations"]
    return next((place for place in places if place["symbolic"]["kind"] == "Primary"), places[0])


def severity_of(severity: str, confidence: str, table: Workflows) -> FindingSeverity:
    """Returns what a finding of zizmor does: it blocks from the table's severity and confidence on, and else warns."""
    if severity not in SEVERITIES or confidence not in CONFIDENCES:
        return FindingSeverity.BLOCKING  # a level that this version does not know
    is_severe = SEVERITIES.index(severity) >= SEVERITIES.index(table.severity)
    if is_severe and CONFIDENCES.index(confidence) >= CONFIDENCES.index(table.confidence):
        return FindingSeverity.BLOCKING
    is_hint = SEVERITIES.index(severity) <= SEVERITIES.index("informational")
    return FindingSeverity.INFORMATION if is_hint else FindingSeverity.ADVISORY


def _unaudited(file: File) -> Finding:
    return Finding(
        rule=UNAUDITED,
        path=file.path,
        line=0,
        column=0,
        severity=FindingSeverity.BLOCKING,
        text="this could not be audited: zizmor cannot read it as a workflow, an action or Dependabot's configuration.",
        remedy=_BY_ID[UNAUDITED].remedy,
        fingerprint=fingerprint(UNAUDITED, file.path, hashed("")),
    )
