"""What else a repository says about itself: project files, alembic, names of variables, owners, runbook, flags."""

from __future__ import annotations

import configparser
import json
import posixpath
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from readiness.scaffold.files import ASIDE, MAX_BYTES, Files, depth, is_aside

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_OWNER_LINE = re.compile(r"^(?:[^\w\n]|_)*(?:service )?owner\b(.{0,500})", re.IGNORECASE | re.MULTILINE)
_VARIABLE = re.compile(r"^[ \t]*(?:export[ \t]+)?([A-Z][A-Z0-9_]{0,99})[ \t]*=", re.MULTILINE)
_USEFUL = re.compile(r"\w+_URL|RELEASE|POSTGRES_\w+|PG(?:HOST|DATABASE|USER)|REDIS_\w+")
_FLAGS = re.compile(r"(?:feature[-_]?)?flags\.json|flagd\.json")
_FLAG_FOLDERS = ("feature_flags", "feature-flags", "flags")
_PAGES = (".md", ".rst", ".adoc", ".txt")
_REMOTE = re.compile(r"(?:^\w[\w+.-]*://(?:[^/]*@)?[^/]+/|^(?:[^@/\s]+@)?[^:/\s]+:)/?([\w.-]+)/")


@dataclass(frozen=True, slots=True)
class Project:
    """What `pyproject.toml` says."""

    name: str = ""
    version: str = ""
    owner: str = ""
    has_readiness: bool = False
    """It has a table [tool.readiness] already."""


@dataclass(frozen=True, slots=True)
class Alembic:
    """One set of migrations."""

    ini: str
    folder: str
    """Folder of the ini file; empty for the root."""
    location: str
    """Folder of the migrations; empty where it is inside a package that is installed."""


def project(files: Files) -> Project:
    """Returns what `pyproject.toml` says; nothing where it is absent or no TOML."""
    document = _toml(files, "pyproject.toml")
    tool = _table(document, "tool")
    main, poetry = _table(document, "project"), _table(tool, "poetry")
    people = [each for key in ("maintainers", "authors") for each in _list(main, key)]
    contacts = [str(each.get("email") or each.get("name") or "") for each in people if isinstance(each, dict)]
    return Project(
        name=_text(main, "name") or _text(poetry, "name"),
        version=_text(main, "version") or _text(poetry, "version"),
        owner=next(filter(None, contacts), ""),
        has_readiness="readiness" in tool,
    )


def requirements(files: Files) -> Iterator[tuple[str, str]]:
    """Yields the distributions that the project asks for, in lower case, each with the file that says so."""
    for name in files.names:
        if depth(name) > 1 or is_aside(name):
            continue
        base = name.rpartition("/")[2]
        if base.endswith((".txt", ".in")) and name.startswith((f"{name[: -len(base)]}requirements", "requirements/")):
            yield from ((_distribution(line), name) for line in files.text(name).splitlines())
        elif base == "pyproject.toml":
            document = _toml(files, name)
            poetry = _table(_table(document, "tool"), "poetry")
            asked = [*_list(_table(document, "project"), "dependencies"), *_table(poetry, "dependencies")]
            yield from ((_distribution(str(line)), name) for line in asked)


def declares(files: Files) -> bool:
    """Returns whether the top's `pyproject.toml` declares dependencies."""
    return any(name == "pyproject.toml" for _, name in requirements(files))


def _distribution(line: str) -> str:
    match = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", line)
    return re.sub(r"[-_.]+", "-", match[1]).lower() if match else ""


def alembics(files: Files) -> tuple[Alembic, ...]:
    """Returns every set of alembic migrations, the outermost first."""
    found = []
    for name in files.names:
        if is_aside(name) or name.rpartition("/")[2] not in ("alembic.ini", "pyproject.toml"):
            continue
        folder = name.rpartition("/")[0]
        location = _ini_location(files.text(name)) if name.endswith(".ini") else _toml_location(files, name)
        if location is not None:
            here = location.replace("%(here)s", ".").replace("%%", "%")
            is_package = ":" in location  # `package:folder`
            path = "" if is_package or here.startswith("/") else posixpath.normpath(posixpath.join(folder, here))
            found.append(Alembic(name, folder, "" if path.startswith("..") else path))
    # Where a folder has both, alembic takes the section of the ini file first.
    return tuple({each.folder: each for each in reversed(found)}.values())[::-1]


