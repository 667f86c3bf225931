"""From the configuration to the environment that it names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import assert_never

from readiness.config.model import Containers, Embedded, Live, Settings
from readiness.environment.interface import Environment
from readiness.errors import UsageError


def _say_nothing(_text: str) -> None:
    pass


def create(
    settings: Settings,
    *,
    run_folder_parent: Path | None = None,
    announce: Callable[[str], None] = _say_nothing,
    deadline: float | None = None,
) -> Environment:
    """Returns the environment under judgement; nothing is contacted or started yet.

    Args:
        settings: the configuration.
        run_folder_parent: where the folder of an environment that is started goes; default the system's.
        announce: gets short lines on what is being started, for the user to see.
        deadline: end of the run's budget on the monotonic clock.

    Raises:
        UsageError: an extra is not installed, or the kind is not available.
    """
    match settings.where:
        case Live() as where:
            from readiness.environment.live import LiveEnvironment

            return LiveEnvironment(settings.environment, where)
        case Embedded() as where:
            from readiness.environment.embedded import EmbeddedEnvironment

            return EmbeddedEnvironment(
                settings.environment,
                where,
                settings.folder,
                run_folder_parent=run_folder_parent,
                announce=announce,
                deadline=deadline,
            )
        case Containers():
            raise UsageError(
                "environments of kind 'containers' are not available yet",
                f'Use kind = "embedded" or kind = "live" in [env.{settings.environment}].',
            )
        case unknown:
            assert_never(unknown)
