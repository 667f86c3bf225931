"""The example service: what it promises when healthy, and each of its faults."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest

from compliance_kit.faults import KNOWN, OWN
from compliance_kit.flags import Flag, Flags, User, bucket, deep_merge, evaluate
from service_base.faults import OF_HEALTH, OF_SERVERS, Faults
from service_base.settings import SettingsError, sqlalchemy_url
from tests.waiting import wait_until

if TYPE_CHECKING:
    from conftest import Backends, Service, StartService

KIT = Path(__file__).resolve().parents[2] / "examples" / "compliance-kit"
FLAG = "compliance_report_generator"
FLAG_PATH = f"/feature-flags/{FLAG}"
USERS = [f"user-{number}" for number in range(2000)]


@pytest.fixture
def restored_flag(service: Service) -> Any:
    """Put the flag back as it was."""
    before = service.http.get(FLAG_PATH).json()
    yield
    service.http.put(FLAG_PATH, json=before).raise_for_status()


def flag_with(**rollout: Any) -> Flag:
    """Return the example's flag with another rollout."""
    flag = Flags.load(KIT / "feature_flags" / "flags.json").all()[FLAG]
    return Flag.model_validate(deep_merge(flag.model_dump(), {"rollout": rollout}))


def users_with(flag: Flag) -> set[str]:
    """Return the users for whom the flag is on."""
    return {user for user in USERS if evaluate(FLAG, flag, User(user_id=user)).enabled}


# -- healthy ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/health", {"status": "healthy", "version": "2.0.0"}),
        ("/health/live", {"status": "alive"}),
        ("/health/ready", {"status": "ready", "revision": "0003"}),
        ("/health/db", {"status": "connected"}),
        ("/health/redis", {"status": "connected"}),
        ("/observability/status", {"status": "healthy"}),
        ("/observability/metrics", {"version": "2.0.0"}),
        ("/feature-flags/status", {"kill_switches": []}),
        ("/openapi.json", {}),
    ],
)
def test_endpoint_answers(service: Service, path: str, expected: dict[str, Any]) -> None:
    """Every endpoint of the runbook answers 200 with what is expected of it."""
    reply = service.http.get(path)
    assert reply.status_code == 200
    assert expected.items() <= reply.json().items()


def test_release_is_reported(backends: Backends, start_service: StartService) -> None:
    """The variable RELEASE is the version that answers."""
    service = start_service(backends, RELEASE="3.1.4")
    assert service.http.get("/health").json()["version"] == "3.1.4"


def test_openapi_matches_the_schema(service: Service) -> None:
    """The schema that the health gate uses accepts the service's description."""
    import jsonschema

    schema = json.loads((KIT / "schemas" / "openapi.json").read_text())
    jsonschema.validate(service.http.get("/openapi.json").json(), schema)


def test_evaluate_writes_audit_row_and_report(service: Service, backends: Backends) -> None:
    """A canary gets a report; audit row and report carry the correlation id."""
    reply = service.http.post(
        "/evaluate",
        json={"mapping_name": "audited"},
        headers={"X-User-Segment": "canary", "X-Correlation-ID": "audit-1"},
    ).json()
    assert reply["feature"] == {"enabled": True, "reason": "segment"}
    with psycopg.connect(backends.database_url) as db:
        row = db.execute(
            "select r.mapping_name, a.correlation_id from compliance_reports r"
            " join audit_logs a on a.id = r.audit_log_id join report_audit_logs l on l.report_id = r.id"
            " join feature_flag_evaluations f on f.audit_log_id = a.id where f.enabled and a.id = %s",
            [reply["audit_id"]],
        ).fetchone()
    assert row == ("audited", "audit-1")


def test_evaluate_without_the_feature_succeeds(service: Service) -> None:
    """Users outside of the rollout are evaluated, without a report."""
    reply = service.http.post("/evaluate", json={"mapping_name": "plain"})
    assert reply.status_code == 200
    assert reply.json()["report"] is None


def test_evaluations_are_cached(service: Service) -> None:
    """The second evaluation of a mapping comes from Redis and counts as a hit."""
    feature = {"mapping_name": "cached once"}
    first, second = (service.http.post("/evaluate", json=feature).json() for _ in "12")
    assert (first["cached"], second["cached"]) == (False, True)
    assert first["score"] == second["score"]
    assert metric(service, "cache_hits_total", feature=FLAG) >= 1
    assert 0 < metric(service, "cache_hit_rate", feature=FLAG) < 1


