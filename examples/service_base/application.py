"""Puts a service together."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NoReturn

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from service_base import health, logs, metrics
from service_base.cache import Cache
from service_base.faults import OF_HEALTH, OF_SERVERS, Fault, Faults
from service_base.metrics import HitRate, Requests
from service_base.middleware import Ended, Observed
from service_base.parts import Parts
from service_base.sabotage import Sabotage, break_redis
from service_base.settings import Settings, SettingsError
from service_base.storage import Storage, Unavailable

log = logging.getLogger(__name__)

CONNECTIONS_AT_START = 5


def from_environment(
    service: str, version: str, *, pool_size: int = 10, faults: Mapping[str, Fault] | None = None
) -> tuple[Settings, Faults]:
    """Return what the environment variables say; `faults` are the service's own, besides the common ones.

    Raises:
        SystemExit: a variable is missing or unreadable; the text names it.
    """
    try:
        settings = Settings.from_environment(os.environ, service=service, version=version, pool_size=pool_size)
        return settings, Faults.parse(os.environ.get("FAULTS", ""), {**OF_HEALTH, **OF_SERVERS, **(faults or {})})
    except SettingsError as error:
        refuse(error)


def refuse(error: SettingsError) -> NoReturn:
    """End the process without a traceback: whoever starts the service needs the sentence, not ours."""
    sys.exit(f"the service does not start: {error}")


def small_app(
    settings: Settings, faults: Faults, *, title: str, table: str, cache_ttl_s: int, router: APIRouter
) -> FastAPI:
    """Return a service with the common endpoints and those of `router`; `table` is one that it cannot do without."""
    parts = Parts(
        settings=settings,
        faults=faults,
        storage=Storage(settings),
        when_ready=break_redis(settings, faults),
        cache=Cache(settings, HitRate(settings.service), prefix=f"{settings.service}:", ttl_s=cache_ttl_s),
    )
    app = assemble(parts, title=title, requests=Requests("http", "status"), table=table)
    app.include_router(health.router)
    app.include_router(router)
    return app


def assemble(parts: Parts, *, title: str, requests: Requests, table: str, ended: Ended | None = None) -> FastAPI:
    """Return the application without routes, with nothing connected yet."""
    logs.configure(parts.settings.service)
    app = FastAPI(title=title, version=parts.version, lifespan=_lifespan)
    app.state.parts = parts
    app.state.table = table
    app.add_exception_handler(Unavailable, _unavailable)
    app.add_exception_handler(RequestValidationError, _refused)
    app.add_middleware(Observed, requests=requests, faults=parts.faults, ended=ended)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Serve; more connections are made when they are needed, and all are closed at the end."""
    parts: Parts = app.state.parts
    await parts.storage.open(CONNECTIONS_AT_START)
    app.openapi()  # made once, and while it is made nobody else is answered
    sabotage = Sabotage(parts.settings, parts.faults, app.state.table)
    if parts.faults.names():
        log.warning("faults are switched on: %s", ", ".join(parts.faults.names()))
        await asyncio.to_thread(sabotage.begin)
    if "exits-at-start" in parts.faults:
        raise RuntimeError("the fault exits-at-start is switched on")
    log.info("%s %s serves", parts.settings.service, parts.version)
    metrics.SERVICE_UP.labels("api").set(1)
    yield
    sabotage.end()
    await parts.cache.close()
    parts.storage.close()


async def _unavailable(_request: Request, error: Exception) -> JSONResponse:
    """Answer 503 where the database did not do what a route needs."""
    return JSONResponse({"status": "unavailable", "detail": str(error)}, 503)


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    """Answer 422 without the input: FastAPI repeats it, and half of a surrogate pair in it cannot be encoded."""
    found = error.errors() if isinstance(error, RequestValidationError) else ()
    return JSONResponse({"detail": [{key: each[key] for key in ("type", "loc", "msg")} for each in found]}, 422)
