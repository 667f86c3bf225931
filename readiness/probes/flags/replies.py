"""What an HTTP answer about flags is, as seen by all sources that are asked over HTTP."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from readiness.errors import NotMeasured
from readiness.probes.documents import DocumentError, shown

if TYPE_CHECKING:
    from readiness.probes.reply import Reply

TIMEOUT_S = 5.0
"""What one evaluation may take at all; it stands in front of every request of the service."""
_REFUSALS = {
    HTTPStatus.UNAUTHORIZED: "Give it credentials, as headers of the environment or of [flags].",
    HTTPStatus.FORBIDDEN: "Give the credentials the right to read and evaluate flags.",
    HTTPStatus.TOO_MANY_REQUESTS: "Lower sample-users in [flags], or raise the limit for this caller.",
}


def answered(reply: Reply) -> str:
    """Returns what was answered, for messages."""
    return f"{reply.where} answered {reply.status}{f': {reply.excerpt}' if reply.body else ''}"


def admitted(reply: Reply) -> Reply:
    """Returns the answer, whatever else its status is.

    Raises:
        NotMeasured: the caller was refused, which says nothing about the flags.
    """
    if reply.status in _REFUSALS:
        raise NotMeasured(answered(reply), _REFUSALS[HTTPStatus(reply.status)])
    return reply


def document_of(reply: Reply) -> dict[str, Any]:
    """Returns the JSON object of a good answer.

    Raises:
        NotMeasured: the caller was refused, which says nothing about the flag.
        DocumentError: it is not a good answer, or not a JSON object.
    """
    admitted(reply)
    if reply.status != HTTPStatus.OK:
        raise DocumentError(f"{answered(reply)}, expected 200")
    document = reply.json()
    if not isinstance(document, dict):
        raise DocumentError(f"{reply.where} answered {shown(document)}, expected a JSON object")
    return document


def read(reply: Reply) -> dict[str, Any]:
    """Returns the same, where without it nothing can be observed.

    Raises:
        NotMeasured: for any other answer.
    """
    try:
        return document_of(reply)
    except DocumentError as error:
        raise NotMeasured(str(error), "Read the log of the flag service.") from None
