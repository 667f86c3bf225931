"""The secrets scan in real runs: nothing of a secret in any file that a run leaves, and the baseline from end to end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project import Judged, Project, Site
from tests.static.secrets.drawing import drawn
from tests.static.secrets.labelled import FOUND, runs

pytestmark = pytest.mark.slow

CONFIG = """
[service]
name = "shop"

[policy]
deadline = "60s"

[env.production]
kind = "live"

[security-scan]
secrets = { paths = ["."] }
"""
CHECK = "security-scan/secrets"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A repository without a service."""
    made = Project(tmp_path, Site("http://127.0.0.1:9"))
    made.config(CONFIG)
    return made


def judge(project: Project, *args: str) -> Judged:
    return project.judge(*args, env="production")


def test_no_file_of_a_run_holds_a_part_of_a_secret(project: Project) -> None:
    """Not the terminal, not a report in any format, and not what is kept for the next run."""
    for number, sample in enumerate(FOUND):
        project.write(f"s{number}/{sample.path}", sample.text)
    judged = judge(project)
    judged.assert_no_go("Its hash is ")
    assert len(judged.check(CHECK)["findings"]) >= len(FOUND)
    left = [path for folder in (judged.folder, project.folder / ".pytest_cache") for path in folder.rglob("*")]
    written = [judged.out, *(path.read_bytes().decode("utf-8", "replace") for path in left if path.is_file())]
    assert len(written) > 5
    for sample in FOUND:
        secret = runs(sample, 8)
        assert not [run for run in secret for text in written if run in text], str(sample)


def test_known_secrets_pass_until_their_last_day(project: Project) -> None:
    """Written from a report, given an owner, a reason and an end; one that vanished is counted."""
    project.write("app.py", drawn('A = "ghp_{b62:36}"\nB = "glpat-{url:20}"\n', "runs"))
    judge(project).assert_no_go("A GitHub token", "A GitLab token")
    command = [sys.executable, "-m", "readiness.cli", "baseline", "write", "--file=.secrets.baseline"]
    done = subprocess.run(command, cwd=project.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    project.config(CONFIG.replace('["."]', '["."], baseline = ".secrets.baseline"'))
    judge(project).assert_no_go("its baseline entry needs an owner, a reason and a last day")

    file = project.folder / ".secrets.baseline"
    header, *rows = json.loads(file.read_text())
    assert len(rows) == 2
    for row in rows:
        row |= {"owner": "a@shop.io", "reason": "being rotated", "expires": "2999-12-31"}
    file.write_text(json.dumps([header, *rows]))
    judged = judge(project)
    judged.assert_go()
    assert judged.report["baseline"] == {
        "file": ".secrets.baseline", "entries": 2, "known": 2, "expired": 0, "vanished": 0, "unobserved": 0
    }  # fmt: skip

    project.write("app.py", "\n\n" + drawn('A = "ghp_{b62:36}"\n', "runs2"))
    judged = judge(project)
    judged.assert_no_go("app.py:3:6: A GitHub token")
    assert judged.report["baseline"]["vanished"] == 2
