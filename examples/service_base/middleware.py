"""Around every request: correlation id, metrics, one log line."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service_base.faults import Faults
from service_base.logs import correlation_id, correlation_id_from
from service_base.metrics import Requests

log = logging.getLogger("service_base.access")

EXIT_STATUS_OF_FAULT = 3

Ended = Callable[[str, int], None]
"""Told the route's pattern and the status of each request that ended."""


class Observed:
    """Each request is counted, timed and logged, as ASGI middleware.

    Not starlette's BaseHTTPMiddleware, which costs a task and a stream per request and loses what a streaming answer
    does.
    """

    def __init__(self, app: ASGIApp, *, requests: Requests, faults: Faults, ended: Ended | None) -> None:
        """Wrap `app`; count in `requests`, and tell `ended` how each request ended."""
        self._app = app
        self._requests = requests
        self._faults = faults
        self._ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and observe its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = correlation_id_from(Headers(scope=scope).get("x-correlation-id"))
        token = correlation_id.set(request_id)
        started = time.perf_counter()
        status = 500  # what the client gets when no answer was begun

        async def observed_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Correlation-ID"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, observed_send)
        finally:
            self._note(scope, status, time.perf_counter() - started)
            correlation_id.reset(token)
        if self._faults.dies_now(scope["path"]):
            os._exit(EXIT_STATUS_OF_FAULT)

    def _note(self, scope: Scope, status: int, duration_s: float) -> None:
        """Count and log one request that ended."""
        # The route's pattern: a label per flag or per wrong path would never end.
        endpoint = getattr(scope.get("route"), "path", "unmatched")
        self._requests.count.labels(scope["method"], endpoint, str(status)).inc()
        self._requests.duration.labels(endpoint).observe(duration_s)
        if self._ended is not None:
            self._ended(endpoint, status)
        fields = {
            "method": scope["method"],
            "path": scope["path"],
            "endpoint": endpoint,
            "status_code": status,
            "duration_ms": round(duration_s * 1000, 3),
        }
        log.info("request", extra={"fields": fields})
