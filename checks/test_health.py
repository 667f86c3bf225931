"""The service answers, soon enough, with what it should, and is the release to be judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from readiness import check, read_health, resolve, schema_errors, subset_values

if TYPE_CHECKING:
    from pathlib import Path

    from readiness.config.model import Endpoint, Health
    from readiness.evidence import Measure
    from readiness.probes.http import EndpointObservation, Reply


@check(
    "health/endpoint",
    each="endpoint in targets",
    observe=lambda http, endpoint, table: http.observe_each(endpoint, table.samples),
    runbook="service down health",
)
def test_endpoint(
    seen: tuple[EndpointObservation, ...], endpoint: Endpoint, table: Health, folder: Path, measure: Measure
) -> None:
    """The endpoint answers in time with what it should, and the answer does not say otherwise.

    Holds when: each of the samples answers with the expected status; the answer is read, and nothing in it says that
        the service or a part of it is not well; it contains the expected values, satisfies the schema, and has the
        expected media type and size; and the 95th percentile of the response times is within the limit. Where the
        environment names `instances`, all of this holds for each of them and for `url`.
    Why it matters: a service that does not answer its own health endpoints serves nobody, and one that answers 200
        with `{"status": "down"}`, with an empty body or with the page of a single-page app is no healthier.
    Measured by: `samples` requests, one after the other, over one connection, to each address; each is timed from the
        request's first byte to the answer's last. In JSON the values of `status`, `state`, `health`, `ready` and the
        like count, at the top and in the parts under `components`, `checks`, `dependencies`, `services` and `details`:
        words such as down, degraded or starting, false and null are ill, words such as ok, up or connected are well,
        and a status that is no known word is ill too. A short plain text counts as a whole. Documents without such
        values, such as metrics, need only be answered. An answer of 401, 403 or 429 says nothing of the service's
        health: the check is unmeasured, unless that status is the expected one.
    If it fails: open the address that the evidence names and read the service's log of that moment; where only the
        time is over the limit, compare it with the load and with the database's query times. Where the answer is as it
        should be and was misread, say so: accept = ["degraded"] for a word, ["/components/mail"] for a part, ["html"]
        for a page, ["empty"] for no body, ["any"] to read nothing, in [health] or in the endpoint's own table.
    Source: [health] endpoints, within, samples, accept, max-body; draft-inadarei-api-health-check-06; Spring Boot
        Actuator, health endpoint.
    """
    for each in seen:
        of, where = each.of, each.where
        for status in each.statuses:
            said = each.said(status)
            measure(f"status{of}", status, equals=endpoint.status, key="endpoints", where=where, detail=said)
        limit = endpoint.within or table.within
        measure(f"latency p95{of}", each.p95_ms, unit="ms", at_most=limit.ms, key="within", where=where)
        measure(f"answers too large to compare{of}", each.left_out, at_most=0, where=where)
        if endpoint.max_body is not None:
            size, most = each.largest_bytes / 1024, endpoint.max_body / 1024
            measure(f"body{of}", size, unit="KiB", at_most=most, key="max-body", where=where)
        for reading in dict.fromkeys(read_health(reply, endpoint) for reply in each.expected(endpoint.status)):
            measure(f"read{of}", str(reading), where=where)
            ill = reading.ill
            measure(f"signs of ill health{of}", len(ill), at_most=0, key="accept", where=where, detail=ill)
        for reply in each.expected(endpoint.status):
            judge_answer(reply, endpoint, folder, measure, of)


def judge_answer(reply: Reply, endpoint: Endpoint, folder: Path, measure: Measure, of: str) -> None:
    """What the endpoint is expected to answer is measured."""
    where = reply.where
    if endpoint.content_type is not None:
        wanted = endpoint.content_type.lower()
        measure(f"content type{of}", reply.content_type or None, equals=wanted, key="endpoints", where=where)
    if endpoint.json is not None:
        for pointer, value, found in subset_values(endpoint.json, reply.json()):
            measure(f"answer {pointer}{of}", found, equals=value, key="endpoints", where=where)
    if endpoint.schema is not None:
        errors = schema_errors(reply.json(), folder / endpoint.schema, folder)
        measure(f"schema violations{of}", len(errors), at_most=0, key="endpoints", where=where, detail=errors)


@check(
    "health/version",
    needs="version",
    observe=lambda http, table: http.observe_each(table.release, 1),
    runbook="deployment version",
)
def test_version(seen: tuple[EndpointObservation, ...], table: Health, measure: Measure) -> None:
    """The release that answers is the one to be judged.

    Holds when: the answer's value at the JSON Pointer equals the expected release; where the environment names
        `instances`, that of each of them and of `url`.
    Why it matters: a check of yesterday's release says nothing about today's.
    Measured by: one GET request to each address.
    If it fails: wait until the deployment has finished, or correct the release that is expected.
    Source: [health] version; RFC 6901 for the pointer.
    """
    assert table.version is not None
    for each in seen:
        reply, of, where = each.reply, each.of, each.where
        measure(f"status{of}", reply.status, equals=200, where=where, detail=each.said(reply.status))
        release = resolve(reply.json(), table.version.pointer)
        measure(f"release{of}", release, equals=table.version.equals, key="version", where=where)
