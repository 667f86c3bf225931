"""The past judged again, and the plan: with a real Prometheus, by the commands that a user types."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from readiness.errors import UsageError
from readiness.rollout.backtest import Request, iso, moment_of, run
from readiness.rollout.prometheus_api import Found
from readiness.rollout.recording import write
from tests.project import Project
from tests.rollout.prometheus import Past, Rig, Running
from tests.rollout.test_real import project_of
from tests.rollout.test_recording import table
from tests.waiting import wait_until


def test_moments_are_read_in_every_form() -> None:
    """UTC unless it says otherwise, seconds since the epoch, a length of time ago, or now."""
    forms = ("2026-11-21T13:00:00Z", "2026-11-21T13:00:00", "2026-11-21T15:00:00+02:00", "1795266000", "1h", "now")
    now_s = 1795269600.0
    assert [moment_of(each, now_s, "--from") for each in forms] == [*[1795266000.0] * 5, now_s]
    assert iso(1795266000.0) == "2026-11-21T13:00:00Z"


@pytest.mark.parametrize("text", ["yesterday", "nan", "inf", "1e30", "-5", "9999999d", "0001-01-01T00:00:00+14:00"])
def test_moment_that_cannot_be_read_is_refused(text: str) -> None:
    """It says which option, and what is expected."""
    with pytest.raises(UsageError, match=f"--from={re.escape(text)}: expected a time such as"):
        moment_of(text, 1795269600.0, "--from")


def replayed(tmp_path: Path, start_s: float, end_s: float, **more: Any) -> tuple[int, dict[str, Any]]:
    """Returns what is said of three hours with a canary from 10:00 on: few requests of both tracks, none of them bad."""
    tmp_path.mkdir(exist_ok=True)
    file, ten_s = tmp_path / "past.jsonl", 1795255200.0
    series = []
    for track in ("canary", "stable"):
        times = tuple(ten_s + 15 * number for number in range(480))
        if track == "stable":
            times = tuple(ten_s - 3600 + 15 * number for number in range(720))
        labels = {"instance": f"{track}:80", "track": track}
        series.append(Found({"__name__": "up", **labels}, times, (1.0,) * len(times)))
        for name, each in (("all_total", 1), ("bad_total", 0)):
            values = tuple(float(each * number) for number in range(len(times)))
            series.append(Found({"__name__": name, **labels}, times, values))
    metric = {"name": "errors", "total": "all_total", "bad": "bad_total", "promote-below": "1%"}
    write(file, ten_s - 3600, ten_s + 7200, series)
    said: list[str] = []
    request = Request("production", 0.25, iso(ten_s + start_s), iso(ten_s + end_s), 0.0, None, file, as_json=True)
    made = table(metric=[metric], **more)
    status = run(made, request, tmp_path, make_http=_no_http, redact=str, write=said.append)
    return status, json.loads(said[0])


def _no_http(*_: object) -> Any:
    raise AssertionError("a recording asks nobody")


def test_replay_ends_where_the_gate_would_have(tmp_path: Path) -> None:
    """After the time to observe, and what of the stage the gate may look back on: without an answer it is inconclusive."""
    status, said = replayed(tmp_path, 0, 7200, observe="30m")
    assert (status, said["action"], said["ended"]) == (1, "hold", "the time to observe was over")
    assert 1740 <= said["points"][-1]["elapsed_s"] <= 1800
    assert said["points"][-1]["reasons"][0]["code"] == "inconclusive"
    _, longer = replayed(tmp_path / "2", 0, 7200, observe="30m", **{"look-back": "10m"})
    assert 2340 <= longer["points"][-1]["elapsed_s"] <= 2400


def test_replay_waits_for_the_canary(tmp_path: Path) -> None:
    """A window may begin before there was one: nobody waits, and the time to observe begins with the canary."""
    _, said = replayed(tmp_path, -1800, 7200, observe="30m")
    assert said["ended"] == "the time to observe was over"
    assert 1700 <= said["points"][-1]["elapsed_s"] <= 1800
    _, never = replayed(tmp_path / "2", -1800, -600)
    assert never["ended"] == "the time to replay was over"
    assert never["points"][-1]["reasons"][0]["code"] == "unreadable"


@dataclass
class Scene:
    """A rollout whose canary was healthy for six minutes and then failed a tenth of its requests."""

    project: Project
    past: Past
    prometheus: Running

    def backtest(self, *args: str) -> tuple[int, str]:
        """Returns status and output of the command."""
        done = subprocess.run(
            [sys.executable, "-m", "readiness.cli", "rollout", "backtest", "--env=production", "--stage=25", *args],
            cwd=self.project.folder,
            env=self.project.environ(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def said(self, *args: str) -> tuple[int, dict[str, Any]]:
        """Returns status and document of the command."""
        status, out = self.backtest("--json", *args)
        document: dict[str, Any] = json.loads(out)
        return status, document


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One for all tests of this file; none of them changes it."""
    past = Past.of(seconds=370, rps=20)
    with Rig() as rig:
        rig.add_pods(past)
        with rig.traffic(80):
            prometheus = rig.prometheus(past)
            project = project_of(tmp_path_factory.mktemp("scene"), prometheus, observe="10m")
            for each in rig.canary:
                each.fault(errors=0.1)
            scene = Scene(project, past, prometheus)
            wait_until(
                lambda: scene.backtest("--from=25s")[0] == 1 and "rollback" in scene.backtest("--from=25s")[1], 60
            )
            yield scene


