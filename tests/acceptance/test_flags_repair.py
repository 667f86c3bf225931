"""A run that is killed while it has changed a flag: the next one notices, and puts the flag back."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.flag_service import CHECKOUT, FlagService
from tests.project import Project, serving_site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

CONFIG = """
[service]
name = "shop"

[policy]
deadline = "60s"

[env.staging]
kind = "live"
url = "{url}"
protected = false

[flags]
required = ["checkout"]
sample-users = 100
"""


@pytest.fixture
def service() -> FlagService:
    """A healthy flag service."""
    return FlagService()


@pytest.fixture
def project(tmp_path: Path, service: FlagService) -> Iterator[Project]:
    """A repository whose service has feature flags."""
    with serving_site() as site:
        site.apps.append(service.answer)
        shop = Project(tmp_path, site)
        shop.config(CONFIG)
        yield shop


def wait_in(service: FlagService, state: str) -> tuple[threading.Event, threading.Event]:
    """The service holds the first evaluation in that state. Returns: it was reached; it may go on."""
    reached, go_on = threading.Event(), threading.Event()
    states = {
        "killed": lambda flag: flag["kill_switch"],
        "opened": lambda flag: flag["kill_switch"] and flag["rollout"]["strategy"] == "full",
        "raised": lambda flag: flag["rollout"]["percentage"] > 10 and not flag["kill_switch"],
    }

    def hold(_name: str, flag: dict[str, Any]) -> None:
        if states[state](flag):
            reached.set()
            go_on.wait(30)

    service.reached = hold
    return reached, go_on


@pytest.mark.parametrize("state", ["killed", "opened", "raised"])
def test_killed_in_between_the_next_run_repairs(
    project: Project, service: FlagService, tmp_path: Path, state: str
) -> None:
    """SIGKILL leaves the flag changed and a note of what was found; the next run ends in GO, with the flag as it was."""
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    reached, go_on = wait_in(service, state)
    with project.judging(**cache) as process:
        assert reached.wait(30), process.communicate()
        process.kill()
        process.wait()
    go_on.set()
    service.reached = lambda _name, _flag: None
    assert service.flags["checkout"] != CHECKOUT
    assert len(list((tmp_path / "cache").rglob("*.json"))) == 1

    judged = project.judge(**cache)

    judged.assert_go()
    assert service.flags["checkout"] == CHECKOUT
    assert list((tmp_path / "cache").rglob("*.json")) == []
    evidence = judged.check("flags/kill-switch[checkout]")["measurements"]
    told = [str(each["value"]) for each in evidence if each["name"] == "flag left by an earlier run"]
    assert len(told) == 1
    assert "by a run that was killed; put back now" in told[0]


def test_interrupted_in_between_the_run_puts_it_back(project: Project, service: FlagService, tmp_path: Path) -> None:
    """SIGTERM is time enough: the flag is as it was found when the run has ended."""
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    reached, go_on = wait_in(service, "killed")
    with project.judging(**cache) as process:
        assert reached.wait(30), process.communicate()
        process.terminate()
        go_on.set()
        judged = project.finish(process)
    assert judged.status != 0
    assert service.flags["checkout"] == CHECKOUT
    assert list((tmp_path / "cache").rglob("*.json")) == []


def test_workers_do_not_disturb_each_other(project: Project, service: FlagService, tmp_path: Path) -> None:
    """Checks that change a flag and checks that sample it run in different processes, and all pass."""
    project.judge("-n3", XDG_CACHE_HOME=str(tmp_path / "cache")).assert_go()
    assert service.flags["checkout"] == CHECKOUT


def test_a_protected_target_is_only_read(project: Project, service: FlagService) -> None:
    """No check that writes is collected, and no PUT is sent."""
    project.config(CONFIG.replace("protected = false", ""))
    judged = project.judge()
    judged.assert_go()
    assert {check.partition("[")[0] for check in judged.outcomes} == {
        f"flags/{name}" for name in ("service", "definitions", "required", "evaluates", "sticky", "share")
    }
    assert {method for method, *_ in service.requests} == {"GET", "POST"}
