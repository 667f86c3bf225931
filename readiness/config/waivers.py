"""Which checks a waiver means, and until when."""

from __future__ import annotations

import datetime as dt
import functools
import re

from readiness.config.model import Waiver


def matches(pattern: str, check_id: str) -> bool:
    """True where the pattern means the check.

    `*` stands for any text, all else for itself: `[` and `]` belong to ids such as `health/endpoint[/health/db]`.
    A pattern without a parameter means all parameters: `health/endpoint` is every endpoint.
    """
    compiled = _compiled(pattern)
    return bool(compiled.fullmatch(check_id) or compiled.fullmatch(check_id.partition("[")[0]))


def has_expired(waiver: Waiver, today: dt.date) -> bool:
    """True where the waiver's last valid day lies before `today`, both in UTC."""
    return today > waiver.expires


def is_over_broad(pattern: str) -> bool:
    """True where the pattern means every check, or every check of a gate: `*`, `*/*`, `health/*`."""
    return "*" in pattern and not pattern.partition("/")[2].strip("*")


def gate_part(pattern: str) -> str:
    """Returns what of the pattern stands for the gate: `health` of `health/endpoint`, `*` of `*/connects`."""
    gate, slash, _ = pattern.partition("/")
    return gate if slash or not gate.startswith("*") else "*"


@functools.lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in pattern.split("*")), re.DOTALL)
