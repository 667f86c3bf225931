"""Which format a file has, by its name, and whether it is a template of such a file."""

from __future__ import annotations

import re
from os.path import splitext
from pathlib import PurePosixPath

BY_SUFFIX = {
    ".yaml": "yaml",
    ".yml": "yaml",
    ".cff": "yaml",
    ".json": "json",
    ".jsonc": "json",
    ".code-workspace": "json",
    ".webmanifest": "json",
    ".toml": "toml",
    ".ini": "ini",
    ".cfg": "ini",
    ".env": "env",
}
BY_NAME = {
    ".clang-format": "yaml",
    ".clang-tidy": "yaml",
    ".yamllint": "yaml",
    ".babelrc": "json",
    ".eslintrc": "json",
    ".jshintrc": "json",
    ".swcrc": "json",
    "Pipfile.lock": "json",
    "composer.lock": "json",
    "flake.lock": "json",
    "Pipfile": "toml",
    ".coveragerc": "ini",
    ".editorconfig": "ini",
    ".flake8": "ini",
    ".gitmodules": "ini",
    ".pylintrc": "ini",
    ".pypirc": "ini",
    "pip.conf": "ini",
    "pylintrc": "ini",
    "supervisord.conf": "ini",
    ".env": "env",
}
TEMPLATE_SUFFIXES = frozenset(
    {".ejs", ".erb", ".gotmpl", ".hbs", ".j2", ".jinja", ".jinja2", ".mustache", ".njk", ".tera", ".tmpl", ".tpl"}
)
"""Of a file that makes another: `values.yaml.j2`."""
_ENV = re.compile(r"\.env(\.[\w.-]+)?|[\w-]*[\w.-]*\.env|env\.(example|sample|template|dist|local)", re.ASCII)
_MARKER = re.compile(r"(?<![$\\])\{\{|\{%|<%[=\-#@ ]")
"""Where a template engine begins; `${{` of a workflow is an expression of its reader, no template."""
_OF_HELM = re.compile(
    r"\{\{-|-\}\}|\{%|\{\{\s{0,20}(?:\.(?:Values|Release|Chart|Capabilities|Files)\b|(?:include|template|tpl|range|with|if|toYaml)\s)"
)
"""What a chart's template has, and a file with templates of its own, such as an alert's text, has not."""
_BLOCK = re.compile(r"(?:^|[:\-?!\s])[|>][0-9+-]{0,2}[ \t]*(?:#.*)?$")
_STRUCTURE = re.compile(
    r"[ \t]*(?:-[ \t]+)*(?:[^\s'\"#{\[|>&*!][^'\"#{]{0,200}:[ \t]+|[^\s'\"#|>&*!]{0,200}?)(?:(?<![$\\])\{\{|\{%|<%|%[A-Z][A-Z0-9_]{2,60}%|\{[A-Za-z_]\w{0,60}\}[^\s,\]}#:])"
)
"""A marker where YAML has a key, an item or an unquoted value."""


def kind_of(path: str) -> str | None:
    """Returns the format that a file's name says; None where it is no configuration file."""
    name = path.rpartition("/")[2]
    stem, suffix = splitext(name)  # noqa: PTH122 - and no PurePosixPath: every file of the repository is asked for, in each run
    while suffix.lower() in TEMPLATE_SUFFIXES:
        name = stem
        stem, suffix = splitext(name)  # noqa: PTH122 - as above
    if name in BY_NAME:
        return BY_NAME[name]
    if "env" in name and len(name) < 100 and _ENV.fullmatch(name):  # noqa: PLR2004 - no file of variables has a longer name
        return "env"
    return BY_SUFFIX.get(suffix.lower())


def is_template_name(path: str, text: str) -> bool:
    """Returns whether the file is a template by its name or folder, and by having a marker at all."""
    file = PurePosixPath(path)
    if file.suffix.lower() in TEMPLATE_SUFFIXES:
        return True
    if "{{" in path or "{%" in path:
        return has_marker(text)
    return "templates" in file.parts[:-1] and bool(_OF_HELM.search(text))


def has_marker(text: str) -> bool:
    """Returns whether any template engine's marker is in the text."""
    return bool(_MARKER.search(text))


def has_marker_in_structure(text: str) -> bool:
    """Returns whether a marker stands where YAML would have a key or a bare value: not in quotes, not in block text."""
    block: int | None = None
    for line in text.splitlines():
        content = line.lstrip(" ")
        indent = len(line) - len(content)
        if block is not None:
            if not content or indent > block:
                continue
            block = None
        if _STRUCTURE.match(line[:2000]):
            return True
        if content.endswith(("|", ">", "-", "+")) or "#" in content or content[-1:].isdigit():
            block = indent if _BLOCK.search(line[-400:]) else None
    return False


def has_marker_outside_strings(line: str) -> bool:
    """Returns whether a marker is left in a line once its quoted strings are taken out."""
    return has_marker(_STRING.sub("", line[-4000:]))


_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"')
