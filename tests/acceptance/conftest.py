"""A small project with a live service on loopback, judged by real pytest runs in processes of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.project import CONFIG, Judged, Project, Site, serving_site
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["CONFIG", "Judged", "Project", "Site", "wait_until"]


@pytest.fixture
def site() -> Iterator[Site]:
    """A healthy service that records what it was asked."""
    with serving_site() as running:
        yield running


@pytest.fixture
def project(tmp_path: Path, site: Site) -> Project:
    """A project with a healthy live environment `staging` and three health endpoints."""
    folder = tmp_path / "my project"
    folder.mkdir()
    return Project(folder, site)
