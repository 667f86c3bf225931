"""Whether a version is affected by an advisory in OSV's format; versions are ordered as PEP 440 says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from packaging.version import InvalidVersion, Version


class IncomparableError(ValueError):
    """An advisory, or a dependency, has a version that PEP 440 does not know; the text is that version."""


class Affected(NamedTuple):
    """What an advisory says of one package; exact builtins, since it is kept in a file."""

    id: str
    aliases: Sequence[str]
    ranges: Sequence[Sequence[tuple[str, str]]]
    """For each range its events: `introduced`, `fixed` or `last_affected`, and the version."""
    versions: Sequence[str]
    """Named one by one, as published."""


def read_affected(record: Mapping[str, Any], is_ours: Any) -> dict[str, Affected]:
    """Returns package to what an OSV record says of it, for the packages of PyPI; nothing of a withdrawn one.

    Args:
        record: as decoded.
        is_ours: takes the name of an ecosystem.
    """
    found: dict[str, Affected] = {}
    if record.get("withdrawn"):
        return found
    id_, aliases = str(record["id"]), [str(each) for each in _rows(record.get("aliases"))]
    for affected in _rows(record.get("affected")):
        package = affected.get("package") if isinstance(affected, Mapping) else None
        if not isinstance(package, Mapping) or not is_ours(package.get("ecosystem")):
            continue
        name = str(package.get("name") or "")
        before = found.get(name, Affected(id_, aliases, (), ()))
        ranges = [_events(each) for each in _rows(affected.get("ranges")) if _is_ordered(each)]
        versions = [str(each) for each in _rows(affected.get("versions"))]
        found[name] = before._replace(ranges=[*before.ranges, *ranges], versions=[*before.versions, *versions])
    return found


def _rows(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_ordered(value: Any) -> bool:
    """Whether a range is one of versions; one of commits says nothing of a package that is installed."""
    return isinstance(value, Mapping) and value.get("type") in ("ECOSYSTEM", "SEMVER")


def _events(value: Mapping[str, Any]) -> list[tuple[str, str]]:
    events = [each for each in _rows(value.get("events")) if isinstance(each, Mapping)]
    return [
        (kind, str(event[kind]))
        for event in events
        for kind in ("introduced", "fixed", "last_affected")
        if kind in event
    ]


def is_affected(version: str, affected: Affected) -> bool:
    """Returns whether the version is one that the advisory is about.

    A local part, as in `2.0.0+cpu`, says how it was built: it is as affected as 2.0.0.

    Raises:
        IncomparableError: that cannot be said.
    """
    if version in affected.versions:
        return True
    if not affected.ranges and not affected.versions:
        raise IncomparableError("commits only")
    parsed = public(version)
    if any(_try(each) == parsed for each in affected.versions):
        return True
    return any(_is_in(parsed, events) for events in affected.ranges)


def _is_in(version: Version, events: Iterable[tuple[str, str]]) -> bool:
    """Returns whether a range holds the version, as OSV's schema evaluates it: event by event, in their order."""
    is_in = False
    for at, kind in sorted(((_at(text, kind), kind) for kind, text in events), key=lambda each: _key(*each)):
        if kind == "introduced" and (at is None or version >= at):
            is_in = True
        elif (kind == "fixed" and at is not None and version >= at) or (
            kind == "last_affected" and at is not None and version > at
        ):
            is_in = False
    return is_in


def _at(text: str, kind: str) -> Version | None:
    """Returns the version of an event; None for the introduction at `0`, which is before all others, `0a1` among them."""
    return None if text == "0" and kind == "introduced" else public(text)


_ORDER = ("fixed", "introduced", "last_affected")
"""Of events at one version: what is fixed and introduced again there is affected."""


def _key(at: Version | None, kind: str) -> tuple[bool, Version, int]:
    return at is not None, at or Version("0"), _ORDER.index(kind)


def public(version: str) -> Version:
    """Returns the version without its local part.

    Raises:
        IncomparableError: PEP 440 does not know it.
    """
    try:
        parsed = Version(version)
    except InvalidVersion:
        raise IncomparableError(version) from None
    return Version(parsed.public) if parsed.local else parsed


def _try(text: str) -> Version | None:
    try:
        return public(text)
    except IncomparableError:
        return None


def fixes(version: str, affected: Affected) -> list[Version]:
    """Returns the versions after this one in which the advisory is fixed, the nearest first."""
    known = _try(version)
    fixed = {_try(text) for events in affected.ranges for kind, text in events if kind == "fixed"}
    return sorted(each for each in fixed if each is not None and (known is None or each > known))


def merged(found: Iterable[Affected]) -> list[list[Affected]]:
    """Returns the advisories in groups that are one problem: those that name each other, or the same third, as alias."""
    groups: list[tuple[set[str], list[Affected]]] = []
    for each in found:
        names, members = {each.id, *each.aliases}, [each]
        apart = []
        for group in groups:
            if group[0].isdisjoint(names):
                apart.append(group)
            else:
                names |= group[0]
                members = [*group[1], *members]
        groups = [*apart, (names, members)]
    return [members for _, members in groups]
