"""The work itself: evaluate a mapping, write an audit row, generate a report."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Annotated, Any

from fastapi import APIRouter, Header, HTTPException
from pydantic import Field

from compliance_kit import FEATURE, FEATURE_FULL, metrics
from compliance_kit.flags import Evaluation, User
from compliance_kit.kit import Kit, TheKit
from compliance_kit.reports import evaluate_mapping, report_of
from compliance_kit.routes.flags import counted_evaluation
from compliance_kit.storage import AuditRow, ReportRow
from service_base import logs
from service_base.storage import Unavailable

log = logging.getLogger(__name__)
router = APIRouter(tags=["evaluation"])


class EvaluationRequest(User):
    """What to evaluate, and for whom."""

    mapping_name: str = Field(min_length=1, max_length=200)


def feature_for(kit: Kit, user: User) -> Evaluation:
    """Return whether this user gets a report.

    The flag of the full rollout takes over from the gradual one, except that the
    kill switch of the latter stops both.
    """
    gradual = counted_evaluation(kit, FEATURE, user)
    if gradual.enabled or gradual.reason == "kill-switch":
        return gradual
    full = counted_evaluation(kit, FEATURE_FULL, user)
    return full if full.enabled else gradual


@router.post("/evaluate")
async def evaluate(
    kit: TheKit,
    request: EvaluationRequest,
    x_user_segment: Annotated[str | None, Header(max_length=100)] = None,
) -> dict[str, Any]:
    """Evaluate a mapping. Users who have the feature get a report too.

    Without it the evaluation is the whole answer, not an error: at 10 % the other
    90 % are served well.
    """
    await asyncio.sleep(kit.faults.value("slow-evaluate"))
    started = time.perf_counter()
    outcome = "error"
    try:
        if kit.faults.is_due("errors"):
            raise HTTPException(500, "the fault errors is switched on")
        if request.user_segment is None:
            request = request.model_copy(update={"user_segment": x_user_segment})
        answer = await _evaluate(kit, request)
        outcome = "ok"
        return answer
    finally:
        metrics.FEATURE_REQUESTS.labels(FEATURE, outcome).inc()
        duration_ms = (time.perf_counter() - started) * 1000
        metrics.FEATURE_LATENCY.labels(FEATURE).observe(duration_ms)


async def _evaluate(kit: Kit, request: EvaluationRequest) -> dict[str, Any]:
    """Return the answer, once it is written to the database."""
    started = time.perf_counter()
    feature = feature_for(kit, request)
    found = await kit.cache.get(request.mapping_name)
    evaluation = found or evaluate_mapping(request.mapping_name)
    report = report_of(request.mapping_name, evaluation) if feature.enabled else None
    audit = AuditRow(
        event="evaluated",
        feature=FEATURE,
        actor=request.user_id or "anonymous",
        correlation_id=logs.correlation_id.get(),
        detail={"mapping_name": request.mapping_name, "feature": feature.reason},
    )
    row = None
    if report is not None:
        row = ReportRow(request.mapping_name, evaluation["score"], report)
    try:
        audit_id = await kit.storage.record(audit, feature, row)
    except Unavailable:
        if row is not None:
            metrics.REPORTS_FAILED.inc()
        raise
    metrics.AUDIT_EVENTS.labels(FEATURE, "evaluated").inc()
    if report is not None:
        metrics.REPORTS_GENERATED.inc()
        metrics.REPORT_DURATION.observe(time.perf_counter() - started)
    if found is None:
        await kit.cache.put(request.mapping_name, evaluation)
    return {
        "status": "evaluated",
        "audit_id": audit_id,
        "mapping_name": request.mapping_name,
        "score": evaluation["score"],
        "cached": found is not None,
        "feature": {"enabled": feature.enabled, "reason": feature.reason},
        "report": report,
    }
