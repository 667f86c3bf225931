"""The HTTP probe against real peers, good and bad."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import traceback
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from readiness.config.model import Endpoint
from readiness.config.quantity import Duration
from readiness.errors import NotMeasured
from readiness.probes.documents import DocumentError
from readiness.probes.http import HttpProbe
from tests.probes import peers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Probes = Callable[..., HttpProbe]

SLACK_S = 5.0
"""Generous: what is tested is that nothing hangs, not how fast a busy machine is."""


@pytest.fixture
def probe() -> Iterator[Probes]:
    with ExitStack() as stack:

        def make(url: str, **options: Any) -> HttpProbe:
            return stack.enter_context(HttpProbe(url, **{"budget": lambda: 60.0, **options}))

        yield make


@pytest.fixture
def healthy() -> Iterator[peers.Recorder]:
    with peers.answering() as recorder:
        yield recorder


# --- answers ----------------------------------------------------------------------------------------------------


def test_an_answer_is_read_whole_and_timed(probe: Probes, healthy: peers.Recorder) -> None:
    """Status, document, type, times and place of an answer are there."""
    with probe(healthy.url) as http:
        reply = http.get("/health/db")
    assert (reply.status, reply.json(), reply.content_type) == (
        200,
        {"status": "connected", "version": "1.2.3"},
        "application/json",
    )
    assert reply.elapsed_ms > 0
    assert reply.connect_ms is not None
    assert reply.where == f"GET {healthy.url}/health/db"
    assert reply.path == "/health/db"
    assert reply.headers["CONTENT-TYPE"] == "application/json"


def test_a_refusal_is_an_answer(probe: Probes) -> None:
    """A 401 is observed like any other status."""
    with peers.unauthorized() as url, probe(url) as http:
        reply = http.get("/health")
    assert (reply.status, reply.text) == (401, "who are you?")


def test_headers_and_credentials_of_the_address_are_sent(probe: Probes, healthy: peers.Recorder) -> None:
    """Configured headers go with each request; credentials in the address become basic authentication."""
    address = healthy.url.replace("http://", "http://user:p%40ss@")
    with probe(address, headers={"X-Api-Key": "k1"}) as http:
        reply = http.get("/a", headers={"X-Own": "1"})
        assert healthy.header("authorization") == "Basic dXNlcjpwQHNz"
        assert (healthy.header("x-api-key"), healthy.header("x-own")) == ("k1", "1")
        http.get("/a", headers={"x-api-key": "k2"})
        assert healthy.header("x-api-key") == "k2"
    assert "p%40ss" not in reply.where + repr(reply) + repr(http)


def test_a_body_is_sent_as_json_with_each_verb(probe: Probes, healthy: peers.Recorder) -> None:
    """post, put and delete send their document once."""
    with probe(healthy.url) as http:
        http.post("/a", json={"amount": 100})
        http.put("/a", json=[1])
        http.delete("/a")
    sent = [request.partition(b"\r\n\r\n") for request in healthy.requests]
    assert [head.split()[0] for head, _, _ in sent] == [b"POST", b"PUT", b"DELETE"]
    assert [body for _, _, body in sent] == [b'{"amount":100}', b"[1]", b""]


def test_a_base_path_and_a_query_are_kept(probe: Probes, healthy: peers.Recorder) -> None:
    """A path is added to the address, never resolved against it; values of its query are not shown."""
    with probe(f"{healthy.url}/api/v1/") as http:
        reply = http.get("/health?token=s3cret&verbose")
        http.get("//elsewhere.invalid/x")
    assert list(healthy.paths) == ["/api/v1/health?token=s3cret&verbose", "/api/v1//elsewhere.invalid/x"]
    assert reply.where.endswith("/api/v1/health?token=***&***")


def test_a_path_must_begin_with_a_slash(probe: Probes, healthy: peers.Recorder) -> None:
    """An address instead of a path is refused: it would carry the credentials elsewhere."""
    with probe(healthy.url) as http, pytest.raises(ValueError, match="begins with '/'"):
        http.get("http://elsewhere.invalid/")
    assert healthy.connections == 0


def test_ipv6_literals_work(probe: Probes) -> None:
    """An IPv6 address in brackets is reached, and shown in brackets."""
    with peers.answering(host="::1") as recorder, probe(recorder.url) as http:
        reply = http.get("/health")
    assert reply.status == 200
    assert reply.where.startswith("GET http://[::1]:")


def test_a_host_with_several_addresses_is_reached_at_the_one_that_answers(
    probe: Probes, healthy: peers.Recorder
) -> None:
    """`localhost` is found even where only one of its addresses listens."""
    with probe(healthy.url.replace("127.0.0.1", "localhost")) as http:
        assert http.get("/health").status == 200


def test_cookies_are_kept_within_a_request_only(probe: Probes) -> None:
    """A redirect that sets a cookie and returns works; the next request starts without it."""

    def answer(path: str, count: int) -> bytes:
        return peers.redirect("/in", "302 Found", "Set-Cookie: s=1") if count == 1 else peers.response(b"{}")

    with peers.answering(answer) as recorder, probe(recorder.url) as http:
        assert http.get("/in", follow=True).status == 200
        assert recorder.header("cookie") == "s=1"
        http.get("/in")
        assert recorder.header("cookie") is None


# --- documents --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html>\n<b>down</b>", "begins '<html> <b>down</b>'"),
        (b"", "empty"),
        (b'{"a": NaN}', "NaN"),
        (b"[" * 100_000, "JSON"),
    ],
)
def test_a_body_that_is_not_json_fails_the_check(probe: Probes, body: bytes, said: str) -> None:
    """The service answered with the wrong thing: an AssertionError with type and excerpt, not `unmeasured`."""
    with peers.answering(lambda *_: peers.response(body, "Content-Type: text/html; charset=utf-8")) as recorder:
        reply = probe(recorder.url).get("/health")
    with pytest.raises(DocumentError, match="answered 200 with text/html, not JSON") as caught:
        reply.json()
    assert isinstance(caught.value, AssertionError)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 500


def test_text_survives_whatever_the_server_says_of_it(probe: Probes) -> None:
    """A charset is honoured, an unknown one is not followed, and an excerpt is one printable line."""
    answers = {
        "/latin": peers.response(b"caf\xe9", "Content-Type: text/plain; charset=ISO-8859-1"),
        "/odd": peers.response(b"caf\xc3\xa9\x00\n\xff", "Content-Type: text/plain; charset=unicode_escape"),
    }
    with peers.answering(lambda path, _: answers[path]) as recorder, probe(recorder.url) as http:
        assert http.get("/latin").text == "café"
        assert http.get("/odd").excerpt == "café\N{REPLACEMENT CHARACTER} \N{REPLACEMENT CHARACTER}"


# --- samples ----------------------------------------------------------------------------------------------------


def test_samples_are_taken_on_one_connection(probe: Probes, healthy: peers.Recorder) -> None:
    """Sequential samples reuse one connection; its setup is not part of their latency."""
    with probe(healthy.url) as http:
        seen = http.observe(Endpoint(path="/health"), 5)
        again = http.get("/health")
    assert healthy.connections == 1
    assert healthy.paths["/health"] == 6
    assert len(seen.latency.samples_ms) == 5
    assert seen.p95_ms == max(seen.latency.samples_ms)
    assert (seen.statuses, seen.reply.status, len(seen.replies)) == ((200,), 200, 1)
    assert again.connect_ms is None
    assert seen.excerpt.startswith('{"status"')


def test_an_answer_that_differs_once_is_kept(probe: Probes) -> None:
    """One `down` among five answers is seen, although the last one is fine."""

    def answer(path: str, count: int) -> bytes:
        down = peers.response(b'{"status": "down"}', status="503 Service Unavailable" if count == 3 else "200 OK")
        return down if count in (2, 3) else peers.response(b'{"status": "up"}')

    with peers.answering(answer) as recorder, probe(recorder.url) as http:
        seen = http.observe(Endpoint(path="/health"), 5)
    assert seen.statuses == (200, 503)
    assert [(reply.status, reply.json()["status"]) for reply in seen.replies] == [
        (200, "down"),
        (503, "down"),
        (200, "up"),
    ]


def test_different_answers_are_kept_within_the_size_limit(probe: Probes) -> None:
    """Answers that differ every time fill no memory: the oldest are left out and counted."""
    with peers.answering(lambda _, count: peers.response(f"{count:0600}".encode())) as recorder:
        seen = probe(recorder.url, most_bytes=1000).observe(Endpoint(path="/health"), 4)
    assert (len(seen.replies), seen.left_out, int(seen.reply.text)) == (1, 3, 4)


def test_a_sample_that_cannot_be_observed_is_named(probe: Probes) -> None:
    """One lost sample makes the observation unmeasured, and the message says which it was."""

    def answer(path: str, count: int) -> bytes:
        return peers.response(b"{}") if count < 3 else b""

    with (
        peers.answering(answer) as recorder,
        pytest.raises(NotMeasured, match=r"request 3 of 5: .*not answered within 300 ms"),
    ):
        probe(recorder.url, timeout_s=0.3).observe(Endpoint(path="/health"), 5)


def test_a_limit_above_the_timeout_can_be_reached(probe: Probes) -> None:
    """An endpoint that may take longer than the probe's own timeout is given that time."""
    slow = peers.sending(b"HTTP/1.1 200 OK\r\n", b"Content-Length: 0\r\n\r\n", every_s=0.4)
    with slow as url:
        seen = probe(url, timeout_s=0.2).observe(Endpoint(path="/health", within=Duration.parse("5s")), 1)
    assert 300 < seen.p95_ms < 10_000


