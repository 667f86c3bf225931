"""Runs the migrations; alembic.ini puts the folder of `service_base` on the path."""

from service_base.migrating import migrate

migrate()
