"""The documentation of checks: in the terminal, in docs/checks.md, and the same in both."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness import cli, explain
from readiness.errors import UsageError
from readiness.gate import builtin_gates

DOCS = Path(__file__).parents[1] / "docs" / "checks.md"
RULES = DOCS.with_name("rules.md")
BUILTIN = explain.explained(gate.file for gate in builtin_gates() if gate.file is not None)


def test_docs_are_current() -> None:
    """`python -m readiness.explain > docs/checks.md` after a docstring has changed."""
    assert DOCS.read_text("utf-8") == explain.as_markdown(builtin_gates())


def test_rules_are_current() -> None:
    """`python -m readiness.explain rules > docs/rules.md` after a rule has changed."""
    assert RULES.read_text("utf-8") == explain.rules_as_markdown()


@pytest.mark.parametrize("check", BUILTIN, ids=lambda check: check.id)
def test_every_check_says_all_that_a_user_needs(check: explain.Explained) -> None:
    """Each docstring has each section."""
    headings = [heading for heading, _ in check.sections]
    assert headings == ["Holds when", "Why it matters", "Measured by", "If it fails", "Source", "When it runs"]
    assert all(paragraph for _, paragraph in check.sections)


@pytest.mark.parametrize("check", BUILTIN, ids=lambda check: check.id)
def test_conditions_are_in_the_users_words(check: explain.Explained) -> None:
    """A check's condition names a key of its table, or says what is derived from keys; never a name of the source."""
    (gate,) = (each for each in builtin_gates() if each.name == check.id.partition("/")[0])
    derived = {name.replace("_", "-") for name in dir(gate.table) if isinstance(getattr(gate.table, name), property)}
    (when,) = (text for heading, text in check.sections if heading == explain.WHEN)
    first = when.partition(";")[0].removesuffix(".")
    assert not {first.rpartition(word)[2] for word in ("the key ", "each of ")} & derived


def test_explains_a_check(capsys: pytest.CaptureFixture[str]) -> None:
    """With or without its parameter."""
    for asked in ("health/endpoint", "health/endpoint[/health]"):
        assert cli.main(["explain", asked]) == 0
        out = capsys.readouterr().out
        assert out.startswith("health/endpoint[endpoint]\n")
        assert "If it fails:" in out


def test_explains_a_check_of_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the folder `checks/`, without importing it."""
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "test_own.py").write_text(
        'from readiness import check\nraise SystemExit\n\n@check("shop/till", writes=True, severity="advisory")\n'
        'def test_till(measure):\n    """The till opens.\n\n    Holds when: it opens.\n    """\n'
    )
    monkeypatch.chdir(tmp_path)
    assert cli.main(["explain", "shop/till"]) == 0
    assert capsys.readouterr().out == (
        "shop/till\nThe till opens\n\nHolds when:\n    it opens.\n\nWhen it runs:\n"
        "    never on a protected target, because it writes; a failure warns and does not block.\n"
    )


def test_unknown_check_suggests_the_nearest() -> None:
    """With all that there are."""
    with pytest.raises(UsageError, match=r"Known checks: .*redis/ping.*Did you mean 'redis/ping'"):
        explain.find("redis/pong", BUILTIN)


def test_unknown_rule_suggests_the_nearest() -> None:
    """Of the rules as well as of the checks."""
    (first, *_) = known = explain.explained_rules()
    with pytest.raises(UsageError, match=f"there is no check and no rule '{first.id}z'.*Did you mean '{first.id}'"):
        explain.find(f"{first.id}z", BUILTIN, known)


def test_explains_a_rule(capsys: pytest.CaptureFixture[str]) -> None:
    """What holds, which check it is a part of, why it matters and what to do."""
    first = explain.explained_rules()[0]
    assert cli.main(["explain", first.id]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{first.id}\n{first.title}\n\nPart of the check:\n    {first.id.partition('/')[0]}/")
    for heading in ("Severity:", "Why it matters:", "What to do:"):
        assert heading in out
