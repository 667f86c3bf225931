"""The gate `health` in whole runs: retries, instances on workers, requests of an endpoint's own."""

from __future__ import annotations

import itertools
from contextlib import ExitStack

import pytest

from tests.acceptance.conftest import CONFIG, Project
from tests.probes import peers
from tests.project import HEALTHY, serving_site

RETRYING = CONFIG.replace("samples = 1", 'samples = 1\nattempts = 3\nevery = "10ms"')
REFUSED = (429, "text/plain", "slow down")


def test_a_check_that_was_unmeasured_is_tried_again(project: Project) -> None:
    """What was refused once and then observed has passed, and is counted as flaky: NO-GO unless the policy allows it."""
    for allowed, config in ((False, RETRYING), (True, RETRYING.replace("[policy]", "[policy]\nflaky-passes = 1"))):
        project.config(config)
        project.site.answers["/ready"] = iter([REFUSED, HEALTHY])
        judged = project.judge()
        ready = judged.check("health/endpoint[/ready]")
        assert (ready["outcome"], ready["attempts"]) == ("passed", 2)
        if allowed:
            judged.assert_go()
        else:
            judged.assert_no_go("passed only after a retry (health/endpoint[/ready])")


def test_a_check_that_stays_unmeasured_is_unmeasured(project: Project) -> None:
    """After the last attempt the cause and the remedy are those of the last."""
    project.config(RETRYING)
    project.site.answers["/ready"] = itertools.cycle([REFUSED])
    judged = project.judge()
    judged.assert_no_go("health/endpoint[/ready] unmeasured", "answered 429: it limits the rate of requests")
    ready = judged.check("health/endpoint[/ready]")
    assert ready["attempts"] == 3
    assert "set status = 429" in ready["remedy"]


@pytest.mark.parametrize("way", [(), ("-n2",)])
def test_one_bad_instance_is_found(project: Project, way: tuple[str, ...]) -> None:
    """At -n0 and at -n2, with check ids that no address is part of, and evidence that names the instance."""
    with ExitStack() as stack:
        sites = [stack.enter_context(serving_site()) for _ in range(2)]
        sites[1].answers["/ready"] = (200, "application/json", '{"status": "down"}')
        urls = [site.url for site in sites]
        project.config(CONFIG.replace('url = "{url}"', f'url = "{{url}}"\ninstances = {urls}'))
        judged = project.judge(*way)
    judged.assert_no_go(f"signs of ill health of {urls[1]}: observed 1")
    assert judged.outcomes == {
        "health/endpoint[/health]": "passed",
        "health/endpoint[/ready]": "failed",
        "health/endpoint[/live]": "passed",
    }
    names = {measurement["name"] for measurement in judged.check("health/endpoint[/ready]")["measurements"]}
    assert {f"latency p95 of {url}" for url in (*urls, project.site.url)} <= names


def test_a_header_of_an_endpoint_is_sent_and_kept_secret(project: Project) -> None:
    """A token written into the endpoint's table reaches the service, and no report; `Accept` is no secret."""
    token = "tok-5f1c9e77ab"
    with peers.answering(lambda *_: peers.response(f'{{"ok": true, "echo": "{token}"}}'.encode())) as service:
        endpoint = f'{{ path = "/health", headers = {{ X-Api-Key = "{token}", Accept = "application/problem" }} }}'
        project.config(CONFIG.replace("{url}", service.url).replace('["/health", "/ready", "/live"]', f"[{endpoint}]"))
        judged = project.judge()
    judged.assert_go()
    assert (service.header("x-api-key"), service.header("accept")) == (token, "application/problem")
    for file in judged.folder.rglob("*.*"):
        assert token not in file.read_text("utf-8", "replace")


def test_a_page_for_every_path_is_no_go(project: Project) -> None:
    """A single-page app that answers any path with its page passes no endpoint."""
    page = (200, "text/html", "<!doctype html><title>Shop</title><div id=root></div>")
    project.site.answers |= dict.fromkeys(("/health", "/ready", "/live"), page)
    judged = project.judge()
    judged.assert_no_go('the answer is an HTML page titled "Shop"')
    assert set(judged.outcomes.values()) == {"failed"}
