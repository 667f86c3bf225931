"""What the environment variables say, read once and validated together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compliance_kit import VERSION

HOME = Path(__file__).resolve().parent.parent
"""The folder of `service.py`, whatever the working directory is."""

_POSTGRES_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")


class SettingsError(ValueError):
    """An environment variable is missing or unreadable; the text says which."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process."""

    database_url: str
    """SQLAlchemy URL, always with the driver psycopg 3. Secret."""
    redis_url: str
    """Redis URL. Secret."""
    release: str = VERSION
    """The version that `/health` reports."""
    pool_size: int = 10
    """Connections to PostgreSQL, at most."""
    call_timeout_s: float = 2.0
    """Longest wait for one call to PostgreSQL or Redis."""
    cache_ttl_s: int = 60
    """How long an evaluation stays in Redis."""
    placeholder_critical_count: int = 0
    """Critical placeholders that the build counted in this release."""
    flags_file: Path = HOME / "feature_flags" / "flags.json"
    """The flags at start. Changes live in memory and never reach this file."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Return the settings in `environ`.

        Raises:
            SettingsError: any variable is missing or unreadable; all are named.
        """
        missing = [n for n in ("DATABASE_URL", "REDIS_URL") if not environ.get(n)]
        if missing:
            raise SettingsError(
                f"{' and '.join(missing)} not set. Set for example "
                "DATABASE_URL=postgresql://user:password@127.0.0.1:5432/compliance "
                "and REDIS_URL=redis://127.0.0.1:6379/0"
            )
        return cls(
            database_url=sqlalchemy_url(environ["DATABASE_URL"]),
            redis_url=environ["REDIS_URL"],
            release=environ.get("RELEASE") or VERSION,
            pool_size=_whole_number(environ, "DATABASE_POOL_SIZE", 10, least=1),
            placeholder_critical_count=_whole_number(environ, "PLACEHOLDER_CRITICAL_COUNT", 0, least=0),
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


def _whole_number(environ: Mapping[str, str], name: str, default: int, *, least: int) -> int:
    """Return the whole number in variable `name`, at least `least`."""
    text = environ.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise SettingsError(f"{name} is {text!r}, expected a whole number >= {least}")
    return int(text)
