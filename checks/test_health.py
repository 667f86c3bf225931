"""The service answers, soon enough, with what it should, and is the release to be judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from readiness import check, resolve, schema_errors, subset_values

if TYPE_CHECKING:
    from pathlib import Path

    from readiness.config.model import Endpoint, Health
    from readiness.evidence import Measure
    from readiness.probes.http import EndpointObservation, Reply


@check(
    "health/endpoint",
    each="endpoint in targets",
    observe=lambda http, endpoint, table: http.observe(endpoint, table.samples),
    runbook="service down health",
)
def test_endpoint(seen: EndpointObservation, endpoint: Endpoint, table: Health, folder: Path, measure: Measure) -> None:
    """The endpoint answers in time with what it should.

    Holds when: each of the samples answers with the expected status, the answer contains the expected values or
        satisfies the schema, and the 95th percentile of the response times is within the limit.
    Why it matters: a service that does not answer its own health endpoints serves nobody.
    Measured by: `samples` requests, one after the other, over one connection; each is timed from the request's first
        byte to the answer's last.
    If it fails: open the address that the evidence names and read the service's log of that moment; where only the
        time is over the limit, compare it with the load and with the database's query times.
    Source: [health] endpoints, within.
    """
    for status in seen.statuses:
        measure("status", status, equals=endpoint.status, key="endpoints", where=seen.where)
    limit = endpoint.within or table.within
    measure("latency p95", seen.p95_ms, unit="ms", at_most=limit.ms, key="within", where=seen.where)
    measure("answers too large to compare", seen.left_out, at_most=0, where=seen.where)
    for reply in seen.replies:
        if endpoint.json is not None:
            for pointer, wanted, found in subset_values(endpoint.json, reply.json()):
                measure(f"answer {pointer}", found, equals=wanted, key="endpoints", where=seen.where)
        if endpoint.schema is not None:
            errors = schema_errors(reply.json(), folder / endpoint.schema)
            measure("schema violations", len(errors), at_most=0, key="endpoints", where=seen.where, detail=errors)


@check(
    "health/version",
    needs="version",
    observe=lambda http, table: http.get(table.version.path),
    runbook="deployment version",
)
def test_version(seen: Reply, table: Health, measure: Measure) -> None:
    """The release that answers is the one to be judged.

    Holds when: the answer's value at the JSON Pointer equals the expected release.
    Why it matters: a check of yesterday's release says nothing about today's.
    Measured by: one GET request.
    If it fails: wait until the deployment has finished, or correct the release that is expected.
    Source: [health] version; RFC 6901 for the pointer.
    """
    assert table.version is not None
    measure("status", seen.status, equals=200, where=seen.where)
    release = resolve(seen.json(), table.version.pointer)
    measure("release", release, equals=table.version.equals, key="version", where=seen.where)
