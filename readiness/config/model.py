"""The configuration as types: one struct per table of `readiness.toml`, keys in kebab case.

The JSON Schema that editors use is made from these types, so the docstring under a field is what a user reads
while typing. A gate's table says WHAT is checked, an environment's says WHERE.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct, field

from readiness.config.quantity import Duration, Ratio
from readiness.redact import Secret


class Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """Base of every table; unknown keys are errors."""


NonEmptyText: TypeAlias = Annotated[str, Meta(min_length=1)]
UrlPath: TypeAlias = Annotated[
    str, Meta(pattern=r"^/(?!/)\S*(?!\s)$", title="path on the service, such as /health, without its host")
]
HttpUrl: TypeAlias = Annotated[
    str, Meta(pattern=r"^https?://[^\s/?#]+\S*(?!\s)$", title="address that starts with http:// or https://")
]
Limit: TypeAlias = Annotated[Duration, Meta(extra_json_schema={"pattern": Duration.positive_pattern()})]
"""A duration above zero."""
Share: TypeAlias = Annotated[Ratio, Meta(extra_json_schema={"pattern": Ratio.share_pattern()})]
"""A ratio of at most 100%: above that a limit could never trip."""
Count: TypeAlias = Annotated[int, Meta(ge=1)]
Command: TypeAlias = Annotated[list[NonEmptyText], Meta(min_length=1)]
_RELATION = r"\s*(>=|<=|==|!=|~=|<|>)\s*[0-9]+(\.[0-9]+)*\s*"
VersionRange: TypeAlias = Annotated[
    str, Meta(pattern=f"^{_RELATION}(,{_RELATION})*$", title="version range, such as >=14 or >=6,<8")
]
"""A version requirement such as `>=14` or `>=6,<8`."""

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
    """Budget for the whole run."""
    flaky_passes: Annotated[int, Meta(ge=0)] = 0
    """Passes that needed a retry which a GO may contain."""


class Waiver(Table, frozen=True):
    """One accepted failure, with an end."""

    check: NonEmptyText
    """Check id or pattern."""
    reason: NonEmptyText
    owner: NonEmptyText
    expires: dt.date
    """Last valid day, UTC."""
    match: str | None = None
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
    """Commands run before the service starts, one after the other, with the same variables."""
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


class Live(Table, frozen=True, tag_field="kind", tag="live"):
    """A running system; only read unless `protected = false`."""

    url: HttpUrl | None = None
    headers: dict[str, Secret] = {}
    """Sent with every request to the service."""
    database: Store | None = None
    redis: Store | None = None
    protected: bool = True
    """No check writes anything to the target."""


EnvironmentTable: TypeAlias = Embedded | Containers | Live

# --- what -------------------------------------------------------------------------------------------------------


class Endpoint(Table, frozen=True):
    """One endpoint and what a healthy answer is."""

    path: UrlPath
    status: Annotated[int, Meta(ge=100, le=599)] = 200
    json: dict[str, Any] | None = None
    """Subset that the JSON answer must contain."""
    schema: str | None = None
    """Path of a JSON Schema that the answer must satisfy."""
    within: Limit | None = None
    """Overrides the table's `within`."""

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
    samples: Annotated[int, Meta(ge=1, le=1000)] = 5
    attempts: Annotated[int, Meta(ge=1, le=100)] = 1
    """A pass after a retry is counted as flaky."""
    every: Duration = field(default_factory=lambda: Duration.parse("1s"))
    """Pause between attempts."""
    version: Version | None = None

    @property
    def targets(self) -> tuple[Endpoint, ...]:
        """The endpoints in their long form."""
        return tuple(Endpoint(path=each) if isinstance(each, str) else each for each in self.endpoints)


class Migrations(Table, frozen=True):
    """Where the repository's migrations are."""

    tool: Literal["alembic"]
    path: NonEmptyText


