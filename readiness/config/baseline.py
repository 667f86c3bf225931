"""The baseline file: findings that are known and accepted, so that only new ones block.

One entry a line, sorted by path, each line beginning with its comma: a change to one finding changes one line, and two
branches that change different findings can be merged. Lines hold neither line numbers nor times. An entry names one
finding by rule, path and fingerprint; there are no patterns.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from readiness.config.suggest import known_names

SCHEMA = "readiness-baseline/1"
EMPTY = f'[{{"schema": "{SCHEMA}"}}\n]\n'
MAX_BYTES = 64 * 1024 * 1024
MAX_PROBLEMS = 10
"""Entries that are complained of one by one."""
_REQUIRED = ("path", "gate", "rule", "fingerprint")
_OPTIONAL = ("count", "owner", "reason", "expires")
_FINGERPRINT = re.compile(r"[A-Za-z0-9._:+/=-]{8,200}")
_NOT_LOOKED_AT = re.compile(r"(?:^|/)(?:unreadable|unscanned|unmeasured)-")
"""Rules that say that something was not looked at: of what is in it nothing is known, so that nothing can be accepted."""
_CONFLICT = re.compile(rb"^(?:<<<<<<<|=======|>>>>>>>)", re.MULTILINE)


class Key(NamedTuple):
    """What a finding is known by; in the order of the file."""

    path: str
    gate: str
    rule: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One finding that is known."""

    key: Key
    count: int = 1
    """How often a check may report it; more than one only where it cannot tell them apart."""
    owner: str = ""
    reason: str = ""
    expires: dt.date | None = None
    """Last valid day, UTC; None where it has no end."""
    needs_owner: bool = False
    """It accepts nothing before it names an owner, a reason and a last day, as for a secret that is known."""

    @property
    def is_incomplete(self) -> bool:
        """True where it accepts nothing yet."""
        return self.needs_owner and not (self.owner and self.reason and self.expires)

    def has_expired(self, today: dt.date) -> bool:
        """Returns whether the last valid day is over."""
        return self.expires is not None and self.expires < today

    def accepts(self, today: dt.date) -> bool:
        """Returns whether what it knows does not block on that day."""
        return not self.is_incomplete and not self.has_expired(today)


@dataclass(frozen=True)
class Baseline:
    """A baseline file that could be read."""

    file: str
    """As the configuration names it."""
    entries: tuple[Entry, ...]

    @cached_property
    def by_key(self) -> dict[Key, Entry]:
        """The entries by what they know a finding by."""
        return {entry.key: entry for entry in self.entries}


class Unusable(NamedTuple):
    """One reason why a baseline cannot be used."""

    text: str
    remedy: str


def read(file: Path) -> tuple[tuple[Entry, ...], tuple[Unusable, ...]]:
    """Returns the entries of a baseline file, and what is wrong with it; one of the two is empty."""
    try:
        if file.stat().st_size > MAX_BYTES:
            size = f"is over {MAX_BYTES // 1024**2} MiB, which no baseline needs"
            return (), (Unusable(size, "Name the file that `readiness baseline write` made."),)
        data = file.read_bytes()
    except FileNotFoundError:
        remedy = "Write it with `readiness baseline write`, or take [baseline] out for the first run."
        return (), (Unusable("does not exist", remedy),)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        return (), (Unusable(f"cannot be read: {why}", "Name a file."),)
    return parse(data)


