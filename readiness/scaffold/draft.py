"""The text of a `readiness.toml`: what was found as values with their origin, what was not as lines to fill in."""

from __future__ import annotations

from dataclasses import dataclass, field

from readiness.gate import Gate
from readiness.scaffold import repository
from readiness.scaffold.apps import MANAGE, MENTIONED, in_folder
from readiness.scaffold.survey import Kept, Survey
from readiness.scaffold.toml import shown, string, strings

FILL = "# FILL IN: "
EMBEDDED_POSTGRES = 18
"""Major version of the PostgreSQL that an embedded environment starts."""
EMBEDDED_REDIS = 6
_COLUMN = 40
_FEW = 5
_MANY = 20


@dataclass(frozen=True, slots=True)
class Draft:
    """A configuration to be written."""

    text: str
    fill: tuple[tuple[int, str], ...]
    """Number of each line that is to be filled in, and what it says."""
    found: tuple[str, ...]
    """What it was made from, for people."""


@dataclass(slots=True)
class _Page:
    lines: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)

    def add(self, *lines: str) -> None:
        self.lines += lines

    def key(self, name: str, value: str, why: str = "") -> None:
        self.add(_with(f"{name} = {value}", why))

    def fill(self, line: str, why: str = "") -> None:
        self.add(_with(FILL + line, why))


def _with(line: str, why: str) -> str:
    return f"{f'{line} '.ljust(_COLUMN)} # {shown(why)}" if why else line


def draft(survey: Survey, gates: tuple[Gate, ...]) -> Draft:
    """Returns the configuration for what was found.

    Args:
        survey: what the repository holds.
        gates: the gates there are; what no check of theirs looks at yet is written as a comment only.
    """
    page = _Page()
    page.add(
        "# What has to hold before this service is released, and where that is judged: `pytest --env=local`.",
        "# Written by `readiness init`. Every key there is: `readiness schema config`.",
        "",
    )
    _service(page, survey)
    _policy(page, survey)
    _local(page, survey)
    _staging(page, survey)
    _health(page, survey)
    _database(page, survey, gates)
    _redis(page, survey)
    _flags(page, survey)
    page.add(*(_with(line, why) for line, why in repository.tables(survey.repository)))
    page.found += repository.found(survey.repository)
    _rollout(page)
    fill = [(number, line.removeprefix(FILL)) for number, line in enumerate(page.lines, 1) if line.startswith(FILL)]
    return Draft("\n".join(page.lines) + "\n", tuple(fill), tuple(page.found))


# --- who and where ------------------------------------------------------------------------------------------------


def _service(page: _Page, survey: Survey) -> None:
    page.add("[service]")
    if survey.name:
        page.key("name", string(survey.name), "pyproject.toml" if survey.project.name else "name of this folder")
    else:
        page.fill('name = "my-service"')
    if survey.owner:
        page.key("owner", string(survey.owner), survey.owner_from)
    else:
        page.fill('owner = ""', "who answers for the service: a team's address or handle")
    if survey.runbook:
        page.key("runbook", string(survey.runbook), "a failing check links to its heading")
        page.found.append(f"runbook {survey.runbook}")
    else:
        page.add(_with('# runbook = "docs/runbook.md"', "a failing check links to its heading"))
    page.add("")


def _policy(page: _Page, survey: Survey) -> None:
    stores = [name for name, kept in (("database", survey.postgres), ("redis", survey.redis)) if kept]
    flags = ["flags"] if _judges_flags(survey) else []
    page.add("[policy]")
    page.key("required", strings([*repository.GATES, "health", *stores, *flags]), "a GO needs each of them")
    page.key("deadline", '"15m"', "budget for the whole run")
    page.add("")


