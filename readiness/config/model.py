"""The configuration as types: one struct per table of `readiness.toml`, keys in kebab case.

The JSON Schema that editors use is made from these types, so the docstring under a field is what a user reads
while typing. A gate's table says WHAT is checked, an environment's says WHERE.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct, field
from msgspec.structs import replace

from readiness.config.base import (
    Accepted,
    BodyLimit,
    Command,
    Count,
    HeaderName,
    HttpUrl,
    Limit,
    MediaType,
    NonEmptyText,
    Share,
    Table,
    UrlPath,
    VersionRange,
)
from readiness.config.baseline import Baseline
from readiness.config.quantity import Duration, Ratio
from readiness.redact import Secret

# --- who and how strict -----------------------------------------------------------------------------------------


class Service(Table, frozen=True):
    """What is to be released."""

    name: NonEmptyText
    owner: str = ""
    runbook: str = ""
    """Path of the runbook; a failing check links to its heading."""
    checks: Annotated[list[NonEmptyText], Meta(min_length=1)] | None = None
    """Folders with the user's own checks; default `checks/` where it exists."""


class Policy(Table, frozen=True):
    """What a GO needs."""

    required: Annotated[list[NonEmptyText], Meta(min_length=1)] | None = None
    """Gates that must pass; default every configured gate."""
    advisory: list[NonEmptyText] = []
    """Check ids or patterns that warn instead of block."""
    deadline: Limit = field(default_factory=lambda: Duration.parse("15m"))
    """Budget for the whole run, of at most 14 days."""
    flaky_passes: Annotated[int, Meta(ge=0)] = 0
    """Passes that needed a retry which a GO may contain."""


class BaselineTable(Table, frozen=True):
    """Findings that are known, so that only new ones block."""

    file: NonEmptyText
    """Where they are listed; `readiness baseline write` makes it from a report."""


class Waiver(Table, frozen=True):
    """One accepted failure, with an end."""

    check: NonEmptyText
    """Check id or pattern."""
    reason: NonEmptyText
    owner: NonEmptyText
    expires: dt.date
    """Last valid day, UTC."""
    match: NonEmptyText | None = None
    """Only findings whose rule or text contains it."""
    env: Annotated[list[NonEmptyText], Meta(min_length=1)] | None = None
    """Default every environment."""
    ticket: str = ""


# --- where ------------------------------------------------------------------------------------------------------


class Provisioned(Table, frozen=True):
    """What the environments that are started for the run have in common."""

    service: Command | None = None
    """Command that starts the service; `{port}` is replaced. Gets DATABASE_URL, REDIS_URL and PORT."""
    prepare: list[Command] = []
    """Commands run before the service starts, one after the other, with the same variables and `{port}` replaced."""
    ready: UrlPath = "/health/ready"
    """Polled until it answers 2xx."""
    ready_within: Limit = field(default_factory=lambda: Duration.parse("30s"))


class Embedded(Provisioned, frozen=True, tag_field="kind", tag="embedded"):
    """Real PostgreSQL and Redis from wheels, started for the run on free loopback ports."""


class Containers(Provisioned, frozen=True, tag_field="kind", tag="containers"):
    """PostgreSQL and Redis in containers."""

    postgres: NonEmptyText = "postgres:17-alpine"
    redis: NonEmptyText = "redis:7-alpine"
    image: str | None = None
    """The service as an image, instead of `service`."""
    container_port: Annotated[int, Meta(ge=1, le=65535)] | None = None


class Store(Table, frozen=True):
    """Address of a database or cache of a live environment."""

    url: Secret


class RedisStore(Store, frozen=True):
    """Address of the Redis or Valkey of a live environment."""

    url: Secret
    """One server: `redis://user:password@host:6379/0`, `rediss://` for TLS (with `?ssl_ca_certs=FILE` and the like),
    `unix:///run/redis.sock?db=0`. The primary that Sentinels name:
    `redis+sentinel://:password@host:26379,host2:26379/service-name/0`, where `?sentinel_password=` is the Sentinels'
    own. A cluster, whose every primary is judged: `redis+cluster://:password@host:6379,host2:6379`. TLS for these two is
    `rediss+sentinel://` and `rediss+cluster://`; `valkey` stands for `redis` everywhere."""


