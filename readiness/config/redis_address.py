"""Addresses of Redis and Valkey: one server, a service that Sentinels know, or a cluster."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl, unquote

from readiness.redact import Secret

Kind: TypeAlias = Literal["single", "sentinel", "cluster"]
Place: TypeAlias = tuple[str, int]
"""Host and port."""

PORTS: dict[Kind, int] = {"single": 6379, "sentinel": 26379, "cluster": 6379}
EXAMPLES: dict[Kind, str] = {
    "single": '"redis://user:password@host:6379/0"',
    "sentinel": '"redis+sentinel://:password@host:26379,host2:26379/service-name/0"',
    "cluster": '"redis+cluster://:password@host:6379,host2:6379"',
}
FORMS = (
    'Write it as "redis://:password@host:6379/0", or begin it with rediss:// for TLS, unix://, redis+sentinel:// or '
    "redis+cluster://."
)
ENCODE = "Percent-encode special characters of user and password, such as %40 for @ and %2F for /."
MOST_HOSTS = 64
HIGHEST_PORT = 65535

_SCHEME = re.compile(r"(?:redis|valkey)(s?)(?:\+(sentinel|cluster))?://", re.IGNORECASE)
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+(?:%[\w.]+)?)\]|([^\s\[\]:@/]+))(?::([0-9]*))?")
_DATABASE = re.compile(r"[0-9]{1,5}")
_SERVICE = re.compile(r"[A-Za-z0-9._:-]{1,200}")
_TRUE, _FALSE = frozenset({"true", "1", "yes"}), frozenset({"false", "0", "no"})

TLS_FILES = frozenset({"ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile"})
TLS_OPTIONS = TLS_FILES | {"ssl_password", "ssl_cert_reqs", "ssl_check_hostname"}
"""What an address may say of TLS. Other options, such as time limits, retries and decoding, are left out: ours count."""


class AddressError(ValueError):
    """An address cannot be used. The text repeats nothing of it, since it may hold a password.

    Args:
        text: what is wrong with it.
        remedy: how to write it.
    """

    def __init__(self, text: str, remedy: str) -> None:
        super().__init__(text)
        self.text = text
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Where Redis is and how to enter; what is secret shows in no repr."""

    kind: Kind
    hosts: tuple[Place, ...] = ()
    """The server, the Sentinels, or some nodes of the cluster; empty for a socket."""
    path: str = ""
    """Of a Unix socket."""
    service: str = ""
    """What the Sentinels call the primary."""
    database: int = 0
    is_tls: bool = False
    username: str | None = None
    password: Secret | None = None
    sentinel_username: str | None = None
    sentinel_password: Secret | None = None
    tls: Mapping[str, str | bool] = field(default_factory=dict, repr=False)
    """Options of redis-py for TLS, `ssl_...`."""

    def at(self, place: Place) -> RedisAddress:
        """Returns the address of one server that this one led to."""
        return replace(self, kind="single", hosts=(place,), service="", sentinel_username=None, sentinel_password=None)

    def sentinel(self, place: Place) -> RedisAddress:
        """Returns the address of one of the Sentinels, which have credentials of their own."""
        return replace(self.at(place), database=0, username=self.sentinel_username, password=self.sentinel_password)

    def __str__(self) -> str:
        """Host, port and database, as they may be shown."""
        database = f"/{self.database}" if self.database else ""
        tls = " over TLS" if self.is_tls else ""
        if self.path:
            return f"Redis at {self.path}{database}"
        name = {"single": "Redis", "sentinel": f"Sentinel of {self.service}", "cluster": "Redis Cluster"}[self.kind]
        return f"{name}{tls} at {', '.join(shown(*place) for place in self.hosts)}{database}"


