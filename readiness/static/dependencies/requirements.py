"""Requirements files of pip: what they name with -r and -c, hashes, markers, extras, editable and direct references."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet

from readiness.errors import NotMeasured
from readiness.static.dependencies.interface import Inventory, Open, Pin, normalised
from readiness.static.dependencies.reading import text_of

MOST_FILES = 200
_COMMENT = re.compile(r"(?:^|\s)#.*$")
_NESTED = re.compile(r"^(-r|-c|--requirement|--constraint)(?:\s+|=|(?<=-[rc]))(.+)$")
_EDITABLE = re.compile(r"^(?:-e|--editable)(?:\s+|=)(.+)$")
_OPTIONS = re.compile(r"\s--?[a-zA-Z].*$")
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9._-]+)")
_VARIABLE = re.compile(r"\$\{[A-Z0-9_]+\}")
_LONGEST = 20_000
"""Characters of one requirement; hashes of a package with hundreds of wheels take as much."""


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str


def read_requirements(file: Path, shown: str, inventory: Inventory) -> None:
    """What a requirements file names is in the inventory.

    Raises:
        NotMeasured: a file cannot be read, or is no text.
    """
    _Reader(inventory, file.parent).read(file, shown, is_constraint=False)


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yields number and text of each line as pip sees it: continued ones joined, without comments and empty ones."""
    number = 0
    parts: list[str] = []
    for index, line in enumerate(text.splitlines(), start=1):
        if not parts:
            number = index
        if line.endswith("\\") and not line.lstrip().startswith("#"):
            parts.append(line[:-1])
            continue
        joined = _COMMENT.sub("", "".join([*parts, line])[: _LONGEST * 10]).strip()
        parts = []
        if joined:
            yield number, joined
    if joined := _COMMENT.sub("", "".join(parts)).strip():
        yield number, joined


class _Reader:
    def __init__(self, inventory: Inventory, top: Path) -> None:
        self._inventory = inventory
        self._top = top
        self._seen: set[tuple[str, bool]] = set()

    def read(self, file: Path, shown: str, *, is_constraint: bool) -> None:
        key = (os.path.realpath(file), is_constraint)
        if key in self._seen:
            return
        self._seen.add(key)
        if len(self._seen) > MOST_FILES:
            raise NotMeasured(f"{shown} and what it names are more than {MOST_FILES} files")
        hashed = judged = 0
        for number, text in logical_lines(text_of(file, shown)):
            if nested := _NESTED.match(text):
                self._nested(file, shown, number, nested[1], nested[2].strip(), is_constraint=is_constraint)
            elif editable := _EDITABLE.match(text):
                self._inventory.open.append(_direct(editable[1], shown, number, "it is installed from a folder"))
            elif not text.startswith("-"):
                judged += 1
                hashed += "--hash" in text
                self._add(_Line(number, text), shown, is_constraint=is_constraint)
        if judged and hashed < judged and not is_constraint:
            self._inventory.notes.append(
                f"{shown} has no hashes for all: what its packages need in turn is judged only where it is named or installed"
            )

    def _nested(self, file: Path, shown: str, number: int, option: str, name: str, *, is_constraint: bool) -> None:
        if "://" in name:
            why = "it names a file on a server, which is not fetched"
            self._inventory.open.append(Open("", option, shown, number, why))
            return
        path = file.parent / name
        below = os.path.relpath(path, file.parent)
        place = os.path.normpath(os.path.join(os.path.dirname(shown), below))  # noqa: PTH118, PTH120 - text to show
        self.read(path, place, is_constraint=is_constraint or option in ("-c", "--constraint"))

    def _add(self, line: _Line, shown: str, *, is_constraint: bool) -> None:
        found = parse(line.text, shown, line.number)
        if isinstance(found, Pin):
            (self._inventory.constraints if is_constraint else self._inventory.pins).append(found)
        elif not is_constraint:
            self._inventory.open.append(found)


def parse(text: str, shown: str, line: int) -> Pin | Open:
    """Returns the version that a requirement pins; where it pins none, why it is not known."""
    wanted = _OPTIONS.sub("", text).strip()
    if len(wanted) > _LONGEST or _VARIABLE.search(wanted):
        return Open("", "a requirement", shown, line, "it depends on a variable, or is longer than any")
    try:
        requirement = Requirement(wanted)
    except InvalidRequirement:
        return _direct(wanted, shown, line, "it is no name with a version")
    name = normalised(requirement.name)
    if requirement.url:
        return Open(name, name, shown, line, "it is installed from an address, whose version is not known")
    version = pinned(requirement.specifier)
    if version is None:
        why = f"no exact version is required ({requirement.specifier or 'any will do'})"
        return Open(name, name, shown, line, why, str(requirement.specifier))
    return Pin(name, version, shown, line, f"where {requirement.marker}" if requirement.marker else "")


def pinned(specifiers: SpecifierSet) -> str | None:
    """Returns the only version that fits; None where there are several, or none."""
    exact = {each.version for each in specifiers if each.operator in ("==", "===") and not each.version.endswith(".*")}
    return exact.pop() if len(exact) == 1 else None


def _direct(text: str, shown: str, line: int, why: str) -> Open:
    """Returns the entry for a path or an address, of which only the name is shown."""
    egg = _EGG.search(text)
    if egg:
        return Open(normalised(egg[1]), normalised(egg[1]), shown, line, why)
    is_address = "://" in text or text.startswith("git+")
    label = "an address" if is_address else text.partition(";")[0].partition("#")[0].strip()[:80]
    return Open("", label, shown, line, why)