@pytest.mark.slow
def test_healthy_past_is_promoted_when_it_was_shown(scene: Scene) -> None:
    """After the 5 minutes that promotion asks for and not before; exit status 0 means that."""
    status, said = scene.said(f"--from={scene.past.start_s + 10}", f"--to={scene.past.start_s + 340}")
    assert (status, said["action"], said["ended"]) == (0, "promote", "it was decided")
    assert 300 <= said["points"][-1]["elapsed_s"] < 303
    assert {each["action"] for each in said["points"][:-1]} == {"hold"}
    assert said["decided"] == said["points"][-1]["time"]


@pytest.mark.slow
def test_too_short_a_past_is_held(scene: Scene) -> None:
    """The table says why, in the words of the gate; exit status 1."""
    status, out = scene.backtest(f"--from={scene.past.start_s + 10}", f"--to={scene.past.start_s + 60}", "--step=5s")
    assert status == 1
    assert "promotion needs 300 s and 10" in out
    assert "hold at " in out
    assert "the time to replay was over" in out
    assert "looks" in out.splitlines()[0]


@pytest.mark.slow
def test_recording_says_the_same_as_prometheus(scene: Scene, tmp_path: Path) -> None:
    """Look by look, also where it ends in a rollback, and where the Prometheus is not there any more."""
    file = tmp_path / "past.jsonl.gz"
    status, live = scene.said("--from=25s")
    assert (status, live["action"]) == (1, "rollback")
    assert any(each["code"] == "worse-than-baseline" for each in live["points"][-1]["reasons"])
    window = (f"--from={live['from']}", f"--to={live['to']}")
    _, again = scene.said(*window)
    _, recorded = scene.said(*window, f"--record={file}")
    assert recorded == again
    config = scene.project.folder / "readiness.toml"
    text = config.read_text()
    try:
        config.write_text(text.replace(scene.prometheus.url, "${NOWHERE}"))
        assert scene.said(*window, f"--file={file}") == (1, again)
    finally:
        config.write_text(text)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((), "--from is missing"),
        (("--from=1h", "--to=2h"), "is not before --to"),
        (("--from=nan",), "--from=nan: expected a time"),
        (("--from=2226-11-21", "--to=2226-11-22"), "lies in the future"),
        (("--from=1h", "--stage=33"), "is no stage of [rollout]. Known: 10%, 25%, 50%, 100%"),
        (("--from=1h", "--step=5"), "--step=5: expected a duration"),
        (("--file=none.jsonl",), "'none.jsonl' cannot be read"),
        (("--file=a", "--record=b"), "exclude each other"),
        (("--from=1h", "--env=nowhere"), "environment 'nowhere' is not defined"),
    ],
)
def test_wrong_usage_is_status_4(scene: Scene, args: tuple[str, ...], words: str) -> None:
    """As everywhere, with what to do."""
    status, out = scene.backtest(*args)
    assert status == 4, out
    assert words in out


@pytest.mark.slow
def test_prometheus_that_does_not_answer_is_status_1(scene: Scene) -> None:
    """Nothing was judged, and that is no success."""
    config = scene.project.folder / "readiness.toml"
    text = config.read_text()
    try:
        config.write_text(text.replace(scene.prometheus.url, "http://127.0.0.1:9"))
        status, out = scene.backtest("--from=1h")
    finally:
        config.write_text(text)
    assert status == 1
    assert "nothing listens on that port" in out


# --- the plan -------------------------------------------------------------------------------------------------------


def plan(scene: Scene, *args: str) -> tuple[int, str]:
    """Returns status and output of a plan."""
    judged = scene.project.judge("-p", "no:cacheprovider", "--collect-only", *args, env="production")
    return judged.status, judged.out


@pytest.mark.slow
def test_plan_says_what_each_stage_needs_today(scene: Scene) -> None:
    """The minutes to promote and to catch 2x, 5x and 10x at the traffic that Prometheus has seen."""
    status, out = plan(scene, "--gate=rollout")
    assert status == 0, out
    assert "but the Prometheus of [rollout], which is asked for today's traffic" in out
    rates = [float(line.split()[1]) for line in out.splitlines() if "requests/s;" in line]
    assert len(rates) == 2
    assert all(60 < each < 110 for each in rates), out
    rows = [line.split() for line in out.splitlines() if line.split()[:2] == ["25%", "errors"]]
    assert len(rows) == 1
    assert 5 <= float(rows[0][2]) < 30
    assert not (scene.project.folder / "reports").exists(), "a plan writes no reports"


@pytest.mark.slow
def test_plan_that_does_not_name_the_gate_contacts_nobody(scene: Scene) -> None:
    """As the contract says of every other plan."""
    status, out = plan(scene)
    assert status == 0, out
    assert "nothing is contacted or started\n" in out
    assert "requests/s" not in out


@pytest.mark.slow
def test_plan_without_prometheus_says_so_and_is_a_plan(scene: Scene) -> None:
    """Unreachable, it changes no exit status: a plan judges nothing."""
    config = scene.project.folder / "readiness.toml"
    text = config.read_text()
    try:
        config.write_text(text.replace(scene.prometheus.url, "http://127.0.0.1:9"))
        status, out = plan(scene, "--gate=rollout")
    finally:
        config.write_text(text)
    assert status == 0, out
    assert "rollout: no plan: 127.0.0.1:9 refused the connection" in out


@pytest.mark.slow
def test_plan_does_not_wait_for_a_prometheus_that_stalls(scene: Scene) -> None:
    """After three seconds it says so, and is a plan all the same."""
    scene.prometheus.send(signal.SIGSTOP)
    try:
        status, out = plan(scene, "--gate=rollout")
    finally:
        scene.prometheus.send(signal.SIGCONT)
    assert status == 0, out
    seconds = float(out.rpartition(" tests collected in ")[2].partition("s")[0])
    assert seconds < 10, "3 s, and what else the machine has to do"
    assert "rollout: no plan: " in out
