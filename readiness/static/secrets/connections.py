"""Passwords inside addresses, and in the files and headers that tools sign in with."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from readiness.model import FindingSeverity
from readiness.static.secrets import harmless
from readiness.static.secrets.detector import Candidate, Detector, Judgement, token
from readiness.static.secrets.entropy import looks_random, reads_as_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from readiness.static.secrets.place import Place

ADVISORY, INFORMATION = FindingSeverity.ADVISORY, FindingSeverity.INFORMATION
_SCHEME = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]{0,30}$")
_DATABASES = re.compile(
    r"(?:jdbc:)?(?:postgres(?:ql)?|postgis|mysql|mariadb|mongodb|rediss?|valkeys?|amqps?|mssql|sqlserver|oracle|cockroach(?:db)?|clickhouse(?:s|db)?|snowflake"
    r"|cassandra|couchdb|neo4j|bolt|nats|kafka|stomp|mqtts?|influxdb|hive|trino|presto|redshift|ldaps?|sentinel|db2|firebird|memcached?)(?:\+[a-z0-9_]+){0,2}"
)
_LOCAL = re.compile(
    r"(?:(?:my|your|some)[-_.]\S+|localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[?::1\]?|host\.docker\.internal|host(?:name)?|server|db|database|postgres(?:ql)?|mysql|mariadb|mongo(?:db)?|redis|rabbitmq"
    r"|(?:[\w-]+\.)*(?:example(?:\.\w+)?|invalid|test|localdomain|local|localhost)|\W*|[a-z])(?::.*)?$",
    re.IGNORECASE,
)
_NETLOCS = re.compile(
    r"^(?:user|usr|username|login|name|me|foo|bar|bob|alice|joe|john|scott|example|test|admin|x)?$", re.IGNORECASE
)
_SIGNS_IN = re.compile(
    r"host\s?=|server\s?=|data source\s?=|jdbc:|uid\s?=|user id\s?=|dbname\s?=|initial catalog\s?=|database\s?=",
    re.IGNORECASE,
)
_SHORTEST = 4


def guessable(text: str) -> Judgement | None:
    """Judges what stands where a password stands; weak and invented ones are the placeholder audit's business."""
    if (
        len(text) < _SHORTEST
        or harmless.is_template(text)
        or harmless.is_placeholder(text)
        or harmless.is_hashed(text)
        or harmless.is_documented(text)
    ):
        return None
    return Judgement()


def _url(found: Candidate, place: Place) -> Judgement | None:
    """Judges the password of an address by its scheme, its user and its host."""
    at = found.at
    scheme_match = _SCHEME.search(place.data[max(0, at - 32) : at])
    scheme = scheme_match[0].decode("ascii").lower() if scheme_match else ""
    user, _, host = found.groups
    password = unquote(found.text)
    if (
        not scheme
        or guessable(password) is None
        or password.lower() == user.lower()
        or harmless.is_template(user + "@" + host)
    ):
        return None
    is_database = _DATABASES.fullmatch(scheme) is not None
    rule = "database-url" if is_database else "basic-auth-url"
    shown = f"{scheme}://***:***@***"
    is_random = looks_random(password)
    if not is_random and (_LOCAL.match(host) or (_NETLOCS.match(user) and reads_as_words(password))):
        return Judgement(INFORMATION, rule, "the host or the user is that of an example or of this machine", shown)
    if not is_random and not any(each.isdigit() or not each.isalnum() for each in password):
        return Judgement(ADVISORY if is_database else INFORMATION, rule, "", shown)
    return Judgement(None, rule, "", shown)


def _connection_string(found: Candidate, place: Place) -> Judgement | None:
    around = place.around(found.start, 300)
    if not _SIGNS_IN.search(around) or "(" in found.text or guessable(found.text) is None:
        return None
    local = re.search(r"(?:host|server|data source)\s?=\s?([^\s;]{1,100})", around, re.IGNORECASE)
    if not looks_random(found.text) and (local is None or _LOCAL.match(local[1])):
        return Judgement(INFORMATION, note="the host is that of an example or of this machine")
    return Judgement()


def _basic(text: str) -> str | None:
    """Returns the password inside `user:password` in base64."""
    try:
        user, colon, password = (
            base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode("utf-8").partition(":")
        )
    except (binascii.Error, ValueError):
        return None
    return password if colon and user.isprintable() and password.isprintable() else None


def _encoded(found: Candidate, _place: Place) -> Judgement | None:
    password = None if harmless.is_documented(found.text) else _basic(found.text)
    return None if password is None or password.lower() == "pass" else guessable(password)


def _header(found: Candidate, place: Place) -> Judgement | None:
    scheme = found.groups[0].lower()
    if scheme == "basic":
        return _encoded(found, place)
    if harmless.is_template(found.text) or token(found, place) is None or not looks_random(found.text):
        return None
    return Judgement()


def _drawn_or_thought_up(found: Candidate, _place: Place) -> Judgement | None:
    return guessable(found.text)


def _any(_found: Candidate, _place: Place) -> Judgement | None:
    """Accepts what the pattern matches."""
    return Judgement()


def _named(*names: str) -> Callable[[Place], bool]:
    """Returns whether a file has one of these names."""
    return lambda place: place.name in names