def _ini_location(text: str) -> str | None:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return None
    return parser.get("alembic", "script_location", fallback=None)


def _toml_location(files: Files, name: str) -> str | None:
    return _text(_table(_table(_toml(files, name), "tool"), "alembic"), "script_location") or None


def variables(files: Files) -> dict[str, str]:
    """Returns the names, never the values, of the variables that matter here, each with the `.env*` file naming it."""
    found: dict[str, str] = {}
    for name in files.names:
        if name.rpartition("/")[2].startswith(".env") and depth(name) <= 1:
            for variable in _VARIABLE.findall(files.text(name)):
                if _USEFUL.fullmatch(variable):
                    found.setdefault(variable, name)
    return found


def flags_file(files: Files) -> str:
    """Returns the file that defines feature flags; empty where there is none."""

    def is_one(name: str) -> bool:
        *folders, base = name.split("/")
        return bool(_FLAGS.fullmatch(base)) or (
            base.endswith(".json") and folders[-1:] in [[one] for one in _FLAG_FOLDERS]
        )

    found = [name for name in files.names if is_one(name) and not is_aside(name)]
    return min(found, key=lambda name: (not _FLAGS.fullmatch(name.rpartition("/")[2]), depth(name), name), default="")


def flag_names(files: Files, name: str) -> tuple[str, ...]:
    """Returns the flags that a file defines in the form that the gate reads; none where it has another."""
    try:
        document = json.loads(files.read(name)) if name else None
    except (ValueError, RecursionError):
        return ()
    flags = document.get("flags") if isinstance(document, dict) else None
    if not isinstance(flags, dict) or not all(isinstance(one, dict) and "rollout" in one for one in flags.values()):
        return ()
    return tuple(flags)


def runbook(files: Files) -> str:
    """Returns the runbook; empty where there is none."""

    def rank(name: str) -> tuple[bool, bool, int, str]:
        stem = name.rpartition("/")[2].rpartition(".")[0].lower()
        return "template" in stem, stem != "runbook", depth(name), name

    def is_one(name: str) -> bool:
        *folders, base = name.lower().split("/")
        is_index = base.startswith(("readme.", "index.")) and folders[-1:] in (["runbook"], ["runbooks"])
        is_another = not (ASIDE - {"docs", "doc"}).isdisjoint(folders)
        return base.endswith(_PAGES) and ("runbook" in base or is_index) and not is_another

    return min(filter(is_one, files.names), key=rank, default="")


def owner(files: Files, page: str, said: Project) -> tuple[str, str]:
    """Returns who answers for the service and where that is said; two empty texts where nothing says it."""
    for name in (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"):
        for line in files.text(name).splitlines():
            words = line.partition("#")[0].split()
            if len(words) > 1 and words[0] in ("*", "/", "**"):
                return words[1], name
    if page:
        for line in _OWNER_LINE.findall(files.text(page)):
            if match := _EMAIL.search(line):
                return match[0], page
    if said.owner:
        return said.owner, "pyproject.toml"
    organisation = _git_organisation(files.root)
    return (organisation, "the git remote") if organisation else ("", "")


def _git_organisation(root: Path) -> str:
    """The first part of the path of the git remote. The rest of its address may hold a password and is not used."""
    for folder in (root, *root.parents):
        config = folder / ".git" / "config"
        try:
            if not config.is_file():
                continue
            with config.open("rb") as file:
                text = file.read(MAX_BYTES).decode("utf-8", "replace")
        except OSError:
            return ""
        urls = re.findall(r'^\[remote "([^"]*)"\][^\[]*?^\s*url\s*=\s*(\S+)', text, re.MULTILINE | re.DOTALL)
        urls.sort(key=lambda found: (found[0] != "origin", found))
        match = _REMOTE.match(urls[0][1]) if urls else None
        return match[1] if match else ""
    return ""


# --- reading TOML that may hold anything ----------------------------------------------------------------------------


def _toml(files: Files, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(files.text(name))
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _table(document: dict[str, Any], key: str) -> dict[str, Any]:
    found = document.get(key)
    return found if isinstance(found, dict) else {}


def _list(document: dict[str, Any], key: str) -> Iterable[Any]:
    found = document.get(key)
    return found if isinstance(found, list) else ()


def _text(document: dict[str, Any], key: str) -> str:
    found = document.get(key)
    return found if isinstance(found, str) else ""
