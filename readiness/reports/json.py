"""`report.json`: the source of all other reports; made from a `Decision` and read back to one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from readiness.errors import ReportError
from readiness.model import Decision
from readiness.reports.interface import Document, Writer
from readiness.wire import from_builtins, to_builtins, to_json

SCHEMA = "readiness-report/1"
"""Name and version of the layout; first key of every report."""

_NOT_FINITE = ("nan", "inf", "-inf")
"""How numbers that JSON has no word for are written."""


def document(decision: Decision, *, rollout: dict[str, Any] | None = None) -> Document:
    """Returns the content of `report.json`.

    Args:
        decision: GO or NO-GO, and all that it stands on.
        rollout: stage, action and metrics, where that gate ran.
    """
    built: Document = {"schema": SCHEMA, **to_builtins(decision)}
    for check in built["checks"]:
        for measurement in check["measurements"]:
            if measurement["limit"] is not None:
                measurement["limit"] = {key: bound for key, bound in measurement["limit"].items() if bound is not None}
    if rollout is not None:
        built["rollout"] = to_builtins(rollout)
    return built


def decision_from(document: Document) -> Decision:
    """Returns the decision that `document` was made from; numbers that are not finite come back as such.

    Raises:
        ReportError: where the document has another layout.
    """
    import msgspec

    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise ReportError(f"the report is not of the layout {SCHEMA}", "Write it again with this version.")
    fields = {key: value for key, value in document.items() if key not in ("schema", "rollout")}
    try:
        return from_builtins(_with_numbers(fields), Decision)
    except (msgspec.ValidationError, KeyError, TypeError, AttributeError) as error:
        raise ReportError(f"the report does not follow the layout {SCHEMA}: {error}", "Write it again.") from error


def _with_numbers(fields: dict[str, Any]) -> dict[str, Any]:
    """Returns the fields with `"nan"` and its like as numbers, where the model has numbers."""
    found = dict(fields)
    found["run"] = _number(fields["run"], "duration_s")
    found["gates"] = [_number(gate, "duration_s") for gate in fields["gates"]]
    checks = []
    for check in fields["checks"]:
        measurements = [
            {**measurement, "limit": _number(_number(measurement["limit"], "at_most"), "at_least")}
            if measurement["limit"]
            else measurement
            for measurement in check["measurements"]
        ]
        checks.append({**_number(check, "duration_s"), "measurements": measurements})
    found["checks"] = checks
    return found


def _number(table: dict[str, Any], key: str) -> dict[str, Any]:
    return {**table, key: float(table[key])} if table.get(key) in _NOT_FINITE else table


def parse(data: bytes) -> Document:
    """Returns the document in the bytes of a `report.json`.

    Raises:
        ReportError: where they hold none.
    """
    try:
        found: Document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ReportError(f"the report is no JSON: {error}", "Write it again.") from error
    decision_from(found)
    return found


def read(path: Path) -> Document:
    """Returns the document in a `report.json`.

    Raises:
        ReportError: where the file cannot be read or holds none.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ReportError(
            f"{path} cannot be read: {error.strerror}", "Name a report.json of a finished run."
        ) from error
    try:
        return parse(data)
    except ReportError as error:
        raise ReportError(f"{path}: {error.cause}", error.remedy) from error


def report_schema() -> dict[str, Any]:
    """Returns the JSON Schema (draft 2020-12) of `report.json`."""
    found: dict[str, Any] = json.loads(Path(__file__).with_name("report.schema.json").read_text("utf-8"))
    return found


WRITER = Writer("report.json", to_json)
