"""GitHub workflows: the two things that need no analysis of the whole workflow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from readiness.static.config_lint.lint import ADVISORY, INFORMATION, mapping, semantic, sequence, shown

if TYPE_CHECKING:
    from readiness.static.config_lint.lint import Keys, Lint
    from readiness.static.interface import Hit

_HARDENING = "https://docs.github.com/en/actions/reference/security/secure-use"

ACTION = semantic(
    "action-pin",
    INFORMATION,
    "Actions of others are pinned to a commit",
    "Tag and branch of an action can be moved to other code, which then runs with the workflow's secrets.",
    "Pin it: `uses: owner/action@<40 hex digits>  # v1.2.3`.",
    _HARDENING,
)
TARGET = semantic(
    "pull-request-target",
    ADVISORY,
    "No workflow with secrets checks out a stranger's code",
    "`pull_request_target` runs with the secrets and the write token of the base; what is checked out of the pull request can take"
    " them.",
    "Use `pull_request`, or do not check out the head of the pull request.",
    _HARDENING,
)
RULES = (ACTION, TARGET)

_PATH = re.compile(r"(?:^|/)\.github/workflows/[^/]+\.ya?ml$")
_ACTION_PATH = re.compile(r"(?:^|/)action\.ya?ml$")
_COMMIT = re.compile(r"^[0-9a-f]{40}(?:[0-9a-f]{24})?$")
_OWN = ("actions/", "github/", "./", "docker://", "../")
"""GitHub's own, those of the repository itself, and images."""
_HEAD = re.compile(r"github\.(?:event\.pull_request\.head|head_ref)|refs/pull/")


def is_workflow(path: str) -> bool:
    """Returns whether a file is a workflow or an action, by its path."""
    return bool(_PATH.search(path) or _ACTION_PATH.search(path))


def workflow(lint: Lint, document: int, value: object) -> Iterator[Hit]:
    """Yields what is wrong with the steps of a workflow."""
    whole = mapping(value)
    is_target = "pull_request_target" in _triggers(whole)
    steps = [("runs", "steps")] if "runs" in whole else []
    jobs: list[tuple[Keys, Any]] = [(keys, mapping(whole["runs"]).get("steps")) for keys in steps]
    for name, job in mapping(whole.get("jobs")).items():
        jobs.append((("jobs", name, "steps"), mapping(job).get("steps")))
        if isinstance(job, dict) and "uses" in job:
            yield from _uses(lint, (document, ("jobs", name, "uses")), job["uses"])
    for at, listed in jobs:
        for number, step in enumerate(sequence(listed)):
            if not isinstance(step, dict):
                continue
            yield from _uses(lint, (document, (*at, number, "uses")), step.get("uses"))
            if is_target:
                yield from _checkout(lint, (document, (*at, number)), step)


def _triggers(whole: dict[Any, Any]) -> list[str]:
    """Returns the events that start a workflow; a YAML 1.1 parser reads the key `on` as true."""
    on = whole.get("on", whole.get(True))
    return [on] if isinstance(on, str) else [str(each) for each in on] if isinstance(on, dict | list) else []


def _uses(lint: Lint, at: tuple[int, Keys], value: object) -> Iterator[Hit]:
    if not isinstance(value, str) or value.startswith(_OWN) or "@" not in value:
        return
    name, _, version = value.partition("@")
    if not _COMMIT.match(version):
        text = f"the action {shown(name)} is taken at {shown(version)}, not at a commit"
        yield lint.hit(ACTION, at, text, excerpt=f"uses: {value}", anchor=value)


def _checkout(lint: Lint, at: tuple[int, Keys], step: dict[Any, Any]) -> Iterator[Hit]:
    uses = step.get("uses")
    if not isinstance(uses, str) or not uses.startswith("actions/checkout@"):
        return
    given = mapping(step.get("with"))
    if any(_HEAD.search(str(given.get(key, ""))[:500]) for key in ("ref", "repository")):
        text = "a workflow on pull_request_target checks out the head of the pull request"
        yield lint.hit(TARGET, at, text, excerpt=f"ref: {given.get('ref', '')}")
