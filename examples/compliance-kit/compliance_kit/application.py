"""Puts the service together."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from compliance_kit import FEATURE, SERVICE, logs, metrics
from compliance_kit.cache import Cache
from compliance_kit.faults import Faults
from compliance_kit.flags import Flags
from compliance_kit.kit import Kit
from compliance_kit.middleware import Observed
from compliance_kit.routes import evaluation, flags, health, observability
from compliance_kit.settings import Settings
from compliance_kit.storage import Storage, Unavailable

log = logging.getLogger(__name__)


def create_app(settings: Settings, faults: Faults) -> FastAPI:
    """Return the application, with nothing connected yet."""
    logs.configure()
    hit_rate = metrics.HitRate(FEATURE)
    kit = Kit(
        settings=settings,
        faults=faults,
        flags=Flags.load(
            settings.flags_file,
            drifts="flags-drift" in faults,
            forgets="flags-forgets" in faults,
        ),
        storage=Storage(settings),
        cache=Cache(settings, hit_rate),
        hit_rate=hit_rate,
        errors=metrics.Window(),
    )
    app = FastAPI(title="Compliance report generator", version=kit.version, lifespan=_lifespan)
    app.state.kit = kit
    for module in (health, observability, flags, evaluation):
        app.include_router(module.router)
    app.add_exception_handler(Unavailable, _unavailable)
    app.add_middleware(Observed, errors=kit.errors, faults=faults)
    _show(kit)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Serve; connections are made when they are needed and closed at the end."""
    kit: Kit = app.state.kit
    if kit.faults.names():
        log.warning("faults are switched on: %s", ", ".join(kit.faults.names()))
    if "exits-at-start" in kit.faults:
        raise RuntimeError("the fault exits-at-start is switched on")
    log.info("%s %s serves", SERVICE, kit.version)
    metrics.SERVICE_UP.labels("api").set(1)
    yield
    await kit.cache.close()
    kit.storage.close()


async def _unavailable(_request: Request, error: Exception) -> JSONResponse:
    """Answer 503 where the database did not do what a route needs."""
    return JSONResponse({"status": "unavailable", "detail": str(error)}, 503)


def _show(kit: Kit) -> None:
    """Let the gauges read the parts, and show every series from the start.

    A counter that is absent until its first event makes a rate of errors "no data"
    instead of zero.
    """
    metrics.POOL_SIZE.set_function(kit.storage.free_connections)
    metrics.CACHE_HIT_RATE.labels(FEATURE).set_function(kit.hit_rate.value)
    metrics.ERROR_RATE.labels(FEATURE).set_function(kit.errors.error_rate)
    metrics.PLACEHOLDERS.set(kit.settings.placeholder_critical_count)
    metrics.CACHE_HITS.labels(FEATURE)
    metrics.CACHE_MISSES.labels(FEATURE)
    metrics.AUDIT_EVENTS.labels(FEATURE, "evaluated")
    metrics.DB_OPERATIONS.labels("compliance_query", "audit_logs", "ok")
    metrics.DB_OPERATIONS.labels("compliance_query", "compliance_reports", "ok")
    metrics.API_DURATION.labels("/evaluate")
    metrics.FEATURE_LATENCY.labels(FEATURE)
    for status in ("200", "500"):
        metrics.API_REQUESTS.labels("POST", "/evaluate", status)
    for outcome in ("ok", "error"):
        metrics.FEATURE_REQUESTS.labels(FEATURE, outcome)
    for name in kit.flags.all():
        for result in ("true", "false", "error"):
            metrics.FLAG_EVALUATIONS.labels(name, result)
