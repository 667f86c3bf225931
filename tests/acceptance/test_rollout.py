"""The rollout gate from the command line: one observation whoever asks, a decision that the exit status says, a kept state."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import os
import pty
import re
import shlex
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from jsonschema import Draft202012Validator

from readiness.reports.json import report_schema
from tests.project import Answer, Judged, Project, Site, serving_site
from tests.rollout.tape import Tape
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

CONFIG = """
[service]
name = "shop"

[env.staging]
kind = "live"
url = "{url}"

[rollout]
prometheus = "{url}/prom"
stages = ["25%", "100%"]
canary = 'track="canary"'
baseline = 'track="stable"'
observe = "{observe}"
every = "{every}"
look-back = "{back}"
headers = {{ Authorization = "Bearer ${{PROMETHEUS_TOKEN}}" }}
[[rollout.metric]]
name = "errors"
total = "requests_total"
bad = 'requests_total{{status="500"}}'
promote-below = "1%"
rollback-above = "10%"
[[rollout.metric]]
name = "timeouts"
total = "requests_total"
bad = 'timeouts_total'
promote-below = "1%"
"""
TOKEN = "s3cret-prometheus-token"


class Monitored:
    """A project whose service is watched by a Prometheus of the test."""

    def __init__(self, project: Project, site: Site) -> None:
        self.project = project
        self.tape = Tape(time.time())
        self.authorizations: set[str] = set()
        self._start_s = time.time() - 900
        site.apps.append(self._answer)
        self._url = site.url
        self.config()
        for track in ("canary", "stable"):
            self.say(track)

    def _answer(self, method: str, path: str, body: bytes, authorization: str) -> Answer | None:
        if not path.startswith("/prom/"):
            return None
        self.authorizations.add(authorization)
        self.tape.now_s = time.time()
        reply = self.tape.request(method, path.removeprefix("/prom"), form=dict(parse_qsl(body.decode())))
        return reply.status, "application/json", reply.body.decode()

    def config(self, *, observe: str = "1s", every: str = "1s", back: str = "10m", more: str = "") -> None:
        """Writes readiness.toml."""
        text = CONFIG.format(url=self._url, observe=observe, every=every, back=back)
        (self.project.folder / "readiness.toml").write_text(text + more)

    def say(self, track: str, *, errors: int = 0, rps: int = 50) -> None:
        """One pod of the track serves so many requests a second, of which so many are bad; for half an hour."""
        labels, start_s = f'instance="{track}:80",track="{track}"', self._start_s
        self.tape.say(f"up{{{labels}}}", [1] * 1800, start_s=start_s, every_s=1)
        for name, rate in (('requests_total{status="200",', rps - errors), ('requests_total{status="500",', errors)):
            self.tape.say(f"{name}{labels}}}", [rate * n for n in range(1800)], start_s=start_s, every_s=1)
        self.tape.say(f"timeouts_total{{{labels}}}", [0] * 1800, start_s=start_s, every_s=1)

    def judge(self, *args: str) -> Judged:
        """Returns what a run of the gate says."""
        return self.project.judge(*args, PROMETHEUS_TOKEN=TOKEN)

    @property
    def state(self) -> Path:
        """What is kept of the observation."""
        return self.project.folder / "reports" / "staging" / "rollout-state.json"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Monitored]:
    """A healthy rollout."""
    with serving_site() as site:
        yield Monitored(Project(tmp_path, site), site)


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "two workers"])
def test_a_healthy_canary_is_promoted(shop: Monitored, workers: tuple[str, ...]) -> None:
    """Status 0; observed once, whatever the number of workers; each report says why, and none shows the token."""
    judged = shop.judge("--stage=25", *workers)
    judged.assert_go()
    assert judged.outcomes == dict.fromkeys(
        ("rollout/data", "rollout/errors", "rollout/timeouts", "rollout/decision"), "passed"
    )
    Draft202012Validator(report_schema()).validate(judged.report)
    rollout = judged.report["rollout"]
    assert (rollout["stage"], rollout["action"]) == ("25%", "promote")
    assert len(rollout["trajectory"]) > 100
    assert shop.tape.asked.count("vector(time())") == json.loads(shop.state.read_text())["looks"]
    assert shop.authorizations == {f"Bearer {TOKEN}"}
    assert "Stage 25%. Promote: the canary may have more traffic." in judged.out
    assert "rollout 25%: promote after 10 min" in judged.out
    texts = {file.name: file.read_text() for file in judged.folder.iterdir() if file.is_file()}
    assert "Evidence that the canary is worse" in texts["report.html"]
    assert "### Rollout" in texts["summary.md"]
    assert set(texts) >= {"report.json", "rollout-state.json"}
    assert not [name for name, text in texts.items() if TOKEN in text or name.endswith((".lock", ".tmp"))]


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "two workers"])
def test_a_canary_that_does_harm_is_rolled_back(shop: Monitored, workers: tuple[str, ...]) -> None:
    """Status 1; the metric and the decision say what was seen, the other metric has passed."""
    shop.say("canary", errors=10)
    judged = shop.judge("--stage=25%", *workers)
    judged.assert_no_go("observed rollback, expected exactly promote", "errors: evidence ")
    assert judged.outcomes == {
        "rollout/data": "passed",
        "rollout/errors": "failed",
        "rollout/timeouts": "passed",
        "rollout/decision": "failed",
    }
    assert judged.report["rollout"]["reasons"][0]["code"] == "worse-than-baseline"


def test_one_metric_alone_is_no_decision(shop: Monitored) -> None:
    """With -k the check passes by what all metrics say, and what was left out keeps it from GO."""
    judged = shop.judge("--stage=25", "-k", "errors")
    judged.assert_no_go("this check was deselected")
    assert judged.outcomes["rollout/errors"] == "passed"
    assert len(judged.report["rollout"]["metrics"]) == 2


def test_a_check_is_repeated_with_the_command_of_its_report(shop: Monitored) -> None:
    """As it stands there, with the stage."""
    shop.judge("--stage=25")
    found = re.findall("<code>(pytest [^<]+)</code>", (shop.state.parent / "report.html").read_text())
    assert len(found) == 4
    for each in found:
        assert each.startswith("pytest --env=staging --stage=25% ")
    judged = shop.judge(*shlex.split(found[-1])[2:])
    judged.assert_no_go("or because others were named")
    assert judged.outcomes["rollout/decision"] == "passed"


def test_quiet_runs_show_no_live_line(shop: Monitored) -> None:
    """Only the decision."""
    judged = shop.judge("--stage=25", "-q")
    assert "rollout 25%:" not in judged.out
    assert "Stage 25%. Promote" in judged.out


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_terminal_shows_the_rollout_whole(shop: Monitored, columns: int) -> None:
    """Redrawn in its place, no line wider than the terminal; after Ctrl-C the decision begins on a line of its own."""
    shop.config(observe="30m", back="1m")
    out = shown(shop, columns)
    frames = out.split("\x1b[J")
    assert len(frames) > 3
    for frame, after in itertools.pairwise(frames[1:]):
        lines = frame.split("\r\n")[:4]
        assert all(len(line.partition("\r")[0]) < columns for line in lines)
        text = " | ".join(lines)
        for part in (
            "hold after 1 min ",
            " | worse ",
            "| requests ",
            " of 20",
            "missing: ",
            "promotion needs 300 s and 10",
        ):
            assert part in text, text
        assert after.startswith("rollout 25%")
    assert re.search(r"\r\n=+ readiness =+\r\n", out)
    assert f"\r\x1b[{frames[1].count(chr(10))}A" in out


def shown(shop: Monitored, columns: int) -> str:
    """Returns what a terminal was sent until the run was interrupted after some looks."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environ = shop.project.environ(PROMETHEUS_TOKEN=TOKEN, TERM="xterm")
    environ.pop("COLUMNS", None)
    sent, is_told = bytearray(), False
    with subprocess.Popen(
        shop.project.command("--env=staging", "--stage=25"),
        cwd=shop.project.folder,
        env=environ,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        with contextlib.suppress(OSError):  # Linux says so where nobody writes any more
            while data := os.read(ours, 65536):
                sent += data
                if not is_told and sent.count(b"hold after") > 3:
                    process.send_signal(signal.SIGINT)
                    is_told = True
        os.close(ours)
    return sent.decode()


def test_a_pipe_gets_whole_lines(shop: Monitored) -> None:
    """Nothing is redrawn where nobody can see it."""
    shop.config(observe="3s", back="1m")
    out = shop.judge("--stage=25").out
    assert "\r" not in out
    assert "\x1b" not in out
    assert out.count("rollout 25%: hold after 1 min ") == 2, "the first look, and the last"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ([], "has stages (25%, 100%), and the command line does not say which of them to judge.\nPass --stage=25%."),
        (["--stage=30"], "--stage=30 is none of the stages of [rollout] in readiness.toml: 25%, 100%."),
        (["--stage=many"], "--stage=many is no percentage.\nPass one of the stages of readiness.toml: 25%, 100%."),
    ],
)
def test_the_stage_is_one_of_the_configuration(shop: Monitored, args: list[str], says: str) -> None:
    """Else the run is refused before anything is contacted."""
    judged = shop.judge(*args)
    assert judged.status == 4
    assert says in judged.out
    assert not shop.tape.asked


