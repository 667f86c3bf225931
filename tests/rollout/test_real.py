"""Rollouts judged by whole runs: real pods, real requests, a real Prometheus, and what can go wrong with all of them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.project import Judged, Project, Site, serving_site
from tests.rollout.prometheus import Past, Rig, Running, ask
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

CONFIG = """
[service]
name = "shop"

[policy]
deadline = "60s"

[env.production]
kind = "live"

[rollout]
{source}
stages = ["10%", "25%", "50%", "100%"]
canary = 'track="canary"'
baseline = 'track="stable"'
every = "1s"
{times}

[[rollout.metric]]
name = "errors"
total = 'api_requests_total{{endpoint="/work"}}'
bad = 'api_requests_total{{endpoint="/work",status_code!~"2.."}}'
promote-below = "1%"
rollback-above = "20%"
{rule}

[[rollout.metric]]
name = "latency"
histogram = 'api_request_duration_seconds{{endpoint="/work"}}'
promote-slower-than = {{ edge = "100ms", below = "5%" }}
rollback-slower-than = {{ edge = "250ms", above = "5%" }}
{rule}
"""
STAGE = ("--gate=rollout", "--stage=25")


def project_of(
    folder: Path,
    prometheus: Running | None = None,
    *,
    source: str = "",
    observe: str = "40s",
    look_back: str = "",
    rule: str = "",
) -> Project:
    """Returns a repository whose rollout is observed for a short time."""
    project = Project(folder, Site("http://127.0.0.1:9"))
    given = source if prometheus is None else f'prometheus = "{prometheus.url}"'
    times = f'observe = "{observe}"' + (f'\nlook-back = "{look_back}"' if look_back else "")
    project.config(CONFIG.format(source=given, times=times, rule=rule))
    return project


def judge(project: Project) -> Judged:
    """Returns what a run says of the stage."""
    return project.judge("-p", "no:cacheprovider", *STAGE, env="production", within_s=150)


def rollout(judged: Judged) -> dict[str, Any]:
    """Returns what the report has of the rollout."""
    found: dict[str, Any] = judged.report["rollout"]
    return found


def reasons(judged: Judged) -> set[tuple[str, str]]:
    """Returns the codes of the reasons, each with its metric."""
    return {(each["code"], each["metric"]) for each in rollout(judged)["reasons"]}


def assert_action(judged: Judged, action: str, *words: str) -> None:
    """The run ended in NO-GO because of this action, and says these words."""
    judged.assert_no_go(*words)
    assert rollout(judged)["action"] == action, judged.out


@pytest.fixture
def rig() -> Iterator[Rig]:
    """Pods of two tracks that are not asked anything yet."""
    with Rig() as running:
        running.add_pods()
        yield running


# --- with a Prometheus ----------------------------------------------------------------------------------------------


def test_healthy_release_is_promoted(tmp_path: Path) -> None:
    """A stage that has been healthy for six minutes is promoted at the first look, and only then the status is 0."""
    past = Past.of(seconds=370, rps=20)
    with Rig() as rig:
        rig.add_pods(past)
        with rig.traffic(60):
            judged = judge(project_of(tmp_path, rig.prometheus(past), look_back="6m"))
    judged.assert_go()
    found = rollout(judged)
    assert (found["stage"], found["action"], found["targets"]) == (
        "25%",
        "promote",
        {"canary": [2, 2], "baseline": [2, 2]},
    )
    assert found["elapsed_s"] >= 300
    assert all(each["canary_requests"] > 10_000 and each["canary_bad"] == 0 for each in found["metrics"])
    assert judged.report["partial"]


def test_restart_of_all_pods_is_no_reason_to_roll_back(tmp_path: Path) -> None:
    """Counters that begin anew are counted from zero: a healthy release stays one, and its stage is promoted."""
    past = Past.of(seconds=370, rps=20)
    with Rig() as rig:
        rig.add_pods(past)
        with rig.traffic(60):
            prometheus = rig.prometheus(past)
            rig.restart_pods()
            wait_until(lambda: _fewest(prometheus) > 5, what="requests to the new processes")
            judged = judge(project_of(tmp_path, prometheus, look_back="6m"))
    assert rollout(judged)["action"] == "promote", judged.out
    assert all(each["canary_requests"] > 10_000 and each["canary_bad"] == 0 for each in rollout(judged)["metrics"])


def _fewest(prometheus: Running) -> float:
    """Returns the requests of the pod with the fewest; counters of the processes before stand far above."""
    found = ask(prometheus, 'min(api_requests_total{status_code="200"}) < 1000')
    return float(found[0]["value"][1]) if found else 0.0


def test_five_times_the_errors_are_rolled_back(rig: Rig, tmp_path: Path) -> None:
    """2 % in the baseline and 10 % in the canary end in a rollback, by comparison, long before the time is over."""
    for each in rig.pods:
        each.fault(errors=0.1 if each in rig.canary else 0.02)
    with rig.traffic(240):
        judged = judge(project_of(tmp_path, rig.prometheus()))
    assert_action(judged, "rollback")
    assert reasons(judged) == {("worse-than-baseline", "errors")}
    assert rollout(judged)["elapsed_s"] < 35
    assert judged.outcomes["rollout/latency"] != "unmeasured"


def test_slow_canary_is_rolled_back(rig: Rig, tmp_path: Path) -> None:
    """A canary that answers every request, and late, is rolled back because of its latency."""
    for each in rig.canary:
        each.fault(slow_s=0.3)
    with rig.traffic(80):
        judged = judge(project_of(tmp_path, rig.prometheus()))
    assert_action(judged, "rollback")
    assert reasons(judged) == {("worse-than-baseline", "latency")}


def test_native_histograms_of_a_slow_canary_are_read(tmp_path: Path) -> None:
    """Pods that have no classic buckets, scraped in protobuf: the same verdict, from buckets that Prometheus made."""
    with Rig() as rig:
        rig.add_pods(None, "--native")
        for each in rig.canary:
            each.fault(slow_s=0.3)
        with rig.traffic(80):
            prometheus = rig.prometheus(None, "--enable-feature=native-histograms")
            judged = judge(project_of(tmp_path, prometheus))
    assert_action(judged, "rollback")
    assert reasons(judged) == {("worse-than-baseline", "latency")}
    latency = next(each for each in rollout(judged)["metrics"] if each["name"] == "latency")
    assert latency["canary_bad"] == latency["canary_requests"] > 0
    assert latency["baseline_requests"] > 0 == latency["baseline_bad"]


def test_canary_that_is_down_is_rolled_back(rig: Rig, tmp_path: Path) -> None:
    """A canary none of whose pods answers for a minute, while it has weight, is rolled back."""
    prometheus = rig.prometheus()
    with rig.traffic(40):
        for each in rig.canary:
            each.stop()
        judged = judge(project_of(tmp_path, prometheus, observe="90s"))
    assert_action(judged, "rollback")
    assert reasons(judged) == {("canary-down", "")}
    assert rollout(judged)["targets"]["canary"] == [0, 2]


def test_canary_without_traffic_is_held(rig: Rig, tmp_path: Path) -> None:
    """A canary that is up, and that nobody asks, is not promoted: no errors are not health."""
    with rig.traffic(40, stage=0.01):
        prometheus = rig.prometheus()
    judged = judge(project_of(tmp_path, prometheus, observe="6s"))
    assert_action(judged, "hold", "no traffic")
    assert ("no-traffic", "errors") in reasons(judged)


def test_prometheus_that_stops_in_the_middle_is_no_measurement(rig: Rig, tmp_path: Path) -> None:
    """What could not be read any more is unmeasured, and nothing of what was read before promotes or rolls back."""
    prometheus = rig.prometheus()
    project = project_of(tmp_path, prometheus, observe="14s")
    command = project.command("-p", "no:cacheprovider", "--env=production", *STAGE)
    with (
        rig.traffic(40),
        subprocess.Popen(
            command,
            cwd=project.folder,
            env=project.environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process,
    ):
        try:
            wait_until(lambda: _looks(project.folder) >= 4, within_s=60, what="the fourth look")
            prometheus.stop()
            out, _ = process.communicate(timeout=90)
        finally:
            process.kill()
    judged = Judged(process.returncode, out, project.folder / "reports" / "production")
    assert_action(judged, "hold", "nothing listens on that port")
    assert judged.outcomes["rollout/decision"] == "unmeasured"
    assert all(each["canary_requests"] > 0 for each in rollout(judged)["metrics"]), "what was read before is told"


def _looks(folder: Path) -> int:
    for file in folder.rglob("rollout-state.json"):
        looks: int = json.loads(file.read_bytes())["looks"]
        return looks
    return 0


def test_shared_incident_is_held(rig: Rig, tmp_path: Path) -> None:
    """A third of all requests fail, in both arms: that is no fault of the canary, and no reason to promote it."""
    for each in rig.pods:
        each.fault(errors=0.33)
    with rig.traffic(120):
        judged = judge(project_of(tmp_path, rig.prometheus(), observe="12s", rule='rollback-for = "8s"'))
    assert_action(judged, "hold", "in the baseline too")
    assert ("shared-incident", "errors") in reasons(judged)


# --- without one ----------------------------------------------------------------------------------------------------


def scraped(rig: Rig) -> str:
    """Returns the configuration that names each pod's own address."""
    inner = ", ".join(f'{{ url = "{each.url}/metrics", labels = {{ track = "{each.track}" }} }}' for each in rig.pods)
    return f"scrape = [{inner}]"