def test_evaluate_refuses_nonsense(service: Service) -> None:
    """A request without a mapping, or with half of a surrogate pair in its name, is the client's error."""
    assert service.http.post("/evaluate", json={}).status_code == 422
    body = b'{"mapping_name": "a\\ud800b"}'
    half = service.http.post("/evaluate", content=body, headers={"Content-Type": "application/json"})
    assert half.status_code == 422
    assert half.json()["detail"][0]["loc"] == ["body", "mapping_name"]


# -- metrics and logs -------------------------------------------------------------


def samples(service: Service) -> list[Any]:
    """Return every sample of /metrics."""
    from prometheus_client.parser import text_string_to_metric_families as parse

    text = service.http.get("/metrics").text
    return [sample for family in parse(text) for sample in family.samples]


def metric(service: Service, name: str, **labels: str) -> float:
    """Return the sum of the samples with this name and these labels."""
    found = [
        sample.value for sample in samples(service) if sample.name == name and labels.items() <= sample.labels.items()
    ]
    assert found, f"no sample of {name} {labels}"
    return float(sum(found))


def test_metrics_of_the_runbook_are_there(service: Service) -> None:
    """Every series that the runbook's alerts read exists, also before any event."""
    names = {sample.name for sample in samples(service)}
    assert names >= {
        "api_requests_total",
        "api_request_duration_seconds_bucket",
        "audit_events_total",
        "cache_hit_rate",
        "cache_hits_total",
        "compliance_report_generation_duration_seconds_bucket",
        "compliance_reports_failed_total",
        "compliance_reports_generated_total",
        "db_connection_pool_size",
        "db_operations_total",
        "error_rate",
        "feature_flag_evaluations_total",
        "feature_latency_ms_bucket",
        "feature_requests_total",
        "placeholder_critical_count",
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "service_up",
    }
    assert metric(service, "service_up", service_name="api") == 1
    assert metric(service, "db_connection_pool_size") >= 1


def test_latency_has_the_edges_of_the_rollout(service: Service) -> None:
    """2 s and 5 s are bucket edges, so that both limits can be read exactly."""
    edges = {sample.labels["le"] for sample in samples(service) if sample.name == "api_request_duration_seconds_bucket"}
    assert {"2.0", "5.0", "+Inf"} <= edges


def test_requests_are_counted_by_pattern(service: Service) -> None:
    """A request counts under its route's pattern; unknown paths share one label."""
    service.http.get("/no/such/path")
    service.http.get(FLAG_PATH)
    assert metric(service, "api_requests_total", endpoint="unmatched") >= 1
    assert metric(service, "api_requests_total", endpoint="/feature-flags/{name}") >= 1


def test_observability_metrics_sum_up_the_feature(service: Service) -> None:
    """The JSON summary has the feature under the name of the flag."""
    service.http.post("/evaluate", json={"mapping_name": "summed", "user_segment": "canary"})
    body = service.http.get("/observability/metrics").json()
    assert body["feature_metrics"][FLAG]["reports_generated"] >= 1


def test_correlation_id_is_kept_logged_and_answered(service: Service) -> None:
    """The id of the client comes back and is in the log line of its request."""
    reply = service.http.get("/health/live", headers={"X-Correlation-ID": "abc-1"})
    assert reply.headers["X-Correlation-ID"] == "abc-1"

    def logged_entries() -> list[dict[str, Any]]:
        entries = [json.loads(line) for line in service.lines()]
        return [entry for entry in entries if entry["correlation_id"] == "abc-1"]

    wait_until(logged_entries, what="the log line, which is written after the answer")
    logged = logged_entries()[0]
    assert logged["path"] == "/health/live"
    assert logged["status_code"] == 200


@pytest.mark.parametrize("sent", [None, "", "a b", 'quote"', "x" * 129])
def test_unsafe_correlation_id_is_replaced(service: Service, sent: str | None) -> None:
    """A missing id, or one that could forge a log line, is replaced by a new one."""
    headers = {} if sent is None else {"X-Correlation-ID": sent}
    answered = service.http.get("/health/live", headers=headers).headers
    assert answered["X-Correlation-ID"] not in ("", sent)


def test_every_log_line_is_json(service: Service) -> None:
    """Standard output is JSON from the first line on, uvicorn's lines included."""
    entries = [json.loads(line) for line in service.lines()]
    assert {"uvicorn.error", "service_base.application"} <= {entry["logger"] for entry in entries}
    assert all({"timestamp", "level", "message"} <= entry.keys() for entry in entries)