def test_a_stage_without_a_rollout_is_refused(shop: Monitored) -> None:
    """Nothing would judge it."""
    shop.project.config(
        '[service]\nname = "shop"\n[env.staging]\nkind = "live"\nurl = "{url}"\n[health]\nendpoints = ["/health"]\n'
    )
    judged = shop.judge("--stage=25")
    assert judged.status == 4
    assert "--stage=25: readiness.toml has no table [rollout], so no stage is judged." in judged.out


def test_other_gates_are_judged_without_a_stage(shop: Monitored) -> None:
    """Where the policy does not require the rollout, or --gate leaves it out."""
    shop.config(more='[health]\nendpoints = ["/health"]\n[policy]\nrequired = ["health"]\n')
    judged = shop.judge()
    judged.assert_go()
    assert list(judged.outcomes) == ["health/endpoint[/health]"]
    shop.judge("--gate=health").assert_go()
    assert not shop.tape.asked


def test_the_time_of_the_run_bounds_the_observation(shop: Monitored) -> None:
    """It ends in time for the reports, and says so."""
    shop.config(observe="30m", back="1m")
    judged = shop.judge("--stage=25", "--readiness-deadline=4s")
    judged.assert_no_go("action: observed hold, expected exactly promote", "the time of the run was over")


def test_a_stage_that_ends_without_an_answer_is_inconclusive(shop: Monitored) -> None:
    """Of a run that has gone to its end, with nothing of before it to judge."""
    shop.config(observe="3s", back="0s")
    judged = shop.judge("--stage=25")
    judged.assert_no_go("inconclusive: the stage's 0.1 min are over without an answer", "the time to observe was over")
    assert judged.report["rollout"]["reasons"][0]["code"] == "inconclusive"