def test_eight_threads_ask_at_once(probe: Probes) -> None:
    """Eight requests are under way at the same time through one probe, each with its own answer."""
    with peers.rendezvous(8) as url, probe(url) as http, ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda number: http.get(f"/{number}"), range(8)))
    assert [reply.path for reply in replies] == [f"/{number}" for number in range(8)]


# --- redirects --------------------------------------------------------------------------------------------------


def test_redirects_within_the_target_are_followed_on_request(probe: Probes) -> None:
    """Without `follow` a redirect is the answer; with it the final answer names the way it came."""

    def answer(path: str, count: int) -> bytes:
        return peers.response(b"{}") if "/ready" in path else peers.redirect("ready?key=s3cret#top", "307 Temporary")

    with peers.answering(answer) as recorder, probe(recorder.url) as http:
        assert http.get("/health/db").status == 307
        reply = http.get("/health/db", follow=True)
        seen = http.observe(Endpoint(path="/health/db"), 1)
        expected = http.observe(Endpoint(path="/health/db", status=307), 1)
    assert (reply.status, reply.path, reply.where) == (200, "/health/ready", f"GET {recorder.url}/health/db")
    assert (reply.redirects, seen.redirects) == ((f"{recorder.url}/health/db",),) * 2
    assert recorder.paths["/health/ready?key=s3cret"] == 2
    assert (seen.statuses, expected.statuses) == ((200,), (307,))


