"""JSON logs on standard output, one object per line, with correlation ids."""

from __future__ import annotations

import json
import logging
import re
import sys
import uuid
from contextvars import ContextVar
from datetime import UTC, datetime

correlation_id: ContextVar[str | None] = ContextVar("correlation_id", default=None)
"""The id of the request at hand; None outside of one."""

_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


def correlation_id_from(text: str | None) -> str:
    """Return the client's id, or a new one where it is absent or unsafe to log."""
    if text is not None and _SAFE_ID.fullmatch(text):
        return text
    return str(uuid.uuid4())


class JsonFormatter(logging.Formatter):
    """One JSON object per record; `extra={"fields": {...}}` adds members."""

    def __init__(self, service: str) -> None:
        """Name `service` in every line."""
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """Return `record` as one line."""
        entry: dict[str, object] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
            "correlation_id": correlation_id.get(),
        }
        entry.update(getattr(record, "fields", {}))
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


def configure(service: str) -> None:
    """Send every log of the process, uvicorn's too, to standard output as JSON."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(service))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
    # Our own line per request has the duration and the correlation id.
    logging.getLogger("uvicorn.access").disabled = True
