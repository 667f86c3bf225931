"""TOML, by the standard library's parser; places by a scan of the lines, since no parser gives them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

from readiness.static.documents.kinds import has_marker
from readiness.static.documents.model import MOST_DEPTH, Document, Keys, SyntaxProblem

_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_PART = r"(?:[A-Za-z0-9_-]++|\"(?:[^\"\\]|\\.){0,200}?\"|'[^']{0,200}')"
_HEADER = re.compile(rf"[ \t]*(\[\[?)[ \t]*({_PART}(?:[ \t]*\.[ \t]*{_PART}){{0,{MOST_DEPTH}}})[ \t]*\]")
_ENTRY = re.compile(rf"[ \t]*({_PART}(?:[ \t]*\.[ \t]*{_PART}){{0,{MOST_DEPTH}}})[ \t]*=[ \t]*")
_PIECE = re.compile(_PART)
_DOTTED = re.compile(r"(?<![\w-])(?:(?:[\w-]++|\"[^\"\n]*+\"|'[^'\n]*+')[ \t]*+\.[ \t]*+)++")
_QUOTE = re.compile(r'"""|\'\'\'|"(?:[^"\\]|\\.){0,2000}?"|\'[^\']{0,2000}\'|#|[\[\]{}]')
_LONG = 2 * MOST_DEPTH


class TomlDocument(Document):
    """A TOML file."""

    __slots__ = ("_places", "_text")

    def __init__(self, text: str, values: tuple[object, ...]) -> None:
        super().__init__("toml", values)
        self._text = text
        self._places: dict[Keys, tuple[int, int]] | None = None

    def locate(self, document: int, keys: Keys) -> tuple[int, int]:
        """Returns line and column of the value; in an array or an inline table, of the key that it belongs to."""
        if document or not self.values:
            return 0, 0
        if self._places is None:
            self._places = dict(_places(self._text))
        while keys and keys not in self._places:
            keys = keys[:-1]
        return self._places.get(keys, (1, 1))


def read_toml(text: str) -> Document:
    """Returns the file's value."""
    if long := _dotted_line(text):
        said = f"a key of more than {MOST_DEPTH} parts; parsers need quadratic time for it"
        return Document("toml", problems=(SyntaxProblem("config-lint/too-deep", long, 1, said),))
    try:
        return TomlDocument(text, (tomllib.loads(text),))
    except tomllib.TOMLDecodeError as problem:
        return _broken(text, str(problem))
    except RecursionError:
        deep = SyntaxProblem("config-lint/too-deep", 0, 0, "its containers stand too deep in each other to be read")
        return Document("toml", problems=(deep,))
    except ValueError as problem:  # an integer of more digits than Python converts, a date of no calendar
        return Document("toml", problems=(SyntaxProblem("config-lint/toml-syntax", 0, 0, str(problem)[:200]),))


def _dotted_line(text: str) -> int:
    """Returns the line with a key of so many parts that the parser's time explodes; 0 for none."""
    if len(text) < _LONG:
        return 0
    for number, line in enumerate(text.split("\n"), 1):
        is_long = len(line) > _LONG and line.count(".") > MOST_DEPTH
        if is_long and any(run[0].count(".") > MOST_DEPTH for run in _DOTTED.finditer(line)):
            return number
    return 0


def _broken(text: str, said: str) -> Document:
    place = _PLACE.search(said)
    lines = text.split("\n")
    line, column = (int(place[1]), int(place[2])) if place and place[1] else (len(lines), 1)
    if line <= len(lines) and has_marker(lines[line - 1][:2000]):
        return Document("toml", is_template=True)
    reason = said[: place.start()] if place else said
    is_twice = reason.startswith(("Cannot overwrite", "Cannot declare", "Duplicate inline"))
    rule = "config-lint/toml-duplicate-key" if is_twice else "config-lint/toml-syntax"
    return Document("toml", problems=(SyntaxProblem(rule, line, column, reason[:200]),))


def _places(text: str) -> Iterator[tuple[Keys, tuple[int, int]]]:
    """Yields the place of each table and of each key's value."""
    table: Keys = ()
    lengths: dict[Keys, int] = {}
    until, depth = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        rest = 0
        if not until and not depth:
            if header := _HEADER.match(line):
                table = _resolved(_parts(header[2]), lengths, is_array=header[1] == "[[")
                yield table, (number, header.start(2) + 1)
                continue
            if entry := _ENTRY.match(line):
                keys = (*table, *_parts(entry[1]))
                yield from ((keys[:end], (number, 1)) for end in range(len(table) + 1, len(keys)))
                yield keys, (number, entry.end() + 1)
                rest = entry.end()
        until, depth = _state(line, rest, until, depth)


def _resolved(parts: Keys, lengths: dict[Keys, int], *, is_array: bool) -> Keys:
    """Returns a header's key path with the index of the current element after each array of tables."""
    keys: Keys = ()
    for position, part in enumerate(parts, 1):
        keys = (*keys, part)
        if is_array and position == len(parts):
            lengths[keys] = lengths.get(keys, -1) + 1
        if keys in lengths:
            keys = (*keys, lengths[keys])
    return keys


def _parts(dotted: str) -> Keys:
    return tuple(piece[0].strip("\"'") for piece in _PIECE.finditer(dotted))


def _state(line: str, start: int, until: str, depth: int) -> tuple[str, int]:
    """Returns which long string is open after the line, and how many brackets are."""
    while True:
        if until:
            end = line.find(until, start)
            if end < 0:
                return until, depth
            start, until = end + 3, ""
        found = _QUOTE.search(line, start)
        if found is None or found[0] == "#":
            return "", depth
        start = found.end()
        if found[0] in ('"""', "'''"):
            until = found[0]
        elif found[0] in "[{":
            depth += 1
        elif found[0] in "]}":
            depth = max(0, depth - 1)
