"""Credentials in the repository: found by form, by name and by entropy, and shown by type, place and hash alone."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from readiness.static.secrets.analyser import SecretsAnalyser
from readiness.static.secrets.rules import RULES

if TYPE_CHECKING:
    from pathlib import Path

    from readiness.config.model import Settings
    from readiness.config.static_tables import SecurityScan
    from readiness.static.interface import Analyser

__all__ = ["RULES", "make"]
NEEDED = ("re2", "yaml", "yaml_rs")
"""The patterns, and the manifests of Kubernetes."""


def make(table: SecurityScan, *, environment: str, folder: Path, settings: Settings) -> Analyser:  # noqa: ARG001 - the signature of every gate's
    """Returns the analyser of the secrets scan.

    Args:
        table: of the gate; `secrets.entropy` and `secrets.baseline` are used.
        environment: a secret is one in every environment.
        folder: nothing is read of it.
        settings: nothing is read of them.
    """
    for name in NEEDED:  # found out here, and not by another process in the middle of a scan
        if find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    options = table.secrets
    if options is None:
        return SecretsAnalyser()
    baseline = (options.baseline.removeprefix("./"),) if options.baseline else ()
    return (
        SecretsAnalyser(options.entropy, baseline) if options.entropy is not None else SecretsAnalyser(skipped=baseline)
    )
