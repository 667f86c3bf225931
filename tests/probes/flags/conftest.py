"""A flag service, and the probe that a `[flags]` table makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from readiness.config.model import Flags
from readiness.probes.flags.making import make_flags_probe
from readiness.probes.http import HttpProbe
from tests.flag_service import TOKEN, FlagService, serving_flags

if TYPE_CHECKING:
    from pathlib import Path

    from readiness.probes.flags.probe import FlagsProbe

MakeProbe = Callable[..., "FlagsProbe"]


@pytest.fixture
def service() -> FlagService:
    """A healthy service with the flags `checkout`, at 10 %, and `search`, for everybody."""
    return FlagService()


@pytest.fixture
def url(service: FlagService) -> Iterator[str]:
    """Where it is."""
    with serving_flags(service) as address:
        yield address


@pytest.fixture
def make(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeProbe]:
    """Makes the probe of a table, with the journal in a folder of the test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    headers = {"Authorization": TOKEN}
    with ExitStack() as stack:

        def probe(*, is_protected: bool = False, budget_s: float = 60.0, address: str = url, **keys: Any) -> FlagsProbe:
            http = stack.enter_context(HttpProbe(address, headers, budget=lambda: budget_s))
            made = make_flags_probe(
                Flags(**{"required": ["checkout"], "sample_users": 200, **keys}),
                folder=tmp_path,
                http=http,
                address=address,
                headers=headers,
                is_protected=is_protected,
                budget=lambda: budget_s,
            )
            stack.callback(made.close)
            return made

        yield probe
