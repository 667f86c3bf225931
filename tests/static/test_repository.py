"""The probe `repository` in real runs: one scan for all gates, checks and workers, kept between runs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.project import Judged, Project, Site
from tests.static.engine import write

pytestmark = pytest.mark.slow

CONFIG = """
[service]
name = "shop"

[policy]
deadline = "60s"

[env.production]
kind = "live"

[placeholder-audit]
paths = ["."]
"""
LINT = '\n[config-lint]\npaths = ["."]\n'
SECRETS = '\n[security-scan]\nsecrets = { paths = ["."] }\n'
CRITICAL = "placeholder-audit/critical"
BLANK = "api:\n  password: change" + "me\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A repository without a service: its environment has no address at all."""
    made = Project(tmp_path, Site("http://127.0.0.1:9"))
    made.config(CONFIG)
    write(tmp_path, {"app.yaml": "name: shop\n", "src/main.py": "print('hello')\n", "docs/notes.md": "# Notes\n"})
    return made


def judge(project: Project, *args: str) -> Judged:
    """Returns what a run says."""
    return project.judge(*args, env="production")


def measured(judged: Judged, check: str = CRITICAL) -> dict[str, Any]:
    """Returns the measurements of a check by their names."""
    return {each["name"]: each["value"] for each in judged.check(check)["measurements"]}


def test_no_target_is_needed(project: Project) -> None:
    """An environment without any address is judged by its repository."""
    judged = judge(project)
    judged.assert_go()
    assert measured(judged)["files read"] == 4


def test_finding_is_no_go(project: Project) -> None:
    """What was left to be filled in blocks, with its place and a fingerprint."""
    write(project.folder, {"app.yaml": BLANK})
    judged = judge(project)
    judged.assert_no_go("app.yaml:2:")
    (found,) = (each for each in judged.check(CRITICAL)["findings"] if each["severity"] == "blocking")
    assert (found["path"], found["line"], len(found["fingerprint"])) == ("app.yaml", 2, 32)


def test_reports_are_not_scanned(project: Project) -> None:
    """What one run writes about a finding is no finding of the next, of this or of another environment."""
    write(project.folder, {"app.yaml": BLANK})
    project.extend_config('\n[env.staging]\nkind = "live"\n')
    judge(project).assert_no_go()
    project.judge(env="staging").assert_no_go()
    assert {each["path"] for each in judge(project).check(CRITICAL)["findings"]} == {"app.yaml"}


def test_second_run_takes_from_the_cache(project: Project) -> None:
    """A second run says how many files it knew; `--cache-clear` and a run without pytest's cache know none."""
    assert measured(judge(project))["files unchanged since they were read"] == 0
    assert measured(judge(project))["files unchanged since they were read"] == 4
    write(project.folder, {"app.yaml": BLANK})
    judged = judge(project)
    judged.assert_no_go("app.yaml")
    assert measured(judged)["files unchanged since they were read"] == 3
    assert measured(judge(project, "-p", "no:cacheprovider"))["files unchanged since they were read"] == 0
    assert measured(judge(project, "--cache-clear"))["files unchanged since they were read"] == 0


def test_all_gates_of_a_run_share_one_walk(project: Project) -> None:
    """Each gate judges its own files, and each check of it says how many."""
    project.extend_config(LINT + SECRETS)
    judged = judge(project)
    judged.assert_go()
    assert measured(judged, "config-lint/syntax")["files read"] == 2  # readiness.toml and app.yaml
    assert measured(judged, "security-scan/secrets")["files read"] >= 3
    assert judge(project, "--gate=config-lint").outcomes.keys() == {
        f"config-lint/{name}" for name in ("syntax", "schema", "semantics", "drift")
    }


