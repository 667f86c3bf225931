"""Excerpts show what is wrong, and not the password beside it."""

from __future__ import annotations

import pytest

from readiness.static.examine import pack, unpack
from readiness.static.interface import Found, Hit
from readiness.static.masking import masked

DRAWN = "Zq8" + "vT2m" + "Lw9x" + "R4kP"


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (f"Contact: [Add contact] password: {DRAWN}", "Contact: [Add contact] password: ***"),
        (f"TODO: the password is {DRAWN}", "TODO: the password is ***"),
        (f'foo{{password="{DRAWN}"}} + {DRAWN}', 'foo{password="***"} + ***'),
        (f"https://me:{DRAWN}@host/", "https://me:***@host/"),
        (f"# the old one was ghp_{DRAWN}", "# the old one was ghp_***"),
        ("password: change-me", "password: change-me"),
        ("token: <your-token>", "token: <your-token>"),
        ("TODO: the token is missing here", "TODO: the token is missing here"),
        ("url: http://localhost:8000", "url: http://localhost:8000"),
    ],
)
def test_masked(shown: str, expected: str) -> None:
    """What is drawn goes, what is a placeholder or a word stays."""
    assert masked(shown) == expected


def test_every_hit_is_masked() -> None:
    """Whichever analyser says it, in its sentence and in its excerpt."""
    hit = Hit("a/b", 1, 1, f"'password={DRAWN}' is a sign-off.", "x", f"password={DRAWN}")
    (kept,) = unpack(pack(Found((hit,)))).hits
    assert (kept.text, kept.excerpt) == ("'password=***' is a sign-off.", "password=***")
