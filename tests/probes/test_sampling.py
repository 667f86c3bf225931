"""Several answers of one endpoint, of one address or of each instance."""

from __future__ import annotations

import base64
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from readiness.config.model import Endpoint
from readiness.config.quantity import Duration, Size
from readiness.errors import NotMeasured
from readiness.probes.documents import DocumentError
from readiness.probes.http import HttpProbe
from readiness.redact import Secret
from tests.probes import peers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Probes = Callable[..., HttpProbe]

UP = peers.response(b'{"status": "up"}', "Content-Type: application/json")
DOWN = peers.response(b'{"status": "down"}', "Content-Type: application/json")


@pytest.fixture
def probe() -> Iterator[Probes]:
    with ExitStack() as stack:

        def make(url: str, **options: Any) -> HttpProbe:
            return stack.enter_context(HttpProbe(url, **{"budget": lambda: 60.0, **options}))

        yield make


# --- what is asked ----------------------------------------------------------------------------------------------


def test_method_body_and_headers_of_an_endpoint_are_sent(probe: Probes) -> None:
    """They go with each sample; headers stand besides and instead of the environment's."""
    endpoint = Endpoint(
        path="/probe",
        method="POST",
        body={"deep": True},
        headers={"X-Api-Key": Secret("own"), "Accept": Secret("text/plain")},
    )
    with peers.answering() as recorder, probe(recorder.url, headers={"X-Api-Key": "k", "X-All": "1"}) as http:
        http.observe(endpoint, 2)
    assert [request.partition(b" ")[0] for request in recorder.requests] == [b"POST"] * 2
    assert {request.partition(b"\r\n\r\n")[2] for request in recorder.requests} == {b'{"deep":true}'}
    assert [recorder.header(name) for name in ("x-api-key", "x-all", "accept")] == ["own", "1", "text/plain"]


def test_head_has_no_body(probe: Probes) -> None:
    """An answer to HEAD announces a body and sends none."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"
    with peers.answering(lambda *_: head) as recorder:
        seen = probe(recorder.url).observe(Endpoint(path="/a", method="HEAD"), 2)
    assert (seen.statuses, seen.largest_bytes, recorder.connections) == ((200,), 0, 1)


def test_answers_that_differ_in_type_alone_are_kept(probe: Probes) -> None:
    """The same bytes as another media type are another answer."""

    def answer(path: str, count: int) -> bytes:
        return peers.response(b"{}", f"Content-Type: {'text/html' if count == 1 else 'application/json'}")

    with peers.answering(answer) as recorder:
        seen = probe(recorder.url).observe(Endpoint(path="/a"), 3)
    assert [reply.content_type for reply in seen.replies] == ["text/html", "application/json"]


def test_the_largest_answer_is_measured(probe: Probes) -> None:
    """The size of the largest of the samples is kept, whichever it was."""
    with peers.answering(lambda _, count: peers.response(b"x" * (300 if count == 2 else 10))) as recorder:
        seen = probe(recorder.url).observe(Endpoint(path="/a", max_body=Size.parse("100B")), 3)
    assert seen.largest_bytes == 300


def test_a_limit_above_the_bound_can_be_reached(probe: Probes) -> None:
    """`max-body` raises the bound of what is read, as `within` does that of the time."""
    with peers.answering(lambda *_: peers.response(b"x" * 5000)) as recorder:
        http = probe(recorder.url, most_bytes=1000)
        assert http.observe(Endpoint(path="/a", max_body=Size.parse("8kB")), 1).largest_bytes == 5000
        with pytest.raises(DocumentError, match=r"larger than the limit of .* MiB, and max-body is 2kB"):
            http.observe(Endpoint(path="/a", max_body=Size.parse("2kB")), 1)
        with pytest.raises(NotMeasured, match="larger than the limit"):
            http.observe(Endpoint(path="/a"), 1)


# --- who is turned away -----------------------------------------------------------------------------------------

WORDS = [
    ("401 Unauthorized", {}, ["WWW-Authenticate: Bearer realm=s3cret"], "wants to know who asks by Bearer", "Authorization"),
    ("401 Unauthorized", {"Authorization": "Bearer s3cret"}, [], "credentials that were sent are not accepted", "Renew"),
    ("403 Forbidden", {}, [], "not everybody may ask", "Authorization"),
    ("403 Forbidden", {"Cookie": "s3cret"}, [], "credentials that were sent are not allowed", "Allow them"),
    ("429 Too Many Requests", {}, ["Retry-After: 12"], "limits the rate of requests, and to ask again in 12 s", '"12s"'),
    ("429 Too Many Requests", {}, ["Retry-After: Fri, 31 Dec 1999 23:59:59 GMT"], "limits the rate", "Lower samples"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "headers", "given", "cause", "remedy"), WORDS)
def test_who_is_turned_away_learns_nothing(
    probe: Probes, status: str, headers: dict[str, str], given: list[str], cause: str, remedy: str
) -> None:
    """401, 403 and 429 are no word on health: unmeasured, with the way in, and without a secret."""
    answer = peers.response(b"no", *given, status=status)
    with peers.answering(lambda *_: answer) as recorder, probe(recorder.url, headers=headers) as http:
        with pytest.raises(NotMeasured, match=rf"request 1 of 5: GET http.*/health answered {status[:3]}: ") as caught:
            http.observe(Endpoint(path="/health"), 5)
        code = int(status[:3])
        assert http.observe(Endpoint(path="/health", status=code), 2).statuses == (code,)
    assert cause in caught.value.cause
    assert remedy in caught.value.remedy
    assert f"set status = {code}" in caught.value.remedy
    assert "s3cret" not in str(caught.value)
    assert recorder.paths["/health"] == 3, "whoever is turned away does not go on asking"


def test_credentials_of_the_address_and_of_the_endpoint_are_credentials(probe: Probes) -> None:
    """Basic authentication and a header of the endpoint's own count as well."""
    answer = peers.response(b"", status="401 Unauthorized")
    with peers.answering(lambda *_: answer) as recorder:
        for http, endpoint in (
            (probe(recorder.url.replace("//", "//me:pw@")), Endpoint(path="/a")),
            (probe(recorder.url), Endpoint(path="/a", headers={"X-Api-Key": Secret("k")})),
        ):
            with pytest.raises(NotMeasured, match="credentials that were sent are not accepted"):
                http.observe(endpoint, 1)
    assert recorder.header("authorization", 0) == f"Basic {base64.b64encode(b'me:pw').decode()}"


