"""Drift: what one environment's file has and another's lacks, and what is asked for and nobody sets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from readiness.static.config_lint import drift_kubernetes
from readiness.static.config_lint.drift_facts import UNDEFINED as UNDEFINED_ID
from readiness.static.config_lint.drift_facts import drift_facts, is_template_of_env, wants
from readiness.static.config_lint.drift_families import SEPARATOR, Family, Lack, families, lacks
from readiness.static.config_lint.lint import ADVISORY, BLOCKING, DEVELOPMENT, INFORMATION, shown
from readiness.static.interface import Hit, Rule
from readiness.static.paths import environment_of

if TYPE_CHECKING:
    from readiness.static.config_lint.options import Options

__all__ = ["RULES", "conclude", "drift", "drift_facts", "wants"]

CHECK = "config-lint/drift"

LACKS = Rule(
    "config-lint/drift-key",
    CHECK,
    ADVISORY,
    "Each environment's file has the keys of the others",
    "What was tried in one environment is not what runs in the other: a key that is only there has never been judged here.",
    "Add the key, or move it to the file that all environments share.",
    "https://12factor.net/dev-prod-parity",
)
SAMPLE = Rule(
    "config-lint/drift-sample",
    CHECK,
    ADVISORY,
    "The sample of the variables and the files of the environments name the same",
    "The sample is what a new environment is made from: what it lacks is forgotten there, and what it has was needed once.",
    "Add the variable to the file that lacks it, or remove it from the sample.",
    "https://12factor.net/config",
)
MISSING = Rule(
    "config-lint/drift-missing",
    CHECK,
    BLOCKING,
    "Production's file has every variable that is read without a default",
    "The service fails with it missing: at its start, or at the first request that needs it.",
    "Add the variable to production's file, or give it a default where it is read.",
    "https://12factor.net/config",
)
UNDEFINED = Rule(
    UNDEFINED_ID,
    CHECK,
    ADVISORY,
    "Every variable that is read without a default is set or documented somewhere",
    "Nobody who sets up an environment can know of it: the service fails where it is missing.",
    "Add it to `.env.example`, to the manifests, or give it a default.",
    "https://12factor.net/config",
)
RULES = (LACKS, SAMPLE, MISSING, UNDEFINED, *drift_kubernetes.RULES)

MOST_LACKS = 25
"""Findings of one rule in one file; the rest is counted."""
_OF_THE_PLATFORM = re.compile(
    r"^(?:HOME|PATH|USER|USERNAME|LOGNAME|SHELL|PWD|OLDPWD|TERM|COLORTERM|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|TEMP|TMP|HOSTNAME|HOST|PORT|EDITOR"
    r"|DISPLAY|CI|NODE_ENV|NO_COLOR|FORCE_COLOR|DEBUG|UID|GID|EUID|COLUMNS|LINES|VIRTUAL_ENV|APPDATA|LOCALAPPDATA|PROGRAMDATA|USERPROFILE"
    r"|SYSTEMROOT|WINDIR|COMSPEC|PATHEXT|OS|MAIL|K_SERVICE|K_REVISION|DYNO|WORKER_ID|LOCAL_RANK|RANK|WORLD_SIZE|MASTER_ADDR|MASTER_PORT"
    r"|HTTPS?_PROXY|NO_PROXY|https?_proxy|no_proxy|SSH_\w+|SUDO_\w+|XDG_\w+|CONDA_\w+|PYTHON\w+|PIP_\w+|PYTEST_\w+|COVERAGE_\w+|TOX_\w+"
    r"|GITHUB_\w+|GITLAB_\w+|CI_\w+|RUNNER_\w+|BUILD_\w+|JENKINS_\w+|TRAVIS\w*|CIRCLE\w*|KUBERNETES_\w+|KUBECONFIG|npm_\w+|VERCEL\w*|NETLIFY\w*"
    r"|RAILWAY_\w+|FLY_\w+|RENDER\w*|HEROKU_\w+|AWS_(?:REGION|DEFAULT_REGION|PROFILE|LAMBDA_\w+|EXECUTION_ENV|CONTAINER_\w+)|ECS_\w+|CUDA_\w+"
    r"|NEXT_RUNTIME|NEXT_PHASE|GOOGLE_APPLICATION_CREDENTIALS|GCP_PROJECT|FUNCTION_\w+|SLURM_\w+|OMP_\w+|LD_LIBRARY_PATH|MAKEFLAGS|DOCKER_\w+)$"
)
"""Set by the system, the shell, the build or the platform."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A variable that is read without a default, at the first place that does."""

    path: str
    line: int
    column: int
    is_needed: bool
    places: int


@dataclass
class _Names:
    """Who sets which variables, in upper case."""

    common: set[str] = field(default_factory=set)
    """Set by code, images, manifests and files without an environment."""
    of: dict[str, set[str]] = field(default_factory=dict)
    """Environment to what its files set."""
    samples: set[str] = field(default_factory=set)

    def anywhere(self) -> set[str]:
        """Returns what any file names."""
        return self.common.union(self.samples, *self.of.values())


def conclude(facts: Mapping[str, Any], options: Options) -> Iterable[tuple[str, Hit]]:
    """Yields what only several files together show, with the path of each.

    Args:
        facts: path to what `drift_facts` returned of it.
        options: of the run.
    """
    names, asked = _names(facts), _asked(facts)
    told: set[tuple[str, str]] = set()
    for family in families(facts).values():
        yield from _at_most(_of_family(family, facts, names, asked, options), told)
    yield from _undefined(facts, names, asked, told)
    yield from drift_kubernetes.across_manifests(facts)


