"""The gate `placeholder-audit`: nothing that was to be filled in is still blank."""

from __future__ import annotations

from readiness.static.placeholders.analyser import make
from readiness.static.placeholders.rules import RULES

__all__ = ["RULES", "make"]
