"""Health: alive, ready, and each dependency on its own."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from compliance_kit.kit import TheKit
from service_base import health as answers

router = APIRouter(tags=["health"])


@router.get("/health")
async def health(kit: TheKit) -> Response:
    """The service and everything it needs work; 503 where not."""
    return await answers.health(kit)


@router.get("/health/live")
async def live() -> dict[str, str]:
    """The process answers; nothing else is asked."""
    return {"status": "alive"}


@router.get("/health/ready")
async def ready(kit: TheKit) -> Response:
    """Traffic may come: the database is migrated and Redis answers; 503 until then."""
    return await answers.ready(kit)


@router.get("/health/db")
async def health_db(kit: TheKit) -> Response:
    """PostgreSQL answers a query; 503 where not."""
    return await answers.database(kit)


@router.get("/health/redis")
async def health_redis(kit: TheKit) -> Response:
    """Redis answers a PING; 503 where not."""
    return await answers.redis(kit)
