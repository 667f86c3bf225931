"""Puts the service together."""

from __future__ import annotations

from fastapi import FastAPI

from compliance_kit import FEATURE, FLAGS_FILE, metrics
from compliance_kit.flags import Flags
from compliance_kit.kit import Kit
from compliance_kit.routes import evaluation, flags, health, observability
from compliance_kit.storage import ReportStorage
from service_base.application import assemble
from service_base.cache import Cache
from service_base.faults import Faults
from service_base.metrics import DB_OPERATIONS, HitRate, Requests
from service_base.sabotage import break_redis
from service_base.settings import Settings

CACHE_TTL_S = 60
"""How long an evaluation stays in Redis."""


def create_app(settings: Settings, faults: Faults, placeholder_critical_count: int) -> FastAPI:
    """Return the application, with nothing connected yet.

    Args:
        settings: of the process.
        faults: what is broken.
        placeholder_critical_count: critical placeholders that the build counted in this release.
    """
    kit = Kit(
        settings=settings,
        faults=faults,
        when_ready=break_redis(settings, faults),
        flags=Flags.load(FLAGS_FILE, drifts="flags-drift" in faults, forgets="flags-forgets" in faults),
        storage=ReportStorage(settings),
        cache=Cache(settings, HitRate(FEATURE), prefix="compliance:evaluation:", ttl_s=CACHE_TTL_S),
        errors=metrics.Window(),
    )
    requests = Requests("api", "status_code")

    def ended(endpoint: str, status: int) -> None:
        if endpoint == "/evaluate":
            kit.errors.add(failed=status >= 500)

    app = assemble(kit, title="Compliance report generator", requests=requests, table="audit_logs", ended=ended)
    for module in (health, observability, flags, evaluation):
        app.include_router(module.router)
    metrics.PLACEHOLDERS.set(placeholder_critical_count)
    _show(kit, requests)
    return app


def _show(kit: Kit, requests: Requests) -> None:
    """Let the gauges read the parts, and show every series from the start.

    A counter that is absent until its first event makes a rate of errors "no data"
    instead of zero.
    """
    metrics.ERROR_RATE.labels(FEATURE).set_function(kit.errors.error_rate)
    metrics.AUDIT_EVENTS.labels(FEATURE, "evaluated")
    DB_OPERATIONS.labels("compliance_query", "audit_logs", "ok")
    DB_OPERATIONS.labels("compliance_query", "compliance_reports", "ok")
    requests.duration.labels("/evaluate")
    metrics.FEATURE_LATENCY.labels(FEATURE)
    for status in ("200", "500"):
        requests.count.labels("POST", "/evaluate", status)
    for outcome in ("ok", "error"):
        metrics.FEATURE_REQUESTS.labels(FEATURE, outcome)
    for name in kit.flags.all():
        for result in ("true", "false", "error"):
            metrics.FLAG_EVALUATIONS.labels(name, result)
