"""Health: alive, ready, and each dependency on its own."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from compliance_kit import SERVICE
from compliance_kit.cache import CacheUnavailable
from compliance_kit.kit import Kit, TheKit
from compliance_kit.routes.broken import broken_health
from compliance_kit.storage import Unavailable

router = APIRouter(tags=["health"])


async def database_state(kit: Kit) -> str:
    """Return `connected` or `disconnected`."""
    try:
        await kit.storage.answer()
    except Unavailable:
        return "disconnected"
    return "connected"


async def redis_state(kit: Kit) -> str:
    """Return `connected` or `disconnected`."""
    try:
        await kit.cache.answer()
    except CacheUnavailable:
        return "disconnected"
    return "connected"


async def overall_health(kit: Kit) -> dict[str, Any]:
    """Return the state of the service and of what it depends on."""
    database, redis = await asyncio.gather(database_state(kit), redis_state(kit))
    healthy = database == redis == "connected"
    return {
        "status": "healthy" if healthy else "unhealthy",
        "service": SERVICE,
        "version": kit.version,
        "uptime_s": kit.uptime_s(),
        "components": {"database": database, "redis": redis},
    }


@router.get("/health")
async def health(kit: TheKit) -> Response:
    """The service and everything it needs work; 503 where not."""
    broken = await broken_health(kit.faults)
    if broken is not None:
        return broken
    body = await overall_health(kit)
    return JSONResponse(body, 200 if body["status"] == "healthy" else 503)


@router.get("/health/live")
async def live() -> dict[str, str]:
    """The process answers; nothing else is asked."""
    return {"status": "alive"}


@router.get("/health/ready")
async def ready(kit: TheKit) -> Response:
    """Traffic may come: the database is migrated and Redis answers; 503 until then."""
    redis = await redis_state(kit)
    try:
        revision: str | None = await kit.storage.revision()
    except Unavailable:
        revision = None
    is_ready = redis == "connected" and revision is not None and "never-ready" not in kit.faults
    body = {
        "status": "ready" if is_ready else "not-ready",
        "revision": revision,
        "redis": redis,
    }
    return JSONResponse(body, 200 if is_ready else 503)


@router.get("/health/db")
async def health_db(kit: TheKit) -> Response:
    """PostgreSQL answers a query; 503 where not."""
    if "db-disconnected" in kit.faults:
        return JSONResponse({"status": "disconnected"})
    state = await database_state(kit)
    return JSONResponse({"status": state}, 200 if state == "connected" else 503)


@router.get("/health/redis")
async def health_redis(kit: TheKit) -> Response:
    """Redis answers a PING; 503 where not."""
    if "redis-disconnected" in kit.faults:
        return JSONResponse({"status": "disconnected"})
    state = await redis_state(kit)
    return JSONResponse({"status": state}, 200 if state == "connected" else 503)