class Live(Table, frozen=True, tag_field="kind", tag="live"):
    """A running system; only read unless `protected = false`."""

    url: HttpUrl | None = None
    instances: Annotated[list[HttpUrl], Meta(min_length=1)] | None = None
    """Addresses of the single instances behind `url`: the gate `health` judges each of them besides `url`, so that one
    bad replica is found. All other gates use `url` alone."""
    headers: dict[str, Secret] = {}
    """Sent with every request to the service."""
    database: Store | None = None
    redis: RedisStore | None = None
    protected: bool = True
    """No check writes anything to the target."""


EnvironmentTable: TypeAlias = Embedded | Containers | Live

# --- what -------------------------------------------------------------------------------------------------------

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
"""RFC 9110, 9.2.1."""


class Endpoint(Table, frozen=True):
    """One endpoint and what a healthy answer is."""

    path: UrlPath
    status: Annotated[int, Meta(ge=100, le=599)] = 200
    """The answer is read for what it says of the service's health only where this is 2xx."""
    json: dict[str, Any] | None = None
    """Subset that the JSON answer must contain. A value that is expected here is not read in any other way."""
    schema: str | None = None
    """Path of a JSON Schema that the answer must satisfy; `$ref` may name files in the configuration's folder."""
    content_type: MediaType | None = None
    """Media type of the answer, without parameters. `text/html` says as well that a page is the answer wanted."""
    accept: Accepted | None = None
    """Overrides the table's `accept`."""
    within: Limit | None = None
    """Overrides the table's `within`."""
    max_body: BodyLimit | None = None
    """Overrides the table's `max-body`."""
    method: Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    """On a protected environment GET, HEAD or OPTIONS: the others may change something."""
    body: dict[str, Any] | None = None
    """Sent as JSON, with POST, PUT, PATCH or DELETE."""
    headers: dict[HeaderName, Secret] = {}
    """Sent with requests to this endpoint, besides and instead of the environment's."""

    @property
    def is_safe(self) -> bool:
        """True where asking changes nothing on the service, as HTTP defines it."""
        return self.method in SAFE_METHODS

    def __str__(self) -> str:
        return self.path


class Version(Table, frozen=True):
    """Where the service says which release it is."""

    path: UrlPath
    pointer: Annotated[str, Meta(pattern="^(/.*)?$", title="JSON Pointer, such as /version")]
    """JSON Pointer (RFC 6901) into the answer."""
    equals: NonEmptyText


class Health(Table, frozen=True):
    """The service answers, soon enough, with what it should, and is the release to be judged."""

    endpoints: Annotated[list[UrlPath | Endpoint], Meta(min_length=1)]
    within: Limit = field(default_factory=lambda: Duration.parse("500ms"))
    """Limit of the 95th percentile of `samples` requests to one endpoint."""
    accept: Accepted | None = None
    """What counts as healthy in an answer besides the words that are known for it, such as ["degraded"]. Also: "null",
    "false"; "empty" for an answer without a body, "html" for a page; a JSON Pointer such as "/components/mail" for a part
    that is not to be read; "any" to read nothing at all."""
    max_body: BodyLimit | None = None
    """Limit of an answer's size. Without one, answers above 8 MiB cannot be judged."""
    samples: Annotated[int, Meta(ge=1, le=1000)] = 5
    attempts: Annotated[int, Meta(ge=1, le=100)] = 1
    """A pass after a retry is counted as flaky."""
    every: Duration = field(default_factory=lambda: Duration.parse("1s"))
    """Pause between attempts."""
    version: Version | None = None

    @property
    def targets(self) -> tuple[Endpoint, ...]:
        """The endpoints, each with the table's own keys where it has none."""
        given = (Endpoint(path=each) if isinstance(each, str) else each for each in self.endpoints)
        return tuple(
            replace(
                each,
                within=each.within or self.within,
                accept=self.accept if each.accept is None else each.accept,
                max_body=each.max_body or self.max_body,
            )
            for each in given
        )

    @property
    def release(self) -> Endpoint:
        """Where `version` is asked for, with the headers that the endpoint of the same path has."""
        path = self.version.path if self.version is not None else ""
        headers = next((each.headers for each in self.targets if each.path == path), {})
        return Endpoint(path=path, headers=headers, within=self.within, max_body=self.max_body)


