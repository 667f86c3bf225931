"""Brings the database in DATABASE_URL to the newest migration: `python -m scripts.db.migrate`."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config

if __name__ == "__main__":
    command.upgrade(Config(Path(__file__).resolve().parents[2] / "alembic.ini"), "head")
