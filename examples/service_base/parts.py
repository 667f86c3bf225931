"""What one process consists of, as the routes see it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request

from service_base.cache import Cache
from service_base.faults import Faults
from service_base.settings import Settings
from service_base.storage import Storage


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The parts of the service."""

    settings: Settings
    faults: Faults
    storage: Storage
    cache: Cache
    when_ready: Callable[[], None] = lambda: None
    """Called after each answer that says ready; for faults that a service must not start with."""
    started: float = field(default_factory=time.monotonic)

    @property
    def version(self) -> str:
        """The version that the service reports."""
        return "0.0.1" if "old-version" in self.faults else self.settings.release

    def uptime_s(self) -> float:
        """Return the seconds since the start."""
        return round(time.monotonic() - self.started, 3)


async def _parts_of(request: Request) -> Parts:
    return cast(Parts, request.app.state.parts)


TheParts = Annotated[Parts, Depends(_parts_of)]
"""The type of a route's parameter that receives the parts of the service."""
