"""Text as people may see it: nothing hidden, nothing reordered, numbers with their units."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from readiness.model import Limit, Outcome, Scalar

OUTCOME_ORDER = tuple(str(outcome) for outcome in (
    Outcome.FAILED, Outcome.UNMEASURED, Outcome.NOT_RUN, Outcome.ADVISORY, Outcome.WAIVED, Outcome.PASSED
))  # fmt: skip
"""Outcomes in the order of every list and count: what needs attention first."""

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
    "\ufff9-\ufffb\ufdd0-\ufdef\ud800-\udfff\ufffe\uffff\U000e0000-\U000e007f"
    + "".join(chr(plane << 16 | last) for plane in range(1, 17) for last in (0xFFFE, 0xFFFF))
    + "]"
)
"""What a terminal would obey, XML forbids, or a reader would not see: controls, bidi overrides, lone surrogates,
noncharacters, tags and zero-width characters other than the joiners that scripts and emoji need."""


_LOG = re.compile(r"\nThe end of (?P<name>\S+):\n(?P<lines>(?: {4}.*(?:\n|\Z))+)")
"""How the run quotes a log: its lines are indented, so that what follows is told from them."""


def visible(text: str) -> str:
    r"""Returns the text with every hidden character as its escape, such as `\x1b`; line feeds and tabs stay."""
    if text.isascii() and text.isprintable():  # most of a large report, and faster than the search
        return text
    return _HIDDEN.sub(_escape, text.replace("\r\n", "\n"))


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - widths of the escapes


def one_line(text: str, limit: int = 0) -> str:
    """Returns the visible text on one line, cut to `limit` characters where that is not 0."""
    line = " ".join(visible(text).split())
    return line if not limit or len(line) <= limit else line[: limit - 1].rstrip() + "…"


class Excerpted(NamedTuple):
    """A text with the end of a log in it."""

    before: str
    """What was observed; the whole text where no log is quoted."""
    name: str
    lines: tuple[str, ...]
    after: str
    """What to do."""


def excerpted(text: str) -> Excerpted:
    """Returns the text around the quoted end of a log, and its lines: the last ones say why, so none may cut them off."""
    found = _LOG.search(text)
    if found is None:
        return Excerpted(text, "", (), "")
    lines = tuple(line[4:].rstrip() for line in found["lines"].split("\n") if line.strip())
    return Excerpted(text[: found.start()], found["name"], lines, text[found.end() :])


def clip(text: str, limit: int) -> str:
    """Returns the visible text, cut to about `limit` characters, and says how much is missing."""
    shown = visible(text)
    if len(shown) <= limit:
        return shown
    return f"{shown[:limit]}\n… {len(shown) - limit} more characters in report.json"


def safe_href(target: str, base: str = "") -> str:
    """Returns an address that a report may link to; empty where the target is none.

    Args:
        target: `https://...`, `http://...`, or a path relative to the repository.
        base: way from the report's folder to the repository; without it relative paths are no links.
    """
    if not target or visible(target) != target or "\\" in target or any(char.isspace() for char in target):
        return ""
    try:
        parts = urlsplit(target)
    except ValueError:
        return ""
    if parts.scheme in ("http", "https") and parts.netloc:
        return quote(target, safe=":/?#[]@!$&'()*+,;=%-._~")
    if base and not parts.scheme and not parts.netloc and not target.startswith("/"):
        return f"{quote(base)}/{quote(target, safe='/?#&=%-._~')}"
    return ""


def count_of(number: int, singular: str, plural: str = "") -> str:
    """Returns `1 check` or `2 checks`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def counts_text(outcomes: Mapping[str, int]) -> str:
    """Returns `2 failed, 1 waived, 9 passed`, in the order of attention; `no checks` where there are none."""
    known = [(name, outcomes.get(name, 0)) for name in OUTCOME_ORDER]
    other = [(one_line(name), number) for name, number in outcomes.items() if name not in OUTCOME_ORDER]
    return ", ".join(f"{number:,} {name}" for name, number in known + other if number) or "no checks"


def value_text(value: Scalar, unit: str = "") -> str:
    """Returns the value as one reads it, with its unit."""
    unit = one_line(unit)
    return f"{_scalar(value)}{'' if not unit else unit if unit == '%' else ' ' + unit}"


def _scalar(value: Scalar) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.6g}" if abs(value) < 1e15 else f"{value:g}"  # noqa: PLR2004 - beyond it digits are noise
    return one_line(str(value), 200)


def limit_text(limit: Limit | None, unit: str = "") -> str:
    """Returns what the value is held against, such as `at most 500 ms`; empty where it is for information."""
    if limit is None:
        return ""
    parts = []
    if limit.at_least is not None:
        parts.append(f"at least {value_text(limit.at_least, unit)}")
    if limit.at_most is not None:
        parts.append(f"at most {value_text(limit.at_most, unit)}")
    if limit.equals is not None:
        parts.append(f"equal to {value_text(limit.equals, unit)}")
    if limit.satisfies is not None:
        parts.append(one_line(limit.satisfies, 200))
    return " and ".join(parts)


def duration_text(seconds: float) -> str:
    """Returns a length of time as one reads it: `12 ms`, `1.3 s`, `4 min 5 s`."""
    if not math.isfinite(seconds) or seconds < 0:
        return "unknown"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if hours else f"{minutes} min {rest} s"


def time_text(stamp: str) -> str:
    """Returns `2026-11-21 13:00:00 UTC` for an ISO 8601 time, and the text itself for anything else."""
    try:
        moment = dt.datetime.fromisoformat(stamp)
        return moment.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError):
        return one_line(stamp, 40)


def days_between(earlier_stamp: str, day: str) -> int | None:
    """Returns the days from a time's day to another day, both UTC; None where one of them is no date."""
    try:
        start = dt.datetime.fromisoformat(earlier_stamp).astimezone(dt.UTC).date()
        return (dt.date.fromisoformat(day) - start).days
    except (ValueError, OverflowError):
        return None


def expiry_text(finished: str, expires: str) -> str:
    """Returns `ends in 4 days (2026-11-25)`, counted from the end of the run."""
    day = one_line(expires, 20)
    days = days_between(finished, expires)
    if days is None:
        return day
    if days < 0:
        return f"ended {count_of(-days, 'day')} ago ({day})"
    return f"ends today ({day})" if days == 0 else f"ends in {count_of(days, 'day')} ({day})"
