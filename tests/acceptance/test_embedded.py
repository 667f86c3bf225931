"""The main job: the example on embedded PostgreSQL and Redis, healthy and with faults switched on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.acceptance.conftest import Judged, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = Path(__file__).parents[2] / "examples" / "compliance-kit"
pytestmark = pytest.mark.slow
INTERRUPTED = 2


class Example:
    """A copy of the example, judged by real pytest runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self, *args: str, **extra: str) -> subprocess.Popen[str]:
        """Returns a run under way."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
        command = [sys.executable, "-m", "pytest", "-p", "no:randomly", "--env=local", *args]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=kept | {"COLUMNS": "200"} | extra,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def finish(self, process: subprocess.Popen[str], within_s: float = 90) -> Judged:
        """Waits for it and returns what it left."""
        try:
            out, _ = process.communicate(timeout=within_s)
        finally:
            process.kill()
        return Judged(process.returncode, out, self.folder / "reports" / "local")

    def judge(self, *args: str, **extra: str) -> Judged:
        """Runs pytest to its end."""
        return self.finish(self.start(*args, **extra))


@pytest.fixture
def example(tmp_path: Path) -> Iterator[Example]:
    """The example in a folder with a space in its name; nothing of a run is left at the end."""
    folder = tmp_path / "compliance kit"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", "reports", ".pytest_cache"))
    shutil.copytree(EXAMPLE.parent / "service_base", tmp_path / "service_base")
    yield Example(folder)
    wait_until(lambda: not started_from(folder), 10)


def started_from(folder: Path) -> list[psutil.Process]:
    """Returns the processes whose current folder is the example's: its service, and what runs for it."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def descendants(process: subprocess.Popen[str], word: str) -> list[psutil.Process]:
    """Returns the processes below a run whose command line has the word."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
        return [child for child in children if word in " ".join(child.cmdline())]
    except psutil.Error:
        return []


@pytest.mark.parametrize("way", [(), ("-n2",)])
def test_healthy_example_is_go(example: Example, way: tuple[str, ...]) -> None:
    """All three gates were judged, on real servers, at -n0 and at -n2."""
    judged = example.judge(*way)
    judged.assert_go()
    assert {"database/accepts-writes", "database/table[audit_logs]", "redis/round-trip", "health/version"} <= set(
        judged.outcomes
    )
    assert set(judged.outcomes.values()) == {"passed"}
    assert {"report.json", "report.html", "junit.xml", "service.log"} <= {path.name for path in judged.folder.iterdir()}
    assert "readiness: starting PostgreSQL" in judged.out


@pytest.mark.parametrize(
    ("fault", "failing"),
    [
        ("health-503", ["health/endpoint[/health]", "health/version"]),
        ("health-says-down", ["health/endpoint[/health]"]),
        ("health-not-json", ["health/endpoint[/health]", "health/version"]),
        ("slow-health=800ms", ["health/endpoint[/health]"]),
        ("db-disconnected", ["health/endpoint[/health/db]"]),
        ("old-version", ["health/version"]),
        ("flags-500", ["health/endpoint[/feature-flags/status]", "flags/service"]),
    ],
)
def test_fault_is_found_and_no_other_check_fails(example: Example, fault: str, failing: list[str]) -> None:
    """Each fault trips the right checks."""
    judged = example.judge(FAULTS=fault)
    judged.assert_no_go()
    bad = [check for check, outcome in judged.outcomes.items() if outcome != "passed"]
    assert set(failing) <= set(bad), judged.why
    assert {check.partition("/")[0] for check in bad} == {check.partition("/")[0] for check in failing}, judged.why


@pytest.mark.parametrize("fault", ["never-ready", "exits-at-start"])
def test_service_that_does_not_come_up(example: Example, fault: str) -> None:
    """NO-GO with the service's last log lines and the remedy, once, also on the terminal; no check is run."""
    text = (example.folder / "readiness.toml").read_text()
    (example.folder / "readiness.toml").write_text(text.replace('ready-within = "30s"', 'ready-within = "5s"'))
    judged = example.judge(FAULTS=fault)
    judged.assert_no_go("The environment did not come up")
    assert [reason["outcome"] for reason in judged.report["reasons"]] == ["environment", "not-run"]
    last = (judged.folder / "service.log").read_text().splitlines()[-1]
    assert f"      > {last}"[:150] in judged.out
    assert "    Correct `" in judged.out
    assert set(judged.outcomes.values()) == {"not-run"}
    assert "service.log" in {path.name for path in judged.folder.iterdir()}


