"""The comment that accepts a finding on its line."""

from __future__ import annotations

import time

import pytest

from readiness.static.allowing import Allowed, allowed

RULE = "security-scan/private-key"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"# readiness: allow {RULE} -- a key of the examples", "a key of the examples"),
        (f"password: x  # readiness: allow {RULE} -- rotated, SEC-12", "rotated, SEC-12"),
        (f"const a = 1; // readiness: allow {RULE} -- not used", "not used"),
        (f"a = 1;// readiness: allow {RULE} -- not used", "not used"),
        (f"a = '1'# readiness: allow {RULE} -- not used", "not used"),
        (f"SELECT 1; -- readiness: allow {RULE} -- for the tests", "for the tests"),
        (f"; readiness: allow {RULE} -- ini file", "ini file"),
        (f"<!-- readiness: allow {RULE} -- in a document -->", "in a document"),
        (f"a /* readiness: allow {RULE} -- in C */", "in C"),
        (f"# readiness: allow placeholder-audit/contact, {RULE} -- two at once", "two at once"),
        (f"#readiness:allow {RULE} --no blanks", "no blanks"),
        (f"# readiness: allow {RULE} \u2014 with a dash", "with a dash"),
    ],
)
def test_comment_with_a_reason_counts(line: str, reason: str) -> None:
    """A comment in the syntax of any usual language accepts the rules that it names, and says why."""
    given = allowed(line, RULE)
    assert given is not None
    assert given.counts
    assert given.reason == reason


@pytest.mark.parametrize(
    "line",
    [
        f"# readiness: allow {RULE}",
        f"# readiness: allow {RULE} --",
        f"# readiness: allow {RULE} -- ...",
        f"<!-- readiness: allow {RULE} -->",
        f"/* readiness: allow {RULE} */",
        f"# readiness: allow {RULE} because it is fine",
    ],
)
def test_comment_without_a_reason_does_not_count(line: str) -> None:
    """It is seen, so that the finding can say what is missing, and accepts nothing."""
    given = allowed(line, RULE)
    assert given is not None
    assert not given.counts


@pytest.mark.parametrize(
    "line",
    [
        "",
        f"readiness: allow {RULE} -- no comment",
        "# readiness: allow security-scan/private -- another rule",
        f"# readiness: allow {RULE}-encrypted -- another rule",
        f"# readiness: allowed {RULE} -- another word",
        f"http://#readiness: allow {RULE} -- inside an address",
        "# readiness: allow all -- everything",
        "# readiness: allow -- everything",
    ],
)
def test_other_text_is_no_such_comment(line: str) -> None:
    """Only a comment that names exactly this rule is one."""
    assert allowed(line, RULE) is None


def test_comment_on_a_line_of_its_own() -> None:
    """It says so, since it may be about the line that follows."""
    assert allowed(f"   # readiness: allow {RULE} -- why", RULE) == Allowed(RULE, "why", is_alone=True)
    assert allowed(f"a: b # readiness: allow {RULE} -- why", RULE) == Allowed(RULE, "why", is_alone=False)


def test_one_with_a_reason_wins() -> None:
    """Of two comments on a line the one that counts is taken."""
    given = allowed(f"a # readiness: allow {RULE} # readiness: allow {RULE} -- why", RULE)
    assert given is not None
    assert given.reason == "why"


@pytest.mark.parametrize("piece", ["readiness:", "# readiness: allow ", f"# readiness: allow {RULE},", "# ", "#-"])
def test_hostile_line_takes_bounded_time(piece: str) -> None:
    """Ten million characters of almost such comments are looked through once."""
    line = piece * (10_000_000 // len(piece))
    started = time.process_time()
    given = allowed(line, "security-scan/other")
    assert given is None
    assert time.process_time() - started < 1