# -- flags ------------------------------------------------------------------------


@pytest.mark.parametrize("percentage", [0, 5, 10, 25, 50, 75, 100])
def test_share_is_the_percentage(percentage: float) -> None:
    """A percentage reaches about that share of the users; 0 and 100 exactly."""
    reached = users_with(flag_with(strategy="gradual", percentage=percentage))
    tolerance = 0 if percentage in (0, 100) else 3
    assert abs(len(reached) / len(USERS) * 100 - percentage) <= tolerance


def test_rollout_is_monotonic() -> None:
    """A growing percentage takes nobody's feature away."""
    stages = [
        users_with(flag_with(strategy="gradual", percentage=percentage)) for percentage in (1, 5, 10, 25, 50, 75, 100)
    ]
    assert all(fewer < more for fewer, more in itertools.pairwise(stages))


def test_bucket_depends_on_flag_and_user() -> None:
    """The place of a user is fixed, in range, and differs between flags."""
    places = [bucket(FLAG, user) for user in USERS]
    assert places == [bucket(FLAG, user) for user in USERS]
    assert all(0 <= place < 100 for place in places)
    assert places != [bucket("other", user) for user in USERS]


def test_evaluation_is_sticky(service: Service) -> None:
    """The same users get the same answers again."""

    def answers() -> list[bool]:
        path = f"{FLAG_PATH}/evaluate"
        return [service.http.post(path, json={"user_id": user}).json()["enabled"] for user in USERS[:60]]

    first = answers()
    assert first == answers()
    assert len(set(first)) == 2


@pytest.mark.usefixtures("restored_flag")
def test_kill_switch_beats_everything(service: Service) -> None:
    """At 100 %, in a listed segment, with the full flag on: killed is off."""
    full = "/feature-flags/compliance_report_generator_full"
    rollout = {"strategy": "full", "percentage": 100.0}
    before = service.http.get(full).json()
    service.http.put(full, json={"enabled": True, "rollout": rollout})
    service.http.put(FLAG_PATH, json={"kill_switch": True, "rollout": rollout})
    try:
        user = {"user_id": "u", "user_segment": "canary"}
        answer = service.http.post(f"{FLAG_PATH}/evaluate", json=user).json()
        assert (answer["enabled"], answer["reason"]) == (False, "kill-switch")
        status = service.http.get("/feature-flags/status").json()
        assert status["kill_switches"] == [FLAG]
        reply = service.http.post("/evaluate", json={"mapping_name": "m", **user})
        assert reply.json()["feature"]["reason"] == "kill-switch"
    finally:
        service.http.put(full, json=before)


@pytest.mark.parametrize(
    ("change", "user", "reason"),
    [
        ({"enabled": False}, {"user_segment": "canary"}, "disabled"),
        ({"rollout": {"strategy": "off"}}, {"user_segment": "canary"}, "disabled"),
        ({"rollout": {"strategy": "kill_switch"}}, {}, "kill-switch"),
        ({}, {"user_segment": "canary", "environment": "moon"}, "environment"),
        ({}, {"user_segment": "canary"}, "segment"),
        ({}, {"user_segment": "beta", "user_id": "u"}, "percentage"),
        ({}, {}, "no-user-id"),
        ({"rollout": {"percentage": 100}}, {}, "percentage"),
    ],
)
def test_reason_of_an_evaluation(change: dict[str, Any], user: dict[str, str], reason: str) -> None:
    """The answer names the rule that decided."""
    merged = deep_merge(flag_with().model_dump(), change)
    got = evaluate(FLAG, Flag.model_validate(merged), User.model_validate(user))
    assert got.reason == reason


@pytest.mark.usefixtures("restored_flag")
def test_put_merges_deeply_and_in_memory(service: Service) -> None:
    """A change replaces what it names, keeps the rest, and leaves the file alone."""
    file = KIT / "feature_flags" / "flags.json"
    before, text = service.http.get(FLAG_PATH).json(), file.read_text()
    service.http.put(FLAG_PATH, json={"rollout": {"percentage": 25.0}})
    after = service.http.get(FLAG_PATH).json()
    assert after["rollout"].pop("percentage") == 25.0
    assert before["rollout"].pop("percentage") == 10.0
    assert after == before
    assert file.read_text() == text