drift = conclude


def _names(facts: Mapping[str, Any]) -> _Names:
    names = _Names()
    for path, each in facts.items():
        found = {str(name).upper() for name in each.get("sets", ())}
        environment = environment_of(path)
        if is_template_of_env(path):
            names.samples |= found
        elif environment is None or path.endswith(".py"):
            names.common |= found
        else:
            names.of.setdefault(environment, set()).update(found)
    return names


def _asked(facts: Mapping[str, Any]) -> dict[str, _Asked]:
    """Returns the variables that are asked for; one that is needed anywhere is needed."""
    found: dict[str, _Asked] = {}
    for path in sorted(facts):
        for name, line, column, is_needed in facts[path].get("reads", ()):
            if _OF_THE_PLATFORM.match(name):
                continue
            before = found.get(name)
            if before is None or (is_needed and not before.is_needed):
                found[name] = _Asked(path, line, column, is_needed, (before.places if before else 0) + 1)
            else:
                found[name] = _Asked(before.path, before.line, before.column, before.is_needed, before.places + 1)
    return found


def _of_family(
    family: Family, facts: Mapping[str, Any], names: _Names, asked: Mapping[str, _Asked], options: Options
) -> Iterator[tuple[str, str, Hit]]:
    """Yields what the files of a family lack: path, key and the finding."""
    needed = {name.upper(): at for name, at in asked.items() if at.is_needed}
    for lack in lacks(family, facts):
        ships = options.class_of(lack.path).ships
        key = lack.key.replace(SEPARATOR, ".")
        name = key.upper()
        reader = needed.get(name) if family.is_env else None
        is_set = name in names.common or name in names.of.get(lack.environment, ())
        if reader is not None and not is_set and lack.environment == "production" and ships:
            text = f"{shown(key)} is missing; {reader.path}:{reader.line} reads it without a default, and {lack.has} has it"
            yield lack.path, key, Hit(MISSING.id, 0, 0, text, key)
        elif family.is_env and is_set:
            continue  # where another file of this environment sets it
        else:
            rule = LACKS if lack.provider else SAMPLE
            yield (
                lack.path,
                key,
                Hit(
                    rule.id, 0, 0, f"{shown(key)} is missing, which {lack.has} has", key, severity=_weight(lack, ships)
                ),
            )
    yield from _of_sample(family, facts)


def _weight(lack: Lack, ships: bool) -> str:
    """Returns the severity: what only development has, and what development lacks, is mostly meant."""
    is_meant = lack.environment in DEVELOPMENT or lack.provider in DEVELOPMENT
    return str(INFORMATION if is_meant or not ships else ADVISORY)


def _of_sample(family: Family, facts: Mapping[str, Any]) -> Iterator[tuple[str, str, Hit]]:
    """Yields variables that files of environments have and the sample does not know."""
    for sample in family.templates:
        known = set(facts[sample]["keys"])
        for environment, path in sorted(family.members.items()):
            if environment not in DEVELOPMENT:
                for key in sorted(set(facts[path]["keys"]) - known):
                    known.add(key)
                    text = f"{shown(key)} is missing in the sample, which {path} has"
                    yield sample, key, Hit(SAMPLE.id, 0, 0, text, key, severity=str(INFORMATION))


def _undefined(
    facts: Mapping[str, Any], names: _Names, asked: Mapping[str, _Asked], told: set[tuple[str, str]]
) -> Iterator[tuple[str, Hit]]:
    """Yields variables that are asked for and that no file names; nothing where files are not what names them."""
    defined = names.anywhere()
    has_env_files = any(each.get("is_env") for each in facts.values())
    needed = {name.upper() for name, at in asked.items() if at.is_needed}
    if not has_env_files and (not needed or len(needed & defined) * 2 < len(needed)):
        return  # the repository is a library, or its variables are set elsewhere altogether
    comes_from_outside = any(each.get("opaque") for each in facts.values()) or (
        any(each.get("env_files") for each in facts.values()) and not has_env_files
    )
    already = {key.upper() for _, key in told}
    for name, at in asked.items():
        upper = name.upper()
        if upper in defined or upper in already or any(each.startswith(f"{upper}__") for each in defined):
            continue
        severity = ADVISORY if at.is_needed and not comes_from_outside else INFORMATION
        places = f", and at {at.places - 1} more places" if at.places > 1 else ""
        text = f"{shown(name)} is read here without a default{places}, and no file sets it or names it"
        yield at.path, Hit(UNDEFINED.id, at.line, at.column, text, name, severity=str(severity))


def _at_most(found: Iterable[tuple[str, str, Hit]], told: set[tuple[str, str]]) -> Iterator[tuple[str, Hit]]:
    """Yields each key of a file once, the first that is said of it, and so many of each rule that blocks nothing."""
    counts: dict[tuple[str, str], int] = {}
    for path, key, hit in found:
        if (path, key) in told:
            continue
        told.add((path, key))
        count = counts[path, hit.rule] = counts.get((path, hit.rule), 0) + 1
        if count <= MOST_LACKS or hit.rule == MISSING.id:
            yield path, hit
    for (path, rule), count in sorted(counts.items()):
        if count > MOST_LACKS and rule != MISSING.id:
            yield (
                path,
                Hit(
                    rule, 0, 0, f"{count - MOST_LACKS} more keys like these", f"more {rule}", severity=str(INFORMATION)
                ),
            )
