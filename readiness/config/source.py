"""A configuration file: where it is, what it holds, and how a place in it is named to its reader."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from readiness.config import merging
from readiness.errors import ConfigError, Problem, UsageError

NAME = "readiness.toml"
PYPROJECT = "pyproject.toml"
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_POSITION = re.compile(r"^(.*) \(at (?:line (\d+), column (\d+)|end of document)\)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Source:
    """A configuration file that could be parsed."""

    file: Path
    """Absolute."""
    shown: str
    """As its reader knows it."""
    prefix: tuple[str, ...]
    """Tables around the configuration: `tool.readiness` in a pyproject.toml."""
    document: dict[str, Any]
    """The configuration as parsed, nothing replaced."""

    def problem(self, path: merging.Place, text: str, remedy: str) -> Problem:
        """Returns the problem of the place `path` in the file."""
        at = self._length_of_table(path)
        return Problem(self.shown, _dotted((*self.prefix, *path[:at])), _dotted(path[at:]), text, remedy)

    def _length_of_table(self, path: merging.Place) -> int:
        """How much of `path` names the table; the rest is a key in it."""
        match path:
            case ("env", str(name), str(key), _, *_) if isinstance(self.document["env"][name].get(key), dict):
                return 3
            case ("env" | "waiver", _, *_):
                return 2
            case (str(name),):
                value = self.document.get(name)
                return 0 if name in self.document and not isinstance(value, (dict, list)) else 1
        return min(1, len(path))


DEEPEST = 100
"""Levels of tables and lists that a file may have; no answer of a service that it describes has as many."""
_TOO_DEEP = ("the tables are nested too deeply to be read.", "Flatten them.")


def find(start: Path, path: Path | None = None) -> Path:
    """Returns the configuration file: `path` where it is given, else the nearest one from `start` upward.

    Raises:
        UsageError: where there is none.
    """
    start = start.absolute()
    if path is not None:
        given = Path(os.path.normpath(start / path))
        found = _in_folder(given) if given.is_dir() else (given if given.is_file() else None)
        if found is None:
            raise UsageError(
                f"the configuration file {str(path)!r} does not exist (looked for {given}).",
                "Pass --readiness-config=PATH with an existing file, or run `readiness init` to write one.",
            )
        return found
    for folder in (start, *start.parents):
        if (found := _in_folder(folder)) is not None:
            return found
    raise UsageError(
        f"no configuration was found: neither {NAME} nor a {PYPROJECT} with a table [tool.readiness] "
        f"is in {start} or in a folder above it.",
        "Run `readiness init` to write one, or pass --readiness-config=PATH.",
    )


def read(file: Path, start: Path) -> Source:
    """Returns the parsed file.

    Raises:
        ConfigError: where it cannot be read, is no TOML, or has no table [tool.readiness].
    """
    shown = shown_path(file, start)

    def refuse(text: str, remedy: str) -> ConfigError:
        return ConfigError((Problem(shown, "", "", text, remedy),))

    try:
        document = tomllib.loads(file.read_text("utf-8-sig"))
    except OSError as error:
        raise refuse(f"the file cannot be read: {error.strerror}.", "Make it readable.") from None
    except UnicodeDecodeError as error:
        text = f"the file is not UTF-8: byte {error.start + 1} cannot be read."
        raise refuse(text, "Save it as UTF-8, which TOML requires.") from None
    except tomllib.TOMLDecodeError as error:
        raise refuse(*_explain(str(error))) from None
    except RecursionError:
        raise refuse(*_TOO_DEEP) from None
    if _is_too_deep(document):
        raise refuse(*_TOO_DEEP)
    if file.name != PYPROJECT:
        return Source(file, shown, (), document)
    inner = _table_of(document)
    if inner is None:
        raise refuse("there is no table [tool.readiness].", "Add it, or run `readiness init` to write readiness.toml.")
    return Source(file, shown, ("tool", "readiness"), inner)


def shown_path(file: Path, start: Path) -> str:
    """Returns `file` relative to `start` where it lies below it or in a folder above it."""
    start = start.absolute()
    related = file.is_relative_to(start) or (len(file.parent.parts) > 1 and start.is_relative_to(file.parent))
    return os.path.relpath(file, start) if related else str(file)


def _is_too_deep(document: dict[str, Any]) -> bool:
    """True where those who walk the document could run out of stack, each of them at another depth."""
    level: list[Any] = [document]
    for _ in range(DEEPEST):
        level = [item for each in level for item in (each.values() if isinstance(each, dict) else each)]
        level = [item for item in level if isinstance(item, (dict, list))]
        if not level:
            return False
    return True


def _in_folder(folder: Path) -> Path | None:
    if (folder / NAME).is_file():
        return folder / NAME
    project = folder / PYPROJECT
    try:
        text = project.read_text("utf-8-sig") if project.is_file() else ""
        return project if "readiness" in text and _table_of(tomllib.loads(text)) is not None else None
    except (tomllib.TOMLDecodeError, RecursionError):
        # It may hold the table that is looked for: its reader says what is wrong with it.
        return project if re.search(r"\[\s*tool\s*\.\s*readiness\b", text) else None
    except (OSError, UnicodeDecodeError):
        return None


def _table_of(document: dict[str, Any]) -> dict[str, Any] | None:
    tool = document.get("tool")
    inner = tool.get("readiness") if isinstance(tool, dict) else None
    return inner if isinstance(inner, dict) else None


def _explain(message: str) -> tuple[str, str]:
    """Returns text and remedy for what the TOML parser says."""
    match = _POSITION.match(message)
    what = match[1] if match else message
    what = re.sub(r"\(('[^)]*'),?\)", lambda names: "[" + names[1].replace("', '", ".").strip("'") + "]", what)
    where = f"line {match[2]}, column {match[3]}" if match and match[2] else "end of the file"
    text = f"{where}: not TOML: {what[:1].lower()}{what[1:]}."
    if re.search(r"twice|overwrite|mutate", what):
        return text, "Write each table and each key once."
    return text, "Mend it there; text stands in double quotes, and a table's name in brackets on a line of its own."


def _dotted(path: Sequence[str | int]) -> str:
    shown = ""
    for key in path:
        if isinstance(key, int):
            shown += f"[{key}]"
        else:
            quoted = key if _BARE_KEY.fullmatch(key) else '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
            shown += f".{quoted}" if shown else quoted
    return shown