class Database(Table, frozen=True):
    """PostgreSQL is reachable, fast enough, up to date and not near its limits."""

    connect_within: Limit = field(default_factory=lambda: Duration.parse("1s"))
    query_within: Limit = field(default_factory=lambda: Duration.parse("100ms"))
    """Limit of the 95th percentile of SELECT 1."""
    server_version: VersionRange | None = None
    tables: Annotated[list[NonEmptyText], Meta(min_length=1)] | None = None
    """Tables, `name` or `schema.name`, that exist and can be read."""
    migrations: Migrations | None = None
    max_connections: Share | None = None
    """Share of max_connections in use."""
    max_query_age: Limit | None = None
    max_idle_in_transaction: Limit | None = None
    max_replication_lag: Duration | None = None
    max_deadlocks: Annotated[int, Meta(ge=0)] | None = None
    max_mean_query: Limit | None = None
    """Mean time of a statement in pg_stat_statements."""


class Redis(Table, frozen=True):
    """Redis answers, has room, keeps what it should and is replicated as configured."""

    ping_within: Limit = field(default_factory=lambda: Duration.parse("50ms"))
    """Limit of the 95th percentile of PING."""
    server_version: VersionRange | None = None
    max_memory: Share | None = None
    """used_memory as a share of maxmemory."""
    eviction_policy: NonEmptyText | None = None
    max_evicted_keys: Annotated[int, Meta(ge=0)] | None = None
    min_hit_rate: Share | None = None
    persistence: bool | None = None
    """The last save or AOF rewrite succeeded."""
    max_clients: Share | None = None


class Flags(Table, frozen=True):
    """Feature flags are served, well defined, and behave."""

    source: Literal["http", "file", "ofrep", "unleash"] = "http"
    status: UrlPath | None = None
    flag: UrlPath | None = None
    evaluate: UrlPath | None = None
    file: NonEmptyText | None = None
    required: Annotated[list[NonEmptyText], Meta(min_length=1)] | None = None
    sample_users: Count = 2000


class ConfigLint(Table, frozen=True):
    """Configuration files parse, match their schemas and do not contradict each other."""

    paths: Annotated[list[NonEmptyText], Meta(min_length=1)]
    exclude: list[NonEmptyText] = []


class PlaceholderAudit(Table, frozen=True):
    """Nothing that was to be filled in is still blank."""

    paths: Annotated[list[NonEmptyText], Meta(min_length=1)]
    allow: list[NonEmptyText] = []


class Bandit(Table, frozen=True):
    """Static security analysis of Python code."""

    paths: Annotated[list[NonEmptyText], Meta(min_length=1)]
    severity: Literal["low", "medium", "high"] = "medium"
    confidence: Literal["low", "medium", "high"] = "medium"


class Dependencies(Table, frozen=True):
    """Known vulnerabilities of what is installed."""

    requirements: Annotated[list[NonEmptyText], Meta(min_length=1)]
    database: NonEmptyText


class SecretsScan(Table, frozen=True):
    """Credentials in the repository."""

    paths: Annotated[list[NonEmptyText], Meta(min_length=1)]
    baseline: NonEmptyText | None = None


class SecurityScan(Table, frozen=True):
    """Code, dependencies and files hold no known vulnerability and no credential."""

    bandit: Bandit | None = None
    dependencies: Dependencies | None = None
    secrets: SecretsScan | None = None


class SlowerThan(Table, frozen=True):
    """A share of requests slower than a bucket edge."""

    edge: Limit
    below: Share | None = None
    above: Share | None = None


class RolloutMetric(Table, frozen=True):
    """One metric that the canary is judged by."""

    name: Annotated[
        str, Meta(pattern="^[a-z0-9][a-z0-9-]*(?!\n)$", title="name of lower-case letters, digits and hyphens")
    ]
    total: NonEmptyText | None = None
    bad: NonEmptyText | None = None
    histogram: NonEmptyText | None = None
    promote_below: Share | None = None
    rollback_above: Share | None = None
    rollback_for: Duration | None = None
    promote_slower_than: SlowerThan | None = None
    rollback_slower_than: SlowerThan | None = None


class Rollout(Table, frozen=True):
    """The canary is no worse than the baseline and within its limits."""

    metric: Annotated[list[RolloutMetric], Meta(min_length=1)]
    stages: Annotated[list[Share], Meta(min_length=1)]
    canary: NonEmptyText
    baseline: NonEmptyText
    observe: Limit
    prometheus: HttpUrl | None = None
    scrape: Annotated[list[NonEmptyText], Meta(min_length=1)] | None = None


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