def test_service_that_dies_half_way(example: Example) -> None:
    """The report says that it ended, and how."""
    judged = example.judge(FAULTS="dies-after=12")
    judged.assert_no_go("status 3")


HANGS = """
import pathlib, time
from readiness import check

@check("own/hangs")
def test_hangs(measure, folder):
    (folder / "hangs").touch()
    end = time.monotonic() + 60
    while not (folder / "go on").exists() and time.monotonic() < end:
        time.sleep(0.02)
    measure("x", 1)
"""


def hanging(example: Example) -> Path:
    """Adds a check that waits until the file "go on" is there; returns the file that it makes when it runs."""
    (example.folder / "checks").mkdir()
    (example.folder / "checks" / "test_a.py").write_text(HANGS)
    return example.folder / "hangs"


def test_postgresql_killed_during_the_run(example: Example) -> None:
    """Where the database dies, the run is no GO, whatever had passed before."""
    mark = hanging(example)
    process = example.start()
    wait_until(mark.exists, 60)
    for server in descendants(process, "-D"):
        if "postgres" in server.name():
            server.kill()
    (example.folder / "go on").touch()
    example.finish(process).assert_no_go("environment", "PostgreSQL")


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_the_run(example: Example, kind: signal.Signals) -> None:
    """Kill -9, SIGTERM and Ctrl-C: servers and service are gone within 10 s, and a NO-GO is there."""
    mark = hanging(example)
    process = example.start()
    wait_until(mark.exists, 60)
    started = psutil.Process(process.pid).children(recursive=True)
    assert any("postgres" in child.name() for child in started)
    os.kill(process.pid, kind)
    judged = example.finish(process)
    _, alive = psutil.wait_procs(started, timeout=10)
    assert alive == []
    assert judged.report["decision"] == "NO-GO"


def preparing(example: Example) -> Path:
    """Adds a command that prepares for a minute; returns the file that it makes when it runs."""
    config = example.folder / "readiness.toml"
    command = 'prepare = [["sh", "-c", "touch preparing; sleep 60"], '
    config.write_text(config.read_text().replace("prepare = [", command))
    return example.folder / "preparing"


@pytest.mark.parametrize("way", [(), ("-n2",)])
def test_terminated_while_the_environment_comes_up(example: Example, way: tuple[str, ...]) -> None:
    """The run was interrupted, with the status for it; nothing is wrong with the environment."""
    mark = preparing(example)
    process = example.start("--gate=health", *way)
    wait_until(mark.exists, 60)
    os.kill(process.pid, signal.SIGTERM)
    judged = example.finish(process)
    judged.assert_no_go("The run was ended by SIGTERM", status=INTERRUPTED)
    assert "did not come up" not in judged.why
    assert "internal error" not in judged.why


@pytest.mark.parametrize("way", [(), ("-n2",)])
def test_deadline_while_the_environment_comes_up(example: Example, way: tuple[str, ...]) -> None:
    """The reason is told in its own words."""
    preparing(example)
    judged = example.judge("--gate=health", "--readiness-deadline=6s", *way)
    judged.assert_no_go("6 s")
    assert "Exit" not in judged.why


def test_two_runs_at_the_same_time(example: Example) -> None:
    """Ports and folders do not clash."""
    runs = [example.start(f"--readiness-reports=reports-{number}") for number in (1, 2)]
    for number, process in enumerate(runs, 1):
        judged = example.finish(process)
        assert judged.status == 0, judged.out
        report = json.loads((example.folder / f"reports-{number}" / "report.json").read_text())
        assert report["decision"] == "GO"


def test_plan_starts_nothing(example: Example) -> None:
    """`--collect-only` lists the checks and leaves no trace."""
    judged = example.judge("--collect-only")
    assert judged.status == 0, judged.out
    assert "database/table[audit_logs]" in judged.out
    assert "starting" not in judged.out
    assert not judged.folder.exists()
