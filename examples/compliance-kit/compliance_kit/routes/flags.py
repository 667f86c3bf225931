"""Feature flags: what they are, what they say to one user, live changes."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, HTTPException, Request
from pydantic import ValidationError

from compliance_kit.flags import Evaluation, Flag, User
from compliance_kit.kit import Kit, TheKit
from compliance_kit.metrics import AUDIT_EVENTS, FLAG_EVALUATIONS

log = logging.getLogger(__name__)


async def _flags_work(kit: TheKit, request: Request) -> None:
    """Fail every route here while the fault `flags-500` is switched on; an evaluation that fails is counted."""
    if "flags-500" in kit.faults:
        name = request.path_params.get("name")
        if name is not None and request.url.path.endswith("/evaluate"):
            FLAG_EVALUATIONS.labels(name if name in kit.flags.all() else "unknown", "error").inc()
        raise HTTPException(500, "the feature flags cannot be read")


router = APIRouter(prefix="/feature-flags", tags=["flags"], dependencies=[Depends(_flags_work)])


def counted_evaluation(kit: Kit, name: str, user: User) -> Evaluation:
    """Return whether flag `name` is on for `user`, and count it.

    Raises:
        KeyError: there is no such flag; counted as an error of flag "unknown".
    """
    try:
        evaluation = kit.flags.evaluate(name, user)
    except KeyError:
        FLAG_EVALUATIONS.labels("unknown", "error").inc()
        raise
    FLAG_EVALUATIONS.labels(name, "true" if evaluation.enabled else "false").inc()
    return evaluation


def _unknown(kit: Kit, name: str) -> HTTPException:
    known = ", ".join(kit.flags.all())
    return HTTPException(404, f"flag {name!r} is not defined. Known: {known}")


@router.get("/status")
async def status(kit: TheKit) -> dict[str, Any]:
    """Every flag in short, the canaries among them, and the kill switches in use."""
    flags = kit.flags.all()
    return {
        "status": "healthy",
        "flags": {
            name: {
                "enabled": flag.enabled,
                "kill_switch": flag.kill_switch,
                "strategy": flag.rollout.strategy,
                "percentage": flag.rollout.percentage,
            }
            for name, flag in flags.items()
        },
        "canary_flags": [name for name, flag in flags.items() if flag.rollout.strategy == "canary"],
        "kill_switches": [name for name, flag in flags.items() if flag.kill_switch],
    }


@router.get("/{name}")
async def read(kit: TheKit, name: str) -> Flag:
    """One flag, as it is now."""
    flag = kit.flags.all().get(name)
    if flag is None:
        raise _unknown(kit, name)
    return flag


@router.put("/{name}")
async def change(kit: TheKit, name: str, change: Annotated[dict[str, Any], Body()]) -> Flag:
    """Merge the body into the flag, until the process ends; 422 leaves it as it was."""
    try:
        flag = kit.flags.change(name, change)
    except KeyError:
        raise _unknown(kit, name) from None
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False)
        raise HTTPException(422, problems) from None
    # A log line and no audit row: a kill switch has to work without the database.
    AUDIT_EVENTS.labels(name, "flag-changed").inc()
    log.info("flag changed", extra={"fields": {"feature_name": name, "change": change}})
    return flag


@router.post("/{name}/evaluate")
async def evaluate(kit: TheKit, name: str, user: User) -> dict[str, Any]:
    """Whether the flag is on for this user: the same answer every time."""
    try:
        evaluation = counted_evaluation(kit, name, user)
    except KeyError:
        raise _unknown(kit, name) from None
    return {**asdict(evaluation), **user.model_dump()}
