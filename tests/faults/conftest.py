"""The targets, healthy unless a fault breaks one, shared by all tests of this folder."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.faults.catalogue import HEALTHY
from tests.faults.targets import Targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.project import Judged
    from tests.servers import Servers


@pytest.fixture(scope="session")
def targets(tmp_path_factory: pytest.TempPathFactory, servers: Servers) -> Iterator[Targets]:
    """Healthy targets; a fault leaves them as it found them."""
    with ExitStack() as stack:
        yield Targets(tmp_path_factory.mktemp("shop"), servers, HEALTHY, stack)


@pytest.fixture(scope="session")
def healthy(targets: Targets) -> Judged:
    """A run that judged every gate while nothing was broken."""
    return targets.judge(HEALTHY)
