"""The comment that accepts a finding where it stands: `# readiness: allow GATE/RULE -- reason`."""

from __future__ import annotations

import re
from dataclasses import dataclass

SYNTAX = "# readiness: allow {rule} -- reason"
"""How it is written; `//`, `--`, `;`, `/*` and `<!--` start a comment as well, and rules are separated by commas."""
LONGEST_REASON = 300
_WORD = "readiness:"
_COMMENT = re.compile(
    r"(?:^|(?<=\s)|(?<=[\"'`,;)}\]]))"  # the comment starts the line, or stands apart from what it is about
    r"(?P<marker>#|//|--|;|/\*|<!--)[ \t]{0,8}readiness:[ \t]{0,8}allow[ \t]{1,8}"
    r"(?P<rules>[a-z0-9-]{1,60}/[a-z0-9-]{1,80}(?:[ \t]{0,8},[ \t]{0,8}[a-z0-9-]{1,60}/[a-z0-9-]{1,80}){0,20})"
    r"(?:[ \t]{1,8}(?:--|\u2013|\u2014)(?P<reason>[^\r\n]{0,400}))?"
)
_BEFORE = 13
"""Room for the longest marker, the blanks before the word, and one character more, which tells where a cut is."""
_AFTER = 4000
_MOST = 20
"""Comments of this kind that one line may hold; a hostile line has more, and no one has written them."""
_CLOSERS = re.compile(r"(?:-->|\*/)[^\r\n]{0,400}$")


@dataclass(frozen=True, slots=True)
class Allowed:
    """A comment that names the rule."""

    rule: str
    reason: str
    """Empty where none is given: then the comment does not count, and the finding says so."""
    is_alone: bool
    """Nothing stands before it on its line, so that it may be about the line that follows."""

    @property
    def counts(self) -> bool:
        """Whether it accepts the finding."""
        return bool(self.reason)


def allowed(line: str, rule: str) -> Allowed | None:
    """Returns the comment on the line that allows the rule; None where there is none. Linear in the line's length.

    Args:
        line: of the file, without its end.
        rule: id, such as `security-scan/private-key`.
    """
    without_reason = None
    at = line.find(_WORD)
    for _ in range(_MOST):
        if at < 0:
            break
        start = max(0, at - _BEFORE)
        found = _COMMENT.search(line[start : at + _AFTER])
        if found and rule in re.split(r"[ \t]*,[ \t]*", found["rules"]):
            is_alone = not line[: min(start + found.start(), 400)].strip()
            given = Allowed(rule, _reason(found["reason"] or ""), is_alone)
            if given.counts:
                return given
            without_reason = without_reason or given
        at = line.find(_WORD, at + len(_WORD))
    return without_reason


def _reason(text: str) -> str:
    """Returns the words of a reason, without the end of the comment; empty where there is no letter in it."""
    words = _CLOSERS.sub("", text).strip()[:LONGEST_REASON]
    return words if any(each.isalpha() for each in words) else ""
