"""Work markers: how many there are, how old they are, and what the configuration allows."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from readiness.static.placeholders.analyser import Audit
from readiness.static.placeholders.markers import markers
from readiness.static.placeholders.options import Options
from tests.static.placeholders.audits import audit, severity_of

FILES: dict[str, str | bytes] = {"src/a.py": "# TODO: one\nx = 1  # FIXME: two\n", "src/b.go": "// TODO three\n"}


def test_each_is_listed_and_all_are_counted() -> None:
    """Each marker informs, and a note says how many of each there are."""
    found = audit(FILES)
    assert [(path, hit.line, hit.text) for path, hit in found] == [
        ("src/a.py", 1, "TODO."),
        ("src/a.py", 2, "FIXME."),
        ("src/b.go", 1, "TODO."),
    ]
    assert {severity_of(hit) for _, hit in found} == {"information"}
    facts = {
        "a": {"markers": [[1, 1, "TODO", "TODO"], [2, 1, "FIXME", "FIXME"]]},
        "b": {"markers": [[1, 1, "TODO", "TODO"]]},
    }
    assert list(Audit(Options(), Path(), "x").notes(facts)) == ["3 work markers in what ships: 2 TODO, 1 FIXME"]


@pytest.mark.parametrize(("budget", "blocks"), [(3, False), (2, True)])
def test_a_budget_may_not_grow(budget: int, blocks: bool) -> None:
    """More markers than max-work-markers block, at the configuration that sets the limit."""
    over = [
        (path, hit)
        for path, hit in audit(FILES, Options(max_markers=budget))
        if hit.rule.endswith("work-marker-budget")
    ]
    assert bool(over) is blocks
    for path, hit in over:
        assert (path, severity_of(hit)) == ("readiness.toml", "blocking")
        assert hit.text == "3 work markers (2 TODO, 1 FIXME); max-work-markers in [placeholder-audit] allows 2."


def test_old_ones_are_found_by_git_blame(tmp_path: Path) -> None:
    """A marker older than max-marker-age is a finding with its age; a new one is not, nor one that is not committed."""
    (tmp_path / "src").mkdir()
    old = tmp_path / "src" / "old.py"
    old.write_text("# TODO: since long\nx = 1\n")
    commit(tmp_path, time.time() - 100 * 86400)
    old.write_text("# TODO: since long\nx = 1\n# FIXME: new\n")
    commit(tmp_path, time.time() - 2 * 86400)
    text = old.read_text() + "# HACK: not committed\n"
    old.write_text(text)
    found = audit({"src/old.py": text}, Options(max_age_days=30), tmp_path)
    assert [(hit.rule.partition("/")[2], hit.line) for _, hit in found] == [
        ("work-marker-age", 1),
        ("work-marker", 3),
        ("work-marker", 4),
    ]
    assert found[0][1].text == "TODO has been there for 100 days; max-marker-age in [placeholder-audit] allows 30."
    assert found[1][1].text == "FIXME, 2 days old."


def test_a_young_marker_ages_in_no_fingerprint(tmp_path: Path) -> None:
    """The anchor is the comment, so that a baseline still knows it tomorrow."""
    ((_, hit),) = audit({"a.py": "# TODO: x\n"}, Options(max_age_days=1), tmp_path)
    assert hit.anchor == "TODO: x"


def test_without_git_nothing_is_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of a work tree, and where git is not installed, no age is known and nothing fails."""
    assert [hit.rule for _, hit in audit(FILES, Options(max_age_days=1), tmp_path)] == [
        "placeholder-audit/work-marker"
    ] * 3
    monkeypatch.setenv("PATH", str(tmp_path))
    assert len(audit(FILES, Options(max_age_days=1), tmp_path)) == 3


def test_a_long_line_takes_no_longer_than_its_length() -> None:
    """Ten megabytes of markers in one line are passed in one go."""
    text = "# " + "TODO " * 2_000_000
    started = time.process_time()
    assert len(markers(text)) == 60  # those that are near enough to the comment's start
    assert time.process_time() - started < 2


def commit(folder: Path, when: float) -> None:
    """All of the folder is committed, at that time."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GIT_AUTHOR_DATE": f"{int(when)} +0000",
        "GIT_COMMITTER_DATE": f"{int(when)} +0000",
    }
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=folder, env=environ, check=True)