@pytest.mark.parametrize(
    "change",
    [
        {"rollout": {"percentage": 101}},
        {"rollout": {"strategy": "yolo"}},
        {"stages": [50, 10, 100]},
        {"rolout": {}},
    ],
)
def test_invalid_change_is_refused(service: Service, change: dict[str, Any]) -> None:
    """A change that would break the flag answers 422 and changes nothing."""
    before = service.http.get(FLAG_PATH).json()
    assert service.http.put(FLAG_PATH, json=change).status_code == 422
    assert service.http.get(FLAG_PATH).json() == before


def test_unknown_flag_is_404_and_an_error(service: Service) -> None:
    """An unknown flag answers 404 everywhere and counts as a failed evaluation."""
    http = service.http
    replies = [
        http.get("/feature-flags/nope"),
        http.put("/feature-flags/nope", json={}),
        http.post("/feature-flags/nope/evaluate", json={}),
    ]
    assert {reply.status_code for reply in replies} == {404}
    assert FLAG in replies[0].json()["detail"]
    assert metric(service, "feature_flag_evaluations_total", result="error") >= 1


# -- faults -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status", "kind", "body"),
    [
        ("health-503", 503, "application/json", '{"status":"unhealthy"}'),
        ("health-says-down", 200, "application/json", '{"status":"down"}'),
        ("health-html", 200, "text/html; charset=utf-8", None),
        ("health-not-json", 200, "application/json", "OK, all fine"),
        ("health-empty", 200, "application/json", ""),
    ],
)
def test_health_fault_with_a_fixed_answer(
    backends: Backends,
    start_service: StartService,
    fault: str,
    status: int,
    kind: str,
    body: str | None,
) -> None:
    """/health gives the fault's answer, while the service itself stays ready."""
    service = start_service(backends, faults=fault)
    reply = service.http.get("/health")
    assert (reply.status_code, reply.headers["content-type"]) == (status, kind)
    assert body is None or reply.text == body
    assert service.http.get("/health/ready").status_code == 200


def test_slow_and_flaky_health(backends: Backends, start_service: StartService) -> None:
    """Two faults together: two slow 503s, then slow and fine."""
    service = start_service(backends, faults="slow-health=200ms, flaky-health=2")
    replies = [service.http.get("/health") for _ in range(3)]
    assert [reply.status_code for reply in replies] == [503, 503, 200]
    assert all(reply.elapsed.total_seconds() >= 0.2 for reply in replies)


def test_redirect_loop(backends: Backends, start_service: StartService) -> None:
    """/health redirects to itself."""
    service = start_service(backends, faults="redirect-loop")
    assert service.http.get("/health").headers["location"] == "/health"
    with pytest.raises(httpx.TooManyRedirects):
        service.http.get("/health", follow_redirects=True)


def test_huge_body(backends: Backends, start_service: StartService) -> None:
    """/health streams far more than one would read, and survives who leaves."""
    service = start_service(backends, faults="huge-body")
    with service.http.stream("GET", "/health") as reply:
        read = itertools.accumulate(len(chunk) for chunk in reply.iter_bytes())
        assert any(size > 20_000_000 for size in read)
    assert service.http.get("/health/live").status_code == 200


def test_drip(backends: Backends, start_service: StartService) -> None:
    """/health begins its answer at once and does not end it."""
    service = start_service(backends, faults="drip")
    with service.http.stream("GET", "/health", timeout=0.5) as reply:
        chunks = reply.iter_raw()
        assert next(chunks) == b" "
        with pytest.raises(httpx.ReadTimeout):
            next(chunks)


def test_lying_answers(backends: Backends, start_service: StartService) -> None:
    """The old version, and dependencies that are said to be disconnected."""
    faults = "old-version,db-disconnected,redis-disconnected"
    http = start_service(backends, faults=faults).http
    assert http.get("/health").json()["version"] == "0.0.1"
    for path in ("/health/db", "/health/redis"):
        assert http.get(path).json() == {"status": "disconnected"}


def test_dies_after(backends: Backends, start_service: StartService) -> None:
    """The last answer arrives, then the process is gone with status 3."""
    service = start_service(backends, faults="dies-after=3")
    service.http.get("/health/ready")
    replies = [service.http.get("/health/live") for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200] * 3
    assert service.process.wait(5) == 3


