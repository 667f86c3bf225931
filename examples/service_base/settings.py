"""What the environment variables say, read once and validated together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_POSTGRES_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")


class SettingsError(ValueError):
    """An environment variable is missing or unreadable; the text says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one process."""

    service: str
    """The name of the service, in answers, logs and PostgreSQL's list of sessions."""
    release: str
    """The version that `/health` reports."""
    database_url: str
    """SQLAlchemy URL, always with the driver psycopg 3. Secret."""
    redis_url: str
    """Redis URL. Secret."""
    pool_size: int = 10
    """Connections to PostgreSQL, at most."""
    call_timeout_s: float = 2.0
    """Longest wait for one call to PostgreSQL or Redis."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], *, service: str, version: str, pool_size: int) -> Settings:
        """Return the settings in `environ` of the service and version that the code is.

        Raises:
            SettingsError: any variable is missing or unreadable; all are named.
        """
        missing = [n for n in ("DATABASE_URL", "REDIS_URL") if not environ.get(n)]
        if missing:
            raise SettingsError(
                f"{' and '.join(missing)} not set. Set for example "
                f"DATABASE_URL=postgresql://user:password@127.0.0.1:5432/{service} "
                "and REDIS_URL=redis://127.0.0.1:6379/0"
            )
        return cls(
            service=service,
            release=environ.get("RELEASE") or version,
            database_url=sqlalchemy_url(environ["DATABASE_URL"]),
            redis_url=environ["REDIS_URL"],
            pool_size=whole_number(environ, "DATABASE_POOL_SIZE", pool_size, least=1),
        )


def sqlalchemy_url(url: str) -> str:
    """Return `url` with the scheme that makes SQLAlchemy use psycopg 3.

    Raises:
        SettingsError: the URL is not one of PostgreSQL. It is not quoted in the
            text, because it holds a password.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in _POSTGRES_SCHEMES:
        raise SettingsError(
            "DATABASE_URL is not a URL of PostgreSQL. Known schemes: "
            f"{', '.join(_POSTGRES_SCHEMES)}, as in postgresql://user@host:5432/name"
        )
    return f"postgresql+psycopg://{rest}"


def whole_number(environ: Mapping[str, str], name: str, default: int, *, least: int) -> int:
    """Return the whole number in variable `name`, at least `least`.

    Raises:
        SettingsError: it is none, or a smaller one.
    """
    text = environ.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise SettingsError(f"{name} is {text!r}, expected a whole number >= {least}")
    return int(text)
