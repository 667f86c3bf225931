"""The tables of a PostgreSQL database: whether they are there, can be read, and what alembic has noted in its own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from readiness.errors import NotMeasured

if TYPE_CHECKING:
    from pathlib import Path

    from readiness.probes.migrations import History
    from readiness.probes.postgres_session import PostgresSession

KINDS = {"r": "table", "p": "partitioned table", "v": "view", "m": "materialized view", "f": "foreign table"}
MOST_REVISIONS = 1000


@dataclass(frozen=True, slots=True)
class TableObservation:
    """Whether a table is there and can be read by the role that the service uses."""

    name: str
    """As asked for."""
    exists: bool
    readable: bool
    kind: str
    """`table`, `partitioned table`, `view`, `materialized view` or `foreign table`; empty where there is none."""
    schema: str
    """Where it was found; empty where it was not."""
    found_in: tuple[str, ...]
    """Every schema with a relation of that name, also those outside the search path."""
    error: str | None
    """Why it is missing or cannot be read; None where it can."""
    where: str


@dataclass(frozen=True, slots=True)
class MigrationObservation:
    """What alembic has noted in the database about the migrations that were applied."""

    revisions: tuple[str, ...]
    """In order of their names; one, unless branches were not merged. Empty where none was applied."""
    missing: str
    """Why there are none: the table is empty, or there is no such table; empty where there are."""
    where: str

    def history(self, path: Path, top: Path) -> History:
        """Returns the migrations of the repository, see `read_history`."""
        from readiness.probes.migrations import read_history

        return read_history(path, top)


_FIND = """SELECT n.nspname, c.relkind::text, coalesce(n.nspname = %s, pg_table_is_visible(c.oid))
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relname = %s AND c.relkind::text = ANY(%s) ORDER BY n.nspname"""


def table(session: PostgresSession, name: str) -> TableObservation:
    """Returns whether a table, view or foreign table exists and can be read.

    Args:
        session: to its server.
        name: `name`, found through the search path, or `schema.name`; exactly as stored, so `Users` is not
            `users`. A part with a dot in it stands in double quotes.

    Raises:
        NotMeasured: it could not be found out, also because the table is locked.
    """
    import psycopg
    from psycopg import sql

    schema, relation = _table_name(name)
    with session.reading() as cursor:
        found = cursor.execute(_FIND, (schema, relation, list(KINDS))).fetchall()
        here = [(found_schema, kind) for found_schema, kind, is_meant in found if is_meant]
        schemas = tuple(entry[0] for entry in found)
        if not here:
            elsewhere = f"; there is one in {', '.join(schemas)}" if schemas else ""
            absent = f"there is no table {name}{' in the search path' if schema is None else ''}{elsewhere}"
            return TableObservation(name, False, False, "", "", schemas, absent, session.where)
        found_schema, kind = here[0]
        error: str | None = None
        try:
            cursor.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(found_schema, relation)))
        except psycopg.Error as refusal:
            error = session.answer_of(refusal)
    return TableObservation(name, True, error is None, KINDS[kind], found_schema, schemas, error, session.where)


def migrations(session: PostgresSession, version_table: str) -> MigrationObservation:
    """Returns the revisions that alembic has noted in the database.

    Args:
        session: to its server.
        version_table: alembic's table, named as for `table`.

    Raises:
        NotMeasured: they cannot be read.
    """
    found = table(session, version_table)
    if not found.exists:
        return MigrationObservation((), str(found.error), session.where)
    if not found.readable:
        raise NotMeasured(
            f"{version_table} of {session.where} cannot be read: {found.error}",
            f"GRANT SELECT ON {version_table} to the role in database.url.",
        )
    from psycopg import sql

    schema, relation = found.schema, _table_name(version_table)[1]
    query = sql.SQL("SELECT version_num::text FROM {} ORDER BY 1 LIMIT %s").format(sql.Identifier(schema, relation))
    with session.reading() as cursor:
        revisions = tuple(revision for (revision,) in cursor.execute(query, (MOST_REVISIONS,)).fetchall())
    return MigrationObservation(
        revisions, "" if revisions else f"{version_table} is empty", f"{version_table} of {session.where}"
    )


def _table_name(name: str) -> tuple[str | None, str]:
    part = r'"(?:[^"]|"")+"|[^".]+'
    match = re.fullmatch(rf"(?:({part})\.)?({part})", name)
    if match is None:
        raise NotMeasured(
            f"{name[:80]!r} is not the name of a table", 'Write name or schema.name; with a dot in it, "na.me".'
        )
    parts = [text[1:-1].replace('""', '"') if text and text.startswith('"') else text for text in match.groups()]
    return parts[0], str(parts[1])