@pytest.mark.parametrize(
    ("status", "method"), [("303 See Other", "GET"), ("302 Found", "GET"), ("307 Temporary", "POST")]
)
def test_a_redirected_post_is_repeated_only_where_http_says_so(probe: Probes, status: str, method: str) -> None:
    """303 and, by custom, 302 turn a POST into a GET without a body; 307 keeps both."""

    def answer(path: str, count: int) -> bytes:
        return peers.redirect("/done", status) if path == "/do" else peers.response(b"{}")

    with peers.answering(answer) as recorder:
        probe(recorder.url).post("/do", json=[1], follow=True)
    assert recorder.requests[-1].startswith(method.encode())
    assert recorder.requests[-1].endswith(b"[1]") is (method == "POST")


def test_a_redirect_to_elsewhere_is_the_answer(probe: Probes) -> None:
    """Another origin is never asked, so that credentials do not leave the target."""
    with peers.answering() as other:
        address = other.url.replace("http://", "http://a:b@")
        with peers.answering(lambda *_: peers.redirect(f"{address}/login")) as recorder:
            reply = probe(recorder.url, headers={"Authorization": "Bearer t"}).get("/health", follow=True)
    assert (reply.status, other.connections, reply.redirects) == (302, 0, ())


def test_a_redirect_loop_ends(probe: Probes) -> None:
    """A loop is unmeasured and shows the chain."""
    with peers.redirect_loop() as url, pytest.raises(NotMeasured, match=r"redirect loop: \S+/a -> \S+/b -> \S+/a"):
        probe(url).get("/a", follow=True)


