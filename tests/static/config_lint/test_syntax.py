"""What is wrong with a file as text: each rule with what it finds and what it lets pass."""

from __future__ import annotations

import pytest

from readiness.static.config_lint.syntax import RULES, syntax
from readiness.static.documents import LARGEST
from readiness.static.interface import Hit
from readiness.static.source import Source
from tests.static.config_lint.cases import Cases, one

Y, J = "deploy/a.yaml", "deploy/a.json"
TABLE = {
    "yaml-syntax": Cases(
        one(Y, "a: [1, 2\nb: 3\n", "a: 'x\n", "a: b: c\n"),
        one(Y, "a: [1, 2]\nb: 3\n", "a: 'b: c'\n", "a: !Ref x\n", "a:\n- 1\n- 2\n"),
    ),
    "yaml-duplicate-key": Cases(
        one(Y, "a: 1\nb: 2\na: 3\n", "a:\n  - b: 1\n    'b': 2\n"),
        one(Y, "a: {c: 1}\nb: {c: 1}\n", "1: a\ntrue: b\n", "a: &x {k: 1}\nb: {<<: *x, k: 2}\n", "a: 1\n---\na: 1\n"),
    ),
    "yaml-tab": Cases(
        one(Y, "a:\n\tb: 1\n", "a:\n  - b\n\t- c\n"),
        one(Y, "a: 'x\ty'\n", "a: |\n  x\n  \ty\n", "a: 1\t# why\n"),
    ),
    "yaml-dialect": Cases(
        one(Y, "a:\n  b: 'x\n  y'\nc:\n  d: 'x\n\n y'\n", "a:\n  - b: \"x\n  y\"\n"),
        one(Y, "a: 'x\n  y'\n", "a: [1\n", "a: 'x\n"),
    ),
    "yaml-aliases": Cases(
        one(Y, "a: &a [1,2,3,4,5,6,7,8,9]\n" + "".join(f"{c}: &{c} [{', '.join([f'*{p}'] * 9)}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)))
        + one(Y, "a: &a [" + "1, " * 1000 + "1]\nb:\n" + "- *a\n" * 200),
        one(Y, "a: &a {x: 1}\nb: *a\nc: *a\n", "a: &a [1]\nb:\n" + "- *a\n" * 1000),
    ),
    "yaml-ambiguous": Cases(
        one(Y, "a: no\n", "a: [yes, 'x']\n", "a: 012\n", "a: 1:30\n", "a: 1_000\n", "a: 12e03\n", "mode: 0o644\n", "no: Norway\n"),
        one(Y, 'a: "no"\n', "a: true\n", "a: 10\n", "a: say no\n", "a: |\n  no\n", "a: 1.30\n", "a: 0\nb: 0.5\n", "t: 10:30:00 UTC\n", "# no\na: 1\n")
        + one(".github/workflows/ci.yml", "on: push\njobs: {}\n", "on:\n  push: {}\njobs: {}\n")
        + one("playbooks/site.yml", "- become: yes\n"),
    ),
    "json-syntax": Cases(one(J, '{"a": 1', '{"a": 1 "b": 2}', '{"a": NaN}'), one(J, '{"a": 1}', "[1, 2]", '"NaN"')),
    "json-duplicate-key": Cases(
        one(J, '{"a": 1, "a": 2}', '[{"a": {"b": 1, "b": 1}}]'), one(J, '{"a": {"b": 1}, "b": 2}', '[{"a": 1}, {"a": 1}]')
    ),
    "json-comment": Cases(
        one(J, '{"a": 1} // x', '{"a": [1,],}', "/* x */ {}"),
        one("tsconfig.json", '{"a": 1,} // x') + one(".vscode/settings.json", "// x\n{}") + one(J, '{"a": "// x"}'),
    ),
    "toml-syntax": Cases(one("a.toml", "a = \n", "a = [1\n", "a b = 1\n"), one("a.toml", "a = ''\n", "a = [\n1,\n]\n")),
    "toml-duplicate-key": Cases(
        one("a.toml", "a = 1\na = 2\n", "[a]\nx = 1\n[a]\ny = 2\n"), one("a.toml", "[[a]]\nx = 1\n[[a]]\nx = 2\n", "a = 1\n[b]\na = 2\n")
    ),
    "ini-syntax": Cases(
        one("setup.cfg", "[a\nx = 1\n", "x = 1\n[a]\n", "[a]\nwhat is this\n"),
        one("setup.cfg", "[a]\nx = 1\n  2\n  3\n", "# c\n; d\n[a]\nx: 1\n") + one("php.ini", "engine = On\n", "[a]\nflag\n"),
    ),
    "ini-duplicate": Cases(
        one("tox.ini", "[a]\nx = 1\n[a]\n", "[a]\nx = 1\nx = 2\n", "[a]\nx = 1\nX = 2\n"),
        one("tox.ini", "[a]\nx = 1\n[b]\nx = 1\n") + one("my.ini", "[a]\nx = 1\nx = 2\n"),
    ),
    "ini-interpolation": Cases(
        one("alembic.ini", "[alembic]\nurl = postgresql://u:p%40x@h/d\n", "[alembic]\na = %(nope)s\n"),
        one("alembic.ini", "[alembic]\nurl = p%%40x\n", "[alembic]\nscript_location = %(here)s/m\n", "[DEFAULT]\nx = 1\n[alembic]\ny = %(x)s\n")
        + one("setup.cfg", "[a]\nx = 100%\n"),
    ),
    "env-syntax": Cases(
        one(".env", "A=1\nwhat is this\n", "A='x\nB=1\n", "=1\n", "A = 1\n"),
        one(".env", "export A=1\n# c\nB='x\ny'\nC=\nD\n", 'A="x # y" # z\n', "A=`date`\n", "A=b=c\n"),
    ),
    "env-duplicate": Cases(one(".env", "A=1\nA=2\n", "A=1\nexport A='1'\n"), one(".env", "A=1\na=2\n", "#A=1\nA=2\n")),
    "env-name": Cases(one(".env", "A.B=1\n", "A-B=1\n", "1A=1\n"), one(".env", "_A=1\n", "a1=1\n")),
    "encoding": Cases(one(Y, "a: \udcff\n") + one(J, '{"a": "\udce9"}'), one(Y, "a: é\n") + one(J, '{"a": "\ufffd"}')),
    "too-deep": Cases(
        one(Y, "[" * 300 + "]" * 300, "- " * 300 + "x\n") + one(J, "[" * 50_000),
        one(Y, "[" * 50 + "]" * 50, "a: " + "-" * 900 + "\n", "a: |\n  " + " " * 900 + "x\n"),
    ),
    "too-large": Cases(
        one("a.toml", " " * (LARGEST["toml"] + 1)) + one(Y, " " * (LARGEST["yaml"] + 1)),
        one("a.toml", "#" * LARGEST["toml"]) + one("a.txt", " " * (LARGEST["toml"] + 1)),
    ),
}  # fmt: skip


def found(path: str, text: str) -> list[Hit]:
    """Returns what is wrong with the text."""
    return list(syntax(Source(path, text.encode("utf-8", "surrogateescape"))))


def names(path: str, text: str) -> set[str]:
    """Returns the names of the rules that it breaks."""
    return {hit.rule.partition("/")[2] for hit in found(path, text)}


def each(which: str) -> list[object]:
    """Returns the cases of all rules, short enough to be named."""
    return [
        pytest.param(rule, path, text, id=f"{rule}-{number}")
        for rule, cases in TABLE.items()
        for number, files in enumerate(getattr(cases, which))
        for path, text in files.items()
    ]


@pytest.mark.parametrize(("rule", "path", "text"), each("finds"))
def test_rule_finds(rule: str, path: str, text: str) -> None:
    """What the rule is there for is found."""
    assert rule in names(path, text)


@pytest.mark.parametrize(("rule", "path", "text"), each("passes"))
def test_rule_passes(rule: str, path: str, text: str) -> None:
    """What only looks like it is not."""
    assert rule not in names(path, text)


def test_every_rule_has_examples() -> None:
    """At least two that it finds and two that it does not."""
    assert set(TABLE) == {rule.id.partition("/")[2] for rule in RULES}
    assert all(len(cases.finds) >= 2 and len(cases.passes) >= 2 for cases in TABLE.values())


def test_finding_points_at_the_place() -> None:
    """Line and column of the second of two keys, and an anchor that outlives a moved line."""
    (hit,) = found(Y, "# x\na:\n  b: 1\n  b: 2\n")
    assert (hit.line, hit.column, hit.anchor) == (4, 3, "a.b")
    (moved,) = found(Y, "# x\n# y\na:\n  b: 1\n  b: 2\n")
    assert moved.anchor == hit.anchor


def test_ambiguous_value_weighs_by_who_reads_it() -> None:
    """In a compose file it warns, since readers of both kinds exist; in a file of one unknown program it informs."""
    (hit,) = found("docker-compose.yml", "services:\n  a: {image: 'a:1', restart: no}\n")
    assert hit.severity == ""
    (hit,) = found("settings.yaml", "restart: no\n")
    assert hit.severity == "information"


def test_ambiguous_values_are_limited() -> None:
    """A list of ten thousand of them is told about fifty times."""
    assert len(found(Y, "- no\n" * 10_000)) == 50