def test_pods_are_scraped_directly(rig: Rig, tmp_path: Path) -> None:
    """Without a Prometheus the pods' own /metrics are read, and five times the errors are rolled back as well."""
    for each in rig.pods:
        each.fault(errors=0.1 if each in rig.canary else 0.02)
    with rig.traffic(240):
        judged = judge(project_of(tmp_path, source=scraped(rig)))
    assert_action(judged, "rollback")
    assert reasons(judged) == {("worse-than-baseline", "errors")}


def test_scraped_pods_that_restart_are_held(rig: Rig, tmp_path: Path) -> None:
    """All pods restart while they are scraped: nothing is rolled back, and so short a stage is not promoted."""
    project = project_of(tmp_path, source=scraped(rig), observe="12s")
    command = project.command("-p", "no:cacheprovider", "--env=production", *STAGE)
    with (
        rig.traffic(60),
        subprocess.Popen(
            command,
            cwd=project.folder,
            env=project.environ(),
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process,
    ):
        try:
            wait_until(lambda: _looks(project.folder) >= 3, within_s=60, what="the third look")
            rig.restart_pods()
            out, _ = process.communicate(timeout=90)
        finally:
            process.kill()
    judged = Judged(process.returncode, out, project.folder / "reports" / "production")
    assert_action(judged, "hold")
    assert {code for code, _ in reasons(judged)} & {"too-early"}
    assert all(each["canary_bad"] == 0 for each in rollout(judged)["metrics"])


@pytest.mark.parametrize("is_scraped", [False, True])
def test_counters_that_come_with_the_first_request(is_scraped: bool, tmp_path: Path) -> None:
    """The canary waits for its first request, which is no gap: all that it counts then is there, and the stage whole."""
    with Rig() as rig:
        rig.add_pods(None, "--lazy")
        source = scraped(rig) if is_scraped else f'prometheus = "{rig.prometheus().url}"'
        project = project_of(tmp_path, source=source, observe="14s")
        command = project.command("-p", "no:cacheprovider", "--env=production", *STAGE)
        with (
            rig.traffic(40, stage=0.0),
            subprocess.Popen(
                command,
                cwd=project.folder,
                env=project.environ(),
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
            ) as process,
        ):
            try:
                wait_until(lambda: _looks(project.folder) >= 4, within_s=60, what="the fourth look")
                with rig.traffic(40, stage=1.0):
                    out, _ = process.communicate(timeout=90)
            finally:
                process.kill()
    judged = Judged(process.returncode, out, project.folder / "reports" / "production")
    assert_action(judged, "hold", "promotion needs 300 s")
    assert {code for code, _ in reasons(judged)} <= {
        "inconclusive",
        "too-early",
        "rule-unknown",
        "not-shown-to-be-below-limit",
    }
    assert all(each["canary_requests"] > 50 for each in rollout(judged)["metrics"])
    assert all(each["baseline_requests"] > 200 for each in rollout(judged)["metrics"])


# --- among other gates ----------------------------------------------------------------------------------------------


def test_stage_that_is_named_decides_although_it_is_not_required(rig: Rig, tmp_path: Path) -> None:
    """A policy that lists other gates makes no GO of a rollback."""
    for each in rig.canary:
        each.fault(errors=0.5)
    with serving_site() as site, rig.traffic(80):
        project = project_of(tmp_path, source=scraped(rig))
        text = (tmp_path / "readiness.toml").read_text().replace("[policy]", '[policy]\nrequired = ["health"]')
        text = (
            text.replace('kind = "live"', f'kind = "live"\nurl = "{site.url}"')
            + '\n[health]\nendpoints = ["/health"]\n'
        )
        project.config(text)
        judged = project.judge("-p", "no:cacheprovider", "--stage=25", env="production")
    assert_action(judged, "rollback")
    assert judged.outcomes["health/endpoint[/health]"] == "passed"
