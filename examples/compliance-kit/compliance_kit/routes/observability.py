"""Metrics for Prometheus, and summaries for people."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import REGISTRY

from compliance_kit import FEATURE
from compliance_kit.kit import TheKit
from service_base import health

router = APIRouter(tags=["observability"])


def _count(name: str, **labels: str) -> float:
    """Return the value of a series; 0 before its first event."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


@router.get("/metrics")
async def prometheus() -> Response:
    """Every metric, in the text format of Prometheus."""
    return health.prometheus()


@router.get("/observability/status")
async def status(kit: TheKit) -> Response:
    """The state of each part; 503 when one that is needed does not work."""
    body = await health.overall(kit)
    body["components"]["feature_flags"] = f"{len(kit.flags.all())} loaded"
    body["error_rate"] = kit.errors.error_rate()
    body["free_database_connections"] = kit.storage.free_connections()
    return JSONResponse(body, 200 if body["status"] == "healthy" else 503)


@router.get("/observability/metrics")
async def summary(kit: TheKit) -> dict[str, Any]:
    """The metrics of the feature, summed up since the start."""
    requests = {
        outcome: _count("feature_requests_total", feature_name=FEATURE, status=outcome) for outcome in ("ok", "error")
    }
    evaluations = {
        result: _count("feature_flag_evaluations_total", flag_name=FEATURE, result=result)
        for result in ("true", "false", "error")
    }
    feature = {
        "requests": requests,
        "error_rate": kit.errors.error_rate(),
        "reports_generated": _count("compliance_reports_generated_total"),
        "reports_failed": _count("compliance_reports_failed_total"),
        "flag_evaluations": evaluations,
        "cache": {"hits": kit.cache.rate.hits, "misses": kit.cache.rate.misses},
        "cache_hit_rate": kit.cache.rate.value(),
    }
    return {
        "version": kit.version,
        "uptime_s": kit.uptime_s(),
        "feature_metrics": {FEATURE: feature},
    }
