"""The answers, and how they are kept: a stand-in for the vector store and the language model, without network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service_base.faults import Fault

TTL_S = 24 * 60 * 60
"""How long an answer stays in Redis."""

FORGETS = "cache-forgets"
FAULTS: Mapping[str, Fault] = {FORGETS: Fault("no answer is kept in Redis")}

_PASSAGES: Mapping[str, str] = {
    "refund": "Refunds are paid within fourteen days.",
    "deliver": "Orders leave the warehouse on the next working day.",
    "password": "A new password is set under Account, Security.",
    "invoice": "Invoices are under Account, Orders.",
}


def key_of(question: str) -> str:
    """Return what the answer is kept under: the question, without what makes no difference."""
    return " ".join(question.lower().rstrip(" ?!.").split())


def reply_to(question: str) -> dict[str, Any]:
    """Return the passages that the question is about, as its answer."""
    found = [text for word, text in _PASSAGES.items() if word in question.lower()]
    return {"answer": " ".join(found) or "I do not know.", "passages": len(found)}