def shown(host: str, port: int) -> str:
    """Returns a place as people write it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse_address(text: str) -> RedisAddress:
    """Returns what an address says.

    Raises:
        AddressError: it is none of the forms; nothing is guessed.
    """
    text = text.strip()
    if re.search(r"[\s\0#]", text):
        raise AddressError("the address holds white space or a '#'.", ENCODE)
    rest, _, query = text.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    if rest.lower().startswith("unix://"):
        return _socket(rest[len("unix://") :], options)
    match = _SCHEME.match(rest)
    if match is None:
        raise AddressError("the address has a scheme that the gate cannot use.", FORMS)
    kind: Kind = "sentinel" if match[2] == "sentinel" else "cluster" if match[2] == "cluster" else "single"
    authority, _, path = rest[match.end() :].partition("/")
    user_info, _, names = authority.rpartition("@")
    hosts = _hosts(kind, names)
    service, database = _path(kind, path, options)
    is_tls = bool(match[1])
    return RedisAddress(
        kind,
        hosts,
        service=service,
        database=database,
        is_tls=is_tls,
        tls=_tls(options, is_tls=is_tls),
        **_credentials(user_info, options, kind),  # type: ignore[arg-type] # names and types of the fields above
    )


def _socket(rest: str, options: Mapping[str, str]) -> RedisAddress:
    user_info, at, path = rest.rpartition("@") if "@" in rest.partition("/")[0] else ("", "", rest)
    if not path.startswith("/"):
        text = "the path of a Unix socket starts with '/'."
        raise AddressError(text, 'Write it as "unix:///run/redis.sock?db=0".')
    credentials = _credentials(user_info if at else "", options, "single")
    number = _database(options.get("db", ""), "single")
    tls = _tls(options, is_tls=False)
    return RedisAddress("single", path=unquote(path), database=number, tls=tls, **credentials)  # type: ignore[arg-type] # as above


def _hosts(kind: Kind, text: str) -> tuple[Place, ...]:
    written = text.split(",")
    if kind == "single" and len(written) > 1:
        remedy = f"Write {EXAMPLES['sentinel']} for Sentinels, or {EXAMPLES['cluster']} for a cluster."
        raise AddressError("the address of one server names several hosts.", remedy)
    if len(written) > MOST_HOSTS:
        raise AddressError(f"the address names more than {MOST_HOSTS} hosts.", "Three are enough to find the others.")
    found: list[Place] = []
    for each in written:
        match = _HOST.fullmatch(each)
        if match is None:
            raise AddressError("the address has a host that cannot be read.", f"Write {EXAMPLES[kind]}. {ENCODE}")
        port = int(match[3][:6]) if match[3] else PORTS[kind]
        if not 1 <= port <= HIGHEST_PORT:
            raise AddressError(f"the address has a port that is not from 1 to {HIGHEST_PORT}.", "Correct the port.")
        found.append((match[1] or unquote(match[2]), port))
    if len(set(found)) < len(found):
        raise AddressError("the address names a host twice.", "Name each once.")
    return tuple(found)


def _path(kind: Kind, path: str, options: Mapping[str, str]) -> tuple[str, int]:
    """Returns the service, empty where there is none, and the number of the database."""
    service = ""
    if kind == "sentinel":
        service, _, path = path.partition("/")
        service = unquote(service)
        if not _SERVICE.fullmatch(service):
            text = "the address of Sentinels names no service whose primary they watch."
            raise AddressError(text, f"Write {EXAMPLES['sentinel']}.")
    return service, _database(path.removesuffix("/") or options.get("db", ""), kind)


def _database(text: str, kind: Kind) -> int:
    if text and not _DATABASE.fullmatch(text):
        raise AddressError("the database in the address is not a number.", f"Write {EXAMPLES[kind]}. {ENCODE}")
    number = int(text or 0)
    if number and kind == "cluster":
        raise AddressError("the address names a database, and a cluster has none but 0.", "Take the number out.")
    return number


def _credentials(user_info: str, options: Mapping[str, str], kind: Kind) -> dict[str, str | Secret | None]:
    user, colon, password = user_info.partition(":")
    if user and not colon:
        text = "the address has a user and no password, or a password that is written as a user."
        raise AddressError(text, "Write `:password@` for a password alone, and `user:@` for a user that needs none.")
    given: dict[str, str | Secret | None] = {
        "username": unquote(user) or options.get("username") or None,
        "password": Secret(unquote(password)) if colon and (user or password) else None,
    }
    if given["password"] is None and "password" in options:
        given["password"] = Secret(options["password"])
    if kind == "sentinel":
        given["sentinel_username"] = options.get("sentinel_username") or None
        word = options.get("sentinel_password")
        given["sentinel_password"] = None if word is None else Secret(word)
    elif any(name.startswith("sentinel_") for name in options):
        raise AddressError("the address has options of Sentinels and is of another kind.", FORMS)
    for prefix in ("", "sentinel_"):
        if given.get(f"{prefix}username") and given[f"{prefix}password"] is None:
            raise AddressError(f"the address has a {prefix}username and no password.", "Add the password.")
    return given


def _tls(options: Mapping[str, str], *, is_tls: bool) -> dict[str, str | bool]:
    given = {name: value for name, value in options.items() if name.startswith("ssl_")}
    if given and not is_tls:
        raise AddressError("the address has options of TLS, and its scheme is without.", "Write rediss://.")
    if not is_tls:
        return {}
    unknown = sorted(given.keys() - TLS_OPTIONS)
    if unknown:
        known = ", ".join(sorted(TLS_OPTIONS))
        raise AddressError("the address has an option of TLS that is not known.", f"Known: {known}.")
    checks = given.get("ssl_cert_reqs", "required").lower().removeprefix("cert_")
    if checks not in ("none", "optional", "required"):
        raise AddressError("ssl_cert_reqs in the address is not known.", "Known: none, optional, required.")
    name = given.get("ssl_check_hostname", "false" if checks == "none" else "true").lower()
    if name not in _TRUE | _FALSE:
        raise AddressError("ssl_check_hostname in the address is not known.", "Known: true, false.")
    if checks == "none" and name in _TRUE:
        text = "the address wants the host name of a certificate checked that is not checked itself."
        raise AddressError(text, "Take ssl_cert_reqs=none out.")
    return {**given, "ssl_cert_reqs": checks, "ssl_check_hostname": name in _TRUE}
