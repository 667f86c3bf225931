"""Runs the migrations against the database in DATABASE_URL, through psycopg 3."""

from __future__ import annotations

import os
import sys

from alembic import context
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from compliance_kit.settings import SettingsError, sqlalchemy_url


def database_url() -> str:
    """Return the URL to migrate; leave with a sentence where there is none."""
    try:
        return sqlalchemy_url(os.environ.get("DATABASE_URL", ""))
    except SettingsError as error:
        sys.exit(f"alembic cannot run: {error}")


def run_offline() -> None:
    """Write the SQL to standard output (`alembic upgrade head --sql`)."""
    context.configure(url=database_url(), literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


def run_online() -> None:
    """Migrate the database, in one transaction."""
    engine = create_engine(database_url(), poolclass=NullPool, connect_args={"connect_timeout": 5})
    with engine.connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    run_offline()
else:
    run_online()
