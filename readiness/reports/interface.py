"""What a writer is: a file's name and a pure function from the document of `report.json` to the file's bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

Document: TypeAlias = dict[str, Any]
"""The content of `report.json` as JSON builtins; `readiness.reports.json` makes it and reads it back."""


@dataclass(frozen=True, slots=True)
class Writer:
    """One file of a report set."""

    name: str
    """Name of the file inside the report folder."""
    render: Callable[[Document], bytes]
    """Returns the whole file; no I/O, no clock, the same bytes for the same document."""


class Redactor(Protocol):
    """What the writers need of `readiness.redact.Redactor`."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the secrets that are known."""

    def redact(self, text: str) -> str:
        """Returns the text with every known secret replaced."""

    def redact_bytes(self, data: bytes) -> bytes:
        """Returns the content of a file, UTF-8 or not, with every known secret replaced."""

    def find(self, data: bytes) -> list[str]:
        """Returns the names of the secrets whose value the data shows, in any form that it knows."""
