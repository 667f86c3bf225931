"""Files of environment variables: `NAME=value`, with `export`, quotes, values over several lines and comments."""

from __future__ import annotations

import re

from readiness.static.documents.kinds import has_marker
from readiness.static.documents.model import MOST_PROBLEMS, Document, Keys, SyntaxProblem

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*+")
_DOTTED = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*+")
_COMMENT = re.compile(r"[ \t]#")
_DOUBLE = re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*+"')
_LONGEST_BARE = 32
_MOST_LINES = 2000
"""Of one quoted value; a quote that is open for longer was never meant as one."""


class EnvDocument(Document):
    """A file of variables; its one document is a dict of name to text."""

    __slots__ = ("_places",)

    def __init__(self, reader: _Reader) -> None:
        super().__init__("env", (reader.values,) if reader.values else (), tuple(reader.problems[:MOST_PROBLEMS]))
        self._places = reader.places

    def locate(self, document: int, keys: Keys) -> tuple[int, int]:
        """Returns line and column of the value."""
        return (0, 0) if document or not keys else self._places.get(str(keys[0]), (0, 0))


def read_env(text: str) -> Document:
    """Returns the variables of a file; the last of a repeated name, as its readers take it."""
    reader = _Reader(text.split("\n"))
    reader.read()
    if any(has_marker(line) for line in reader.rejected):
        return Document("env", is_template=True)
    return EnvDocument(reader)


class _Reader:
    def __init__(self, lines: list[str]) -> None:
        self.values: dict[str, str | None] = {}
        self.places: dict[str, tuple[int, int]] = {}
        self.problems: list[SyntaxProblem] = []
        self.rejected: list[str] = []
        self._lines = lines

    def read(self) -> None:
        """Reads every line."""
        number = 0
        while number < len(self._lines):
            number += self._take(number)

    def _take(self, index: int) -> int:
        """Reads the assignment that begins in a line; returns how many lines it takes."""
        line = self._lines[index].rstrip("\r")
        content = line.strip()
        if not content or content.startswith("#"):
            return 1
        start = len(line) - len(line.lstrip())
        if content.startswith(("export ", "export\t")):
            after = line[start + 6 :]
            start += 6 + len(after) - len(after.lstrip())
        name, separator, value = line[start:].partition("=")
        if not separator:
            if not _NAME.fullmatch(name.strip()):
                self._reject("env-syntax", index, start, "a line that is no NAME=value", line)
            else:
                self._set(name.strip(), None, index, start)  # docker: the value is taken from the surroundings
            return 1
        if not self._is_name(name, index, start, line):
            return 1
        column = start + len(name) + 1 + len(value) - len(value.lstrip())
        text, taken = self._value(value.strip(), index, column, line)
        if text is not None:
            self._set(name.strip(), text, index, column)
        return taken

    def _is_name(self, name: str, index: int, start: int, line: str) -> bool:
        """Returns whether the left side is a name; a problem says why not."""
        plain = name.strip()
        if not plain:
            self._reject("env-syntax", index, start, "a value without a name", line)
            return False
        if not _NAME.fullmatch(plain):
            if _DOTTED.fullmatch(plain):
                self._add("env-name", index, start, f"'{plain[:60]}' is no name that a shell can export", (plain,))
                return True
            is_prose = len(plain.split()) > 1
            said = "a line that is no NAME=value" if is_prose else "a name of other than letters, digits and _"
            self._reject("env-syntax" if is_prose else "env-name", index, start, said, line)
            return False
        if name != name.rstrip():
            self._add(
                "env-syntax", index, start, f"a blank between {plain[:60]} and its =: a shell takes it for a command"
            )
        return True

    def _value(self, value: str, index: int, column: int, line: str) -> tuple[str | None, int]:
        """Returns the value without quotes and comment, and how many lines it takes."""
        quote = value[:1]
        if quote not in ("'", '"', "`") or not quote:
            comment = _COMMENT.search(" " + value)
            return (value if comment is None else value[: comment.start()].rstrip()), 1
        first = value[1:]
        parts = []
        for taken in range(1, _MOST_LINES + 1):
            end = _closing(first, quote)
            if end >= 0:
                parts.append(first[:end])
                return "\n".join(parts), taken
            parts.append(first)
            if index + taken >= len(self._lines):
                break
            first = self._lines[index + taken].rstrip("\r")
        self._reject("env-syntax", index, column, f"a value whose {quote} is never closed", line)
        return None, 1

    def _set(self, name: str, value: str | None, index: int, column: int) -> None:
        if name in self.values:
            # without a value it may be the rest of another one, such as a line of a key
            shown = name[:60] if value is not None or (name.isupper() and len(name) <= _LONGEST_BARE) else "this"
            said = f"{shown} is set here again; it is already set in line {self.places[name][0]}"
            self._add("env-duplicate", index, 0, said, (name,))
        self.values[name] = value
        self.places[name] = (index + 1, column + 1)

    def _add(self, rule: str, index: int, column: int, text: str, keys: Keys = ()) -> None:
        self.problems.append(SyntaxProblem(f"config-lint/{rule}", index + 1, column + 1, text, keys))

    def _reject(self, rule: str, index: int, column: int, text: str, line: str) -> None:
        self._add(rule, index, column, text)
        self.rejected.append(line[:2000])


def _closing(text: str, quote: str) -> int:
    """Returns where the quote is closed; a backslash keeps a double one open. -1 where it is not."""
    if quote != '"':
        return text.find(quote)
    found = _DOUBLE.match(text)
    return found.end() - 1 if found else -1
