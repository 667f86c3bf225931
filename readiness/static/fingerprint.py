"""What stays the same about a finding when its line moves."""

from __future__ import annotations

import hashlib

LENGTH = 32
"""Hexadecimal digits of a fingerprint and of an anchor's hash: 128 bits, so that no two of a repository's are equal."""


def hashed(anchor: str) -> str:
    """Returns the hash of an anchor, which is all that is kept of it: it may hold a secret."""
    return hashlib.sha256(anchor.encode("utf-8", "surrogatepass")).hexdigest()[:LENGTH]


def fingerprint(rule: str, path: str, anchor_hash: str, occurrence: int = 0) -> str:
    """Returns what names a finding in baselines and in SARIF.

    Args:
        rule: its id.
        path: of the file, as the finding shows it.
        anchor_hash: `hashed` of what stays the same when the line moves.
        occurrence: 0 for the first finding of that rule, path and anchor, in the order of the file; 1 for the next.
    """
    return hashed("\0".join((rule, path, anchor_hash, str(occurrence) if occurrence else "")))