def test_a_long_way_round_ends(probe: Probes) -> None:
    """More than five redirects are not followed, and queries in the chain are not shown."""
    with (
        peers.answering(lambda path, count: peers.redirect(f"{path}1")) as recorder,
        pytest.raises(NotMeasured, match="more than 5 redirects") as caught,
    ):
        probe(recorder.url).get("/x?key=s3cret", follow=True)
    assert "s3cret" not in caught.value.cause
    assert sum(recorder.paths.values()) == 6


# --- what cannot be observed ------------------------------------------------------------------------------------

UNMEASURED: list[tuple[str, Callable[[], AbstractContextManager[str]], str]] = [
    ("refused", peers.refusing, "refused the connection: nothing listens"),
    ("backlog", peers.full_backlog, "no connection to 127.0.0.1:.* within 500 ms: it was connecting"),
    ("silent", peers.silent, "not answered within 500 ms: it was waiting for the answer"),
    ("drip", peers.one_byte_per_second, "not answered within 500 ms: [0-9]+ bytes of the answer had arrived"),
    ("fast drip", lambda: peers.one_byte_per_second(0.05), "not answered within 500 ms"),
    ("drip of headers", peers.headers_one_byte_per_second, "not answered within 500 ms"),
    ("fast drip of headers", lambda: peers.headers_one_byte_per_second(0.05), "not answered within 500 ms"),
    ("gigabyte", lambda: peers.one_gigabyte(announced=False), "larger than the limit of 8 MiB"),
    ("announced gigabyte", lambda: peers.one_gigabyte(announced=True), "larger than the limit of 8 MiB"),
    ("gzip bomb", lambda: peers.gzip_bomb(64), "larger than the limit of 8 MiB"),
    ("endless headers", peers.endless_headers, "not HTTP/1.1"),
    ("hanging up", peers.hanging_up, "closed the connection without an answer"),
    ("half closed", peers.half_closed, "closed the connection without an answer"),
    ("short body", peers.short_body, "closed the connection in the middle of the answer"),
    ("broken chunks", peers.broken_chunks, "closed the connection in the middle of the answer"),
    ("garbage", peers.garbage, "what came back is not HTTP/1.1"),
    ("echo", peers.echo, "what came back is not HTTP/1.1"),
    ("reset", peers.resetting, "reset the connection"),
    ("broken gzip", peers.broken_gzip, "not the gzip data"),
    ("cut gzip", peers.cut_gzip, "gzip data of the body ends too early"),
    ("brotli", lambda: peers.sending(peers.response(b"x", "Content-Encoding: br")), "encoded with 'br'"),
    ("no TLS", peers.stalling_handshake, "no connection to .* within 500 ms: it was in the TLS handshake"),
]


@pytest.mark.parametrize(("peer", "cause"), [case[1:] for case in UNMEASURED], ids=[case[0] for case in UNMEASURED])
def test_what_cannot_be_observed_is_unmeasured_in_time(
    probe: Probes, peer: Callable[[], AbstractContextManager[str]], cause: str
) -> None:
    """Each peer ends in NotMeasured with its cause and a remedy, within the limit, without a secret."""
    limits = {
        "timeout_s": 0.5 if "not answered" in cause else 10.0,
        "connect_timeout_s": 0.5 if "no connection" in cause else 3.0,
    }
    with peer() as url, probe(url, headers={"Authorization": "Bearer s3cret"}, **limits) as http:
        started = time.monotonic()
        with pytest.raises(NotMeasured, match=cause) as caught:
            http.get("/health?token=s3cret")
        assert time.monotonic() - started < min(limits.values()) + SLACK_S
    assert caught.value.remedy
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "rest",
    [b"garbage!", peers.response(b'{"status": "connected"}')],
    ids=["garbage", "second answer"],
)
def test_more_than_was_announced_is_no_answer_to_the_next_request(rest: bytes, probe: Probes) -> None:
    """What follows an announced body is never taken for the answer to a later request."""
    with peers.long_body(rest) as url, probe(url) as http:
        assert http.get("/a").json() == {}
        with pytest.raises(NotMeasured, match=r"more than one answer|not HTTP/1\.1"):
            http.get("/b")


