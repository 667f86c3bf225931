"""A value with its name, wherever it was written: a scalar, a line, a default inside another value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from readiness.static.documents import Keys
from readiness.static.placeholders.names import is_default, is_descriptive, normal

LONGEST = 100_000
"""Characters of one value that are looked at."""
MOST_LINES = 2000
"""Lines of one value that are looked at as values of their own."""
_PAIR = re.compile(
    r"^\s*(?:export\s+|set\s+|-\s+|ENV\s+|ARG\s+)?[\"']?([A-Za-z_][\w.\-]{0,80})[\"']?\s*(?:=|:\s)\s*(\S.{0,400}?)\s*[,;]?$"
)
_ASSIGNMENT = re.compile(r"^([A-Za-z_][\w.\-]{0,80})=(.{1,1000})$")
_ARGUMENT = re.compile(r"^-{1,2}([A-Za-z][\w.\-]{0,80})=(.{1,1000})$")
_DEFAULT = re.compile(r"\$\{([A-Za-z_][\w.]{0,80})(?::?[-=]|:(?![-=+?]))([^${}\n]{1,400})\}")
_EXAMPLES = frozenset({"example", "examples", "x-example", "x-examples"})
_LABELS = ("name", "key", "Name", "Key")


@dataclass(frozen=True, slots=True)
class Entry:
    """One value."""

    name: str
    """Normalised: `api_key`; empty where none is known."""
    text: str
    keys: Keys = ()
    document: int = 0
    line: int = 0
    """0: to be located by its keys."""
    is_default: bool = False
    """Used where the variable of that name is not set."""
    is_code: bool = False
    """A literal in a program: only what can mean nothing else counts."""

    @property
    def place(self) -> str:
        """The key path as a reader writes it; the name where there is none."""
        return ".".join(str(key) for key in self.keys)[:120].strip(".") or self.name

    @property
    def trail(self) -> tuple[str, ...]:
        """The names on the way, normalised, the value's own last."""
        return (*(normal(key) for key in self.keys if isinstance(key, str)), self.name)


def entries(document: int, keys: Keys, value: str, top: Any) -> Iterator[Entry]:
    """Yields what one scalar says: itself, the pairs in it, and the defaults in it.

    Args:
        document: number of the scalar's document.
        keys: where it stands there.
        value: its text.
        top: the document, to see what stands beside it.
    """
    if any(key in _EXAMPLES for key in keys):
        return  # what is documented as an example is meant to be one
    yield from expanded(Entry(_name(keys, top), value[:LONGEST], keys, document))


def expanded(entry: Entry) -> Iterator[Entry]:
    """Yields the entry, or the pairs that it consists of, and its defaults."""
    text = entry.text
    if is_descriptive(entry.name):
        yield entry
        return
    if "\n" in text.strip():
        yield entry
        for pair in _pairs(text):
            yield from _single(replace(entry, name=normal(pair[1]), text=_bare(pair[2])))
        return
    written = _ASSIGNMENT.match(text) or _ARGUMENT.match(text)
    if written:
        entry = replace(entry, name=normal(written[1]), text=_bare(written[2]))
    yield from _single(entry)


def _pairs(text: str) -> list[re.Match[str]]:
    """Returns the pairs of a file inside of a value; none where most lines are something else, such as words."""
    lines = [
        line
        for line in text.splitlines()[:MOST_LINES]
        if line.strip() and not line.lstrip().startswith(("#", ";", "["))
    ]
    found = [pair for line in lines if (pair := _PAIR.match(line[:600]))]
    return found if 2 * len(found) >= len(lines) else []


def _single(entry: Entry) -> Iterator[Entry]:
    if "${" not in entry.text:
        yield entry
        return
    rest = entry.text
    for found in _DEFAULT.finditer(entry.text):
        yield replace(entry, name=normal(found[1]), text=_bare(found[2]), is_default=True)
        rest = rest.replace(found[0], "")
    yield replace(entry, text=rest)


def line_entries(lines: Iterable[tuple[int, str]]) -> Iterator[Entry]:
    """Yields the pairs of a file that has no values: a template, a script, a file that cannot be parsed.

    Args:
        lines: number and text of those that are worth a look.
    """
    for number, whole in lines:
        line = whole[:LONGEST]
        pair = _PAIR.match(line)
        if pair and "{{" not in pair[2]:
            yield from _single(Entry(normal(pair[1]), _bare(pair[2]), line=number))
        else:
            for found in _DEFAULT.finditer(line):
                yield Entry(normal(found[1]), _bare(found[2]), line=number, is_default=True)


def _bare(text: str) -> str:
    text = re.sub(r"\s+#.*$", "", text.strip()) if text[:1] not in "\"'" else text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text.rstrip("\\").strip()


def _name(keys: Keys, top: Any) -> str:
    """Returns the name of a value: of `{name: X, value: Y}` it is X, of `X: {default: Y}` and of `X: [Y]` too."""
    named = [(index, key) for index, key in enumerate(keys) if isinstance(key, str)]
    if not named:
        return ""
    index, last = named[-1]
    if is_default(normal(last)):
        if index == len(keys) - 1:
            beside = _at(top, keys[:-1])
            if isinstance(beside, dict):
                for label in _LABELS:
                    if isinstance(beside.get(label), str) and label != last:
                        return normal(beside[label])
        if len(named) > 1:
            return normal(named[-2][1])
    return normal(last)


def _at(top: Any, keys: Keys) -> Any:
    for key in keys:
        if isinstance(top, dict):
            top = top.get(key)
        elif isinstance(top, list) and isinstance(key, int) and key < len(top):
            top = top[key]
        else:
            return None
    return top
