"""What an environment is to the rest: something that comes up, is judged through a `Target`, and goes away."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Target:
    """Where the probes look. Plain builtins, so that it can be handed to pytest-xdist's workers.

    It holds secrets: it is never written, printed or put on a report; its repr shows none of them.
    """

    name: str
    kind: str
    protected: bool
    url: str | None = field(default=None, repr=False)
    """Base address of the service, without a trailing slash."""
    instances: tuple[str, ...] = field(default=(), repr=False)
    """The same of its single instances, where they are known."""
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    database_url: str | None = field(default=None, repr=False)
    redis_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Casualty:
    """Something that was started for the run and ended before it should."""

    name: str
    """`service`, `postgresql` or `redis`."""
    text: str
    """How it ended, with its last log lines."""


class Environment(Protocol):
    """An environment of one run; used on the controller only."""

    def provision(self) -> Target:
        """Everything is up and ready when this returns.

        Raises:
            ProvisionError: what did not come up, with its last log lines; whatever was started is stopped by `close`.
        """

    def casualties(self) -> tuple[Casualty, ...]:
        """Returns what has died since `provision`; empty where nothing was started."""

    def logs(self) -> dict[str, Path]:
        """Returns log files to keep beside the reports, by the name to give them, such as `service.log`."""

    def close(self) -> None:
        """Everything that `provision` started is stopped and its files are gone. Never raises; may be called twice."""
