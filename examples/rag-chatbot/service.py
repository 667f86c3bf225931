"""The API of the RAG chatbot: `uvicorn service:app --port 8000`.

Who has one of the keys in API_KEYS, separated by commas, may ask.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

sys.path.append(str(Path(__file__).resolve().parent.parent))  # service_base is there, and not installed

import chatbot
from fastapi import APIRouter, Depends, Header, HTTPException
from pydantic import BaseModel, Field
from sqlalchemy import Connection, text

from service_base.application import from_environment, small_app
from service_base.parts import TheParts

SERVICE, VERSION = "rag-chatbot", "1.0.0"
POOL_SIZE = 20


async def _has_key(x_api_key: Annotated[str, Header()] = "") -> None:
    """Refuse who has no key; without any key in API_KEYS that is everybody."""
    if x_api_key not in filter(None, os.environ.get("API_KEYS", "").split(",")):
        raise HTTPException(401, "an API key is required: header X-API-Key")


router = APIRouter(tags=["chat"], dependencies=[Depends(_has_key)])


class Question(BaseModel):
    """What somebody asks."""

    question: Annotated[str, Field(min_length=1, max_length=1000)]
    session_id: Annotated[str, Field(min_length=1, max_length=100)]


@router.post("/chat")
async def chat(parts: TheParts, asked: Question) -> dict[str, Any]:
    """Answer a question, from Redis where it was asked within 24 hours, and note that the session is in use."""
    key = chatbot.key_of(asked.question)
    found = await parts.cache.get(key)
    reply = found or chatbot.reply_to(asked.question)
    if found is None and chatbot.FORGETS not in parts.faults:
        await parts.cache.put(key, reply)

    def write(db: Connection) -> None:
        db.execute(
            text(
                "INSERT INTO sessions (id, questions) VALUES (:id, 1) ON CONFLICT (id) DO UPDATE"
                " SET questions = sessions.questions + 1, last_seen = now()"
            ),
            {"id": asked.session_id},
        )

    await parts.storage.call("upsert", "sessions", write)
    return {**reply, "cached": found is not None}


@router.get("/chat/{session_id}")
async def session(parts: TheParts, session_id: str) -> dict[str, Any]:
    """How much a session has asked."""

    def read(db: Connection) -> int | None:
        found = db.execute(text("SELECT questions FROM sessions WHERE id = :id"), {"id": session_id}).scalar()
        return None if found is None else int(found)

    questions = await parts.storage.call("select", "sessions", read)
    if questions is None:
        raise HTTPException(404, "no such session")
    return {"session_id": session_id, "questions": questions}


settings, faults = from_environment(SERVICE, VERSION, pool_size=POOL_SIZE, faults=chatbot.FAULTS)
app = small_app(settings, faults, title="RAG chatbot", table="sessions", cache_ttl_s=chatbot.TTL_S, router=router)
