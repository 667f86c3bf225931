"""ComplianceAgent's API: `uvicorn service:app --port 8000`.

It takes requests to scan a repository; the workers that do so are not part of this example.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

sys.path.append(str(Path(__file__).resolve().parent.parent))  # service_base is there, and not installed

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, Field
from sqlalchemy import Connection, text

from service_base.application import from_environment, small_app
from service_base.parts import TheParts

SERVICE, VERSION = "compliance-agent", "1.4.0"
REPOSITORY_TTL_S = 300


async def _in_service() -> None:
    """Refuse work during planned maintenance."""
    if os.environ.get("MAINTENANCE_MODE") == "true":
        raise HTTPException(503, "planned maintenance")


router = APIRouter(tags=["scans"], dependencies=[Depends(_in_service)])


class ScanRequest(BaseModel):
    """What to scan."""

    repository: Annotated[str, Field(min_length=1, max_length=200)]


@router.post("/scans", status_code=202)
async def ask_for_scan(parts: TheParts, request: ScanRequest) -> dict[str, Any]:
    """Queue a scan; who asks again within five minutes gets the one that is queued."""
    found = await parts.cache.get(request.repository)
    if found is not None:
        return found

    def write(db: Connection) -> int:
        statement = text("INSERT INTO scans (repository) VALUES (:repository) RETURNING id")
        return int(db.execute(statement, {"repository": request.repository}).scalar_one())

    scan = {"id": await parts.storage.call("insert", "scans", write), "state": "queued"}
    await parts.cache.put(request.repository, scan)
    return scan


@router.get("/scans")
async def latest_scans(parts: TheParts) -> list[dict[str, Any]]:
    """The twenty latest scans."""

    def read(db: Connection) -> list[dict[str, Any]]:
        rows = db.execute(text("SELECT id, repository, state FROM scans ORDER BY id DESC LIMIT 20"))
        return [dict(row) for row in rows.mappings()]

    return await parts.storage.call("select", "scans", read)


settings, faults = from_environment(SERVICE, VERSION)
app = small_app(settings, faults, title="ComplianceAgent", table="scans", cache_ttl_s=REPOSITORY_TTL_S, router=router)
