"""Health: alive, ready, and each dependency on its own."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.background import BackgroundTask

from service_base.broken import broken_health
from service_base.cache import CacheUnavailable
from service_base.parts import Parts, TheParts
from service_base.storage import Unavailable


async def database_state(parts: Parts) -> str:
    """Return `connected` or `disconnected`."""
    try:
        await parts.storage.answer()
    except Unavailable:
        return "disconnected"
    return "connected"


async def redis_state(parts: Parts) -> str:
    """Return `connected` or `disconnected`."""
    try:
        await parts.cache.answer()
    except CacheUnavailable:
        return "disconnected"
    return "connected"


async def overall(parts: Parts) -> dict[str, Any]:
    """Return the state of the service and of what it depends on."""
    database, redis = await asyncio.gather(database_state(parts), redis_state(parts))
    healthy = database == redis == "connected"
    return {
        "status": "healthy" if healthy else "unhealthy",
        "service": parts.settings.service,
        "version": parts.version,
        "uptime_s": parts.uptime_s(),
        "components": {"database": database, "redis": redis},
    }


async def health(parts: Parts) -> Response:
    """The service and everything it needs work; 503 where not."""
    broken = await broken_health(parts.faults)
    if broken is not None:
        return broken
    body = await overall(parts)
    return JSONResponse(body, 200 if body["status"] == "healthy" else 503)


async def ready(parts: Parts) -> Response:
    """Traffic may come: the database is migrated and Redis answers; 503 until then."""
    redis = await redis_state(parts)
    try:
        revision: str | None = await parts.storage.revision()
    except Unavailable:
        revision = None
    is_ready = redis == "connected" and revision is not None and "never-ready" not in parts.faults
    body = {"status": "ready" if is_ready else "not-ready", "revision": revision, "redis": redis}
    return JSONResponse(
        body, 200 if is_ready else 503, background=BackgroundTask(parts.when_ready) if is_ready else None
    )


async def database(parts: Parts) -> Response:
    """PostgreSQL answers a query; 503 where not."""
    if "db-disconnected" in parts.faults:
        return JSONResponse({"status": "disconnected"})
    state = await database_state(parts)
    return JSONResponse({"status": state}, 200 if state == "connected" else 503)


async def redis(parts: Parts) -> Response:
    """Redis answers a PING; 503 where not."""
    if "redis-disconnected" in parts.faults:
        return JSONResponse({"status": "disconnected"})
    state = await redis_state(parts)
    return JSONResponse({"status": state}, 200 if state == "connected" else 503)


def prometheus() -> Response:
    """Every metric, in the text format of Prometheus."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


router = APIRouter(tags=["health"])
"""The endpoints of the small services: /health, live and ready, each dependency, /metrics."""


@router.get("/health")
async def _health(parts: TheParts) -> Response:
    """The service and everything it needs work; 503 where not."""
    return await health(parts)


@router.get("/health/live")
async def _live() -> dict[str, str]:
    """The process answers; nothing else is asked."""
    return {"status": "alive"}


@router.get("/health/ready")
async def _ready(parts: TheParts) -> Response:
    """Traffic may come; 503 until then."""
    return await ready(parts)


@router.get("/health/db")
async def _database(parts: TheParts) -> Response:
    """PostgreSQL answers a query; 503 where not."""
    return await database(parts)


@router.get("/health/redis")
async def _redis(parts: TheParts) -> Response:
    """Redis answers a PING; 503 where not."""
    return await redis(parts)


@router.get("/metrics")
async def _metrics() -> Response:
    """Every metric, for Prometheus."""
    return prometheus()
