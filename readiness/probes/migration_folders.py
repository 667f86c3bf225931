"""Where a repository keeps its alembic revisions, as its own configuration says; nothing of it is run."""

from __future__ import annotations

import configparser
import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from readiness.errors import NotMeasured

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CONFIGURATIONS = ("alembic.ini", "pyproject.toml")
SEPARATORS = {"space": " ", "newline": "\n", "os": os.pathsep, ":": ":", ";": ";"}
"""What `path_separator` of alembic.ini may say. Source: alembic 1.16, Config.get_version_locations_list."""


@dataclass(frozen=True, slots=True)
class ScriptFolders:
    """The folders that hold one file per revision."""

    folders: tuple[Path, ...]
    is_recursive: bool
    """Whether folders inside these count as well: `recursive_version_locations`."""


@dataclass(frozen=True, slots=True)
class _Options:
    """One section of an alembic.ini, or [tool.alembic] of a pyproject.toml."""

    file: Path
    script_location: str
    version_locations: tuple[str, ...]
    is_recursive: bool
    is_sourceless: bool


def script_folders(path: Path, top: Path) -> ScriptFolders:
    """Returns the folders of the revisions.

    Args:
        path: the folder of env.py, that of the revisions themselves, one with an alembic.ini in it, or such a file.
        top: the repository; a configuration is looked for in `path` and in the folders above it up to here.

    Raises:
        NotMeasured: there is no such folder, or its configuration cannot be followed without running code.
    """
    path, top = path.resolve(), top.resolve()
    options = _options_for(path, top)
    if options is not None and options.is_sourceless:
        raise NotMeasured(
            f"{shown(options.file, top)} says sourceless: revisions may be compiled files, which cannot be read",
            "Keep the scripts as source, and take `sourceless` out.",
        )
    if options is not None and options.version_locations:
        folders = tuple(_resolve(each, options.file, top) for each in options.version_locations)
        return ScriptFolders(folders, options.is_recursive)
    script_folder = path if options is None else _resolve(options.script_location, options.file, top)
    versions = script_folder / "versions"
    # `path` itself, where it is the folder with the revisions and not the one around it.
    folder = versions if versions.is_dir() else script_folder
    if not folder.is_dir():
        raise NotMeasured(f"{shown(folder, top)} is no folder with migrations", "Mend path in migrations = {...}.")
    return ScriptFolders((folder,), options is not None and options.is_recursive)


def shown(path: Path, top: Path) -> str:
    """Returns a path as the user knows it: from the repository, where it lies in there."""
    path, top = path.resolve(), top.resolve()
    return str(path.relative_to(top)) if path.is_relative_to(top) else str(path)


def _options_for(path: Path, top: Path) -> _Options | None:
    """The options that are about `path`; None where no configuration is."""
    if path.is_file():
        found = list(_read(path, top))
        if not found:
            raise NotMeasured(
                f"{shown(path, top)} has no section with a script_location", "Name the folder of the migrations."
            )
        return found[0]
    inside = [folder for folder in (path, *path.parents) if folder.is_relative_to(top)]
    for folder in inside or [path, path.parent]:
        for name in CONFIGURATIONS:
            if not (folder / name).is_file():
                continue
            found = list(_read(folder / name, top))
            for options in found:
                if folder == path or path in _places(options, top):
                    return options
    return None


def _places(options: _Options, top: Path) -> set[Path]:
    """What the options are about: the script folder, its `versions`, and each of the version_locations."""
    places = set()
    for text in (options.script_location, *options.version_locations):
        place = _find(text, options.file, top)
        if place is not None:
            places |= {place, place / "versions"}
    return places


def _resolve(text: str, file: Path, top: Path) -> Path:
    place = _find(text, file, top)
    if place is None:
        raise NotMeasured(
            f"{shown(file, top)} names {text!r}, and there is no such folder",
            f"Mend it there; %(here)s stands for the folder of {file.name}.",
        )
    return place


def _find(text: str, file: Path, top: Path) -> Path | None:
    """The folder, from the file's or the repository's; `package:folder` without importing the package."""
    if not Path(text).is_absolute() and ":" in text:
        package, *rest = text.split(":")
        text = "/".join([package.replace(".", "/"), *rest])
        roots = [file.parent, file.parent / "src", top, top / "src"]
    else:
        roots = [file.parent, top]
    return next(((root / text).resolve() for root in roots if (root / text).is_dir()), None)


def _read(file: Path, top: Path) -> Iterator[_Options]:
    try:
        yield from _read_toml(file) if file.suffix == ".toml" else _read_ini(file)
    except (OSError, UnicodeDecodeError, configparser.Error, tomllib.TOMLDecodeError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise NotMeasured(f"{shown(file, top)} cannot be read: {reason}", "Mend the file.") from None


def _read_ini(file: Path) -> Iterator[_Options]:
    parser = configparser.ConfigParser({"here": str(file.parent).replace("%", "%%")})
    parser.read_string(file.read_text("utf-8"))
    for name in sorted(parser.sections(), key=lambda each: each != "alembic"):
        section = parser[name]
        # Flask-Migrate keeps its alembic.ini beside env.py and tells alembic the place itself.
        is_beside = name == "alembic" and (file.parent / "env.py").is_file()
        if "script_location" not in section and not is_beside:
            continue
        separator = section.get("path_separator") or section.get("version_path_separator")
        text = section.get("version_locations", "")
        parts = text.split(SEPARATORS[separator]) if separator else re.split(r", *| +", text)
        yield _Options(
            file=file,
            script_location=section.get("script_location", str(file.parent)),
            version_locations=tuple(part.strip() for part in parts if part.strip()),
            is_recursive=section.get("recursive_version_locations") == "true",
            is_sourceless=section.get("sourceless") == "true",
        )


def _read_toml(file: Path) -> Iterator[_Options]:
    document = tomllib.loads(file.read_text("utf-8"))
    table: Mapping[str, Any] = document.get("tool", {}).get("alembic", {})
    if "script_location" not in table:
        return
    here = {"here": str(file.parent)}
    yield _Options(
        file=file,
        script_location=str(table["script_location"]) % here,
        version_locations=tuple(str(each) % here for each in table.get("version_locations", ())),
        is_recursive=table.get("recursive_version_locations") is True,
        is_sourceless=table.get("sourceless") is True,
    )