def _local(page: _Page, survey: Survey) -> None:
    page.add(
        "# PostgreSQL and Redis are started for the run on free ports of this machine, then what `prepare` says, then the",
        "# service, with DATABASE_URL, REDIS_URL and PORT set. Needs: pip install 'pytest-readiness[embedded]'",
        "[env.local]",
        'kind = "embedded"',
    )
    _start(page, survey)
    _prepare(page, survey)
    ready = survey.endpoints.ready
    if ready:
        page.key("ready", string(ready), "polled until it answers 2xx ...")
    else:
        page.fill('ready = "/health/ready"', "a path that answers 2xx when the service is ready")
    page.key("ready-within", '"30s"', "... at most so long")
    if survey.postgres and not survey.reads_database_url and "DATABASE_URL" not in survey.variables:
        page.add(
            "# Nothing was found that reads DATABASE_URL: the service has to find the database that the run starts there."
        )
    other = [name for name in survey.variables if name not in ("DATABASE_URL", "REDIS_URL") and name.endswith("_URL")]
    if other:
        names = ", ".join(other[:_FEW]) + (", ..." if len(other) > _FEW else "")
        page.add(f"# Named in {shown(survey.variables[other[0]])} and not set by the run: {names}")
    page.add("")


def _start(page: _Page, survey: Survey) -> None:
    if not survey.starts:
        mention = next(iter(survey.mentions), None)
        target = mention.target if mention else "module:app"
        why = f"{mention.file} starts {target}, which was not found here" if mention else "the command that serves"
        page.fill(f'service = ["uvicorn", {string(target)}, "--port", "{{port}}"]', why)
        return
    start = survey.starts[0]
    app = start.app
    file = shown(app.file)
    kind = "named in a deployment file" if app.kind == MENTIONED else app.kind
    why = f"{kind}, {file}" + (f", settings {app.settings}" if app.settings else "")
    page.key("service", strings(start.command), why)
    page.found.append(f"{kind} application {start.target if app.kind != MANAGE else file}")
    others = [each for each in survey.starts[1:] if not (app.kind == MANAGE and each.app.kind.startswith(MANAGE))]
    for each in others[:_FEW]:
        page.add(f"# Also found: {shown(each.target)} ({each.app.kind}, {shown(each.app.file)})")
    if len(others) > _FEW:
        page.add(f"# ... and {len(others) - _FEW} more applications")


def _prepare(page: _Page, survey: Survey) -> None:
    app = survey.starts[0].app if survey.starts else None
    home = app.file.rpartition("/")[0] if app else ""
    near = [each for each in survey.alembics if f"{home}/".startswith(f"{each.folder}/" if each.folder else "")]
    # The innermost one above the application is its own; without an application the outermost is the likeliest.
    own = near[-1:] if app and near else survey.alembics[:1]
    commands = [in_folder(each.folder, ["alembic", "upgrade", "head"]) for each in own]
    if app and app.kind == MANAGE:
        migrate = ["python", "manage.py", "migrate", "--noinput"]
        commands.append(in_folder(home, migrate))
    if commands:
        page.key("prepare", f"[{', '.join(strings(command) for command in commands)}]", "run before the service starts")
    for each in own:
        page.found.append(f"migrations by {each.ini}")
    for each in survey.alembics:
        if each not in own:
            page.add(f"# Also found: migrations by {shown(each.ini)}")


def _staging(page: _Page, survey: Survey) -> None:
    """Commented out whole: uncommented it is valid."""
    page.add(
        "# A running system. `${NAME}` is an environment variable; its value appears in no report.",
        "# [env.staging]",
        '# kind = "live"',
        '# url = "${STAGING_URL}"',
    )
    if survey.postgres:
        page.add('# database.url = "${STAGING_DATABASE_URL}"')
    if survey.redis:
        page.add('# redis.url = "${STAGING_REDIS_URL}"')
    for table, kept, embedded in (
        ("database", survey.postgres, EMBEDDED_POSTGRES),
        ("redis", survey.redis, EMBEDDED_REDIS),
    ):
        if kept and kept.major and kept.major > embedded:
            page.add(_with(f'# {table}.server-version = ">={kept.major}"', kept.where))
    page.add(_with("# protected = true", "no check writes anything to it"), "")


# --- what ---------------------------------------------------------------------------------------------------------


def _health(page: _Page, survey: Survey) -> None:
    page.add("[health]")
    page.key("within", '"500ms"', "95th percentile of `samples` requests to one endpoint")
    page.key("samples", "5")
    certain = survey.endpoints.certain
    if certain:
        page.add("endpoints = [")
        page.add(*(_with(f"  {string(each.path)},", each.where) for each in certain))
        page.add("]")
        page.found.append(f"{len(certain)} health endpoint{'s' if len(certain) > 1 else ''}")
    else:
        page.fill('endpoints = ["/health"]', "paths that answer 2xx while the service works")
    for each in survey.endpoints.uncertain[:_FEW]:
        page.add(f"# Also found, below a prefix that is computed: {each.path} ({shown(each.where)})")
    version = f"pyproject.toml says {survey.project.version}" if survey.project.version else "where it says its release"
    page.add(_with('# version = { path = "/health", pointer = "/version", equals = "${RELEASE}" }', version), "")


