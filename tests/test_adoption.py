"""`readiness baseline`: from a report to the file, with what its reader is told, and never from a report that saw nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from readiness import cli
from readiness.config.baseline import parse
from readiness.model import Answer, CheckResult, Decision, FindingSeverity, Outcome
from readiness.reports.json import WRITER, document
from tests.reports import samples

CONFIG = "[service]\nname = 'shop'\n[env.x]\nkind = 'embedded'\n"
TABLE = "[baseline]\nfile = 'ops/known.json'\n"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a configuration; the current folder."""
    (tmp_path / "readiness.toml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def reported(folder: Path, *checks: CheckResult, name: str = "staging") -> Path:
    """Returns the report.json of a run with these checks."""
    file = folder / "reports" / name / "report.json"
    file.parent.mkdir(parents=True)
    decision: Decision = samples.build(Answer.NO_GO, checks, [])
    file.write_bytes(WRITER.render(document(decision)))
    return file


def found(count: int, outcome: Outcome = Outcome.FAILED) -> CheckResult:
    """Returns a check with new findings, all of which block."""
    findings = tuple(
        replace(each, baseline=None, severity=FindingSeverity.BLOCKING) for each in samples.findings(count)
    )
    return samples.check("placeholder-audit/critical", "t", outcome, findings=findings)


def marks(file: Path) -> list[str]:
    """Returns the fingerprints in a baseline that can be used."""
    entries, unusable = parse(file.read_bytes())
    assert unusable == ()
    return [entry.key.fingerprint for entry in entries]


def test_first_adoption(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The only report is taken, the file stands beside the configuration, and what to add to it is said."""
    reported(shop, found(12))
    assert cli.main(["baseline", "write"]) == 0
    assert len(marks(shop / "readiness-baseline.json")) == 12
    out = capsys.readouterr().out
    assert out == (
        "readiness-baseline.json: 12 known findings (12 added, 0 removed, 0 kept), from reports/staging/report.json.\n"
        'Next: add to the configuration\n    [baseline]\n    file = "readiness-baseline.json"\n'
    )


def test_the_configured_file_is_written(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where it does not exist yet, which no run would accept; its folder starts from the configuration's."""
    (shop / "readiness.toml").write_text(CONFIG + TABLE)
    (shop / "ops").mkdir()
    file = reported(shop, found(3))
    for report in ([], [str(file)], [str(file.parent)]):
        assert cli.main(["baseline", "write", *report]) == 0
        assert len(marks(shop / "ops" / "known.json")) == 3
    assert "Next:" not in capsys.readouterr().out


def test_what_vanished_is_pruned(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing is added, until somebody writes."""
    cli.main(["baseline", "write", str(reported(shop, found(5)))])
    fewer = replace(found(6), findings=found(6).findings[2:])
    later = str(reported(shop, fewer, name="later"))
    assert cli.main(["baseline", "prune", later]) == 0
    assert "3 known findings (0 added, 2 removed, 3 kept)" in capsys.readouterr().out
    assert cli.main(["baseline", "write", later]) == 0
    assert "4 known findings (1 added, 0 removed, 3 kept)" in capsys.readouterr().out


def test_owners_and_days_stay(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What people wrote to an entry is kept, and that one has expired is told."""
    report = str(reported(shop, found(2)))
    cli.main(["baseline", "write", report])
    file = shop / "readiness-baseline.json"
    first = file.read_text().splitlines()[1]
    owned = first.removesuffix("}") + ', "owner": "me", "reason": "old", "expires": "2020-01-01"}'
    file.write_text(file.read_text().replace(first, owned))
    before = file.read_text()
    assert cli.main(["baseline", "write", report]) == 0
    assert file.read_text() == before
    assert "1 entry has expired: change `expires` to accept them again." in capsys.readouterr().out


def test_what_cannot_be_listed_is_told(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A finding without a fingerprint blocks still."""
    check = found(2)
    findings = (replace(check.findings[0], fingerprint=""), check.findings[1])
    reported(shop, replace(check, findings=findings))
    assert cli.main(["baseline", "write"]) == 0
    assert (
        "Not listed, so that they block still: 1 finding of which each has no fingerprint." in capsys.readouterr().out
    )


@pytest.mark.parametrize("outcome", [Outcome.UNMEASURED, Outcome.NOT_RUN])
def test_a_report_that_observed_nothing_is_refused(
    shop: Path, outcome: Outcome, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says neither what is there nor what has vanished; the file stays as it is."""
    cli.main(["baseline", "write", str(reported(shop, found(2)))])
    before = (shop / "readiness-baseline.json").read_bytes()
    empty = reported(shop, found(0, outcome), name="empty")
    for action in ("write", "prune"):
        assert cli.main(["baseline", action, str(empty)]) == 4
        assert "observed no gate in full" in capsys.readouterr().err
    assert (shop / "readiness-baseline.json").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["write"], "there is no report below reports/.\nRun `pytest --env=NAME` first"),
        (["write", "none.json"], "none.json cannot be read: No such file"),
        (["write", "readiness.toml"], "the report is no JSON"),
        (["prune", "--file=none.json"], "there is no report"),
        (["erase"], "invalid choice: 'erase'"),
        ([], "the following arguments are required: action"),
        (["write", "--config=none.toml"], "the configuration file 'none.toml' does not exist"),
    ],
)
def test_what_cannot_be_done_is_refused(
    shop: Path, arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With exit status 4, and no file."""
    assert cli.main(["baseline", *arguments]) == 4
    assert text in capsys.readouterr().err
    assert [path.name for path in shop.iterdir()] == ["readiness.toml"]


def test_one_of_several_reports_is_named(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Which environment's findings are meant is not guessed."""
    reported(shop, found(1))
    reported(shop, found(1), name="production")
    assert cli.main(["baseline", "write"]) == 4
    assert "there are several reports: reports/production, reports/staging.\nName one" in capsys.readouterr().err


def test_a_garbled_baseline_is_not_written_over(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What people wrote into it would be lost."""
    reported(shop, found(1))
    (shop / "readiness-baseline.json").write_text("<<<<<<< ours\n")
    assert cli.main(["baseline", "write"]) == 4
    assert "merge conflict" in capsys.readouterr().err
    assert (shop / "readiness-baseline.json").read_text() == "<<<<<<< ours\n"


def test_nothing_to_prune_from(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a file there is nothing to take out."""
    reported(shop, found(1))
    assert cli.main(["baseline", "prune"]) == 4
    assert "does not exist, so that nothing can be taken out" in capsys.readouterr().err


def test_the_file_is_json(shop: Path) -> None:
    """Whatever reads JSON reads it."""
    reported(shop, found(3))
    cli.main(["baseline", "write"])
    header, *rows = json.loads((shop / "readiness-baseline.json").read_text())
    assert header == {"schema": "readiness-baseline/1"}
    assert [list(row) for row in rows] == [["path", "gate", "rule", "fingerprint"]] * 3


def test_known_secrets_stay_in_their_file(shop: Path) -> None:
    """What the baseline of secrets lists, with its owners, is not accepted a second time without them."""
    secret = replace(samples.findings(1)[0], rule="security-scan/token", fingerprint="ab" * 16, baseline=None)
    checks = samples.check("security-scan/secrets", "t", Outcome.FAILED, findings=(secret,))
    reported(shop, found(2), checks)
    cli.main(["baseline", "write", "--file=known-secrets.json"])
    assert len(marks(shop / "known-secrets.json")) == 3
    (shop / "readiness.toml").write_text(
        f"{CONFIG}[security-scan]\nsecrets = {{ paths = ['.'], baseline = 'known-secrets.json' }}\n"
    )
    cli.main(["baseline", "write"])
    assert len(marks(shop / "readiness-baseline.json")) == 2
    assert len(marks(shop / "known-secrets.json")) == 3
