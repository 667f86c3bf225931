"""ruff as the engine: its S rules under the same names as bandit's tests, and nothing passed over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from readiness.config.security_tables import Bandit
from readiness.errors import NotMeasured
from readiness.static.code import observe
from readiness.static.interface import Scan
from tests.static.listing import budget, lister, write

CHECK = "security-scan/code"
SHELL = "import subprocess\nsubprocess.call('ls ' + name, shell=True)\n"


def scan(folder: Path, **keys: Any) -> Scan:
    table = Bandit(**({"paths": ["."], "engine": "ruff"} | keys))
    return observe(table, folder=folder, budget=budget(), cache=None, files=lister(folder))


def test_same_finding_as_bandit(tmp_path: Path) -> None:
    """Rule, place and fingerprint are those of bandit: a waiver or a baseline survives the change of the engine."""
    write(tmp_path, {"a.py": SHELL + "import pickle\npickle.loads(data)\n"})
    by_ruff, by_bandit = scan(tmp_path).of(CHECK), scan(tmp_path, engine="bandit").of(CHECK)
    assert [(each.rule, each.line, each.fingerprint) for each in by_ruff] == [
        (each.rule, each.line, each.fingerprint) for each in by_bandit
    ]
    assert [each.text[:4] for each in by_ruff] == ["S602", "S301"]


def test_noqa_is_honoured(tmp_path: Path) -> None:
    """A line with `# noqa` and the rule's number is accepted."""
    write(tmp_path, {"a.py": "eval(a)  # noqa: S307\neval(b)  # noqa: E501\n"})
    assert [each.line for each in scan(tmp_path).of(CHECK)] == [2]


@pytest.mark.parametrize(("severity", "expected"), [("low", ["S101", "S307", "S602"]), ("medium", ["S307", "S602"]), ("high", ["S602"])])  # fmt: skip
def test_severity_is_that_of_bandits_test(severity: str, expected: list[str], tmp_path: Path) -> None:
    """Ruff has no severities; a rule has that of bandit's test of the same number."""
    write(tmp_path, {"a.py": "assert a\neval(a)\nfrom subprocess import run\nrun(a, shell=True)\n"})
    assert [each.text[:4] for each in scan(tmp_path, severity=severity).of(CHECK)] == expected


@pytest.mark.parametrize("content", [b"x = (\n", b"# \xff\xfe\n", b"print 'two'\n"])
def test_what_cannot_be_scanned_is_a_finding(content: bytes, tmp_path: Path) -> None:
    """A file that is no Python, or no UTF-8, is named once, and blocks."""
    write(tmp_path, {"bad.py": content, "a.py": SHELL})
    scanned = scan(tmp_path)
    assert [each.path for each in scanned.of(CHECK) if each.rule == "security-scan/unscanned-code"] == ["bad.py"]
    assert [each.path for each in scanned.skipped] == ["bad.py"]
    assert (scanned.files, scanned.unscanned) == (1, 1)


def test_user_configuration_counts_only_where_it_is_named(tmp_path: Path) -> None:
    """A ruff.toml that ignores all S rules is for style; `config` makes it count here too."""
    own = "[lint.per-file-ignores]\n'*' = ['S']\n"
    write(tmp_path, {"a.py": SHELL, "ruff.toml": own})
    assert scan(tmp_path).of(CHECK)
    assert not scan(tmp_path, config="ruff.toml").of(CHECK)


def test_broken_configuration_is_not_measured(tmp_path: Path) -> None:
    """What ruff cannot follow is told in its words."""
    write(tmp_path, {"a.py": SHELL, "ruff.toml": "nonsense = 1\n"})
    with pytest.raises(NotMeasured, match="ruff failed with exit status"):
        scan(tmp_path, config="ruff.toml")


def test_names_that_look_like_options(tmp_path: Path) -> None:
    """A file whose name begins with a hyphen is a file."""
    write(tmp_path, {"--version.py": SHELL, "a b.py": SHELL, "ü.py": SHELL})
    assert len(scan(tmp_path).of(CHECK)) == 3


def test_very_many_files_are_asked_about_in_turns(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """More names than one command line takes are no matter."""
    monkeypatch.setattr("readiness.static.code.ruff._AT_ONCE", 40)
    write(tmp_path, {f"module_{number}.py": SHELL for number in range(9)})
    scanned = scan(tmp_path)
    assert scanned.files == len(scanned.of(CHECK)) == 9