def _database(page: _Page, survey: Survey, gates: tuple[Gate, ...]) -> None:
    if survey.postgres is None:
        return
    page.add(f"# PostgreSQL: {shown(survey.postgres.where)}", "[database]")
    page.key("connect-within", '"1s"')
    page.key("query-within", '"100ms"', "95th percentile of SELECT 1")
    _server_version(page, survey.postgres, EMBEDDED_POSTGRES, ">=14")
    page.add(_with('# tables = ["orders"]', "tables that exist and can be read"))
    located = [each for each in survey.alembics if each.location]
    if located:
        key = f'migrations = {{ tool = "alembic", path = {string(located[0].location)} }}'
        is_checked = _has_check(gates, "database", "migrations")
        page.add(
            _with(
                key if is_checked else f"# {key}",
                "the database is at the head" if is_checked else "no check reads it yet",
            )
        )
    page.add("")
    page.found.append("PostgreSQL")


def _redis(page: _Page, survey: Survey) -> None:
    if survey.redis is None:
        return
    page.add(f"# Redis: {shown(survey.redis.where)}", "[redis]")
    page.key("ping-within", '"50ms"', "95th percentile of PING")
    _server_version(page, survey.redis, EMBEDDED_REDIS, ">=6")
    page.add("")
    page.found.append("Redis")


def _server_version(page: _Page, kept: Kept, embedded: int, default: str) -> None:
    if kept.major is None:
        page.add(f'# server-version = "{default}"')
    elif kept.major <= embedded:
        page.key("server-version", f'">={kept.major}"')
    else:
        page.key(
            "server-version", f'">={embedded}"', f"a local run has {embedded}; [env.staging] asks for {kept.major}"
        )


def _flags(page: _Page, survey: Survey) -> None:
    asked, names = survey.flag_endpoints, survey.flag_names
    if survey.flags:
        page.found.append(f"feature flags {survey.flags}")
    if not _judges_flags(survey):
        if survey.flags:
            page.add(
                f"# Also found: {shown(survey.flags)}, which defines feature flags in a form that no check reads.", ""
            )
        return
    page.add("[flags]")
    if asked is None:
        page.key("source", '"file"', "nothing was found that evaluates them")
    else:
        page.key("source", '"http"', asked.where)
        page.key("status", string(asked.status))
        page.key("flag", string(asked.flag))
        page.key("evaluate", string(asked.evaluate), "users are sampled here, and the kill switch is tried")
    if names:
        page.key("file", string(survey.flags), "its definitions are judged")
        page.key("required", strings(names[:_MANY]), f"{len(names) - _MANY} more" if len(names) > _MANY else "")
    else:
        page.fill('required = ["my-flag"]', "flags that have to be there")
    page.add("")


ROLLOUT = """\
# A canary, judged between the stages of its rollout: `pytest --env=NAME --gate=rollout --stage=25`.
# [rollout]
# prometheus = "http://prometheus:9090"
# stages = ["10%", "25%", "50%", "100%"]
# canary = 'track="canary"'
# baseline = 'track="stable"'
# observe = "30m"
# [[rollout.metric]]
# name = "errors"
# total = "http_requests_total"
# bad = 'http_requests_total{status=~"5.."}'
# promote-below = "1%"
# rollback-above = "5%"
"""


def _rollout(page: _Page) -> None:
    """Commented out whole, since nothing in a repository says how it is rolled out: uncommented it is valid."""
    page.add(*ROLLOUT.splitlines())


def _judges_flags(survey: Survey) -> bool:
    """Whether the gate can judge what was found."""
    return bool(survey.flag_names) or survey.flag_endpoints is not None


def _has_check(gates: tuple[Gate, ...], gate: str, name: str) -> bool:
    """True where the installed check file has that check: a key that nothing reads would promise what is not checked."""
    files = [each.file for each in gates if each.name == gate and each.file is not None]
    return any(f'"{gate}/{name}"' in file.read_text("utf-8") for file in files)
