"""What an excerpt may show: the line without the password that stands beside what was found."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.static.secrets import harmless

MASK = "***"
_DRAWN = re.compile(r"\d|[a-z].*[A-Z]|[^\W_]{16}")
"""Stands in what was drawn or thought up, and in no word."""
_HIDDEN = re.compile(
    r"(?i:passw(?:or)?d|passphrase|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)[\w-]{0,40}[\"'`]?"
    r"[ \t]{0,4}(?P<says>\bis\b|:=|=>|==?|:)[ \t]{0,4}[\"'`]?(?P<named>[^\s\"'`,;)}\]\[(]{6,})"
    r"|://[^\s/:@]{0,100}:(?P<login>[^\s/@\"'`]{1,300})@"
    r"|(?<![A-Za-z0-9_-])(?:gh[pousr]_|github_pat_|glpat-|xox[a-z]-|AKIA|ASIA|[sr]k_live_|sk-|AIza|eyJ|npm_|pypi-|hf_|SG\.|dop_v1_)"
    r"(?P<token>[A-Za-z0-9_.=-]{12,})"
)


def masked(text: str, *, is_prose: bool = False) -> str:
    """Returns the text in which `***` stands for each secret that its name, its address or its form tells; placeholders stay.

    Args:
        text: an excerpt, or a sentence.
        is_prose: it is a sentence, in which a plain word behind "token" is no secret.
    """
    for secret in sorted(set(_secrets(text, is_prose=is_prose)), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def _secrets(text: str, *, is_prose: bool) -> Iterator[str]:
    for found in _HIDDEN.finditer(text):
        secret = found["named"] or found["login"] or found["token"]
        is_word = found["named"] and (is_prose or found["says"] == "is") and not _DRAWN.search(secret)
        if not (is_word or harmless.is_placeholder(secret) or harmless.is_template(secret)):
            yield secret
