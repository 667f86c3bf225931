"""What a user has after `pip install pytest-readiness[embedded]`: used in a folder of its own, with nothing else."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CONFIG = """
[service]
name = "shop"

[env.local]
kind = "embedded"

[database]
query-within = "5s"
connect-within = "5s"

[redis]
ping-within = "5s"
"""
WITHIN_S = 120


def _run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Returns how a command of this installation ended in `folder`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_", "PYTHONPATH"))}
    program = Path(sys.executable).parent / command[0]
    return subprocess.run(
        [program, *command[1:]],
        cwd=folder,
        env=kept,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )


def _judge(folder: Path, config: str) -> tuple[subprocess.CompletedProcess[str], Path]:
    (folder / "readiness.toml").write_text(config)
    return _run(folder, "pytest", "--env=local"), folder / "reports" / "local"


def test_package_is_the_installed_one(tmp_path: Path) -> None:
    """A user outside the repository imports what the wheel brought, checks included."""
    code = "import readiness.gate as gate; print(gate.__file__); print(*sorted(gate.checks_folder().glob('*.py')), sep='\\n')"
    done = _run(tmp_path, "python", "-c", code)
    assert done.returncode == 0, done.stderr
    module, *checks = map(Path, done.stdout.splitlines())
    if module.is_relative_to(ROOT / "readiness"):
        pytest.skip("an editable install is the repository itself; tox run -e wheel judges the wheel")
    assert {file.parent for file in checks} == {module.parent / "checks"}
    assert "test_health.py" in {file.name for file in checks}


def test_console_command_knows_the_schema(tmp_path: Path) -> None:
    """`readiness schema config` prints the JSON Schema that editors complete and check a readiness.toml with."""
    done = _run(tmp_path, "readiness", "schema", "config")
    assert done.returncode == 0, done.stderr
    schema = json.loads(done.stdout)
    assert {"env", "policy", "database", "redis"} <= schema["properties"].keys()


@pytest.mark.slow
def test_new_project_is_judged_go(tmp_path: Path) -> None:
    """A readiness.toml with two gates is all that a new project needs: GO, status 0, every report."""
    done, reports = _judge(tmp_path, CONFIG)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((reports / "report.json").read_text())
    assert report["decision"] == "GO"
    assert {"database/connects", "redis/ping"} <= {check["id"] for check in report["checks"]}
    assert {check["outcome"] for check in report["checks"]} == {"passed"}
    assert {"report.html", "junit.xml", "summary.md"} <= {file.name for file in reports.iterdir()}


@pytest.mark.slow
def test_missing_table_is_judged_no_go(tmp_path: Path) -> None:
    """What does not hold is NO-GO with a status that stops a deployment, and the report names it."""
    done, reports = _judge(tmp_path, CONFIG.replace("[redis]", 'tables = ["audit_logs"]\n[redis]'))
    assert done.returncode == 1, done.stdout + done.stderr
    report = json.loads((reports / "report.json").read_text())
    assert report["decision"] == "NO-GO"
    assert [reason["check"] for reason in report["reasons"]] == ["database/table[audit_logs]"]


def test_unknown_environment_is_refused(tmp_path: Path) -> None:
    """A configuration error is status 4, before anything is started, and leaves no report that could be mistaken."""
    (tmp_path / "readiness.toml").write_text(CONFIG)
    done = _run(tmp_path, "pytest", "--env=stagign")
    assert done.returncode == 4, done.stdout + done.stderr
    assert "local" in done.stderr + done.stdout
    assert not (tmp_path / "reports").exists()


def test_gate_without_its_extra_is_refused(tmp_path: Path) -> None:
    """What a gate lacks is said with the command that installs it, status 4, before anything is started."""
    if importlib.util.find_spec("yaml_rs") is not None:
        pytest.skip("the extra is installed; tox run -e wheel judges without it")
    done, reports = _judge(tmp_path, f'{CONFIG}\n[config-lint]\npaths = ["."]\n')
    assert done.returncode == 4, done.stdout + done.stderr
    assert "the gate config-lint needs an extra" in done.stderr
    assert 'pip install "pytest-readiness[static]"' in done.stderr
    assert not reports.exists()