@pytest.mark.slow
def test_a_large_body_stays_out_of_memory(probe: Probes) -> None:
    """Neither a gigabyte nor a bomb of 256 MB takes more than a few times the limit."""
    with ExitStack() as stack:
        urls = [stack.enter_context(peer) for peer in (peers.one_gigabyte(announced=False), peers.gzip_bomb())]
        http = stack.enter_context(probe(urls[0], most_bytes=1024 * 1024))
        other = stack.enter_context(probe(urls[1], most_bytes=1024 * 1024))
        with pytest.raises(NotMeasured, match="larger"):
            other.get("/")  # whatever is loaded on first use is loaded now
        tracemalloc.start()
        stack.callback(tracemalloc.stop)
        for each in (http, other):
            with pytest.raises(NotMeasured, match="larger than the limit of 1 MiB"):
                each.get("/")
        assert tracemalloc.get_traced_memory()[1] < 16 * 1024 * 1024


def test_a_body_of_exactly_the_limit_is_read(probe: Probes) -> None:
    """The limit itself is allowed, plain and compressed, in one gzip member or in several."""
    import gzip

    answers = {
        "/plain": peers.response(b"x" * 1000),
        "/gzip": peers.response(gzip.compress(b"x" * 1000), "Content-Encoding: gzip"),
        "/members": peers.response(gzip.compress(b"x" * 400) + gzip.compress(b"x" * 600), "Content-Encoding: gzip"),
    }
    with peers.answering(lambda path, _: answers[path]) as recorder, probe(recorder.url, most_bytes=1000) as http:
        assert {len(http.get(path).body) for path in answers} == {1000}


def test_a_name_that_does_not_resolve_is_named(probe: Probes) -> None:
    """DNS is the cause, not a refused connection."""
    with pytest.raises(NotMeasured, match=r"the host name of nothing\.invalid:443 does not resolve"):
        probe("https://user:s3cret@nothing.invalid").get("/health")


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("expired", "certificate of localhost:[0-9]+ has expired"),
        ("early", "is not valid yet"),
        ("self-signed", "is self-signed"),
        ("wrong-host", "is for another host name"),
    ],
)
def test_a_faulty_certificate_is_named(probe: Probes, fault: str, cause: str, tmp_path: Path) -> None:
    """What is wrong with a certificate is said: it decides who has to act."""
    with peers.tls_peer(fault, tmp_path) as peer, pytest.raises(NotMeasured, match=cause) as caught:
        probe(peer.url, tls=peer.trusting).get("/health")
    assert caught.value.remedy


def test_a_certificate_of_an_unknown_authority_can_be_trusted(
    probe: Probes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By default an own authority is unknown; SSL_CERT_FILE makes it known."""
    with peers.tls_peer("none", tmp_path) as peer:
        with pytest.raises(NotMeasured, match="authority that is not trusted here") as caught:
            probe(peer.url).get("/health")
        assert "SSL_CERT_FILE" in caught.value.remedy
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
        with pytest.raises(NotMeasured, match="certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read"):
            probe(peer.url).get("/health")
        monkeypatch.setenv("SSL_CERT_FILE", str(peer.authority))
        with probe(peer.url) as http:
            assert http.get("/health").json()["status"] == "connected"
            assert http.get("/health").connect_ms is None


def test_plain_http_on_an_https_address_is_named(probe: Probes) -> None:
    """A port that does not speak TLS is called that."""
    with peers.plain_text() as url, pytest.raises(NotMeasured, match="does not speak TLS"):
        probe(url.replace("http:", "https:")).get("/health")


def test_the_run_s_deadline_bounds_every_request(probe: Probes) -> None:
    """The run's deadline ends a request before its own limit does, and none is begun after it."""
    with peers.silent() as url:
        with pytest.raises(NotMeasured, match="within 200 ms, what was left of the run") as caught:
            probe(url, budget=lambda: 0.2).get("/health")
        assert "--readiness-deadline" in caught.value.remedy
        with pytest.raises(NotMeasured, match="the run's deadline had passed"):
            probe(url, budget=lambda: 0.0).get("/health")


@pytest.mark.slow
def test_a_peer_that_does_not_read_ends_the_sending(probe: Probes) -> None:
    """A body that nobody takes is bounded like an answer that nobody gives."""

    def talk(client: object, stopped: threading.Event) -> None:
        stopped.wait(peers.LIMIT_S)

    with peers.serving(talk) as server, pytest.raises(NotMeasured, match="it was sending the request"):
        probe(peers.url_of(server), timeout_s=2).post("/health", json="x" * 16_000_000)


# --- settings ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "https://user:s3/cret@host",
        "ftp://user:s3cret@host",
        "http://",
        "host:80",
        "http://host/?s3cret=1",
        "http://h:99999",
    ],
)
def test_an_address_that_cannot_be_used_is_not_repeated(probe: Probes, address: str) -> None:
    """A mistyped address is refused without showing it: a part of the password may stand anywhere in it."""
    with pytest.raises(NotMeasured, match="the address of the target") as caught:
        probe(address).get("/")
    assert "s3" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("Authorization", "Bearer s3cret\n"), ("X-Key", "s3\x00cret"), ("X-Key", "s3crét"), ("X Key", "v")],
)
def test_a_header_that_http_does_not_allow_is_named_without_its_value(probe: Probes, name: str, value: str) -> None:
    """The line break at the end of a stored token is found before it becomes a library's error with the token in it."""
    with pytest.raises(NotMeasured, match=name) as caught:
        probe("http://127.0.0.1:1", headers={name: value})
    assert "s3" not in str(caught.value)