def test_a_run_that_is_killed_has_kept_what_it_saw(shop: Monitored) -> None:
    """The NO-GO names the file; the next run goes on from there and says so, and the one after it begins anew."""
    shop.config(observe="30m", back="0s")
    with shop.project.judging("--stage=25", PROMETHEUS_TOKEN=TOKEN) as process:
        wait_until(
            lambda: shop.state.is_file() and json.loads(shop.state.read_text())["looks"] > 2, what="a third look"
        )
        process.kill()
        process.wait()
    report = json.loads((shop.state.parent / "report.json").read_text())
    assert "What was seen of the rollout so far is in rollout-state.json." in report["reasons"][0]["text"]
    kept = json.loads(shop.state.read_text())
    assert kept["rollout"]["ended"] == ""
    shop.say("canary", errors=50)
    judged = shop.judge("--stage=25")
    judged.assert_no_go("observed rollback")
    rollout = judged.report["rollout"]
    assert rollout["continues"].startswith(f"goes on with the observation of run {kept['run']}, which was cut short at")
    assert rollout["trajectory"][0] == kept["rollout"]["trajectory"][0]
    assert rollout["continues"] in judged.out
    assert shop.judge("--stage=25", "--readiness-deadline=3s").report["rollout"]["continues"] == "", "after a rollback"