def parse(data: bytes) -> tuple[tuple[Entry, ...], tuple[Unusable, ...]]:
    """Returns the entries in the bytes of a baseline file, and what is wrong with it; one of the two is empty."""
    try:
        rows = json.loads(data)
    except (ValueError, RecursionError) as error:
        at = f" at line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        conflict = ": it holds the marks of a merge conflict" if _CONFLICT.search(data) else ""
        remedy = "Mend it there, or take it from version control and run `readiness baseline write` again."
        return (), (Unusable(f"is not JSON{at}{conflict}", remedy),)
    header = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else {}
    if header.get("schema") != SCHEMA:
        return (), (Unusable(f"is no baseline of the layout {SCHEMA}", "Write it with `readiness baseline write`."),)
    entries: dict[Key, Entry] = {}
    problems = []
    for number, row in enumerate(rows[1:], 1):
        found = _entry(row)
        if isinstance(found, str):
            problems.append(Unusable(f"entry {number} {found}", "Mend the entry, or take it out."))
        elif found.key in entries and found != entries[found.key]:
            # A merge of two branches may leave both; which of them holds is not for us to say.
            problems.append(Unusable(f"entry {number} says of a finding what another denies", "Keep one of the two."))
        else:
            entries[found.key] = found
    if len(problems) > MAX_PROBLEMS:
        more = f"has {len(problems) - MAX_PROBLEMS} more entries like these"
        problems[MAX_PROBLEMS:] = [Unusable(more, "Write it again with `readiness baseline write`.")]
    return (() if problems else tuple(entries.values())), tuple(problems)


def render(entries: Iterable[Entry]) -> bytes:
    """Returns the file that holds the entries; the same bytes for the same entries, in whatever order they come."""
    rows = sorted({entry.key: entry for entry in entries}.values(), key=lambda entry: entry.key)
    lines = "".join(f",{json.dumps(_row(entry), ensure_ascii=False)}\n" for entry in rows)
    return (EMPTY.removesuffix("]\n") + lines + "]\n").encode("utf-8", "backslashreplace")


def is_not_looked_at(rule: str) -> bool:
    """Returns whether a finding says that something was not looked at: nothing is known that could be accepted."""
    return _NOT_LOOKED_AT.search(rule) is not None


def cannot_be_listed(key: Key) -> str:
    """Returns why no entry can name this finding; empty where one can."""
    if not _FINGERPRINT.fullmatch(key.fingerprint):
        return "has no fingerprint"
    if not (key.path and key.gate and key.rule):
        return "has no path, gate or rule"
    if is_not_looked_at(key.rule):
        return "says that something was not looked at, of which nothing is known that could be accepted"
    return "has a `*` in its path or rule, which looks like a pattern" if "*" in key.path + key.rule + key.gate else ""


def _row(entry: Entry) -> dict[str, Any]:
    row: dict[str, Any] = entry.key._asdict()
    if entry.count > 1:
        row["count"] = entry.count
    row |= {name: text for name, text in (("owner", entry.owner), ("reason", entry.reason)) if text}
    return row | ({"expires": entry.expires.isoformat()} if entry.expires else {})


def _entry(row: Any) -> Entry | str:
    """Returns the entry, or what is wrong with it."""
    if not isinstance(row, dict):
        return "is no table with path, gate, rule and fingerprint"
    if wrong := _wrong_keys(row):
        return wrong
    key = Key(*(row[name] for name in _REQUIRED))
    if why := cannot_be_listed(key):
        return f"{why}; an entry names one finding, and for more there are waivers with `match`"
    count = row.get("count", 1)
    if type(count) is not int or count < 1:
        return "needs a whole number from 1 on for 'count'"
    try:
        expires = dt.date.fromisoformat(row["expires"]) if "expires" in row else None
    except ValueError:
        return "needs a date such as 2026-12-31 for 'expires'"
    return Entry(key, count, row.get("owner", ""), row.get("reason", ""), expires)


def _wrong_keys(row: dict[str, Any]) -> str:
    for name in row:
        if name not in (*_REQUIRED, *_OPTIONAL):
            return f"has the unknown key {name[:40]!r}. {known_names(name, (*_REQUIRED, *_OPTIONAL))}"
    for name in (*_REQUIRED, *(name for name in ("owner", "reason", "expires") if name in row)):
        if not isinstance(row.get(name), str) or not row[name]:
            return f"needs text for {name!r}"
    return ""
