"""The API of the audit app: `uvicorn service:app --port 8000`.

Public money, county by county. Who has the token in API_TOKEN may read, RATE_LIMIT_CALLS times per minute and address.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

sys.path.append(str(Path(__file__).resolve().parent.parent))  # service_base is there, and not installed

from collections import Counter

from fastapi import APIRouter, Depends, Header, HTTPException, Request
from sqlalchemy import Connection, text

from service_base.application import from_environment, small_app
from service_base.cache import CacheUnavailable
from service_base.parts import TheParts

SERVICE, VERSION = "audit-app", "1.3.0"
COUNTIES_TTL_S = 300
RATE_LIMIT_CALLS = int(os.environ.get("RATE_LIMIT_CALLS", "120"))
RATE_LIMIT_SPAN_S = 60
calls_here: Counter[str] = Counter()
"""What counts while Redis does not answer: this process alone, and until it ends."""


async def _is_known(request: Request, parts: TheParts, authorization: Annotated[str, Header()] = "") -> None:
    """Refuse who asks too often, then who has no token."""
    address = request.client.host if request.client else "unknown"
    try:
        calls = await parts.cache.increment(f"rate_limit:{address}", RATE_LIMIT_SPAN_S)
    except CacheUnavailable:
        calls_here[address] += 1
        calls = calls_here[address]
    if calls > RATE_LIMIT_CALLS:
        raise HTTPException(429, "Rate limit exceeded", {"Retry-After": str(RATE_LIMIT_SPAN_S)})
    token = os.environ.get("API_TOKEN", "")
    if not token or authorization != f"Bearer {token}":
        raise HTTPException(401, "a token is required: header Authorization", {"WWW-Authenticate": "Bearer"})


router = APIRouter(prefix="/api/v1", tags=["counties"], dependencies=[Depends(_is_known)])


@router.get("/counties")
async def counties(parts: TheParts, request: Request) -> dict[str, Any]:
    """Every county with the number of its documents; who asked is written down."""
    address = request.client.host if request.client else "unknown"

    def read(db: Connection) -> list[dict[str, Any]]:
        db.execute(
            text("INSERT INTO audit_log (ip_address, action) VALUES (:address, 'counties')"), {"address": address}
        )
        rows = db.execute(
            text(
                "SELECT c.id, c.name, count(d.id) AS documents FROM counties c"
                " LEFT JOIN documents d ON d.county_id = c.id GROUP BY c.id ORDER BY c.id"
            )
        )
        return [dict(row) for row in rows.mappings()]

    return {"counties": await parts.storage.call("select", "counties", read)}


settings, faults = from_environment(SERVICE, VERSION)
app = small_app(settings, faults, title="Audit app", table="documents", cache_ttl_s=COUNTIES_TTL_S, router=router)
