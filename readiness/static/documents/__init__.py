"""Configuration files as values: YAML, JSON, TOML, INI and `.env`, each scalar with its key path and, on demand, its place.

Two stages: a fast parser reads every file; where something was found, the file is composed a second time with positions.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from readiness.static.documents.kinds import is_template_name, kind_of
from readiness.static.documents.model import Document, Keys, Parsed, Scalar, SyntaxProblem

if TYPE_CHECKING:
    from readiness.static.source import Source

__all__ = ["LARGEST", "Keys", "Parsed", "Scalar", "SyntaxProblem", "kind_of", "parse", "require"]

LARGEST = {"yaml": 16 << 20, "json": 32 << 20, "toml": 4 << 20, "ini": 16 << 20, "env": 16 << 20}
"""Bytes of a file that is still parsed. A larger one is data, and would take seconds and gigabytes."""


def require() -> None:
    """The parsers are loaded; for those who make an analyser that reads documents.

    Raises:
        ModuleNotFoundError: one of them is not installed.
    """
    import yaml.cyaml
    import yaml_rs

    _ = yaml, yaml_rs


def parse(source: Source) -> Parsed | None:
    """Returns what the file holds; None where its name is not that of a configuration file.

    It raises for no content; what is wrong with that is in `problems`.
    """
    kind = kind_of(source.path)
    if kind is None:
        return None
    if len(source.data) > LARGEST[kind]:
        text = f"{len(source.data)} bytes; a {kind} file is read up to {LARGEST[kind]} bytes"
        return Document(kind, problems=(SyntaxProblem("config-lint/too-large", 0, 0, text),))
    if is_template_name(source.path, source.text):
        return Document(kind, is_template=True)
    parsed = _read(kind, source)
    undecodable = None if parsed.is_template else _undecodable(kind, source)
    if undecodable is not None:
        parsed.problems = (undecodable, *parsed.problems)
    return parsed


def _read(kind: str, source: Source) -> Document:
    """Returns the file as its format's parser sees it."""
    match kind:
        case "yaml":
            from readiness.static.documents.yaml import read_yaml

            return read_yaml(source.text)
        case "json":
            from readiness.static.documents.json import read_json

            return read_json(source.path, source.text)
        case "toml":
            from readiness.static.documents.toml import read_toml

            return read_toml(source.text)
        case "ini":
            from readiness.static.documents.ini import read_ini

            return read_ini(source.path, source.text)
        case _:
            from readiness.static.documents.dotenv import read_env

            return read_env(source.text)


def _undecodable(kind: str, source: Source) -> SyntaxProblem | None:
    """Returns where the file stops being UTF-8; UTF-16 with its mark is text as well, but only readers of YAML take it."""
    if source.data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return None if kind == "yaml" else SyntaxProblem("config-lint/encoding", 1, 1, "the file is UTF-16 or UTF-32")
    if "\ufffd" not in source.text:
        return None
    try:
        source.data.decode()
    except UnicodeDecodeError as problem:
        before = source.data[: problem.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        byte = source.data[problem.start]
        return SyntaxProblem("config-lint/encoding", line, column, f"byte 0x{byte:02x} here is no UTF-8")
    return None