def test_what_came_before_is_told(probe: Probes) -> None:
    """A rate limit that begins after an answer of 503 does not hide it."""

    def answer(path: str, count: int) -> bytes:
        return peers.response(b"", status="503 Down" if count == 1 else "429 Slow Down")

    with peers.answering(answer) as recorder, pytest.raises(NotMeasured, match=r"request 2 of 3: .*\(before it: 503\)"):
        probe(recorder.url).observe(Endpoint(path="/a"), 3)


def test_a_redirect_elsewhere_is_shown_without_its_query(probe: Probes) -> None:
    """Where a sign-in is elsewhere, the message says where, without what the redirect carries."""
    answer = peers.redirect("https://me:s3cret@sso.example/login?state=s3cret")
    with peers.answering(lambda *_: answer) as recorder:
        seen = probe(recorder.url).observe(Endpoint(path="/a"), 1)
    assert seen.said(302) == ("it redirects to https://sso.example/login",)
    assert (seen.said(200), seen.expected(200)) == ((), ())


# --- instances --------------------------------------------------------------------------------------------------


def test_each_instance_is_asked(probe: Probes) -> None:
    """The address and each instance have their samples, on a connection each; the one that is ill is named."""
    with peers.answering(lambda *_: UP) as one, peers.answering(lambda *_: DOWN) as two:
        http = probe(one.url, headers={"X-Key": "k"}, instances=(f"{one.url}/", two.url, two.url))
        seen = http.observe_each(Endpoint(path="/health"), 3)
    assert [each.instance for each in seen] == [one.url, two.url]
    assert [each.reply.json()["status"] for each in seen] == ["up", "down"]
    assert [each.of for each in seen] == [f" of {one.url}", f" of {two.url}"]
    assert (one.paths["/health"], two.paths["/health"], two.connections) == (3, 3, 1)
    assert two.header("x-key") == "k"


def test_without_instances_nothing_is_named(probe: Probes) -> None:
    """One address needs no name in the measurements."""
    with peers.answering() as recorder:
        (seen,) = probe(recorder.url).observe_each(Endpoint(path="/health"), 1)
    assert (seen.instance, seen.of) == ("", "")


def test_instances_are_asked_at_the_same_time(probe: Probes) -> None:
    """Two that answer only once both were asked are observed."""
    barrier = threading.Barrier(2)

    def answer(path: str, count: int) -> bytes:
        barrier.wait(peers.LIMIT_S)
        return UP

    with peers.answering(answer) as one, peers.answering(answer) as two:
        seen = probe(one.url, instances=(two.url,)).observe_each(Endpoint(path="/health"), 1)
    assert len(seen) == 2


def test_an_instance_that_cannot_be_observed_is_named(probe: Probes) -> None:
    """Not one of them may be missing; what the others answered is said."""
    with peers.answering(lambda *_: UP) as one, peers.refusing() as gone:
        http = probe(one.url, instances=(gone,))
        with pytest.raises(NotMeasured, match="1 of 2 addresses of the service could not be observed") as caught:
            http.observe_each(Endpoint(path="/health"), 2)
    assert f"{gone}: request 1 of 2: " in caught.value.cause
    assert f"(the others: {one.url} answered 200)" in caught.value.cause


def test_an_answer_that_is_too_large_does_not_hide_an_instance_that_is_gone(probe: Probes) -> None:
    """What could not be observed outweighs what failed: a failure could be waived."""
    large = peers.response(b"x" * 5000)
    with peers.answering(lambda *_: large) as one, peers.answering(lambda *_: UP) as two, peers.refusing() as gone:
        endpoint = Endpoint(path="/a", max_body=Size.parse("1kB"), within=Duration.parse("5s"))
        with pytest.raises(DocumentError, match="max-body is 1kB"):
            probe(one.url, instances=(two.url,), most_bytes=2000).observe_each(endpoint, 1)
        with pytest.raises(NotMeasured, match="1 of 2"):
            probe(one.url, instances=(gone,), most_bytes=2000).observe_each(endpoint, 1)


def test_closing_closes_the_connections_to_all_instances(probe: Probes) -> None:
    """A probe that was closed opens new connections, to each of them."""
    with peers.answering() as one, peers.answering() as two:
        http = probe(one.url, instances=(two.url,))
        for _ in range(2):
            http.observe_each(Endpoint(path="/a"), 1)
            http.close()
    assert (one.connections, two.connections) == (2, 2)
