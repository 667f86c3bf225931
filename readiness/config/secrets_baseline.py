"""The baseline of known secrets: the same file as that of other findings, but each entry has an owner, a reason and an end.

An entry without one of them is no error, since `readiness baseline write --file=...` leaves them to a person; it accepts
nothing until they are there.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from readiness.config import baseline
from readiness.config.baseline import Baseline, Entry, Key, Unusable

GATE = "security-scan"
_FOREIGN = frozenset({"plugins_used", "results"})
"""Keys that a file of detect-secrets has."""


OTHER_RULES = frozenset(
    [
        "assert-in-code",
        "code-execution",
        "command-injection",
        "debug-mode",
        "insecure-code",
        "misleading-source",
        "no-time-limit",
        "open-binding",
        "open-logging",
        "password-in-code",
        "sql-injection",
        "swallowed-error",
        "unaudited-workflow",
        "unencrypted-connection",
        "unescaped-template",
        "unsafe-archive",
        "unsafe-deserialisation",
        "unsafe-file",
        "unsafe-workflow",
        "unsafe-xml",
        "unscanned-code",
        "unverified-connection",
        "vulnerable-dependency",
        "weak-cryptography",
    ]
)
"""Rules of the gate that are about code, dependencies and workflows; what they find may be accepted without an end."""


def read(file: Path) -> tuple[tuple[Entry, ...], tuple[Unusable, ...]]:
    """Returns the known secrets in a file, and what is wrong with it; one of the two is empty.

    Entries of other gates are left out: what they accept is said in the file that [baseline] names.
    """
    entries, unusable = baseline.read(file)
    if unusable and _is_foreign(file):
        text = "is a baseline of detect-secrets, whose hashes are made in another way, so that none of them could be found again"
        remedy = (
            "Write one with `readiness baseline write --file=FILE`, and give each entry its owner, reason and last day."
        )
        return (), (Unusable(text, remedy),)
    return tuple(replace(each, needs_owner=True) for each in entries if each.key.gate == GATE), unusable


def owned(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Returns the entries of the baseline of all findings; there, too, a secret is accepted by an owner until a day, or not at all."""
    return tuple(replace(each, needs_owner=True) if _is_secret(each.key) else each for each in entries)


def joined(known: Baseline | None, secrets: Baseline) -> Baseline:
    """Returns both as one; where both know a secret, the entry with an owner counts."""
    if known is None:
        return secrets
    others = tuple(each for each in known.entries if each.key not in secrets.by_key)
    return Baseline(f"{known.file} and {secrets.file}", (*others, *secrets.entries))


def _is_secret(key: Key) -> bool:
    """Returns whether it is a secret: every rule of the gate that is not known to be about something else."""
    gate, _, name = key.rule.partition("/")
    return key.gate == GATE == gate and name not in OTHER_RULES


def _is_foreign(file: Path) -> bool:
    try:
        if file.stat().st_size > baseline.MAX_BYTES:
            return False
        found = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and not _FOREIGN.isdisjoint(found)