# fmt: off
DETECTORS: tuple[Detector, ...] = (
    Detector("database-url", "an address of a database or broker with its password", ("://",),
             r"://([^\s:@/\"'`<>()\[\]{},;|\\]{0,80}):(?P<secret>[^\s@/\"'`<>|\\]{1,200})@([^\s/\"'`<>,;)|\\]{0,200})", _url, is_guessable=True, is_format=False,
             where="by changing the user's password", source="RFC 3986, 3.2.1"),
    Detector("connection-string", "a connection string with its password", ("password", "pwd"),
             r"(?i)\b(?:password|pwd)\s?=\s?([^\s;\"'`&<>,\\{}]{4,200})", _connection_string, ignore_case=True, is_guessable=True, is_format=False,
             shown="password=***", where="by changing the user's password", source="PostgreSQL, connection strings; ADO.NET, connection strings"),
    Detector("netrc", "a password in the form of .netrc", ("machine",),
             r"\bmachine\s{1,20}[^\s\"']{1,200}\s{1,20}login\s{1,20}[^\s\"']{1,200}\s{1,20}password\s{1,20}[\"']?([^\s\"']{1,200})", _drawn_or_thought_up,
             is_guessable=True, shown="machine *** login *** password ***", where="at the host that it is for", source="GNU inetutils, .netrc"),
    Detector("pypirc", "a password of .pypirc", ("password",), r"(?m)^\s{0,8}password\s{0,8}[:=]\s{0,8}(\S{1,300})", _drawn_or_thought_up, is_guessable=True,
             files=_named(".pypirc", "pypirc"), shown="password = ***", where="in the package index's account settings", source="Python packaging guide, .pypirc"),
    Detector("npmrc", "a credential of .npmrc", ("_auth", "_password"),
             r"(?m)(?:^|[:\s\"'])_(?:authToken|auth|password)[\"']?\s{0,4}=\s{0,4}[\"']?([A-Za-z0-9+/_][A-Za-z0-9+/=_.~-]{5,500})(?:[\s\"']|$)", _drawn_or_thought_up, is_guessable=True, shown="_auth=***",
             where="in the registry's account settings", source="npm, .npmrc"),
    Detector("pgpass", "a password of .pgpass", (":",), r"(?m)^[^\s#:]{1,100}:(?:\d{1,5}|\*):[^\s:]{1,100}:[^\s:]{1,100}:(\S{1,200})$", _drawn_or_thought_up,
             is_guessable=True, files=_named(".pgpass", "pgpass", "pgpass.conf"), shown="***", where="by changing the user's password", source="PostgreSQL, the password file"),
    Detector("docker-config-auth", "a sign-in to a container registry", ('"auth"',), r"\"auth\"\s{0,4}:\s{0,4}\"([A-Za-z0-9+/=]{8,1000})\"", _encoded, is_guessable=True,
             shown='"auth": "***"', where="at the container registry", source="Docker, config.json"),
    Detector("authorization-header", "an Authorization header with its credential", ("authorization",),
             r"(?i)authorization[\"'\]]{0,2}\s{0,4}[:=,]\s{0,4}[rbfu]{0,2}[\"']?(basic|bearer|token)\s{1,4}(?P<secret>[a-z0-9+/=._~-]{8,1000})", _header, ignore_case=True,
             is_guessable=True, shown="Authorization: ***", source="RFC 7617; RFC 6750"),
    Detector("curl-user", "a password on curl's command line", ("curl",),
             r"\bcurl\b[^\r\n]{0,300}?\s(?:-u|--user)[ =]{0,2}[\"']?[^\s:\"']{1,100}:([^\s\"']{1,200})", _drawn_or_thought_up, is_guessable=True, is_format=False,
             shown="curl --user ***", source="curl manual"),
    Detector("password-hash", "a password hash", ("$apr1$", "$2a$", "$2b$", "$2y$", "$5$", "$6$", "$y$", "{SHA}", "{SSHA}"),
             r"(?m)^[^\s:#\"'$]{1,64}:(\$(?:apr1|2[aby]|5|6|y)\$[./0-9A-Za-z$=]{20,200}|\{S?SHA\}[0-9A-Za-z+/=]{28,80})", _any,
             severity=ADVISORY, shown="user:$***", why="A password hash can be tried offline for ever, and most passwords fall soon.",
             where="by changing the password", source="Apache, htpasswd; crypt(5)"),
    Detector("sentry-dsn", "an address of Sentry", ("sentry", "dsn"),
             r"https://([0-9a-f]{32})@[0-9A-Za-z.-]{3,100}/\d{1,20}\b", token, severity=INFORMATION, ignore_case=True, shown="https://***@***",
             why="It lets anyone send events to the project, and browsers have to know it; nothing can be read with it.",
             remedy="Read it from the environment, so that each environment has its own project.", source="Sentry, DSN"),
)
DERIVED: tuple[Detector, ...] = (
    Detector("basic-auth-url", "an address with its password", (), "", is_guessable=True, is_format=False, where="at the host that it is for", source="RFC 3986, 3.2.1"),
)
"""Rules that only a judge names."""
# fmt: on
