"""What answers say of health: a table of what services really answer, and what must hold of any answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.config.model import Endpoint
from readiness.probes.health import Reading, read_health
from readiness.probes.health_words import Meaning, meaning_of, normalized
from readiness.probes.reply import Reply

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"


def reply(body: bytes | str, kind: str = JSON, *, redirects: tuple[str, ...] = ()) -> Reply:
    """An answer of `/health`."""
    data = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    headers = {"content-type": kind} if kind else {}
    return Reply(200, 1.0, None, headers, data, "GET http://shop.example/health", "/health", redirects)


def read(document: Any, **endpoint: Any) -> Reading:
    """What a JSON document says of health."""
    return read_health(reply(json.dumps(document)), Endpoint(path="/health", **endpoint))


# --- documents --------------------------------------------------------------------------------------------------

ACTUATOR = {
    "status": "UP",
    "components": {
        "db": {"status": "UP", "details": {"database": "PostgreSQL", "validationQuery": "isValid()"}},
        "diskSpace": {"status": "UP", "details": {"total": 1, "free": 1, "threshold": 1, "exists": True}},
        "mail": {"status": "UP", "components": {"a": {"status": "UP"}}},
    },
}
HEALTHY: list[Any] = [
    {"status": "healthy"},
    {"status": "ok", "info": {"db": {"status": "up"}}, "error": {}, "details": {"db": {"status": "up"}}},  # NestJS
    {"status": "ready", "revision": "0002", "redis": "connected"},
    {"status": "alive"},
    {"state": "RUNNING"},
    {"health": "green"},
    {"status": {"code": "UP"}},
    {"status": 200},
    {"status": "200"},
    {"status": "Server is running"},
    {"status": "ok", "checks": []},
    {"status": "ok", "checks": None},
    {"status": "ok", "errors": [], "error": None},
    {"status": "ok", "error": "none", "degraded": False, "down": []},
    {"ok": True},
    {"ok": 1, "up": 1},
    {"isHealthy": True, "is_ready": "yes"},
    {"status": "pass", "checks": {"cpu:utilization": [{"status": "pass", "observedValue": 85}]}, "output": ""},
    {"status": "UP", "checks": [{"name": "db", "status": "UP", "data": {}}]},  # MicroProfile
    {"status": "Healthy", "totalDuration": "0", "entries": {"db": {"status": "Healthy", "tags": []}}},  # ASP.NET
    ACTUATOR,
    {"database": "ok", "version": "11.1.0", "commit": "abc"},  # Grafana
    {"metadatabase": {"status": "healthy"}, "triggerer": {"status": None}},  # Airflow without a triggerer
    {"status": "ok", "master_check": [{"status": "ok"}]},  # GitLab
    {
        "status": "healthy",
        "components": {"database": "connected", "redis": "connected", "feature_flags": "3 loaded"},
        "error_rate": 0.0,
    },
    {"status": "ok", "dependencies": {"fastapi": "0.110", "cache": "not_configured", "replicas": 0}},
    {"data": {"status": "ok"}},
    True,
    "OK",
    [{"Name": "db", "Status": "passing"}],
]
SILENT: list[Any] = [
    {},
    [],
    5,
    {"message": "Hello World"},
    {"openapi": "3.1.0", "info": {}, "components": {"schemas": {"Error": {"type": "object"}, "Status": {"a": 1}}}},
    {"swagger": "2.0", "info": {}, "paths": {}},
    {"version": "2.0.0", "feature_metrics": {"f": {"requests": {"ok": 5, "error": 2}, "cache": {"hits": 0}}}},
    {"requests": {"failed": 3}, "errors": {"/a": 3}, "connected": 0, "running": 0, "failed": 2, "success": 0},
    {"results": {"a": None, "b": False}},
    {"flags": {"a": {"state": "off", "enabled": False}}, "kill_switches": []},
    {"last_status": None, "deployment_status": "none"},
]
ILL: list[tuple[Any, str]] = [
    *(({"status": word}, "/status") for word in (
        "down", "DOWN", "unhealthy", "error", "fail", "failed", "critical", "degraded", "disconnected", "unavailable",
        "out_of_service", "OUT OF SERVICE", "not ready", "not_ready", "not-ready", "NotReady", "starting up", "warn",
        "maintenance", "null", "false", "no", "unknown", "", "unavailable: connection refused", "isn't ready", "red",
        "some word", "503", "yellow",
    )),
    ({"status": None}, "/status is null"),
    ({"status": False}, "/status is false"),
    ({"status": 503}, "/status is 503"),
    ({"status": 7}, "/status is 7"),
    ({"status": ""}, "/status"),
    *(({key: value}, f"/{key}") for key in ("ok", "healthy", "alive", "ready", "isReady") for value in (False, None, 0)),
    ({"success": False}, "/success"),
    ({"ready": "false"}, "/ready"),
    ({"state": "down"}, "/state"),
    ({"health": "down"}, "/health"),
    ({"health_status": "down"}, "/health_status"),
    ({"status": {"code": "DOWN"}}, "/status/code"),
    ({"status": {"database": "down"}}, "/status/database"),
    ({"degraded": True}, "/degraded"),
    ({"down": ["db"]}, "/down"),
    ({"status": "ok", "error": "no connection to db"}, "/error"),
    ({"status": "ok", "error": {"code": 5}}, "/error"),
    ({"status": "ok", "errors": ["db"]}, "/errors"),
    ({"data": None, "errors": [{"message": "boom"}]}, "/errors"),
    ({"error": {"db": {"status": "down"}}}, "/error/db/status"),
    *(({"status": "ok", "components": {"db": value}}, "/components/db") for value in ("down", False, None, "degraded")),
    *(({"status": "ok", key: {"db": {"status": "down"}}}, f"/{key}/db/status") for key in (
        "components", "checks", "dependencies", "services", "details", "info", "entries", "results")),
    ({"status": "ok", "components": {"db": {"status": "weird"}}}, "/components/db/status"),
    ({"status": "ok", "checks": {"db": [{"status": "pass"}, {"status": "warn"}]}}, "/checks/db/1/status"),
    ({"status": "UP", "checks": [{"name": "db", "status": "DOWN"}]}, "/checks/0/status"),
    ({"status": "ok", "services": "down"}, "/services"),
    ({**ACTUATOR, "components": {"a": {"status": "UP", "components": {"b/c": {"status": "DOWN"}}}}},
     "/components/a/components/b~1c/status"),
    ({"database": "failing"}, "/database"),
    ({"redis": {"connected": False}}, "/redis/connected"),
    ({"database_status": "UNHEALTHY"}, "/database_status"),
    ({"sidekiq": {"status": "down"}}, "/sidekiq/status"),
    ({"db_check": [{"status": "failed"}]}, "/db_check/0/status"),
    ({"success": True, "data": {"status": "unhealthy"}}, "/data/status"),
    ({"swagger": "/docs", "status": "down"}, "/status"),
    ([{"Name": "db", "Status": "critical"}], "/0/Status"),
    (None, "the answer is null"),
    (False, "the answer is false"),
    ("down", 'the answer is "down"'),
]  # fmt: skip


@pytest.mark.parametrize("document", HEALTHY, ids=json.dumps)
def test_healthy_documents(document: Any) -> None:
    """What well-known libraries answer when all is well is read, and counts as healthy."""
    reading = read(document)
    assert not reading.ill, reading
    assert reading.well
    assert str(reading).endswith("counts as healthy")


@pytest.mark.parametrize("document", SILENT, ids=json.dumps)
def test_documents_that_say_nothing_of_health(document: Any) -> None:
    """Metrics, descriptions and the like raise no alarm, and the evidence says that nothing was said."""
    reading = read(document)
    assert (reading.ill, reading.well) == ((), ())
    assert "without a word on health" in str(reading)


@pytest.mark.parametrize(("document", "place"), ILL, ids=[json.dumps(document) for document, _ in ILL])
def test_documents_that_say_otherwise(document: Any, place: str) -> None:
    """Whatever says that something is not well is named with its place."""
    reading = read(document)
    (ill,) = reading.ill
    assert ill.startswith(place)
    assert place in str(reading)


def test_much_that_is_ill_is_named_in_part() -> None:
    """Ten parts are named and the others counted."""
    reading = read({"components": {str(number): "down" for number in range(500)}})
    assert len(reading.ill) == 11
    assert reading.ill[-1] == "and 490 more"
    assert len(str(reading)) < 1000


def test_parts_without_end_are_not_healthy() -> None:
    """What is nested so deeply that nobody would read it counts as ill, and breaks nothing."""
    document: Any = {"status": "ok"}
    for _ in range(200):
        document = {"components": {"a": document}}
    assert "nested too deeply" in str(read(document))
    assert "nested too deeply" in str(read_health(reply("[" * 100_000), Endpoint(path="/a")))


# --- what overrides it ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "accept"),
    [
        ({"status": "degraded"}, ["degraded"]),
        ({"status": "DEGRADED"}, ["Degraded"]),
        ({"status": "Out of service"}, ["out_of_service"]),
        ({"status": "warming"}, ["warm", "warming"]),
        ({"status": None}, ["null"]),
        ({"ready": False}, ["false"]),
        ({"ready": 0}, ["0"]),
        ({"status": 7}, ["7"]),
        ({"status": "ok", "components": {"mail": {"status": "down", "x": {"status": "down"}}}}, ["/components/mail"]),
        ({"status": "ok", "components": {"mail": "down"}}, ["/components/mail"]),
        ({"status": "down"}, ["any"]),
        ({"degraded": True}, ["degraded"]),
        ("tja", ["tja"]),
    ],
)
def test_what_is_accepted_counts_as_healthy(document: Any, accept: list[str]) -> None:
    """A word, a value or a part that the configuration names does not count against the service."""
    assert read(document).ill
    assert not read(document, accept=accept).ill


def test_what_is_accepted_covers_nothing_else() -> None:
    """Other words, and words that hold an accepted one, still count."""
    assert read({"status": "degraded", "components": {"db": "down"}}, accept=["degraded"]).ill
    assert read({"status": "ok but degraded"}, accept=["ok"]).ill
    assert read({"components": {"mailer": "down"}}, accept=["/components/mail"]).ill


def test_an_expected_value_is_not_read() -> None:
    """What `json` names is compared and not read; the rest is."""
    assert not read({"status": "degraded"}, json={"status": "degraded"}).ill
    assert not read({"components": {"db": [{"status": "down"}]}}, json={"components": {"db": [{"status": "down"}]}}).ill
    reading = read({"status": "degraded", "components": {"db": "down"}}, json={"status": "degraded"})
    assert reading.ill == ('/components/db is "down"',)


def test_only_an_answer_that_should_be_healthy_is_read() -> None:
    """Another status than 2xx is expected for what it is; 204 and HEAD have no body."""
    page = reply("<html>gone</html>", "text/html")
    assert not read_health(page, Endpoint(path="/a", status=404)).ill
    assert not read_health(reply(""), Endpoint(path="/a", status=204)).ill
    assert not read_health(reply(""), Endpoint(path="/a", method="HEAD")).ill
    assert not read_health(reply(""), Endpoint(path="/a", method="OPTIONS")).ill
    assert "status = 404" in str(read_health(page, Endpoint(path="/a", status=404)))


# --- other answers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b" \r\n", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("kind", [JSON, TEXT, "text/html", ""])
def test_nothing_is_no_healthy_answer(body: bytes, kind: str) -> None:
    """An empty body says nothing, unless the configuration says that it is the answer wanted."""
    assert "the body is empty" in str(read_health(reply(body, kind), Endpoint(path="/a")))
    assert not read_health(reply(body, kind), Endpoint(path="/a", accept=["empty"])).ill


PAGES = [
    ("<!doctype html><title>Sign in</title>", "text/html; charset=utf-8"),
    ("<!DOCTYPE HTML PUBLIC '-//W3C//DTD HTML 4.01//EN'>", "application/octet-stream"),
    ("<html>fine</html>", JSON),
    ("\ufeff\n<!-- built -->\n<html lang='en'>", TEXT),
    ("<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'>", "application/xhtml+xml"),
    ("OK", "text/html"),
    ('{"status": "ok"}', "text/html"),
]


@pytest.mark.parametrize(("body", "kind"), PAGES)
def test_a_page_is_no_healthy_answer(body: str, kind: str) -> None:
    """A page is recognised by its type or its beginning; it counts only where a page is wanted."""
    assert "HTML page" in str(read_health(reply(body, kind), Endpoint(path="/a")))
    assert not read_health(reply(body, kind), Endpoint(path="/a", accept=["html"])).ill
    assert not read_health(reply(body, kind), Endpoint(path="/a", content_type="text/html")).ill


def test_a_page_is_named_by_its_title_and_its_way() -> None:
    """The title tells a sign-in page from a single-page app, and a redirect says how it came to it."""
    page = reply(PAGES[0][0], "text/html", redirects=("http://shop.example/health",))
    assert 'titled "Sign in", at /health after a redirect' in str(read_health(page, Endpoint(path="/a")))


@pytest.mark.parametrize(
    "body",
    [
        "OK", "ok\n", "Ok.", "healthy", "Healthy!", "alive", "pong", "ready", "LIVE", "imok", "up and running", "true",
        "Prometheus Server is Ready.", "healthz check passed", "all shards are ready", "Ollama is running",
        "no errors", "0 errors", "\ufeffOK", "[+]ping ok\n[+]etcd ok\nhealthz check passed",
    ],
)  # fmt: skip
def test_texts_that_say_that_all_is_well(body: str) -> None:
    """A short text counts by its words."""
    reading = read_health(reply(body, TEXT), Endpoint(path="/a"))
    assert not reading.ill, reading
    assert reading.well


@pytest.mark.parametrize(
    "body",
    [
        "down", "not ok", "NOT READY", "Service Unavailable", "error", "starting", "isn't ready", "Hello World",
        "Database connection failed", "out of service", "null", "false", "no", "ok, but degraded",
        "Error: no route\n  at main", "[+]ping ok\n[-]etcd failed: reason withheld\nhealthz check failed",
        "[-]etcd failed: reason withheld", "Internal Server Error\n\nrequest 5",
    ],
)  # fmt: skip
def test_texts_that_say_otherwise(body: str) -> None:
    """Words for ill, and a short text that is no known word at all, are no healthy answer."""
    assert read_health(reply(body, TEXT), Endpoint(path="/a")).ill
    assert not read_health(reply(body, TEXT), Endpoint(path="/a", accept=["any"])).ill


@pytest.mark.parametrize(
    "body",
    [
        "# HELP errors\nerrors 5\n",
        'errors{a="b c"} 5\nup 1',
        "2.0.0",
        "v1.2",
        "3f2c9ab",
        "1",
        "User-agent: *\nDisallow:",
    ],
)
def test_texts_that_say_nothing_of_health(body: str) -> None:
    """Metrics, a version and other texts need only be answered."""
    reading = read_health(reply(body, TEXT), Endpoint(path="/a"))
    assert (reading.ill, reading.well) == ((), ())
    assert "no word on health" in str(reading)


def test_what_claims_to_be_json_and_is_not() -> None:
    """A body that its content type contradicts is broken; JSON of any other type is read as JSON."""
    assert "not JSON" in str(read_health(reply("OK, all fine"), Endpoint(path="/a")))
    assert read_health(reply('{"status": "down"}', TEXT), Endpoint(path="/a")).ill
    assert read_health(reply('{"status": "down"}', "application/health+json"), Endpoint(path="/a")).ill
    assert read_health(reply(json.dumps({"status": "down"}).encode("utf-16"), JSON), Endpoint(path="/a")).ill


# --- words ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("3 loaded", Meaning.NOTHING),
        ("3 pending", Meaning.NOTHING),
        ("503 Service Unavailable", Meaning.ILL),
        ("not configured", Meaning.NOTHING),
        ("not connected", Meaning.ILL),
        ("doesn't work", Meaning.ILL),
        ("without errors", Meaning.WELL),
        ("running, 2 errors", Meaning.ILL),
        ("ok " * 100, Meaning.NOTHING),
        ("error " * 100, Meaning.ILL),
        ("\u4f60\u597d", Meaning.NOTHING),
    ],
)
def test_meanings(text: str, meaning: Meaning) -> None:
    """Negation, counts and length are looked at."""
    assert meaning_of(text) is meaning


def test_spellings_of_one_word() -> None:
    """Case, separators and camel case make no difference."""
    spellings = ("OUT_OF_SERVICE", "out-of-service", "Out of service.", "OutOfService")
    assert {normalized(each) for each in spellings} == {"out-of-service"}


# --- what holds of any answer -----------------------------------------------------------------------------------

KEYS = st.sampled_from(
    [
        "status",
        "state",
        "ready",
        "error",
        "errors",
        "components",
        "checks",
        "details",
        "db",
        "data",
        "degraded",
        "x",
        "~/",
    ]
) | st.text(max_size=4)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
    | st.sampled_from(["ok", "UP", "down", "degraded", "503", "not ready"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
ENDPOINTS = st.builds(
    Endpoint,
    path=st.just("/a"),
    accept=st.none()
    | st.lists(st.sampled_from(["ok", "any", "html", "empty", "/components", "/", "", "x"]), min_size=1),
    json=st.none() | st.dictionaries(KEYS, VALUES, max_size=2),
    status=st.sampled_from([200, 204, 404]),
)


@given(st.binary(max_size=60) | VALUES.map(lambda value: json.dumps(value).encode()), st.sampled_from(
    [JSON, TEXT, "text/html", "", "application/health+json", "text/plain; charset=utf-16"]), ENDPOINTS)  # fmt: skip
def test_reading_never_raises(body: bytes, kind: str, endpoint: Endpoint) -> None:
    """Any bytes, of any type, under any configuration have a reading, and one that fits into a message."""
    reading = read_health(reply(body, kind), endpoint)
    assert len(str(reading)) < 5000
    assert hash(reading) == hash(read_health(reply(body, kind), endpoint))


FAILING = st.sampled_from(["down", "DOWN", "unhealthy", "error", "degraded", False, None]) | st.fixed_dictionaries(
    {"status": st.sampled_from(["down", "fail", "out_of_service", None, False])}
)


@given(
    st.dictionaries(KEYS, VALUES, max_size=4),
    st.sampled_from(["components", "checks", "dependencies", "services"]),
    st.text("abc/~", min_size=1, max_size=3),
    FAILING,
)
def test_a_failing_part_never_makes_an_answer_healthy(
    document: dict[str, Any], where: str, name: str, part: object
) -> None:
    """Whatever else an answer says: with one more part that is ill it is not healthy, and what was ill still is."""
    parts = document.get(where)
    before = read(document)
    worse = read({**document, where: {**(parts if isinstance(parts, dict) else {}), name: part}})
    assert worse.ill
    if not isinstance(parts, dict) or name not in parts:
        kept = [each for each in before.ill if not each.startswith((f"/{where}", "and "))]
        assert set(kept) <= set(worse.ill) or len(worse.ill) > 10


@given(VALUES)
def test_accepting_any_reads_nothing(document: Any) -> None:
    """With `any` no answer is ill."""
    assert not read(document, accept=["any"]).ill
