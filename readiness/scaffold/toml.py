"""Text as TOML holds it."""

from __future__ import annotations

from collections.abc import Iterable

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
_SURROGATES = range(0xD800, 0xE000)
"""TOML has none."""
_LAST_OF_FOUR_DIGITS = 0xFFFF


def shown(text: str) -> str:
    """Returns `text` on one line, for a comment or a terminal: whatever does not print is escaped."""
    return "".join(character if character.isprintable() else _escape(character) for character in text)


def string(text: str) -> str:
    """Returns a TOML string that the loader reads back as `text`; `${` in it is literal text."""
    escaped = text.replace("${", "$${")
    return f'"{"".join(_ESCAPES.get(each) or (each if each.isprintable() else _escape(each)) for each in escaped)}"'


def strings(texts: Iterable[str]) -> str:
    """Returns a TOML array of strings on one line."""
    return f"[{', '.join(string(text) for text in texts)}]"


def _escape(character: str) -> str:
    code = ord(character)
    if code in _SURROGATES:  # they come from names that are not UTF-8
        return "\N{REPLACEMENT CHARACTER}"
    return f"\\u{code:04X}" if code <= _LAST_OF_FOUR_DIGITS else f"\\U{code:08X}"
