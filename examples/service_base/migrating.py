"""Runs a service's migrations against the database in DATABASE_URL, through psycopg 3."""

from __future__ import annotations

import os
import sys

from alembic import context
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from service_base.settings import SettingsError, sqlalchemy_url


def migrate() -> None:
    """Migrate the database in one transaction, or write the SQL (`alembic upgrade head --sql`)."""
    try:
        url = sqlalchemy_url(os.environ.get("DATABASE_URL", ""))
    except SettingsError as error:
        sys.exit(f"alembic cannot run: {error}")
    if context.is_offline_mode():
        context.configure(url=url, literal_binds=True)
        with context.begin_transaction():
            context.run_migrations()
        return
    with create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 5}).connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