def test_flags_500(backends: Backends, start_service: StartService) -> None:
    """Everything below /feature-flags fails and failed evaluations are counted; the rest works."""
    service = start_service(backends, faults="flags-500")
    http = service.http
    assert http.get("/feature-flags/status").status_code == 500
    assert http.post(f"{FLAG_PATH}/evaluate", json={}).status_code == 500
    assert http.post("/feature-flags/nonsense/evaluate", json={}).status_code == 500
    assert metric(service, "feature_flag_evaluations_total", flag_name=FLAG, result="error") == 1
    assert metric(service, "feature_flag_evaluations_total", flag_name="unknown", result="error") == 1
    assert http.get("/health").status_code == 200


def test_flags_drift_and_forget(backends: Backends, start_service: StartService) -> None:
    """One user gets both answers; a change is acknowledged and not kept."""
    http = start_service(backends, faults="flags-drift,flags-forgets").http
    user = {"user_id": "same"}
    answers = {
        http.post(f"{FLAG_PATH}/evaluate", json=user).json()["enabled"]
        for _ in range(200)  # all alike at 10 %: once in 10^9
    }
    assert answers == {True, False}
    assert http.put(FLAG_PATH, json={"kill_switch": True}).json()["kill_switch"] is True
    assert http.get(FLAG_PATH).json()["kill_switch"] is False


def test_failing_and_slow_evaluate(backends: Backends, start_service: StartService) -> None:
    """Exactly the share that was asked for fails, slowly; /metrics shows both."""
    service = start_service(backends, faults="errors=30%,slow-evaluate=20ms")
    replies = [service.http.post("/evaluate", json={"mapping_name": "m"}) for _ in range(10)]
    assert sum(reply.status_code == 500 for reply in replies) == 3
    assert all(reply.elapsed.total_seconds() >= 0.02 for reply in replies)
    assert metric(service, "error_rate", feature=FLAG) == pytest.approx(0.3)
    failed = metric(service, "api_requests_total", endpoint="/evaluate", status_code="500")
    assert failed == 3


def test_never_ready(backends: Backends, start_service: StartService) -> None:
    """The service lives and is not ready."""
    http = start_service(backends, faults="never-ready").http
    assert http.get("/health/ready").status_code == 503
    assert http.get("/health/live").status_code == 200


