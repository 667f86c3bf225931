"""The files that say what is depended upon, read once, as text, up to a limit."""

from __future__ import annotations

import codecs
import json
import tomllib
from pathlib import Path
from typing import Any

from readiness.errors import NotMeasured

LARGEST = 32 * 1024 * 1024
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks that pip knows as well."""


def text_of(file: Path, shown: str) -> str:
    """Returns the content of a file.

    Args:
        file: to read.
        shown: what the user calls it.

    Raises:
        NotMeasured: it cannot be read, is too large or no text.
    """
    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST + 1)
    except OSError as error:
        raise NotMeasured(f"{shown} cannot be read: {error.strerror}", "Mend [security-scan] dependencies.") from None
    if len(data) > LARGEST:
        raise NotMeasured(f"{shown} is larger than {LARGEST // 1024**2} MiB, so that it was not read")
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise NotMeasured(f"{shown} is no UTF-8 text, so that it cannot be read", "Save it as UTF-8.") from None


def toml_of(text: str, shown: str) -> dict[str, Any]:
    """Returns a TOML document.

    Raises:
        NotMeasured: it is none.
    """
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotMeasured(f"{shown} is no TOML: {_first_line(error)}", "Mend or write the file anew.") from None


def json_of(text: str, shown: str) -> dict[str, Any]:
    """Returns a JSON object.

    Raises:
        NotMeasured: it is none.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotMeasured(f"{shown} is no JSON: {_first_line(error)}", "Mend or write the file anew.") from None
    if not isinstance(document, dict):
        raise NotMeasured(f"{shown} holds no JSON object")
    return document


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]


def table(value: Any) -> dict[str, Any]:
    """Returns the value where it is a table, else an empty one."""
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> list[Any]:
    """Returns the value where it is a list, else an empty one."""
    return value if isinstance(value, list) else []
