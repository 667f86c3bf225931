"""Files that are the same for different environments, such as `.env.staging` and `.env.production`, and what one of them lacks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from readiness.static.config_lint.drift_facts import is_template_of_env
from readiness.static.paths import environment_of

LIKE = 0.5
"""Two files are compared where each has at least this share of the other's keys, the common file's included; else one of them
is an override, which is not expected to have everything."""
SEPARATOR = "\x1f"
_PART = re.compile(r"[-_.]+|[^-_.]+")


@dataclass
class Family:
    """Files that differ by their environment alone."""

    members: dict[str, str] = field(default_factory=dict)
    """Environment to path."""
    bases: list[str] = field(default_factory=list)
    """Files that all of them are read after."""
    templates: list[str] = field(default_factory=list)
    """Samples of it."""
    is_env: bool = False


@dataclass(frozen=True, slots=True)
class Lack:
    """A key that a file lacks."""

    path: str
    environment: str
    key: str
    has: str
    """Path of the file that has it."""
    provider: str
    """The environment of that file; empty for a sample."""


def family_of(path: str) -> str | None:
    """Returns the path with `*` for its environment; None where it is nobody's, or an override of an override."""
    environment = environment_of(path)
    if environment is None:
        return None
    *folders, name = path.split("/")
    starred = _starred(name)
    if starred != name:
        is_override = starred.count("*") > 1 or (".env." in name and name.endswith(".local") and name != ".env.local")
        return None if is_override else "/".join((*folders, starred))
    for index in range(len(folders) - 1, -1, -1):
        above = "/".join(folders[: index + 1])
        if (
            environment_of(above + "/x.yaml") == environment
            and environment_of("/".join((*folders[:index], "x.yaml"))) != environment
        ):
            return "/".join((*folders[:index], "*", *folders[index + 1 :], name))
    return None


def _starred(name: str) -> str:
    """Returns a file's name with `*` for each part that is an environment."""
    if name.startswith(".env"):
        head, tail = ".env", name[4:]
    else:
        stem, dot, suffix = name.rpartition(".")
        return "".join(_star(part) for part in _PART.findall(stem)) + dot + suffix
    return head + "".join(_star(part) for part in _PART.findall(tail))


def _star(part: str) -> str:
    return "*" if environment_of(f"{part}.yaml") else part


def families(facts: Mapping[str, Any]) -> dict[str, Family]:
    """Returns the families among the files that have keys, with what they share."""
    found: dict[str, Family] = {}
    for path in sorted(facts):
        name = family_of(path) if "keys" in facts[path] and not is_template_of_env(path) else None
        environment = environment_of(path)
        if name and environment:
            family = found.setdefault(name, Family(is_env=bool(facts[path].get("is_env"))))
            family.members.setdefault(environment, path)
    for path in sorted(facts):
        if "keys" in facts[path]:
            _place(path, facts, found)
    return found


def _place(path: str, facts: Mapping[str, Any], found: dict[str, Family]) -> None:
    """Adds a file that is no environment's to the families that it is the base or the sample of."""
    folder = path.rpartition("/")[0]
    if is_template_of_env(path):
        for family in found.values():
            if family.is_env and any(member.rpartition("/")[0] == folder for member in family.members.values()):
                family.templates.append(path)
    elif environment_of(path) is None:
        for name, family in found.items():
            if path in bases_of(name) and bool(facts[path].get("is_env")) == family.is_env:
                family.bases.append(path)


def bases_of(family: str) -> tuple[str, ...]:
    """Returns the paths that the common file of a family can have."""
    folder, slash, name = family.rpartition("/")
    if "*" in name:
        plain = re.sub(r"[-_.]\*|\*[-_.]|\*", "", name, count=1)
        suffix = name.rpartition(".")[2]
        names = [
            plain,
            *(
                f"{each}.{suffix}"
                for each in ("default", "defaults", "base", "common", "config", "settings", "application")
            ),
        ]
        return tuple(folder + slash + each for each in names)
    shared = [family.replace("*", each) for each in ("base", "common", "default", "shared", "all")]
    return (*shared, re.sub(r"(?:overlays|environments|envs|env)?/?\*/", "", family))


def lacks(family: Family, facts: Mapping[str, Any]) -> Iterator[Lack]:
    """Yields what each file of a family lacks: the topmost key only, where a whole mapping is missing."""
    common = {key for path in family.bases for key in facts[path]["keys"]}
    whole = {environment: common | set(facts[path]["keys"]) for environment, path in family.members.items()}
    for environment, path in sorted(family.members.items()):
        own = whole[environment]
        told: set[str] = set()
        others = [
            (other, family.members[other], whole[other]) for other in sorted(family.members) if other != environment
        ]
        samples = [("", template, set(facts[template]["keys"])) for template in family.templates]
        for provider, has, keys in (*samples, *_by_weight(others)):
            if provider and not _alike(own, keys):
                continue
            for key in sorted(_topmost(keys - own, own) - told):
                told.add(key)
                yield Lack(path, environment, key, has, provider)


def _by_weight(others: list[tuple[str, str, set[str]]]) -> list[tuple[str, str, set[str]]]:
    """Returns the others, production first, development last, so that the one that weighs most is named."""
    order = {"production": 0, "preproduction": 1, "staging": 2, "development": 8, "test": 8, "local": 9, "ci": 9}
    return sorted(others, key=lambda each: order.get(each[0], 5))


def _alike(one: set[str], other: set[str]) -> bool:
    return len(one & other) >= LIKE * max(len(one), len(other))


def _topmost(missing: set[str], own: Iterable[str]) -> set[str]:
    """Returns the missing keys whose mapping is there."""
    there = set(own)
    return {key for key in missing if SEPARATOR not in key or key.rpartition(SEPARATOR)[0] in there}
