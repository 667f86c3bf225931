"""Makes a reader of what `[rollout]` names, and the words for its limits."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from readiness.config.rollout_tables import Rollout, RolloutMetric, RolloutTls, ScrapeTarget
from readiness.config.selectors import parse_selector
from readiness.errors import NotMeasured
from readiness.rollout.source import Http, Reader, arms_of, wanted_of

if TYPE_CHECKING:
    from readiness.rollout.prometheus import Wish
    from readiness.rollout.prometheus_api import PrometheusApi

MakeHttp: TypeAlias = Callable[[str, Mapping[str, str], ssl.SSLContext | None], Http]
"""Address, headers and certificates to what asks it."""


def reader_of(table: Rollout, stage: float, folder: Path, make_http: MakeHttp) -> Reader:
    """Returns what looks at the rollout; nothing is asked yet.

    Raises:
        NotMeasured: the certificates cannot be read.
    """
    if table.prometheus is not None:
        from readiness.rollout.prometheus import PrometheusReader

        return PrometheusReader(api_of(table, folder, make_http), wish_of(table, stage))
    from readiness.rollout.addresses import Source
    from readiness.rollout.scraping import ScrapingReader

    headers, tls = _headers(table), None if table.tls is None else _context(table.tls, folder)
    sources = []
    for each in table.scrape or ():
        target = ScrapeTarget(url=each) if isinstance(each, str) else each
        parts = urlsplit(target.url)
        origin, path = f"{parts.scheme}://{parts.netloc}", urlunsplit(("", "", parts.path or "/", parts.query, ""))
        sources.append(Source(make_http(origin, headers, tls), target.url, path, target.labels))
    return ScrapingReader(
        sources,
        wanted_of(table),
        arms_of(table),
        stage=stage,
        interval_s=float(table.every),
        warm_up_s=float(table.warm_up),
    )


def api_of(table: Rollout, folder: Path, make_http: MakeHttp) -> PrometheusApi:
    """Returns what asks the Prometheus that `[rollout]` names; nothing is asked yet.

    Raises:
        NotMeasured: the certificates cannot be read.
    """
    from readiness.rollout.prometheus_api import PrometheusApi

    tls = None if table.tls is None else _context(table.tls, folder)
    return PrometheusApi(make_http(table.prometheus or "", _headers(table), tls))


def wish_of(table: Rollout, stage: float) -> Wish:
    """Returns what is read from a Prometheus for one stage."""
    from readiness.rollout.prometheus import Wish

    return Wish(
        wanted_of(table),
        arms_of(table),
        stage,
        float(table.every),
        parse_selector(table.up),
        None if table.alerts is None else parse_selector(table.alerts),
        float(table.warm_up),
        float(table.look_back),
    )


def _headers(table: Rollout) -> dict[str, str]:
    return {name: value.reveal() for name, value in table.headers.items()}


def _context(tls: RolloutTls, folder: Path) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=None if tls.ca is None else str(folder / tls.ca))
        if tls.cert is not None:
            context.load_cert_chain(
                folder / tls.cert, None if tls.key is None else folder / tls.key, password=_no_password
            )
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or getattr(error, "strerror", None) or "not PEM"
        raise NotMeasured(
            f"a certificate of [rollout] tls cannot be read: {why}", "Name PEM files without a password."
        ) from None
    return context


def _no_password() -> str:
    raise ValueError("the key has a password")


def limits_of(table: Rollout) -> dict[str, dict[str, Any]]:
    """Returns what the report says of each metric's limits, as JSON builtins."""
    return {each.name: _limits(each) for each in table.metric}


def _limits(metric: RolloutMetric) -> dict[str, Any]:
    promote, rollback = metric.promote_slower_than, metric.rollback_slower_than
    if metric.histogram is None:
        return {
            "kind": "bad",
            "promote_below": None if metric.promote_below is None else float(metric.promote_below),
            "rollback_above": None if metric.rollback_above is None else float(metric.rollback_above),
        }
    return {
        "kind": "slow",
        "promote_below": None if promote is None or promote.below is None else float(promote.below),
        "rollback_above": None if rollback is None or rollback.above is None else float(rollback.above),
        "promote_edge": None if promote is None else str(promote.edge),
        "rollback_edge": None if rollback is None else str(rollback.edge),
    }


def digest_of(table: Rollout) -> str:
    """Returns what tells two configurations of a rollout apart, without any of their secrets."""
    import msgspec

    open_parts = msgspec.structs.replace(
        table, headers={}, tls=None, observe=table.every, state=None, prometheus=None, scrape=None
    )
    addresses = [table.prometheus or "", *(str(getattr(each, "url", each)) for each in table.scrape or ())]
    # Nothing that could be a password: whoever has the rest could guess it from the digest.
    text = repr((open_parts, [urlsplit(each).netloc.rpartition("@")[2] for each in addresses]))
    return hashlib.sha256(text.encode()).hexdigest()
