"""The tables of the gates that read the repository: config-lint, placeholder-audit, security-scan."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from readiness.config.base import NonEmptyText, Table


class ConfigLint(Table, frozen=True):
    """Configuration files parse, match their schemas and do not contradict each other."""

    paths: Annotated[list[NonEmptyText], Meta(min_length=1)]
    exclude: list[NonEmptyText] = []


class PlaceholderAudit(Table, frozen=True):
    """Nothing that was to be filled in is still blank."""

    paths: Annotated[list[NonEmptyText], Meta(min_length=1)]
    allow: list[NonEmptyText] = []


class Bandit(Table, frozen=True):
    """Static security analysis of Python code."""

    paths: Annotated[list[NonEmptyText], Meta(min_length=1)]
    severity: Literal["low", "medium", "high"] = "medium"
    confidence: Literal["low", "medium", "high"] = "medium"


class Dependencies(Table, frozen=True):
    """Known vulnerabilities of what is installed."""

    requirements: Annotated[list[NonEmptyText], Meta(min_length=1)]
    database: NonEmptyText


class SecretsScan(Table, frozen=True):
    """Credentials in the repository."""

    paths: Annotated[list[NonEmptyText], Meta(min_length=1)]
    baseline: NonEmptyText | None = None


class SecurityScan(Table, frozen=True):
    """Code, dependencies and files hold no known vulnerability and no credential."""

    bandit: Bandit | None = None
    dependencies: Dependencies | None = None
    secrets: SecretsScan | None = None
