"""Composed YAML as plain values, with the types of YAML 1.2; for the files that only libyaml reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from readiness.static.documents.model import MOST_DEPTH

_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    spelled: spelled.lower() == "true" for spelled in ("true", "True", "TRUE", "false", "False", "FALSE")
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,100}|0o[0-7]{1,100}|0x[0-9a-fA-F]{1,100}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]{1,100}|[0-9]{1,100}(?:\.[0-9]{0,100})?)(?:[eE][-+]?[0-9]{1,3})?")


class _TooMany(Exception):  # noqa: N818 - not an error, but the end of counting
    """More values than may be made, or deeper."""


def values_of(documents: Sequence[Any], most: int) -> tuple[object, ...] | None:
    """Returns the values of composed documents; None where aliases make more than `most` of them."""
    maker = _Maker(most)
    try:
        return tuple(maker.make(node, 0) for node in documents)
    except _TooMany:
        return None


class _Maker:
    def __init__(self, most: int) -> None:
        self._seen: set[int] = set()
        self._left = most

    def make(self, node: Any, depth: int) -> object:
        """Returns the value of a node; only what an alias stands for again is counted."""
        if node is None:
            return None
        if id(node) in self._seen:
            self._left -= 1
        self._seen.add(id(node))
        if self._left < 0 or depth > MOST_DEPTH:
            raise _TooMany
        if node.id == "scalar":
            return plain(node.value) if node.tag == "plain" else node.value
        if node.id == "sequence":
            return [self.make(inner, depth + 1) for inner in node.value]
        return {self._key(key): self.make(value, depth + 1) for key, value in node.value}

    def _key(self, node: Any) -> object:
        if node.id != "scalar":
            return "?"
        return plain(node.value) if node.tag == "plain" else node.value


def plain(text: str) -> str | int | float | bool | None:
    """Returns what a scalar without quotes is in YAML 1.2."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