def test_evidence_goes_on_through_the_stages(shop: Monitored) -> None:
    """A later stage of the same canary, not one that was deployed anew, nor a smaller stage: that is another rollout."""
    shop.config(observe="30m", back="0s")

    def judged(stage: int, started_s: float) -> str:
        labels = 'instance="canary:80",track="canary"'
        shop.tape.say(
            f"process_start_time_seconds{{{labels}}}", [started_s] * 1800, start_s=time.time() - 900, every_s=1
        )
        found = shop.judge(f"--stage={stage}", "--readiness-deadline=4s")
        assert found.report["rollout"]["action"] == "hold", found.out
        return str(found.report["rollout"]["continues"])

    long_ago_s = time.time() - 3600
    assert judged(25, long_ago_s) == ""
    run = json.loads(shop.state.read_text())["run"]
    assert judged(100, long_ago_s) == f"goes on with the evidence of stage 25%, which run {run} judged"
    assert judged(100, long_ago_s).startswith("goes on with the evidence of stage 100%")
    assert judged(100, time.time()).startswith("begins anew: the canary's processes have all started since")
    assert judged(25, long_ago_s) == "", "a smaller stage"


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "two workers"])
def test_a_run_beside_another_one_is_refused(shop: Monitored, workers: tuple[str, ...]) -> None:
    """It takes nothing from the one that still observes, and leaves what that one keeps alone; a killed one gives way."""
    shop.config(observe="30m", back="0s")
    with shop.project.judging("--stage=25", *workers, PROMETHEUS_TOKEN=TOKEN) as process:
        wait_until(
            lambda: shop.state.is_file() and json.loads(shop.state.read_text())["looks"] > 2, what="a third look"
        )
        first = json.loads(shop.state.read_text())["run"]
        judged = shop.judge("--stage=25", *workers)
        assert process.poll() is None
        assert json.loads(shop.state.read_text())["run"] == first
        judged.assert_no_go("another run is observing a rollout at this moment")
        assert "a place of its own: --readiness-reports=DIR" in judged.check("rollout/decision")["remedy"]
        assert set(judged.outcomes.values()) == {"unmeasured"}
        assert "rollout" not in judged.report
        process.terminate()
        shop.project.finish(process)
    shop.say("canary", errors=50)
    shop.judge("--stage=25").assert_no_go("observed rollback")


def test_a_run_that_is_interrupted_reports_what_it_saw(shop: Monitored) -> None:
    """SIGTERM ends it in order, with the trajectory so far."""
    shop.config(observe="30m", back="0s")
    with shop.project.judging("--stage=25", PROMETHEUS_TOKEN=TOKEN) as process:
        wait_until(
            lambda: shop.state.is_file() and json.loads(shop.state.read_text())["looks"] > 2, what="a third look"
        )
        process.terminate()
        judged = shop.project.finish(process)
    judged.assert_no_go("ended by SIGTERM", status=2)
    assert judged.report["rollout"]["action"] == "hold"
    assert "until it was cut short" in judged.out


def test_a_worker_that_dies_leaves_its_turn_to_another(shop: Monitored) -> None:
    """NO-GO, because a worker crashed; the others observed to the end nevertheless."""
    shop.config(observe="30m", back="0s")
    shop.project.write(
        "conftest.py",
        "import json, os, pathlib, threading, time\n"
        "def die():\n"
        "    state = pathlib.Path('reports/staging/rollout-state.json')\n"
        "    while not (state.is_file() and json.loads(state.read_text())['looks'] > 2):\n"
        "        time.sleep(0.05)\n"
        "    if not pathlib.Path('died').exists():\n"
        "        pathlib.Path('died').touch()\n"
        "        os._exit(3)\n"
        "def pytest_runtest_call(item):\n"
        "    if os.environ.get('PYTEST_XDIST_WORKER') == 'gw0':\n"
        "        threading.Thread(target=die, daemon=True).start()\n",
    )
    shop.say("canary", errors=25)
    judged = shop.judge("--stage=25", "-n", "2")
    judged.assert_no_go()
    assert judged.report["rollout"]["action"] == "rollback"


@pytest.mark.parametrize("spoil", [{"saved_s": "x"}, {"rollout": {}}, {"rollout": None}, {"judge": 3}, {"schema": "?"}])
def test_a_state_that_is_damaged_is_no_state(shop: Monitored, spoil: dict[str, Any]) -> None:
    """The next run begins anew, and leaves a whole one."""
    shop.judge("--stage=25").assert_go()
    shop.state.write_text(json.dumps(json.loads(shop.state.read_text()) | spoil))
    judged = shop.judge("--stage=25")
    judged.assert_go()
    assert judged.report["rollout"]["continues"] == ""
