"""Lock files: pylock.toml (PEP 751), poetry.lock, uv.lock, pdm.lock and Pipfile.lock; and what pyproject.toml declares."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from readiness.errors import NotMeasured
from readiness.static.dependencies.interface import Inventory, Open, Pin, normalised
from readiness.static.dependencies.reading import json_of, rows, table, text_of, toml_of
from readiness.static.dependencies.requirements import parse

_PACKAGE = re.compile(r"^\s*\[\[\s*packages?\s*\]\]\s*(?:#.*)?$")
_LOCAL_KEYS = ("directory", "editable", "virtual", "path")
_ARCHIVES = (".whl", ".tar.gz", ".zip", ".tar.bz2", ".tgz")
_ADDRESS_KEYS = ("vcs", "git", "url", "archive", "hg", "svn", "bzr")


def read_lock(file: Path, shown: str, inventory: Inventory) -> None:
    """What a lock file names is in the inventory.

    Raises:
        NotMeasured: its name is not that of a lock file, it cannot be read, or it locks nothing.
    """
    name = PurePosixPath(shown).name
    reader = next((reader for pattern, reader in READERS.items() if fnmatchcase(name, pattern)), None)
    if reader is None:
        known = ", ".join(READERS)
        raise NotMeasured(
            f"{shown} is not the name of a lock file. Known: {known}", "Mend [security-scan] dependencies.lock."
        )
    before = len(inventory.pins) + len(inventory.open) + len(inventory.own)
    reader(text_of(file, shown), shown, inventory)
    if len(inventory.pins) + len(inventory.open) + len(inventory.own) == before:
        raise NotMeasured(f"{shown} locks no package", "Write it anew, or take it out of [security-scan] dependencies.")


def _read_toml(text: str, shown: str, inventory: Inventory) -> None:
    document = toml_of(text, shown)
    packages = rows(document.get("packages" if PurePosixPath(shown).name.startswith("pylock") else "package"))
    lines = _package_lines(text)
    for index, package in enumerate(packages):
        line = lines[index] if len(lines) == len(packages) else 0
        _add(table(package), shown, line, inventory)


def _add(package: Mapping[str, Any], shown: str, line: int, inventory: Inventory) -> None:
    name, version = package.get("name"), package.get("version")
    if not isinstance(name, str) or not name:
        inventory.open.append(Open("", "a package", shown, line, "it has no name"))
        return
    source = table(package.get("source"))
    kind = str(source.get("type", ""))
    if kind == "directory" or any(_is_folder(each.get(key)) for each in (source, package) for key in _LOCAL_KEYS):
        inventory.own.add(normalised(name))
    elif isinstance(version, str) and version:
        is_direct = kind in ("git", "url") or any(key in source or key in package for key in _ADDRESS_KEYS)
        note = "from an address of its own" if is_direct else _groups(package)
        inventory.pins.append(Pin(normalised(name), version, shown, line, note))
    else:
        inventory.open.append(Open(normalised(name), normalised(name), shown, line, "the lock file has no version"))


def _is_folder(value: Any) -> bool:
    """Whether a package's source is a folder of the user's own, not an archive that lies in one."""
    return value is not None and not (isinstance(value, str) and value.endswith(_ARCHIVES))


def _groups(package: Mapping[str, Any]) -> str:
    groups = [str(each) for each in rows(package.get("groups"))]
    return f"group {', '.join(sorted(groups))}" if groups and "main" not in groups and "default" not in groups else ""


def _package_lines(text: str) -> list[int]:
    """Returns the number of the line of each package's name, in their order."""
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if _PACKAGE.match(line)]
    return [_name_after(lines, start) + 1 for start in starts]


def _name_after(lines: list[str], start: int) -> int:
    for number in range(start + 1, min(start + 6, len(lines))):
        if lines[number].lstrip().startswith("name"):
            return number
    return start


def _read_pipfile(text: str, shown: str, inventory: Inventory) -> None:
    document = json_of(text, shown)
    lines = {line.strip().partition('"')[2].partition('"')[0]: n for n, line in enumerate(text.splitlines(), start=1)}
    for group in (key for key in document if key != "_meta"):
        for name, entry in table(document[group]).items():
            note = "" if group == "default" else f"group {group}"
            line, told = lines.get(name, 0), table(entry)
            version = told.get("version")
            if isinstance(version, str) and version.startswith("=="):
                inventory.pins.append(Pin(normalised(name), version.lstrip("="), shown, line, note))
            elif told.get("path") in (".", "./"):
                inventory.own.add(normalised(name))
            else:
                why = "the lock file has no version"
                inventory.open.append(Open(normalised(name), normalised(name), shown, line, why))


READERS: dict[str, Callable[[str, str, Inventory], None]] = {
    "pylock.toml": _read_toml,
    "pylock.*.toml": _read_toml,
    "poetry.lock": _read_toml,
    "uv.lock": _read_toml,
    "pdm.lock": _read_toml,
    "Pipfile.lock": _read_pipfile,
}


# --- pyproject.toml ---------------------------------------------------------------------------------------------------


def read_pyproject(file: Path, shown: str, inventory: Inventory) -> None:
    """What `[project]` declares is in the inventory: its dependencies and those of its extras.

    Raises:
        NotMeasured: it cannot be read, or declares nothing at all.
    """
    text = text_of(file, shown)
    document = toml_of(text, shown)
    project, poetry = table(document.get("project")), table(table(document.get("tool")).get("poetry"))
    if not project and not poetry:
        raise NotMeasured(
            f"{shown} has no [project], so that nothing is declared", "Mend [security-scan] dependencies.pyproject."
        )
    own = project.get("name") or poetry.get("name")
    if isinstance(own, str):
        inventory.own.add(normalised(own))
    for key in ("dependencies", "optional-dependencies"):
        if key in rows(project.get("dynamic")):
            why = "it is computed when the package is built"
            inventory.open.append(Open("", f"dynamic {key}", shown, _line_of(text, "dynamic"), why))
    for wanted in _declared(project):
        found = parse(wanted, shown, _line_of(text, wanted)) if isinstance(wanted, str) else None
        if isinstance(found, Pin):
            inventory.pins.append(found)
        else:
            inventory.open.append(found or Open("", "a dependency", shown, 0, "it is no text"))
    for name, told in table(poetry.get("dependencies")).items():
        if normalised(name) != "python":
            _add_poetry(name, told, shown, _line_of(text, name), inventory)


def _declared(project: Mapping[str, Any]) -> Iterator[Any]:
    yield from rows(project.get("dependencies"))
    for extra in table(project.get("optional-dependencies")).values():
        yield from rows(extra)


def _add_poetry(name: str, told: Any, shown: str, line: int, inventory: Inventory) -> None:
    version = told.get("version") if isinstance(told, dict) else told
    if isinstance(told, dict) and "path" in told:
        inventory.own.add(normalised(name))
        return
    text = str(version) if isinstance(version, str) else ""
    exact = text if text[:1].isdigit() else text.removeprefix("==") if text.startswith("==") else ""
    try:
        Requirement(f"x=={exact}")
    except InvalidRequirement:
        exact = ""
    if exact and not exact.endswith("*"):
        inventory.pins.append(Pin(normalised(name), exact, shown, line))
    else:
        why = f"no exact version is required ({text or 'any will do'})"
        inventory.open.append(Open(normalised(name), normalised(name), shown, line, why, ""))


def _line_of(text: str, part: str) -> int:
    at = text.find(part)
    return text.count("\n", 0, at) + 1 if at >= 0 else 0