def run_service(**env: str) -> subprocess.CompletedProcess[str]:
    """Return how a service ended that does not start."""
    urls = {
        "DATABASE_URL": "postgresql://kit@127.0.0.1:9/none",
        "REDIS_URL": "redis://127.0.0.1:9/0",
    }
    return subprocess.run(
        [sys.executable, "-m", "uvicorn", "service:app", "--port", "0"],
        cwd=KIT,
        env={**urls, **env},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_exits_at_start() -> None:
    """The process ends at once, and its last lines say why."""
    ended = run_service(FAULTS="exits-at-start")
    assert ended.returncode != 0
    assert "exits-at-start" in ended.stdout


def test_unknown_fault_is_refused() -> None:
    """The process ends, with the known names and the nearest one, no traceback."""
    ended = run_service(FAULTS="helth-503")
    assert ended.returncode != 0
    assert "'helth-503', which is unknown" in ended.stderr
    assert "Did you mean 'health-503'?" in ended.stderr
    assert all(name in ended.stderr for name in KNOWN)
    assert "Traceback" not in ended.stderr


def test_missing_settings_are_named() -> None:
    """Both missing variables are named together."""
    ended = run_service(DATABASE_URL="", REDIS_URL="")
    assert ended.returncode != 0
    assert "DATABASE_URL and REDIS_URL not set" in ended.stderr


@pytest.mark.parametrize(
    "text",
    [
        "slow-health",
        "slow-health=5",
        "errors=130%",
        "flaky-health=0",
        "drip=1",
        "dies-after=x",
        "errors=30%,errors=40%",
    ],
)
def test_unreadable_fault_is_refused(text: str) -> None:
    """A missing, unreadable, unwanted or repeated argument is an error."""
    with pytest.raises(SettingsError, match=text.partition("=")[0]):
        Faults.parse(text, KNOWN)


@pytest.mark.parametrize(
    ("file", "known"),
    [(KIT / "README.md", OWN), (KIT.parent / "service_base" / "README.md", {**OF_HEALTH, **OF_SERVERS})],
    ids=["own", "common"],
)
def test_every_fault_is_documented(file: Path, known: dict[str, Any]) -> None:
    """The README's tables list the known faults and no others."""
    text = file.read_text(encoding="utf-8").partition("\n## Faults\n")[2].partition("\n## What ")[0]
    listed = {row.split("`")[1].partition("=")[0] for row in text.splitlines() if row.startswith("| `")}
    assert listed == set(known)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_database_url_uses_psycopg(scheme: str) -> None:
    """Every spelling of PostgreSQL's scheme gets the same driver."""
    assert sqlalchemy_url(f"{scheme}://u@h/d") == "postgresql+psycopg://u@h/d"


def test_foreign_database_url_is_refused_without_its_password() -> None:
    """The refusal does not quote the URL."""
    with pytest.raises(SettingsError) as caught:
        sqlalchemy_url("mysql://u:hunter2@h/d")
    assert "hunter2" not in str(caught.value)


# -- dependencies that fail -------------------------------------------------------


def states(service: Service) -> dict[str, tuple[int, str]]:
    """Return the status and the body's status of each health endpoint, in 5 s each."""
    found = {}
    for path in ("/health", "/health/ready", "/health/db", "/health/redis"):
        reply = service.http.get(path, timeout=5)
        found[path] = (reply.status_code, reply.json()["status"])
    return found


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_postgres_lost(own_backends: Backends, start_service: StartService, how: signal.Signals) -> None:
    """PostgreSQL killed, or stopped so that it accepts and never answers: 503 soon."""
    service = start_service(own_backends)
    assert states(service)["/health/db"] == (200, "connected")
    pids = [*session_pids(own_backends), own_backends.postgres.pid]
    send_signal(pids, how)
    try:
        begun = time.monotonic()
        assert states(service) == {
            "/health": (503, "unhealthy"),
            "/health/ready": (503, "not-ready"),
            "/health/db": (503, "disconnected"),
            "/health/redis": (200, "connected"),
        }
        assert time.monotonic() - begun < 12
        reply = service.http.post("/evaluate", json={"mapping_name": "m"}, timeout=5)
        assert reply.status_code == 503
        assert metric(service, "db_connection_pool_size") == 0
        service.process.terminate()
        service.process.wait(5)  # abandoned calls do not hold the process up
    finally:
        if how is signal.SIGSTOP:
            send_signal(pids, signal.SIGCONT)


def session_pids(backends: Backends) -> list[int]:
    """Return the processes of PostgreSQL that serve the service's connections."""
    with psycopg.connect(backends.database_url) as db:
        rows = db.execute(
            "select pid from pg_stat_activity where application_name = 'compliance-report-generator'"
        ).fetchall()
    return [pid for (pid,) in rows]


def send_signal(pids: list[int], how: signal.Signals) -> None:
    """Send a signal to processes, to those that are still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, how)


@pytest.mark.slow
def test_postgres_comes_back(own_backends: Backends, start_service: StartService) -> None:
    """After a restart the pool replaces its dead connections: no error remains."""
    service = start_service(own_backends)
    with psycopg.connect(own_backends.database_url, autocommit=True) as db:
        db.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'compliance-report-generator'"
        )
    assert states(service)["/health"] == (200, "healthy")


@pytest.mark.slow
def test_redis_lost(own_backends: Backends, start_service: StartService) -> None:
    """Without Redis the health says so, and evaluations still work."""
    service = start_service(own_backends)
    own_backends.redis.kill()
    own_backends.redis.wait()
    assert states(service) == {
        "/health": (503, "unhealthy"),
        "/health/ready": (503, "not-ready"),
        "/health/db": (200, "connected"),
        "/health/redis": (503, "disconnected"),
    }
    reply = service.http.post("/evaluate", json={"mapping_name": "m"})
    assert (reply.status_code, reply.json()["cached"]) == (200, False)


@pytest.mark.slow
def test_unmigrated_database_is_not_ready(own_backends: Backends, start_service: StartService) -> None:
    """Without the table of the migrations the service is alive and not ready."""
    with psycopg.connect(own_backends.database_url) as db:
        db.execute("drop table alembic_version")
    service = start_service(own_backends)
    assert states(service)["/health/ready"] == (503, "not-ready")
    assert states(service)["/health/db"] == (200, "connected")


@pytest.mark.slow
def test_migrations_go_down_and_up(own_backends: Backends) -> None:
    """Both revisions can be undone and done again."""
    own_backends.alembic("downgrade", "base")
    with psycopg.connect(own_backends.database_url) as db:
        row = db.execute("select to_regclass('audit_logs')").fetchone()
    assert row == (None,)
    own_backends.alembic("upgrade", "head")
