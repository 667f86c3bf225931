"""The broken answers of /health, one per fault."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

from fastapi.responses import (
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)

from service_base.faults import Faults

HUGE_BYTES = 1_000_000_000
_CHUNK = b" " * 65_536


async def _huge() -> AsyncIterator[bytes]:
    """Yield 1 GB, made while it is read."""
    left = HUGE_BYTES
    while left > 0:
        yield _CHUNK[:left]
        left -= len(_CHUNK)
        await asyncio.sleep(0)  # others get their turn


async def _drip() -> AsyncIterator[bytes]:
    """Yield one byte per second, for as long as the client stays."""
    while True:
        yield b" "
        await asyncio.sleep(1)


_JSON = "application/json"
_PAGE = "<!doctype html><title>Welcome</title><h1>It works!</h1>"

_ANSWERS: Mapping[str, Callable[[], Response]] = {
    "health-503": lambda: JSONResponse({"status": "unhealthy"}, 503),
    "health-says-down": lambda: JSONResponse({"status": "down"}),
    "health-degraded": lambda: JSONResponse({"status": "degraded", "components": {"upstream": "down"}}),
    "health-html": lambda: HTMLResponse(_PAGE),
    "health-not-json": lambda: Response("OK, all fine", media_type=_JSON),
    "health-empty": lambda: Response(b"", media_type=_JSON),
    "redirect-loop": lambda: RedirectResponse("/health"),
    "huge-body": lambda: StreamingResponse(_huge(), media_type=_JSON),
    "drip": lambda: StreamingResponse(_drip(), media_type=_JSON),
}


async def broken_health(faults: Faults) -> Response | None:
    """Return the answer of the fault that /health has; None when it has none."""
    await asyncio.sleep(faults.value("slow-health"))
    if faults.is_among_first("flaky-health"):
        return JSONResponse({"status": "unhealthy"}, 503)
    for name, answer in _ANSWERS.items():
        if name in faults:
            return answer()
    return None