def test_workers_share_one_scan(project: Project) -> None:
    """With pytest-xdist the tree is read once, and the decision and the findings are the same."""
    project.extend_config(LINT + SECRETS)
    write(project.folder, {"app.yaml": BLANK})
    # Each scan appends a line; the plugin is loaded in every worker.
    load = project.plugin(
        "import os\n"
        "import readiness.static.scan as scan\n"
        "real = scan.Walk.files\n"
        "def files(self):\n"
        "    with open(os.environ['SCANS'], 'a') as file:\n"
        "        file.write('scan\\n')\n"
        "    return real(self)\n"
        "scan.Walk.files = files\n"
    )
    alone, scans = judge(project), project.folder.parent / "scans"
    judged = project.judge("-n2", *load, env="production", SCANS=str(scans))
    judged.assert_no_go("app.yaml")
    assert scans.read_text() == "scan\n"

    def found(run: Judged) -> list[Any]:
        return sorted((check["id"], json.dumps(check["findings"])) for check in run.report["checks"])

    assert [each for each in found(judged) if "plug.py" not in each[1]] == found(alone)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ('[placeholder-audit]\npaths = ["gone"]', '[placeholder-audit] paths[0]: "gone" does not exist'),
        ('[placeholder-audit]\npaths = ["gone/*.yaml"]', '[placeholder-audit] paths[0]: "gone" does not exist'),
        ('[placeholder-audit]\npaths = [".."]', "[placeholder-audit] paths[0]: the path leads out"),
        ('[placeholder-audit]\npaths = ["/etc"]', "[placeholder-audit] paths[0]: the path leads out"),
        ("[placeholder-audit]\npaths = []", "[placeholder-audit] paths"),
        ('[placeholder-audit]\npaths = ["."]\nmax-file-size = 5', "[placeholder-audit] max-file-size"),
        ("[security-scan]", "[security-scan]: the table names nothing to scan"),
        ('[security-scan]\nsecrets = { paths = ["gone"] }', '[security-scan] secrets.paths[0]: "gone" does not exist'),
        ('[config-lint]\npaths = ["."]\nschemas = { "*.x" = "gone.json" }', '"gone.json" does not exist'),
        ('[config-lint]\npaths = ["."]\nschemas = { "*.x" = "app.yaml" }', '"app.yaml" is not JSON'),
    ],
)
def test_paths_that_are_not_there_are_refused(project: Project, config: str, says: str) -> None:
    """Before anything is contacted; file, table and key are named."""
    project.config(CONFIG.partition("[placeholder-audit]")[0] + config)
    judged = judge(project)
    assert judged.status == 4, judged.out
    assert f"readiness.toml: {says}" in judged.out or says in judged.out


@pytest.mark.parametrize(
    ("paths", "says"),
    [
        ('["src/*.toml"]', "no file was found for 'src/*.toml' (readiness.toml [placeholder-audit] paths)"),
        ('["empty"]', "no file was found for 'empty'"),
        ('[".", "empty"]', "no file was found for 'empty'"),
    ],
)
def test_pattern_without_files_is_unmeasured(project: Project, paths: str, says: str) -> None:
    """Absence of evidence is NO-GO, cannot be waived, and says which path it was."""
    (project.folder / "empty").mkdir()
    project.config(CONFIG.replace('["."]', paths))
    judged = judge(project)
    judged.assert_no_go(says)
    assert judged.outcomes[CRITICAL] == "unmeasured"


def test_deadline_in_the_scan_is_unmeasured(project: Project) -> None:
    """The budget of the run ends a scan that takes too long; the reports are there."""
    load = project.plugin(
        "import time\n"
        "import readiness.static.placeholders as placeholders\n"
        "real = placeholders.make\n"
        "def make(*args, **options):\n"
        "    analyser = real(*args, **options)\n"
        "    type(analyser).analyse = lambda self, source: time.sleep(60)\n"
        "    return analyser\n"
        "placeholders.make = make\n"
    )
    judged = judge(project, *load, "--readiness-deadline=3s")
    judged.assert_no_go("deadline")


def test_nothing_is_imported_without_an_environment(project: Project) -> None:
    """A pytest run that judges nothing loads nothing of this."""
    project.write("test_own.py", "import sys\ndef test_own():\n    assert 'readiness.static' not in sys.modules\n")
    judged = project.judge("test_own.py", env=None)
    assert judged.status == 0, judged.out


def test_plan_reads_nothing(project: Project) -> None:
    """`--collect-only` lists the checks; no file is read and nothing is kept."""
    judged = judge(project, "--collect-only")
    assert judged.status == 0, judged.out
    assert CRITICAL in judged.out
    assert not (project.folder / ".pytest_cache" / "d").exists()


def test_cache_that_cannot_be_written(project: Project) -> None:
    """A file where pytest's cache should be costs nothing but the cache."""
    (project.folder / ".pytest_cache").write_text("in the way")
    judged = judge(project, "-W", "ignore")
    judged.assert_go()


def test_cache_that_is_committed_is_not_believed(project: Project) -> None:
    """Whoever can commit a file could say of any content that nothing was found in it."""
    subprocess.run(["git", "init", "-q"], cwd=project.folder, check=True)
    judge(project).assert_go()
    subprocess.run(["git", "add", "-f", ".pytest_cache"], cwd=project.folder, check=True)
    assert measured(judge(project))["files unchanged since they were read"] == 0


def test_what_git_tracks_is_judged_although_it_is_ignored(project: Project) -> None:
    """The placeholder in a committed file ships, whatever `.gitignore` says."""
    subprocess.run(["git", "init", "-q"], cwd=project.folder, check=True)
    write(project.folder, {".gitignore": "hidden.yaml\n", "hidden.yaml": BLANK})
    judge(project).assert_go()
    subprocess.run(["git", "add", "-f", "hidden.yaml"], cwd=project.folder, check=True)
    judge(project).assert_no_go("hidden.yaml:2")


def test_folder_of_the_reports_hides_nothing(project: Project) -> None:
    """Reports are written where the command line says; what else is there is judged."""
    write(project.folder, {"src/app.yaml": BLANK})
    judged = project.judge("--readiness-reports=src", env="production")
    assert judged.status == 1
    assert "src/app.yaml:2" in judged.out
