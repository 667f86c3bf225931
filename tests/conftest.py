"""What tests in several folders share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Servers


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Starts PostgreSQL and Redis; the guardian of all of them starts with the first test that asks."""
    from tests.servers import Servers

    with Servers() as running:
        yield running