class Migrations(Table, frozen=True):
    """Where the repository's migrations are."""

    tool: Literal["alembic"]
    path: NonEmptyText
    """The folder of the migration scripts (where env.py is), or an alembic.ini. They are read and never run."""
    version_table: NonEmptyText = "alembic_version"
    """As env.py names it to alembic; `schema.name` where it also sets version_table_schema."""


class Database(Table, frozen=True):
    """PostgreSQL is reachable, fast enough, up to date and not near its limits."""

    connect_within: Limit = field(default_factory=lambda: Duration.parse("1s"))
    query_within: Limit = field(default_factory=lambda: Duration.parse("100ms"))
    """Limit of the 95th percentile of SELECT 1."""
    server_version: VersionRange | None = None
    tables: Annotated[list[NonEmptyText], Meta(min_length=1)] | None = None
    """Tables, `name` or `schema.name`, that exist and can be read."""
    migrations: Migrations | None = None
    max_connections: Share = field(default_factory=lambda: Ratio.parse("80%"))
    """Share of max_connections in use, those reserved for superusers included; also of a connection limit that the role
    or the database has."""
    max_query_age: Limit = field(default_factory=lambda: Duration.parse("5m"))
    """Limit of the time that the oldest active query has been running, on the whole server."""
    max_idle_in_transaction: Limit = field(default_factory=lambda: Duration.parse("10m"))
    """Limit of the time that a session has been idle inside a transaction, on the whole server."""
    max_replication_lag: Duration | None = None
    """Wants at least one standby that is streaming; limit of the time until it has replayed what was written."""
    max_deadlocks: Annotated[int, Meta(ge=0)] | None = None
    """Limit of the deadlocks since an earlier run on this machine, at least an hour ago where there was one; else during
    the run. Never of the counter since the database was made."""
    max_mean_query: Limit | None = None
    """Limit of the mean time of each statement that pg_stat_statements has counted at least five calls of."""


EvictionPolicy: TypeAlias = Literal[
    "noeviction",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-lrm",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-lrm",
    "volatile-random",
    "volatile-ttl",
]


class Redis(Table, frozen=True):
    """Redis answers, has room, keeps what it should and is replicated as configured."""

    ping_within: Limit = field(default_factory=lambda: Duration.parse("50ms"))
    """Limit of the 95th percentile of PING."""
    server_version: VersionRange | None = None
    max_memory: Share = field(default_factory=lambda: Ratio.parse("90%"))
    """used_memory as a share of maxmemory; where the server has none, of the memory of its machine. A cache that is
    meant to be full and to evict needs `"100%"`, or `redis/memory` among the advisory checks."""
    eviction_policy: EvictionPolicy | None = None
    """What maxmemory-policy must be."""
    max_evicted_keys: Annotated[int, Meta(ge=0)] | None = None
    """Keys evicted since the last run on this machine, or during this one where there was none in the last 7 days."""
    min_hit_rate: Share | None = None
    """Share of look-ups that found their key, since the server started; at least 100 look-ups are needed."""
    persistence: bool | None = None
    """Data reaches the disk: save points or AOF are configured, and the last save, write and rewrite succeeded."""
    max_clients: Share = field(default_factory=lambda: Ratio.parse("80%"))
    """Connections as a share of maxclients."""
    max_replication_lag: Limit = field(default_factory=lambda: Duration.parse("15s"))
    """How long ago a replica may have acknowledged, or heard from its primary, which speaks up every 10 s by default."""
    min_replicas: Count | None = None
    """Replicas that a primary must have online; without it, one that has lost its only replica looks like one that
    never had any."""


