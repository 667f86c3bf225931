"""Doppelganger Studio's API: `uvicorn service:app --port 8000`. It keeps productions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

sys.path.append(str(Path(__file__).resolve().parent.parent))  # service_base is there, and not installed

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import Connection, text

from service_base.application import from_environment, small_app
from service_base.parts import TheParts

SERVICE, VERSION = "doppelganger-studio", "0.2.0"
PRODUCTION_TTL_S = 300
router = APIRouter(tags=["productions"])


class Production(BaseModel):
    """A show in the making."""

    title: Annotated[str, Field(min_length=1, max_length=200)]


@router.post("/productions", status_code=201)
async def begin_production(parts: TheParts, production: Production) -> dict[str, Any]:
    """Begin a production."""

    def write(db: Connection) -> int:
        statement = text("INSERT INTO productions (title) VALUES (:title) RETURNING id")
        return int(db.execute(statement, {"title": production.title}).scalar_one())

    return {"id": await parts.storage.call("insert", "productions", write), "title": production.title}


@router.get("/productions")
async def latest_productions(parts: TheParts) -> dict[str, Any]:
    """The twenty latest productions, at most five minutes old."""
    found = await parts.cache.get("latest")
    if found is not None:
        return found

    def read(db: Connection) -> list[dict[str, Any]]:
        rows = db.execute(text("SELECT id, title FROM productions ORDER BY id DESC LIMIT 20"))
        return [dict(row) for row in rows.mappings()]

    latest = {"productions": await parts.storage.call("select", "productions", read)}
    await parts.cache.put("latest", latest)
    return latest


settings, faults = from_environment(SERVICE, VERSION)
app = small_app(
    settings, faults, title="Doppelganger Studio", table="productions", cache_ttl_s=PRODUCTION_TTL_S, router=router
)
