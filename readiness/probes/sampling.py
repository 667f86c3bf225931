"""Several answers of one endpoint: of one address, or of each instance of a service at the same time."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING

from readiness.errors import NotMeasured
from readiness.probes.documents import DocumentError
from readiness.probes.http_address import REDIRECTS
from readiness.probes.http_body import TooLarge
from readiness.probes.interface import LatencyObservation
from readiness.probes.reply import EndpointObservation, Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from readiness.config.model import Endpoint
    from readiness.probes.http import HttpProbe

MOST_AT_ONCE = 8
"""How many instances are asked at the same time."""
_CREDENTIAL = re.compile(r"auth|cookie|token|key|secret", re.IGNORECASE)
_AUTHENTICATION_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,30}")
_DELAY = re.compile(r"\d{1,7}")


def sample(probe: HttpProbe, endpoint: Endpoint, samples: int, instance: str = "") -> EndpointObservation:
    """Returns what the endpoint answered to `samples` requests in a row.

    Redirects within the target are followed, unless the endpoint is configured to answer with one.

    Raises:
        NotMeasured: one of them could not be observed, or was refused: says which, why, and what had come before.
        DocumentError: an answer was above `max-body`, and too large to be read whole.
    """
    # A limit above the probe's own bound must be reachable, or a slow answer could not be told from none.
    timeout_s = max(probe.timeout_s, 2 * endpoint.within) if endpoint.within else probe.timeout_s
    most_bytes = max(probe.most_bytes, int(endpoint.max_body or 0))
    headers = {name: value.reveal() for name, value in endpoint.headers.items()}
    latencies: list[float] = []
    kept: list[Reply] = []
    statuses: set[int] = set()
    left_out = largest = 0
    for number in range(1, samples + 1):
        try:
            reply = probe.request(
                endpoint.method,
                endpoint.path,
                json=endpoint.body,
                headers=headers,
                timeout_s=timeout_s,
                follow=endpoint.status not in REDIRECTS,
                most_bytes=most_bytes,
            )
            if reply.status != endpoint.status:
                _refused(reply, any(map(_CREDENTIAL.search, (*probe.header_names, *headers))))
        except NotMeasured as error:
            if isinstance(error, TooLarge) and endpoint.max_body is not None:
                raise DocumentError(f"{error.cause}, and max-body is {endpoint.max_body}") from None
            before = f" (before it: {', '.join(map(str, sorted(statuses)))})" if statuses - {endpoint.status} else ""
            raise NotMeasured(f"request {number} of {samples}: {error.cause}{before}", error.remedy) from None
        latencies.append(reply.elapsed_ms)
        statuses.add(reply.status)
        largest = max(largest, len(reply.body))
        # An equal answer moves to the end, so that the last of the kept ones is the last that was given.
        kept = [each for each in kept if _differ(each, reply)] + [reply]
        while len(kept) > 1 and sum(len(each.body) for each in kept) > most_bytes:
            del kept[0]
            left_out += 1
    return EndpointObservation(
        endpoint.path,
        LatencyObservation(tuple(latencies), kept[-1].where),
        tuple(sorted(statuses)),
        tuple(kept),
        left_out,
        largest,
        instance,
    )


def sample_each(probes: Sequence[HttpProbe], endpoint: Endpoint, samples: int) -> tuple[EndpointObservation, ...]:
    """Returns what the endpoint of each instance answered; they are asked at the same time.

    Raises:
        NotMeasured: one of them could not be observed; says which, and what the others answered.
        DocumentError: an answer was above `max-body`, and too large to be read whole.
    """
    if len(probes) == 1:
        return (sample(probes[0], endpoint, samples),)

    def ask(probe: HttpProbe) -> EndpointObservation | NotMeasured | DocumentError:
        try:
            return sample(probe, endpoint, samples, probe.address)
        except (NotMeasured, DocumentError) as error:
            return error

    with ThreadPoolExecutor(min(len(probes), MOST_AT_ONCE), thread_name_prefix="readiness-instance") as pool:
        results = list(pool.map(ask, probes))
    seen = [each for each in results if isinstance(each, EndpointObservation)]
    missing = [
        (probe.address, each) for probe, each in zip(probes, results, strict=True) if isinstance(each, NotMeasured)
    ]
    if missing:
        raise _incomplete(missing, seen, len(probes))
    for each in results:
        if isinstance(each, DocumentError):
            raise each
    return tuple(seen)


def _incomplete(
    missing: Sequence[tuple[str, NotMeasured]], seen: Sequence[EndpointObservation], count: int
) -> NotMeasured:
    causes = "; ".join(f"{name}: {error.cause}" for name, error in missing)
    others = "; ".join(f"{each.instance} answered {', '.join(map(str, each.statuses))}" for each in seen)
    cause = f"{len(missing)} of {count} addresses of the service could not be observed: {causes}"
    return NotMeasured(f"{cause}{f' (the others: {others})' if others else ''}", missing[0][1].remedy)


def _differ(one: Reply, other: Reply) -> bool:
    return (one.status, one.content_type, one.body) != (other.status, other.content_type, other.body)


def _refused(reply: Reply, has_credentials: bool) -> None:
    """Who is turned away learns nothing of the service's health.

    Raises:
        NotMeasured: the answer turns away whoever asks, and not because the service is ill.
    """
    answered = f"{reply.where} answered {reply.status}"
    wanted = f"If {reply.status} is the answer wanted, set status = {reply.status}."
    add = 'add headers = { Authorization = "Bearer ${TOKEN}" } to the environment\'s table, or to this endpoint.'
    if reply.status == HTTPStatus.UNAUTHORIZED:
        scheme = _AUTHENTICATION_SCHEME.match(reply.headers.get("www-authenticate", ""))
        kind = f" by {scheme[0]}" if scheme else ""
        if has_credentials:
            cause = f"{answered}: the credentials that were sent are not accepted{kind}"
            raise NotMeasured(f"{cause}, so nothing was learned of its health", f"Renew them. {wanted}")
        cause = f"{answered}: it wants to know who asks{kind}, so nothing was learned of its health"
        raise NotMeasured(cause, f"To send credentials, {add} {wanted}")
    if reply.status == HTTPStatus.FORBIDDEN:
        who = "the credentials that were sent are not allowed to ask" if has_credentials else "not everybody may ask"
        allow = (
            "Allow them to, or ask from a network that may" if has_credentials else f"To send credentials, {add[:-1]}"
        )
        raise NotMeasured(f"{answered}: {who}, so nothing was learned of its health", f"{allow}. {wanted}")
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        delay = _DELAY.fullmatch(reply.headers.get("retry-after", "").strip())
        later = f", and to ask again in {delay[0]} s (Retry-After)" if delay else ""
        cause = f"{answered}: it limits the rate of requests{later}, so nothing was learned of its health"
        pause = f"{delay[0]}s" if delay else "30s"
        remedy = (
            f'Lower samples in [health], exempt these requests from the limit, or set attempts = 3, every = "{pause}".'
        )
        raise NotMeasured(cause, f"{remedy} {wanted}")
