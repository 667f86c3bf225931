"""INI: sections of `key = value` lines. Dialects differ, so that only what every reader of a file rejects is a problem."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from readiness.static.documents.kinds import has_marker
from readiness.static.documents.model import MOST_PROBLEMS, Document, Keys, SyntaxProblem

OF_CONFIGPARSER = frozenset(
    {
        ".coveragerc",
        ".flake8",
        ".isort.cfg",
        ".pylintrc",
        ".pypirc",
        "alembic.ini",
        "logging.ini",
        "mypy.ini",
        "pip.conf",
        "pylintrc",
        "pytest.ini",
        "setup.cfg",
        "supervisord.conf",
        "tox.ini",
    }
)
"""Read by Python's configparser or a close relative: no section and no key twice, and a section before any key."""
INTERPOLATED = frozenset({"alembic.ini"})
"""Their reader replaces `%(name)s`, so that a bare `%` stops it."""
_REFERENCE = re.compile(r"%(%|\(([^)]*)\)s|)")
_GIVEN = {"alembic.ini": frozenset({"here"})}
"""Names that the reader defines itself."""
_LONGEST = 100_000


class IniDocument(Document):
    """An INI file; its one document is a dict of sections, keys before the first under the empty name."""

    __slots__ = ("_places",)

    def __init__(self, reader: _Reader) -> None:
        super().__init__("ini", (reader.sections,) if reader.sections else (), tuple(reader.problems[:MOST_PROBLEMS]))
        self._places = reader.places

    def locate(self, document: int, keys: Keys) -> tuple[int, int]:
        """Returns line and column of the value or of the section's header."""
        if document:
            return 0, 0
        return self._places.get(keys) or self._places.get(keys[:1], (0, 0))


def read_ini(path: str, text: str) -> Document:
    """Returns the sections of a file; the last of repeated keys."""
    name = PurePosixPath(path).name
    is_cfg = name.endswith(".cfg") and name not in OF_CONFIGPARSER
    if is_cfg and not _starts_with_section(text):
        return Document("ini")  # many programs have a language of their own in such a file
    reader = _Reader(is_strict=name in OF_CONFIGPARSER)
    for number, line in enumerate(text.split("\n"), 1):
        reader.take(number, line.rstrip("\r"))
    reader.finish()
    if any(has_marker(line) for line in reader.rejected):
        return Document("ini", is_template=True)
    if name in INTERPOLATED:
        reader.interpolate(_GIVEN.get(name, frozenset()))
    return IniDocument(reader)


def _starts_with_section(text: str) -> bool:
    for line in text.splitlines():
        content = line.strip()
        if content and content[0] not in "#;":
            return content[0] == "[" and "]" in content
    return False


class _Reader:
    """Takes a file's lines one by one."""

    def __init__(self, *, is_strict: bool) -> None:
        self.sections: dict[str, dict[str, str | None]] = {}
        self.places: dict[Keys, tuple[int, int]] = {}
        self.problems: list[SyntaxProblem] = []
        self.rejected: list[str] = []
        self._is_strict = is_strict
        self._section: str | None = None
        self._key: str | None = None
        self._more: dict[tuple[str, str], list[str]] = {}
        """The lines that continue a value."""
        self._lines: dict[tuple[str, str], int] = {}
        """Where each key stands first."""

    def finish(self) -> None:
        """The continued values are whole."""
        for (section, key), lines in self._more.items():
            self.sections[section][key] = "\n".join([self.sections[section][key] or "", *lines])

    def take(self, number: int, line: str) -> None:
        """Adds a line."""
        content = line[:_LONGEST].strip()
        if len(line) > _LONGEST:
            self._add("ini-syntax", number, 1, f"a line of {len(line)} characters; read up to {_LONGEST}")
        if not content or content[0] in "#;":
            return
        indent = len(line) - len(line.lstrip())
        if indent and self._key is not None and self._section is not None:
            self._more.setdefault((self._section, self._key), []).append(content)
        elif content[0] == "[":
            self._open(number, content)
        else:
            self._set(number, content, indent)

    def _open(self, number: int, content: str) -> None:
        """Begins a section."""
        end = content.rfind("]")
        if end < 0:
            self._add("ini-syntax", number, 1, "a section's name that is not closed with ]")
            self.rejected.append(content[:2000])
            return
        name = content[1:end]
        self._section, self._key = name, None
        if name in self.sections and self._is_strict:
            first = self.places[(name,)][0]
            said = f"section [{name[:60]}] begins here again; it is already in line {first}"
            self._add("ini-duplicate", number, 1, said, (name,))
        self.sections.setdefault(name, {})
        self.places.setdefault((name,), (number, 1))

    def _set(self, number: int, content: str, indent: int) -> None:
        """Adds a key with its value."""
        if self._section is None:
            if self._is_strict:
                self._add("ini-syntax", number, 1, "a line before the first [section]")
                self.rejected.append(content[:2000])
            self._section = ""
            self.sections[""] = {}
        separator = min((at for mark in "=:" if (at := content.find(mark)) >= 0), default=-1)
        key = content[:separator].strip() if separator >= 0 else content
        if not key:
            self._add("ini-syntax", number, indent + 1, "a value without a key")
            self.rejected.append(content[:2000])
            return
        if separator < 0 and self._is_strict:
            self._add("ini-syntax", number, indent + 1, "a line that is neither a [section] nor a key = value")
            self.rejected.append(content[:2000])
            return
        values = self.sections[self._section]
        first = self._lines.setdefault((self._section, key.lower()), number)  # Python's reader folds the case of keys
        if first != number and self._is_strict:
            said = f"key '{key[:60]}' stands here again; it is already in line {first}"
            self._add("ini-duplicate", number, indent + 1, said, (self._section, key))
        value = content[separator + 1 :] if separator >= 0 else None
        values[key] = None if value is None else value.strip()
        self._more.pop((self._section, key), None)
        start = indent + separator + 1 + (len(value) - len(value.lstrip()) if value else 0) + 1
        self.places[self._section, key] = (number, start if separator >= 0 else indent + 1)
        self._key = key

    def interpolate(self, given: frozenset[str]) -> None:
        """Adds a problem for each value that the reader's `%(name)s` cannot be replaced in."""
        defaults = {name.lower() for name in self.sections.get("DEFAULT", {})} | given
        for section, values in self.sections.items():
            if section.startswith("formatter_"):  # logging reads those raw: their %(name)s are its own
                continue
            known = defaults | {name.lower() for name in values}
            for key, value in values.items():
                line, column = self.places[section, key]
                for found in _REFERENCE.finditer(value or ""):
                    if found[1] == "":
                        said = f"a bare % in '{key[:60]}': the reader replaces %(name)s and stops here; write %%"
                    elif found[2] is not None and found[2].lower() not in known:
                        said = f"%({found[2][:60]})s in '{key[:60]}' names no key of [{section[:60]}] or [DEFAULT]"
                    else:
                        continue
                    self._add("ini-interpolation", line, column, said, (section, key))
                    break

    def _add(self, rule: str, line: int, column: int, text: str, keys: Keys = ()) -> None:
        self.problems.append(SyntaxProblem(f"config-lint/{rule}", line, column, text, keys))
