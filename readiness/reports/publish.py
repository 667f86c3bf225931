"""From a decision to the files of a run: redacted, rendered in memory, scanned for secrets, then written as a whole."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from readiness.errors import ReportError
from readiness.model import Answer, Decision, EnvironmentInfo, Outcome, Reason, RunInfo, ServiceInfo
from readiness.reports import html, json, junit, markdown, metrics, sarif
from readiness.reports.folder import prepare_folder, write_set
from readiness.reports.folder import withdraw as withdraw_reports
from readiness.reports.interface import Redactor, Writer
from readiness.reports.overview import contradiction
from readiness.reports.withholding import blanks, leaks, redact_document

__all__ = ["WRITERS", "prepare_folder", "publish", "publish_unfinished", "unfinished"]

WRITERS = (json.WRITER, html.WRITER, junit.WRITER, sarif.WRITER, markdown.WRITER, metrics.WRITER)
"""The files of every report set, `report.json` first."""

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SERVICE = ServiceInfo("", "", "", False)
_ENVIRONMENT = EnvironmentInfo("", "", False)


def publish(
    decision: Decision,
    folder: Path,
    redactor: Redactor,
    *,
    extra_files: Mapping[str, bytes] | None = None,
    rollout: dict[str, Any] | None = None,
    root: Path | None = None,
) -> tuple[Path, ...]:
    """The whole report set stands in the folder, and no secret is in it.

    Args:
        decision: what the run came to.
        folder: where to; `prepare_folder` has made it.
        redactor: knows the secrets of the run.
        extra_files: further files by name, such as the log of a service that was started; redacted, in whatever encoding.
        rollout: stage, action and metrics, where that gate ran.
        root: folder that relative paths of runbooks start from, so that `report.html` can link to them.

    Returns:
        The files, `report.json` first.

    Raises:
        ReportError: where a file would have shown a secret, could not be rendered, or says GO against its own
            evidence: then a minimal NO-GO set is published instead, which says so without the secret. Also where
            nothing can be written.
        ValueError: where an extra file's name is no plain file name, or that of a report.
    """
    extra = dict(extra_files or {})
    for name in extra:
        if not _FILE_NAME.fullmatch(name) or name in {writer.name for writer in WRITERS}:
            raise ValueError(f"{name!r} cannot be the name of a further report file")
    refusal = contradiction(decision)
    if refusal:
        refusal = f"The reports said GO although {refusal}."
    else:
        try:
            files = _render(decision, redactor, rollout, _base(root, folder))
            files |= {name: redactor.redact_bytes(data) for name, data in extra.items()}
            refusal = _leaks(files, redactor)
        except ReportError as error:
            refusal = f"The reports could not be made once secrets had been taken out: {error.cause}."
        except Exception as error:  # noqa: BLE001 - whatever a writer stumbles over, the run must leave a NO-GO behind
            # Not its text: that may quote what was about to be written.
            refusal = f"The reports could not be rendered: {type(error).__name__} in {_place(error)}."
    if not refusal:
        return write_set(folder, files, decision.run.id)
    _publish_refusal(decision, folder, redactor, refusal)
    raise ReportError(
        f"{refusal} A report that says NO-GO was published instead.",
        "Report it with the names given, not with the values.",
    )


def publish_unfinished(
    service: ServiceInfo,
    environment: EnvironmentInfo,
    run: RunInfo,
    folder: Path,
    redactor: Redactor,
    *,
    partial: bool = False,
    note: str = "",
) -> tuple[Path, ...]:
    """A NO-GO set stands in the folder, so that a run that is killed leaves one; `publish` replaces it.

    Args:
        service: what is to be released.
        environment: where it is judged.
        run: as known at the start; `publish` recognises its own run by the id.
        folder: where to; `prepare_folder` has made it.
        redactor: knows the secrets of the run.
        partial: whether the command line narrowed the run.
        note: what else is to be said of a run that did not finish.
    """
    return publish(unfinished(service, environment, run, partial=partial, note=note), folder, redactor)


def unfinished(
    service: ServiceInfo, environment: EnvironmentInfo, run: RunInfo, *, partial: bool = False, note: str = ""
) -> Decision:
    """Returns the decision of a run that has not come to its end."""
    text = (
        "The run did not finish: it is still going on, or it was killed. Run it again; its output says how far it came."
    )
    return Decision(
        decision=Answer.NO_GO,
        partial=partial,
        reasons=(Reason("", "", Outcome.NOT_RUN, f"{text} {note}".strip()),),
        service=service,
        environment=environment,
        run=replace(run, finished=run.finished or run.started),
        gates=(),
        checks=(),
        waivers=(),
    )


def _render(decision: Decision, redactor: Redactor, rollout: dict[str, Any] | None, base: str) -> dict[str, bytes]:
    document = redact_document(json.document(decision, rollout=rollout), redactor)
    linked = Writer(html.WRITER.name, partial(html.render, base=base))
    writers = [linked if writer is html.WRITER else writer for writer in WRITERS]
    return {writer.name: writer.render(document) for writer in writers}


def _leaks(files: Mapping[str, bytes], redactor: Redactor) -> str:
    """Returns which secret would have been shown where, by name; empty where none would."""
    if not leaks(files, {}, redactor):
        return ""
    fixed = {writer.name: [writer.render(json.document(blank)) for blank in blanks()] for writer in WRITERS}
    shown = ", ".join(f"{secret} in {name}" for name, secret in leaks(files, fixed, redactor))
    return f"The reports were withheld because they would have shown a secret: {shown}." if shown else ""


def _publish_refusal(decision: Decision, folder: Path, redactor: Redactor, text: str) -> None:
    """A set with nothing but the refusal stands in the folder; where even that shows a secret, none does."""
    reason = Reason("", "", "withheld", text)
    refused = Decision(
        Answer.NO_GO, decision.partial, (reason,), decision.service, decision.environment, decision.run, (), (), ()
    )
    run = replace(decision.run, versions={})
    for attempt in (refused, replace(refused, service=_SERVICE, environment=_ENVIRONMENT, run=run)):
        try:
            files = _render(attempt, redactor, None, "")
        except Exception:  # noqa: BLE001, S112 - the next attempt holds less; after it nothing is published
            continue
        if not _leaks(files, redactor):
            write_set(folder, files, decision.run.id)
            return
    withdraw_reports(folder, tuple(writer.name for writer in WRITERS))


def _base(root: Path | None, folder: Path) -> str:
    if root is None:
        return ""
    try:
        return Path(os.path.relpath(root, folder)).as_posix()
    except ValueError:  # on another drive
        return ""


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "an unknown place"
