"""A running system: nothing is started, nothing is stopped, nothing is contacted here."""

from __future__ import annotations

from pathlib import Path

from readiness.config.model import Live
from readiness.environment.interface import Casualty, Target


class LiveEnvironment:
    """Where a live environment is, as the configuration says.

    Args:
        name: of the environment.
        where: its table.
    """

    def __init__(self, name: str, where: Live) -> None:
        self._name = name
        self._where = where

    def provision(self) -> Target:
        """Returns the target; whether it answers is for the checks to find out."""
        where = self._where
        return Target(
            name=self._name,
            kind="live",
            protected=where.protected,
            url=where.url.rstrip("/") if where.url is not None else None,
            instances=tuple(each.rstrip("/") for each in where.instances or ()),
            headers={name: value.reveal() for name, value in where.headers.items()},
            database_url=where.database.url.reveal() if where.database is not None else None,
            redis_url=where.redis.url.reveal() if where.redis is not None else None,
        )

    def casualties(self) -> tuple[Casualty, ...]:
        """Returns nothing: what was not started here cannot be looked after."""
        return ()

    def logs(self) -> dict[str, Path]:
        """Returns nothing."""
        return {}

    def close(self) -> None:
        """There is nothing to stop."""