class Flags(Table, frozen=True):
    """Feature flags are served, well defined, and behave."""

    source: Literal["http", "file", "ofrep", "unleash"] = "http"
    """Where the flags are: an HTTP API of the service, a JSON file, OpenFeature's remote evaluation protocol, or Unleash's
    client API. A file evaluates nothing, so that only `service`, `definitions` and `required` judge it."""
    url: HttpUrl | None = None
    """Address of the flag service, where it is not the environment's. Other services may share it, so that none of its
    flags is ever changed."""
    headers: dict[HeaderName, Secret] = {}
    """Sent with every request to `url`, such as the Authorization that Unleash wants."""
    status: UrlPath | None = None
    """http: path of the status of all flags; default "/feature-flags/status"."""
    flag: UrlPath | None = None
    """http: path of one flag, with {flag} where its name goes; default "/feature-flags/{flag}". GET returns its
    definition, PUT merges into it. unleash: path of all features; default "/api/client/features"."""
    evaluate: UrlPath | None = None
    """Path of an evaluation, with {flag} where the flag's name goes. http: default "/feature-flags/{flag}/evaluate"; ofrep:
    default "/ofrep/v1/evaluate/flags/{flag}", the bulk evaluation being the path above it."""
    file: NonEmptyText | None = None
    """Definitions in the repository: {"flags": {name: definition}}. They are judged beside those that the service has."""
    required: Annotated[list[NonEmptyText], Meta(min_length=1)] | None = None
    """Flags that have to be there; each is evaluated and judged."""
    percentages: dict[str, Share] = {}
    """Flag to the percentage of users that it is to reach, where that is not what its own definition says; ofrep tells no
    definitions, so that without this or a file no share is judged."""
    sample_users: Annotated[int, Meta(ge=1, le=100_000)] = 2000
    """Each is asked for once per flag and run: users readiness-1, readiness-2 and so on, at most 8 at once of each of two
    flags."""

    @property
    def asks_the_service(self) -> bool:
        """True where the flags are asked for at the environment's own address."""
        return self.source != "file" and self.url is None

    @property
    def defined(self) -> bool:
        """True where definitions can be read."""
        return self.source != "ofrep" or self.file is not None

    @property
    def evaluated_flags(self) -> list[str] | None:
        """The required flags, where something evaluates them."""
        return self.required if self.source != "file" else None

    @property
    def flags_with_a_share(self) -> list[str] | None:
        """The flags of which is known what share of the users they are to reach."""
        told = self.evaluated_flags or []
        return (told if self.defined else [flag for flag in told if flag in self.percentages]) or None

    @property
    def changeable_flags(self) -> list[str] | None:
        """The flags that can be changed through the source, and whose service is the environment's own."""
        return self.required if self.source == "http" and self.url is None else None


class Own(Table, frozen=True):
    """The table of a gate that the user's own check files declare; its keys are for those checks alone."""

    values: dict[str, Any] = {}


# --- all of it --------------------------------------------------------------------------------------------------


class Settings(Struct, frozen=True, kw_only=True):
    """The configuration of one run: everything merged for one environment, validated, typed."""

    file: Path
    """Where it was read from, absolute; relative paths in it are relative to its folder."""
    service: Service
    policy: Policy
    waivers: tuple[Waiver, ...]
    environment: str
    """Name of the environment under judgement."""
    where: EnvironmentTable
    gates: dict[str, Table]
    """The gates that have a table, in the order of the contract; gate name to its table."""
    known_gates: tuple[str, ...]
    """Every gate that could be configured, including those of plugins and of the user's own check files."""
    baseline: Baseline | None = None
    """The findings that are known."""
    missing: tuple[str, ...] = ()
    """Environment variables that are not set; only where a plan was asked for, else they are errors."""
    digest: str = ""
    """sha256 of the effective configuration before `${NAME}` was replaced."""

    @property
    def folder(self) -> Path:
        """The folder that relative paths start from."""
        return self.file.parent

    @property
    def is_protected(self) -> bool:
        """True where no check may write to the target."""
        return isinstance(self.where, Live) and self.where.protected
