"""What the gates that read files are to look at: Python code, requirements and lock files, workflows, baselines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from readiness.scaffold.files import Files, depth, is_aside
from readiness.scaffold.toml import shown, string, strings

GATES = ("config-lint", "placeholder-audit", "security-scan")
BASELINE = "readiness-baseline.json"
SECRETS_BASELINE = ".secrets.baseline"
LOCK_FILES = ("pylock.toml", "pylock.*.toml", "poetry.lock", "uv.lock", "pdm.lock", "Pipfile.lock")
_REQUIREMENTS = re.compile(r"(?:.*/)?requirements(?:[-_.][\w.-]*)?\.txt|(?:.*/)?requirements/[\w.-]+\.txt")
_SCHEMA = '"readiness-baseline/1"'
_FEW = 5


@dataclass(frozen=True, slots=True)
class Repository:
    """Files that the tables of these gates name."""

    code: tuple[str, ...] = ()
    """Folders with the Python code that ships; `.` where it stands at the top, or in many of them."""
    requirements: tuple[str, ...] = ()
    locks: tuple[str, ...] = ()
    declares: bool = False
    """`pyproject.toml` declares dependencies."""
    workflows: bool = False
    baseline: bool = False
    secrets_baseline: bool = False


def repository(files: Files, *, declares: bool) -> Repository:
    """Returns what is found, none of it read but the baselines."""
    near = [name for name in files.names if depth(name) <= 1 and not is_aside(name)]
    return Repository(
        code=_code(files),
        requirements=tuple(name for name in near if _REQUIREMENTS.fullmatch(name)),
        locks=tuple(name for name in near if any(fnmatchcase(name.rpartition("/")[2], each) for each in LOCK_FILES)),
        declares=declares,
        workflows=any(re.fullmatch(r"\.github/workflows/[^/]+\.ya?ml", name) for name in files.names),
        baseline=_SCHEMA in files.text(BASELINE),
        secrets_baseline=_SCHEMA in files.text(SECRETS_BASELINE),
    )


def _code(files: Files) -> tuple[str, ...]:
    python = [name for name in files.names if name.endswith(".py") and not is_aside(name)]
    tops = sorted({name.partition("/")[0] if "/" in name else "." for name in python})
    return (".",) if "." in tops or len(tops) > _FEW else tuple(tops)


def tables(seen: Repository) -> Iterator[tuple[str, str]]:
    """Yields the lines of the tables, each with what is said behind it."""
    yield "# What the files of this repository are. Needs: pip install 'pytest-readiness[static,security]'", ""
    if seen.baseline:
        yield "[baseline]", ""
        yield f"file = {string(BASELINE)}", "known findings do not block"
        yield "", ""
    else:
        yield (
            "# Where years of findings block, `readiness baseline write` accepts those of today: only new ones block.",
            "",
        )
    yield "[config-lint]", ""
    yield 'paths = ["."]', "what .gitignore names is left out"
    yield "", ""
    yield "[placeholder-audit]", ""
    yield 'paths = ["."]', ""
    yield "# strict = true", "block in a developer's environment too, such as local"
    yield "", ""
    yield "[security-scan]", ""
    if seen.code:
        yield f"bandit = {{ paths = {strings(seen.code)} }}", "tests are left out"
    yield from _dependencies(seen)
    known = f", baseline = {string(SECRETS_BASELINE)}" if seen.secrets_baseline else ""
    yield f'secrets = {{ paths = ["."]{known} }}', ""
    if seen.workflows:
        yield 'workflows = { paths = [".github"] }', ""
    yield "", ""


def _dependencies(seen: Repository) -> Iterator[tuple[str, str]]:
    """A comment: where advisories are to be had, offline or from a server, is for people to say."""
    if seen.locks:
        what = f"lock = {strings(seen.locks[:_FEW])}"
    elif seen.requirements:
        what = f"requirements = {strings(seen.requirements[:_FEW])}, installed = true"
    elif seen.declares:
        what = 'pyproject = ["pyproject.toml"], installed = true'
    else:
        return
    yield (
        '# Advisories: an OSV export of the day, or engine = "pip-audit", which asks a server, in place of database.',
        "",
    )
    yield f'# dependencies = {{ {what}, database = "advisories.zip" }}', ""


def found(seen: Repository) -> Iterator[str]:
    """Yields what people are told was found."""
    for name in (*seen.locks, *seen.requirements)[:_FEW]:
        yield shown(name)
    if seen.workflows:
        yield "workflows"
    if seen.baseline:
        yield BASELINE
