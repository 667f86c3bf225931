"""The examples' rollouts: their tables can be followed, their rules fire, and a bad release of the kit is rolled back."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.contrib import system_prometheus
from tests.examples.systems import EXAMPLES, System
from tests.project import Judged, Project, Site
from tests.rollout.prometheus import Rig, ask
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Backends, StartService

CHECKS = {
    "compliance-kit": {
        "rollout/data",
        "rollout/errors",
        "rollout/latency",
        "rollout/flag-evaluations",
        "rollout/decision",
    },
    "compliance-agent": {"rollout/data", "rollout/errors", "rollout/latency", "rollout/decision"},
    "doppelganger-studio": {"rollout/data", "rollout/errors", "rollout/latency", "rollout/decision"},
    "rag-chatbot": {"rollout/data", "rollout/errors", "rollout/latency", "rollout/decision"},
}
BODY = json.dumps({"mapping_name": "iso-27001", "user_id": "u-1"})
EVALUATE = (
    f"POST /evaluate HTTP/1.1\r\nHost: kit\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n{BODY}"
).encode()


def fetched(name: str, tmp_path: Path) -> Path:
    """Returns the folder of a copy of the example, with the advisories that a job fetches before it judges production."""
    folder = System(name, tmp_path).folder
    (folder / "advisories.zip").touch()
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", CHECKS)
def test_plan_names_the_checks_of_the_rollout(name: str, tmp_path: Path) -> None:
    """The table of production is valid, and whoever lacks its variables is told so."""
    folder = fetched(name, tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "readiness.plugin", "--env=production", "--collect-only"],
        cwd=folder,
        env={"PATH": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    planned = {line.split()[0] for line in done.stdout.splitlines() if line.startswith("rollout/")}
    assert planned == CHECKS[name]
    assert "missing: environment variable PRODUCTION_DATABASE_URL is not set" in done.stdout
    assert "today's traffic" not in done.stdout, "nobody is contacted unless the gate is named"


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*/prometheus/*_test.yml")), ids=lambda file: file.parts[-3])
def test_rules_fire_at_their_limits(file: Path) -> None:
    """Each rule that is shipped passes promtool's unit tests, and each has one."""
    _, promtool = system_prometheus()
    done = subprocess.run([promtool, "test", "rules", file], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rules = file.with_name(file.name.replace("_test", "")).read_text()
    names = [line.split()[-1] for line in rules.splitlines() if "- alert:" in line]
    tested = file.read_text()
    assert names
    assert all(tested.count(f"alertname: {name}") >= 2 for name in names)


@pytest.mark.slow
def test_release_with_errors_is_rolled_back(backends: Backends, start_service: StartService, tmp_path: Path) -> None:
    """A third of the canary's evaluations fail: the kit's own table, alerts included, ends in a rollback."""
    kit = EXAMPLES / "compliance-kit"
    with Rig() as rig:
        for track, faults in (("canary", "errors=30%"), ("canary", "errors=30%"), ("stable", ""), ("stable", "")):
            rig.adopt(start_service(backends, faults=faults).http.base_url.port or 0, track)
        with rig.traffic(60, request=EVALUATE):
            prometheus = rig.prometheus(rules=(kit / "prometheus/alerts.yml").read_text())
            wait_until(
                lambda: ask(prometheus, 'api_requests_total{track="canary",status_code="500"} > 0'), what="errors"
            )
            text = (kit / "readiness.toml").read_text(encoding="utf-8")
            for there, here in (
                ("http://prometheus:9090", prometheus.url),
                ('observe = "30m"', 'observe = "6m"\nevery = "1s"'),
            ):
                assert text.count(there) == 1
                text = text.replace(there, here)
            project = Project(fetched("compliance-kit", tmp_path), Site("http://127.0.0.1:9"))
            project.config(text)
            judged: Judged = project.judge(
                "--gate=rollout",
                "--stage=25",
                env="production",
                within_s=120,
                PRODUCTION_DATABASE_URL=backends.database_url,
                PRODUCTION_REDIS_URL=backends.redis_url,
            )
    judged.assert_no_go("rollback")
    found = judged.report["rollout"]
    assert (found["action"], found["stage"]) == ("rollback", "25%")
    assert {(each["code"], each["metric"]) for each in found["reasons"]} == {("worse-than-baseline", "errors")}
    assert {each["name"] for each in found["metrics"]} == {"errors", "latency", "flag-evaluations"}
    assert all(each["canary_requests"] and each["baseline_requests"] for each in found["metrics"]), "all are counted"
