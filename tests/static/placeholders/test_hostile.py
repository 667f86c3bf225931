"""Whatever a file holds, the audit ends soon, in little memory, and says no secret."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.static.placeholders import text
from tests.static.placeholders.audits import audit, rules_in
from tests.static.placeholders.cases import CASES, TEST_KEY, Case

NAMES = [
    "a.yaml",
    ".env",
    "a.json",
    "a.toml",
    "a.ini",
    "a.py",
    "a.ts",
    "runbook.md",
    "Dockerfile",
    "a.tf",
    "values.yaml.tmpl",
]
PIECES = sorted({case.text for found, missed in CASES.values() for case in (*found, *missed)})


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(NAMES), st.lists(st.sampled_from(PIECES) | st.text(max_size=60), max_size=6), st.binary(max_size=40)
)
def test_any_content_is_looked_at(path: str, parts: list[str], noise: bytes) -> None:
    """No content makes the audit break, and every hit is in the file."""
    data = "".join(parts).encode("utf-8", "replace") + noise
    for _, hit in audit({path: data}):
        assert 0 <= hit.line <= len(data.decode("utf-8", "replace").splitlines()) + 1
        assert len(hit.excerpt) <= 120


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.yaml", ".env", "a.py", "a.ts", "runbook.md", "a.tf"])
@pytest.mark.parametrize(
    "line",
    [
        "<your-" * 40_000,
        "change" * 40_000,
        "password: " + "://a:b@" * 30_000,
        "[" * 200_000,
        "- Lead: " + "[Add " * 40_000,
        "your-" * 40_000 + ".com",
        "example." * 30_000 + "com",
        "_" * 200_000,
        "x" * 200_000,
        "${A:-" * 40_000,
        "|" * 200_000,
        "-1-555-" * 30_000,
        "a: " * 60_000,
        "TODO " * 40_000,
        "class A(" * 20_000,
    ],
    ids=lambda line: line[:12],
)
def test_a_hostile_line_takes_seconds_at_most(name: str, line: str) -> None:
    """The time grows with the length, not with its square."""
    started = time.process_time()
    audit({name: f"# NotImplementedError runbook TODO changeme your-key\n{line}\n"})
    assert time.process_time() - started < 4


def test_wide_text_is_read() -> None:
    """UTF-16 is text."""
    assert rules_in("a.yaml", "password: changeme\n".encode("utf-16")) == ["changeme"]


@pytest.mark.parametrize("rule", CASES)
def test_the_first_pass_misses_nothing(rule: str) -> None:
    """Whatever a judge finds, the first pass has pointed to it: in the file of each example some family is seen."""
    assert all(text.families(case.text.encode()) for case in CASES[rule][0])


def test_the_first_pass_gives_up_aloud(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where its automaton has no memory left, every judge looks at the file."""
    monkeypatch.setattr(text, "_set", lambda: type("Tired", (), {"Match": staticmethod(lambda _data: None)}))
    assert text.families(b"nothing") == text.EVERY


@pytest.mark.parametrize(
    "case",
    [
        Case("config/production.yaml", f"stripe: {TEST_KEY}\nstripe_key: {TEST_KEY}\n"),
        Case("config/app.yaml", "url: postgres://app:hunter2-real@db.yourdomain.com/x\n"),
        Case("config/app.yaml", "password: letmein\n"),
    ],
)
def test_a_secret_beside_is_not_shown(case: Case) -> None:
    """Of a value only the part is shown that makes it a placeholder."""
    found = audit({case.path: case.text})
    said = " ".join(f"{hit.text} {hit.excerpt}" for _, hit in found)
    assert found
    assert TEST_KEY[8:] not in said
    assert "hunter2" not in said
    assert "letmein" not in said
