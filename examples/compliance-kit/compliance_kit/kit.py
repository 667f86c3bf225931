"""What one process consists of, as the routes see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from compliance_kit.flags import Flags
from compliance_kit.metrics import Window
from compliance_kit.storage import ReportStorage
from service_base.parts import Parts


@dataclass(frozen=True, kw_only=True)
class Kit(Parts):
    """The parts of the service."""

    storage: ReportStorage
    flags: Flags
    errors: Window
    """Outcomes of /evaluate."""


async def _kit_of(request: Request) -> Kit:
    return cast(Kit, request.app.state.parts)


TheKit = Annotated[Kit, Depends(_kit_of)]
"""The type of a route's parameter that receives the parts of the service."""
