"""Definition-of-Done gates as pytest checks, ending in GO or NO-GO with evidence.

Public names are resolved on first use; importing this package imports nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from readiness.errors import NotMeasured, ReadinessError
    from readiness.gate import Gate
    from readiness.mark import check
    from readiness.probes.documents import resolve, schema_errors, subset_values
    from readiness.probes.health import read_health
    from readiness.probes.versions import satisfies

__version__ = "0.1.0"

__all__ = [
    "Gate",
    "NotMeasured",
    "ReadinessError",
    "check",
    "read_health",
    "resolve",
    "satisfies",
    "schema_errors",
    "subset_values",
]

_HOMES = {
    "check": "mark",
    "Gate": "gate",
    "NotMeasured": "errors",
    "ReadinessError": "errors",
    "read_health": "probes.health",
    "resolve": "probes.documents",
    "schema_errors": "probes.documents",
    "subset_values": "probes.documents",
    "satisfies": "probes.versions",
}
"""Public name to the module that defines it."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
