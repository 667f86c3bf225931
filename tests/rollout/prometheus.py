"""A real Prometheus on loopback that scrapes the pods of two tracks every second, and a past that is made up for it.

Everything is a child of the embedded environment's guardian, so that nothing outlives a test run that was killed.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

from readiness.environment.children import Children, Start, is_port_taken, last_lines
from readiness.environment.servers import HOST, free_ports
from tests.contrib import system_prometheus
from tests.rollout import pod as pod_program
from tests.rollout.pod import EDGES_S, NAME
from tests.rollout.traffic import WORK, Traffic
from tests.waiting import wait_until

READY_S = 30.0
AHEAD_S = 8
"""More than it takes until Prometheus scrapes."""
PORT_ATTEMPTS = 5
CONFIG = """\
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
scrape_configs:
- job_name: shop
  static_configs:
"""


@dataclass
class Running:
    """A child of the guardian that answers on a port."""

    port: int
    pid: int
    name: str
    children: Children

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{HOST}:{self.port}"

    def stop(self) -> None:
        """It is gone, and nothing listens on its port."""
        self.children.stop(self.name)

    def send(self, number: signal.Signals) -> None:
        """A signal is sent to it."""
        os.kill(self.pid, number)


@dataclass
class Pod(Running):
    """One pod."""

    track: str = ""

    def fault(self, *, errors: float = 0.0, slow_s: float = 0.0) -> None:
        """From now on so many of its answers are errors, or slow."""
        httpx.post(f"{self.url}/faults", json={"errors": errors, "slow_s": slow_s}, trust_env=False).raise_for_status()


@dataclass(frozen=True)
class Past:
    """What Prometheus is made to know of the time before it was started: healthy pods with steady traffic.

    Its last samples lie in the future: until their time has come Prometheus refuses others, and then goes on with its
    own without a gap, as if it had scraped all the time.
    """

    start_s: float
    rps: int
    """Of each pod."""
    requests: int
    """Of each pod, at its end; pods that are started with so many go on from there."""

    @classmethod
    def of(cls, seconds: int, rps: int) -> Past:
        """Returns one that is so long."""
        return cls(time.time() - seconds, rps, (seconds + AHEAD_S) * rps)

    def lines(self, pods: Sequence[Pod], seconds: int) -> Iterable[str]:
        """Returns it in the OpenMetrics format, a sample a second."""
        families = ("up", "process_start_time_seconds", NAME, "api_request_duration_seconds")
        kinds = ("gauge", "gauge", "counter", "histogram")
        for name, kind in zip(families, kinds, strict=True):
            yield f"# TYPE {name.removesuffix('_total')} {kind}"
            for each in pods:
                labels = {"job": "shop", "instance": f"{HOST}:{each.port}", "track": each.track}
                yield from self._family(name, labels, range(seconds + 1))
        yield "# EOF\n"

    def _family(self, name: str, labels: Mapping[str, str], span: range) -> Iterable[str]:
        if name == NAME:
            for status in ("200", "500"):
                yield from self._series(
                    NAME, {**labels, "endpoint": "/work", "status_code": status}, span, status == "200"
                )
        elif name == "up":
            yield from self._series(name, labels, span, None)
        elif name.startswith("process"):
            yield from (f"{name}{_text(labels)} {self.start_s} {self.start_s + at}" for at in span)
        else:
            for edge in (*(f"{each:g}" for each in EDGES_S), "+Inf"):
                yield from self._series(
                    f"{name}_bucket", {**labels, "endpoint": "/work", "le": edge}, span, is_counted=True
                )
            yield from self._series(f"{name}_count", {**labels, "endpoint": "/work"}, span, is_counted=True)

    def _series(self, name: str, labels: Mapping[str, str], span: range, is_counted: bool | None) -> Iterable[str]:
        """A series that rises, stays 0, or is always 1."""
        text = _text(labels)
        for at in span:
            value = 1 if is_counted is None else min(at * self.rps, self.requests) * is_counted
            yield f"{name}{text} {value} {self.start_s + at}"


def _text(labels: Mapping[str, str]) -> str:
    inner = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{{{inner}}}"


class Rig:
    """Pods of two tracks, requests to them, and a Prometheus; all stopped and their files gone when it is closed."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="readiness-rollout-")).resolve()
        self.children = Children(self.folder)
        self.pods: list[Pod] = []
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.children.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- pods -----------------------------------------------------------------------------------------------------

    @property
    def canary(self) -> list[Pod]:
        """The pods of the new release."""
        return [each for each in self.pods if each.track == "canary"]

    @property
    def baseline(self) -> list[Pod]:
        """The pods of the old release."""
        return [each for each in self.pods if each.track == "stable"]

    def add_pods(self, past: Past | None = None, *words: str) -> None:
        """Two pods of each track answer; `words` are options of theirs."""
        tracks = ("canary", "canary", "stable", "stable")
        with ThreadPoolExecutor(len(tracks)) as pool:
            started = pool.map(lambda _: self._start("pod", [*self._pod_words(past), *words], _is_pod), tracks)
            for track, each in zip(tracks, started, strict=True):
                self.pods.append(Pod(each.port, each.pid, each.name, self.children, track))

    def restart_pods(self) -> None:
        """Each pod is another process on the same port, which has counted nothing yet."""
        for each in self.pods:
            each.stop()
            again = self._start("pod", self._pod_words(None), _is_pod, port=each.port)
            each.pid, each.name = again.pid, again.name

    def _pod_words(self, past: Past | None) -> list[str]:
        made_up = [] if past is None else ["--good", str(past.requests), "--started", str(past.start_s)]
        return [sys.executable, "-I", pod_program.__file__, "--port", "{port}", *made_up]

    def adopt(self, port: int, track: str) -> None:
        """A service that somebody else has started is scraped and asked as a pod."""
        self.pods.append(Pod(port, 0, "", self.children, track))

    def traffic(self, rps: float, stage: float = 0.25, request: bytes = WORK) -> Traffic:
        """Returns requests to the pods, of which the canary gets a share."""
        shares = ((self.canary, stage), (self.baseline, 1 - stage))
        each_rps = {each.port: rps * share / len(pods) for pods, share in shares for each in pods}
        return Traffic(each_rps, request=request)

    # --- Prometheus -----------------------------------------------------------------------------------------------

    def prometheus(
        self, past: Past | None = None, *options: str, rules: str = "", labels: Mapping[str, str] | None = None
    ) -> Running:
        """A Prometheus that has scraped every pod.

        Args:
            past: what it knows from before.
            options: more of its own.
            rules: the text of a file of rules.
            labels: more labels for every target.
        """
        program, promtool = system_prometheus()
        end_s = 0.0
        folder = self.folder / f"prometheus-{next(self._numbers)}"
        data = folder / "data"
        data.mkdir(parents=True)
        if past is not None:
            end_s = time.time() + AHEAD_S
            (folder / "past.txt").write_text("\n".join(past.lines(self.pods, int(end_s - past.start_s))))
            words = [promtool, "tsdb", "create-blocks-from", "openmetrics", folder / "past.txt", data]
            subprocess.run(words, check=True, capture_output=True, timeout=READY_S)
        text = CONFIG
        for each in self.pods:
            more = json.dumps({"track": each.track, **(labels or {})})
            text += f"  - {{targets: ['{HOST}:{each.port}'], labels: {more}}}\n"
        if rules:
            (folder / "rules.yml").write_text(rules)
            text += "rule_files: [rules.yml]\n"
        (folder / "prometheus.yml").write_text(text)
        words = [
            str(program),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={data}",
            f"--web.listen-address={HOST}:{{port}}",
            "--log.level=warn",
            *options,
        ]
        running = self._start("prometheus", words, _is_prometheus)
        if past is not None:
            wait_until(lambda: time.time() > end_s, what="the end of the past")
        wait_until(lambda: self._scraped(running) >= len(self.pods), what="the first scrape of every pod")
        return running

    def _scraped(self, prometheus: Running) -> float:
        found = ask(prometheus, "count(count_over_time(up[1500ms]) > 0)")
        return float(found[0]["value"][1]) if found else 0

    # --- processes ------------------------------------------------------------------------------------------------

    def _start(self, kind: str, words: list[str], is_ready: Any, port: int | None = None) -> Running:
        for _ in range(PORT_ATTEMPTS):
            at = port or free_ports(1)[0]
            name = f"{kind}-{next(self._numbers)}"
            log = self.folder / f"{name}.log"
            start = Start(
                name=name,
                argv=[word.replace("{port}", str(at)) for word in words],
                env={"PATH": os.environ.get("PATH", ""), "GOMAXPROCS": "1"},
                cwd=str(self.folder),
                log=str(log),
                user=None,
                steps=[(int(signal.SIGTERM), 0.5)],
                whole_group=False,
                orphaned=int(signal.SIGKILL),
                wave=0,
            )
            with self._lock:
                running = Running(at, self.children.start(start)[0], name, self.children)
            end = time.monotonic() + READY_S
            while not self._has_ended(name):
                if is_ready(running):
                    return running
                assert time.monotonic() < end, f"{name} was not ready in time:\n{last_lines(log)}"
                time.sleep(0.02)
            assert is_port_taken(log), f"{name} did not start:\n{last_lines(log)}"
            assert port is None, f"{port} is taken"
        raise AssertionError(f"no free port in {PORT_ATTEMPTS} attempts")

    def _has_ended(self, name: str) -> bool:
        with self._lock:
            return name in self.children.endings()


def ask(prometheus: Running, expression: str) -> list[dict[str, Any]]:
    """Returns what Prometheus answers to an expression."""
    address = f"{prometheus.url}/api/v1/query"
    reply = httpx.get(address, params={"query": expression}, trust_env=False, timeout=READY_S)
    return reply.json()["data"]["result"]  # type: ignore[no-any-return] # as the test expects it


def _answers(url: str, word: str) -> bool:
    try:
        reply = httpx.get(url, timeout=1, trust_env=False)
    except httpx.TransportError:
        return False
    return reply.status_code == 200 and word in reply.text


def _is_pod(running: Running) -> bool:
    return _answers(f"{running.url}/metrics", NAME)


def _is_prometheus(running: Running) -> bool:
    return _answers(f"{running.url}/-/ready", "Prometheus")
