"""The tables of the gates that read the repository: config-lint, placeholder-audit, security-scan."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, field

from readiness.config.base import BodyLimit, Limit, NonEmptyText, Table
from readiness.config.quantity import Size
from readiness.config.security_tables import Bandit, Dependencies, Workflows

PathList: TypeAlias = Annotated[list[NonEmptyText], Meta(min_length=1)]


class Paths(Table, frozen=True):
    """Which files a gate reads."""

    paths: PathList
    """Files, folders and patterns, from the configuration's folder. What `.gitignore` names is left out, unless a path
    here names it. A path that is not there is an error; one without any file leaves the gate unmeasured."""
    exclude: list[NonEmptyText] = []
    """Files that are not looked at; patterns as in `.gitignore`, such as "vendor/**"."""
    max_file_size: BodyLimit = field(default_factory=lambda: Size.parse("10MiB"))
    """Larger files are not looked at, and named in the report."""


class ConfigLint(Paths, frozen=True):
    """Configuration files parse, match their schemas and do not contradict each other."""

    schemas: dict[NonEmptyText, NonEmptyText] = {}
    """Pattern of paths to the JSON Schema that such files satisfy, before the schemas that are known by name."""


PlaceholderRule: TypeAlias = Literal[
    "placeholder-audit/changeme",
    "placeholder-audit/weak-credential",
    "placeholder-audit/angle-your",
    "placeholder-audit/your-x",
    "placeholder-audit/your-domain",
    "placeholder-audit/xxx-value",
    "placeholder-audit/todo-value",
    "placeholder-audit/example-domain",
    "placeholder-audit/chat-hook",
    "placeholder-audit/test-key",
    "placeholder-audit/mock-vendor",
    "placeholder-audit/contact",
    "placeholder-audit/sign-off",
    "placeholder-audit/blank-field",
    "placeholder-audit/local-url",
    "placeholder-audit/stub",
    "placeholder-audit/empty-body",
    "placeholder-audit/work-marker",
    "placeholder-audit/template-variable",
]


class AllowPlaceholder(Table, frozen=True):
    """A rule that is not applied to some files."""

    rule: PlaceholderRule
    """Its id."""
    reason: NonEmptyText
    """Why."""
    paths: list[NonEmptyText] = []
    """Patterns as in `.gitignore`; without them, every file."""


SampleRule: TypeAlias = Literal[
    "sample-person", "filler-text", "nil-uuid", "test-address", "dummy-value", "coming-soon"
]


class PlaceholderAudit(Paths, frozen=True):
    """Nothing that was to be filled in is still blank."""

    allow: list[NonEmptyText | AllowPlaceholder] = []
    """Where placeholders are wanted: files, such as templates to copy, by patterns as in `.gitignore`, or a rule that is
    not applied, with `rule`, `paths` and `reason`."""
    strict: bool | None = None
    """Whether what is critical blocks. By default it does in every environment but a developer's own: one with local,
    dev, development, sandbox, playground, container, docker or embedded in its name, where it warns."""
    enable: list[SampleRule] = []
    """Rules that are off by default, since they find more samples than mistakes."""
    max_work_markers: Annotated[int, Meta(ge=0)] | None = None
    """Limit of the number of TODO, FIXME, XXX and HACK in what ships: a budget that may not grow."""
    max_marker_age: Limit | None = None
    """Limit of their age, by `git blame`; those of which git knows nothing are not held against it."""


class SecretsScan(Paths, frozen=True):
    """Credentials in the repository."""

    baseline: NonEmptyText | None = None
    """File with the known ones, their owners and until when they are accepted."""
    entropy: Annotated[float, Meta(ge=3, le=8)] | None = None
    """Bits per character from which on a quoted string without a telling name is listed; default 4.2, 8 for none."""


class SecurityScan(Table, frozen=True):
    """Code, dependencies and files hold no known vulnerability and no credential."""

    bandit: Bandit | None = None
    dependencies: Dependencies | None = None
    secrets: SecretsScan | None = None
    workflows: Workflows | None = None
