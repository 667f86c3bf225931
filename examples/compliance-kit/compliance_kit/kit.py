"""What one process consists of, as the routes see it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request

from compliance_kit.cache import Cache
from compliance_kit.faults import Faults
from compliance_kit.flags import Flags
from compliance_kit.metrics import HitRate, Window
from compliance_kit.settings import Settings
from compliance_kit.storage import Storage


@dataclass(frozen=True, slots=True)
class Kit:
    """The parts of the service."""

    settings: Settings
    faults: Faults
    flags: Flags
    storage: Storage
    cache: Cache
    hit_rate: HitRate
    errors: Window
    """Outcomes of /evaluate."""
    started: float = field(default_factory=time.monotonic)

    @property
    def version(self) -> str:
        """The version that the service reports."""
        return "0.0.1" if "old-version" in self.faults else self.settings.release

    def uptime_s(self) -> float:
        """Return the seconds since the start."""
        return round(time.monotonic() - self.started, 3)


async def _kit_of(request: Request) -> Kit:
    return cast(Kit, request.app.state.kit)


TheKit = Annotated[Kit, Depends(_kit_of)]
"""The type of a route's parameter that receives the parts of the service."""