def test_no_frame_of_an_error_holds_a_configured_secret(probe: Probes) -> None:
    """A traceback with local variables shows neither a configured header nor credentials of the address."""
    with peers.refusing() as url:
        http = probe(url.replace("//", "//user:s3cret@"), headers={"X-Api-Key": "s3cret"})
        with pytest.raises(NotMeasured) as caught:
            http.get("/health")
    trace = caught.value.__traceback__
    frames = traceback.TracebackException(
        NotMeasured, caught.value, trace.tb_next if trace else None, capture_locals=True
    )
    shown = "".join(frames.format())
    assert "http.py" in shown
    assert "s3cret" not in shown
    assert "czNjcmV0" not in shown  # in base64


@pytest.mark.parametrize("method", ["G ET", "GET\r\nX: y"])
def test_a_method_that_http_does_not_allow_is_unmeasured(probe: Probes, method: str, healthy: peers.Recorder) -> None:
    """A request that cannot be sent is unmeasured, in words."""
    with pytest.raises(NotMeasured, match="not a request that HTTP allows"):
        probe(healthy.url).request(method, "/")


def test_a_proxy_of_the_environment_is_used_except_for_this_machine(
    probe: Probes, healthy: peers.Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTP_PROXY is honoured for other hosts; a target on loopback is asked directly."""
    with peers.answering() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        with probe(healthy.url) as direct, probe("http://nothing.invalid") as through:
            assert direct.get("/health").status == 200
            assert proxy.connections == 0
            assert through.get("/health").status == 200
        assert list(proxy.paths) == ["http://nothing.invalid/health"]


def test_a_proxy_that_refuses_is_named(probe: Probes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy's answer to CONNECT is told apart from the target's."""
    with peers.answering(lambda *_: peers.response(b"", status="407 Who Are You")) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        with pytest.raises(NotMeasured, match=r"the proxy answered 407 when asked for nothing\.invalid:443"):
            probe("https://nothing.invalid").get("/")
        monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:1")
        with pytest.raises(NotMeasured, match="not an HTTP proxy"):
            probe("https://nothing.invalid").get("/")


def test_connections_that_expire_fail_no_request(
    probe: Probes, healthy: peers.Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More threads than connections, each of which may expire at any moment: every request is answered."""
    monkeypatch.setattr("readiness.probes.transport.KEEP_ALIVE_S", 0.002)
    http = probe(healthy.url)
    with ThreadPoolExecutor(16) as pool:
        assert {reply.status for reply in pool.map(lambda _: http.get("/health/db"), range(2000))} == {200}


def test_a_closed_probe_opens_new_connections(probe: Probes, healthy: peers.Recorder) -> None:
    """close() lets connections go; it does not end the probe's use, and may be called twice."""
    http = probe(healthy.url)
    http.get("/")
    http.close()
    http.close()
    http.get("/")
    http.close()
    assert healthy.connections == 2


def test_nothing_heavy_is_imported_before_the_first_request() -> None:
    """A run that asks nothing over HTTP pays nothing for it."""
    code = "import readiness.probes.http, sys, json; print(json.dumps([n for n in ('httpx', 'httpcore', 'ssl') if n in sys.modules]))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60).stdout
    assert "httpx" not in json.loads(out)
    assert "httpcore" not in json.loads(out)
