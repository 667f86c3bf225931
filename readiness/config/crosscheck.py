"""What no schema can say: names that must exist, addresses that a gate needs, files, values that contradict others."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from readiness.config import base, flags_table, model, rollout_rules, rollout_tables, secrets_baseline, security_tables
from readiness.config.baseline import Baseline
from readiness.config.baseline import read as read_baseline
from readiness.config.merging import Place
from readiness.config.redis_address import AddressError, parse_address
from readiness.config.selectors import SelectorError
from readiness.config.static_files import named_files, wrong_tables
from readiness.config.suggest import known_names
from readiness.config.validation import schema_error
from readiness.config.variables import Substitution
from readiness.config.waivers import gate_part, matches
from readiness.config.wording import NOT_YET, hidden, shown
from readiness.gate import RESERVED, Gate

Said = Iterator[tuple[Place, str, str]]
"""Place in the effective configuration, text, remedy."""


@dataclass(slots=True)
class Parts:
    """A configuration as far as it could be typed, with what is needed to judge it."""

    folder: Path
    """Relative paths start here."""
    environment: str
    environments: Sequence[str]
    gates: Sequence[Gate]
    known: Sequence[str]
    """Every gate that can be required."""
    substitution: Substitution
    only: Collection[str] = ()
    """The gates that are judged, where not all are."""
    service: model.Service | None = None
    policy: model.Policy | None = None
    waivers: tuple[model.Waiver, ...] = ()
    where: model.EnvironmentTable | None = None
    tables: dict[str, base.Table] = field(default_factory=dict)
    baseline: model.BaselineTable | None = None
    known_findings: Baseline | None = None
    """What the baseline's file holds, once it was looked at."""

    @property
    def written_gates(self) -> Collection[str]:
        """The gates that have a table, whatever is wrong with it."""
        tables: dict[str, Any] = self.substitution.tree["gates"]
        return tables.keys()

    def show(self, path: Place, value: Any) -> str:
        """Returns the value, or what it is called where it came through a variable."""
        names = self.substitution.used.get(path)
        return shown(value) if names is None else hidden(names)

    def known_names(self, path: Place, name: str, known: Sequence[str]) -> str:
        """Returns what could have been meant; what came through a variable is compared with nothing."""
        return known_names("" if path in self.substitution.used else name, known)

    def is_judged(self, gate: str) -> bool:
        """True where checks of the gate run."""
        return not self.only or gate in self.only

    def is_open(self, path: Place) -> bool:
        """True where a variable is missing at `path`, so that nothing can be said of the value."""
        return path in self.substitution.open


def contradictions(parts: Parts) -> Said:
    """Yields everything that is wrong although each table has its shape."""
    for check in (
        _gate_names,
        _waivers,
        _addresses,
        _live,
        _containers,
        _files,
        _static,
        _baseline,
        _secrets_baseline,
        _endpoints,
        _repeated,
        _flags,
        _dependencies,
        _rollout,
    ):
        yield from check(parts)


# --- names ------------------------------------------------------------------------------------------------------


def _gate_names(parts: Parts) -> Said:
    if parts.policy is None:
        return
    for index, gate in enumerate(parts.policy.required or ()):
        path: Place = ("policy", "required", index)
        if gate in parts.known or parts.is_open(path):
            continue
        if gate in RESERVED:
            yield path, NOT_YET.format(gate), "Take it out until it is; it could not pass."
        else:
            text = f"the gate {parts.show(path, gate)} is not known. {parts.known_names(path, gate, parts.known)}"
            yield path, text, "Rename it or take it out."
    for index, pattern in enumerate(parts.policy.advisory):
        yield from _pattern(parts, ("policy", "advisory", index), pattern)


def _waivers(parts: Parts) -> Said:
    for index, waiver in enumerate(parts.waivers):
        yield from _pattern(parts, ("waiver", index, "check"), waiver.check)
        for at, name in enumerate(waiver.env or ()):
            path: Place = ("waiver", index, "env", at)
            if name not in parts.environments and not parts.is_open(path):
                seen = parts.show(path, name)
                text = f"the environment {seen} is not defined. {parts.known_names(path, name, parts.environments)}"
                yield path, text, "Rename it or take it out."


def _pattern(parts: Parts, path: Place, pattern: str) -> Said:
    """A pattern of check ids names a gate that there is, or will be."""
    if parts.is_open(path):
        return
    gate, seen = gate_part(pattern), parts.show(path, pattern)
    if any(matches(gate, known) for known in (*parts.known, *RESERVED)):
        if "/" not in pattern and "*" not in pattern:
            text = f"{seen} is a gate, and a check's id or a pattern of ids is expected."
            yield path, text, "Write `gate/*` for all its checks, or name one, as `gate/name`."
        return
    text = f"{seen} means no check, because its gate is not known. {parts.known_names(path, gate, parts.known)}"
    yield path, text, "Rename it or take it out."


# --- where ------------------------------------------------------------------------------------------------------

_ADD_ADDRESS = {
    "url": ("the service", 'Add url = "https://..."'),
    "database": ("the database", 'Add database.url = "${DATABASE_URL}"'),
    "redis": ("Redis", 'Add redis.url = "${REDIS_URL}"'),
}
_ADD_SERVICE = 'Add service = ["uvicorn", "service:app", "--port", "{port}"]'


def _addresses(parts: Parts) -> Said:
    where = parts.where
    if where is None:
        return
    for gate in parts.gates:
        table = parts.tables.get(gate.name)
        needs = "url" if isinstance(table, model.Flags) and table.source != "file" and not table.url else gate.needs
        # A table that could not be typed needs its address all the same; that of the flags says itself which.
        is_given = table is not None or (gate.name in parts.written_gates and gate.table is not model.Flags)
        if not (is_given and parts.is_judged(gate.name)) or needs not in _ADD_ADDRESS or _has_address(where, needs):
            continue
        what, remedy = _ADD_ADDRESS[needs]
        remedy = remedy if isinstance(where, model.Live) else _ADD_SERVICE
        text = f"[{gate.name}] needs the address of {what}, and this environment gives none."
        yield ("where",), text, f"{remedy} to [env.{parts.environment}]."


def _has_address(where: model.EnvironmentTable, needs: str) -> bool:
    if isinstance(where, model.Live):
        return getattr(where, needs) is not None
    if needs != "url":
        return True
    return where.service is not None or (isinstance(where, model.Containers) and where.image is not None)


def _live(parts: Parts) -> Said:
    where = parts.where
    if not isinstance(where, model.Live):
        return
    if where.url is not None:
        yield from _base_address(parts, ("where", "url"), where.url)
    instances: list[tuple[Place, str]] = [
        (("where", "instances", index), each) for index, each in enumerate(where.instances or ())
    ]
    for place, address in instances:
        yield from _base_address(parts, place, address)
    yield from _unique(parts, instances, "the instance")
    schemes = {
        "database": (r"postgres(?:ql)?(?:\+\w+)?://|(?:\s*\w+\s*=)", '"postgresql://user:password@host:5432/name"'),
    }
    for name, (scheme, example) in schemes.items():
        store: model.Store | None = getattr(where, name)
        path = ("where", name, "url")
        if store is not None and not parts.is_open(path) and not re.match(scheme, store.url.reveal()):
            yield path, "the address has a scheme that the gate cannot use.", f"Write it as {example}."
    path = ("where", "redis", "url")
    if where.redis is not None and not parts.is_open(path):
        try:
            parse_address(where.redis.url.reveal())
        except AddressError as error:
            yield path, error.text, error.remedy
    for name, value in where.headers.items():
        if re.search(r"[\r\n\0]", value.reveal()):
            seen = hidden(parts.substitution.used.get(("where", "headers", name), ()))
            remedy = "Take the line break out; a variable that was read from a file often ends in one."
            yield ("where", "headers", name), f"{seen} holds a line break, which no header can.", remedy


def _base_address(parts: Parts, path: Place, address: str) -> Said:
    if parts.is_open(path):
        return
    try:
        url = urlsplit(address)
        has_host = bool(url.hostname) and (url.port or 1) > 0
    except ValueError:
        has_host = False
    if not has_host:
        yield path, f"{parts.show(path, address)} names no host and port.", 'Write it as "https://host:port".'
    elif url.query or url.fragment:
        text = f"{parts.show(path, address)} is no base address: it has a query or a fragment."
        yield path, text, "End it before the '?' or '#'."


def _containers(parts: Parts) -> Said:
    where = parts.where
    if not isinstance(where, model.Containers):
        return
    if where.image is not None and where.service is not None:
        yield ("where", "image"), "the service is given twice: as `image` and as `service`.", "Take one of them out."
    if where.image is not None and where.container_port is None:
        yield ("where", "image"), "`image` needs the port it listens on.", "Add container-port = 8000."
    if where.image is None and where.container_port is not None:
        yield ("where", "container-port"), "`container-port` is the port of an image.", 'Add image = "...".'


# --- files ------------------------------------------------------------------------------------------------------


def _files(parts: Parts) -> Said:
    if parts.service is not None:
        if parts.service.runbook and not re.match(r"https?://", parts.service.runbook):
            yield from _exists(parts, ("service", "runbook"), parts.service.runbook)
        for index, folder in enumerate(parts.service.checks or ()):
            yield from _exists(parts, ("service", "checks", index), folder)
    for gate, table in parts.tables.items():
        if isinstance(table, model.Database) and table.migrations is not None:
            yield from _exists(parts, ("gates", gate, "migrations", "path"), table.migrations.path)
        if isinstance(table, model.Health):
            for index, endpoint in enumerate(table.endpoints):
                if isinstance(endpoint, model.Endpoint) and endpoint.schema is not None:
                    path: Place = ("gates", gate, "endpoints", index, "schema")
                    yield from _is_schema(parts, path, endpoint.schema)


def _baseline(parts: Parts) -> Said:
    """The file is read here, since whatever is wrong with it is wrong with the configuration."""
    path: Place = ("baseline", "file")
    if parts.baseline is None or parts.is_open(path):
        return
    entries, unusable = read_baseline(parts.folder / parts.baseline.file)
    seen = parts.show(path, parts.baseline.file)
    for text, remedy in unusable:
        yield path, f"{seen} {text}.", remedy
    if not unusable:
        parts.known_findings = Baseline(parts.baseline.file, secrets_baseline.owned(entries))


def _secrets_baseline(parts: Parts) -> Said:
    """Known secrets join the known findings, so that one comparison and one count serve both."""
    path: Place = ("gates", "security-scan", "secrets", "baseline")
    table = getattr(parts.tables.get("security-scan"), "secrets", None)
    name = getattr(table, "baseline", None)
    if name is None or parts.is_open(path) or not _is_there(parts.folder / name):
        return  # that it is not there is said with the other files
    entries, unusable = secrets_baseline.read(parts.folder / name)
    for text, remedy in unusable:
        yield path, f"{parts.show(path, name)} {text}.", remedy
    if not unusable:
        parts.known_findings = secrets_baseline.joined(parts.known_findings, Baseline(name, entries))


def _static(parts: Parts) -> Said:
    wrong = list(wrong_tables(parts.tables))
    for each in wrong:
        yield each.place, each.text, each.remedy
    places = {each.place for each in wrong}
    for named in named_files(parts.tables):
        if named.place not in places:
            yield from (_is_schema if named.is_schema else _exists)(parts, named.place, named.path)


def _exists(parts: Parts, path: Place, name: str) -> Said:
    if not parts.is_open(path) and not _is_there(parts.folder / name):
        text = f"{parts.show(path, name)} does not exist in the configuration's folder."
        yield path, text, "Create it, or mend the path; it starts from that folder."


def _is_there(file: Path) -> bool:
    try:
        return file.exists()
    except (OSError, ValueError):  # such as a name that is too long, or holds a null
        return False


def _is_schema(parts: Parts, path: Place, name: str) -> Said:
    missing = list(_exists(parts, path, name))
    if missing or parts.is_open(path):
        yield from missing
        return
    seen = parts.show(path, name)
    try:
        wrong = schema_error(json.loads((parts.folder / name).read_text("utf-8")))
    except OSError as error:
        yield path, f"{seen} cannot be read: {error.strerror}.", "Name a file."
    except UnicodeDecodeError:
        yield path, f"{seen} is not UTF-8.", "Save it as UTF-8."
    except (json.JSONDecodeError, RecursionError) as error:
        at = f" at line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        yield path, f"{seen} is not JSON{at}.", "Mend the file there."
    else:
        if wrong:
            yield path, f"{seen} is no JSON Schema: {wrong}.", "Mend the file."


# --- values -----------------------------------------------------------------------------------------------------


def _endpoints(parts: Parts) -> Said:
    for gate, table in parts.tables.items():
        if isinstance(table, model.Health):
            places: list[tuple[Place, str]] = [
                (("gates", gate, "endpoints", index, *(() if isinstance(each, str) else ("path",))), str(each))
                for index, each in enumerate(table.endpoints)
            ]
            yield from _unique(parts, places, "the endpoint")
            for index, each in enumerate(table.endpoints):
                if isinstance(each, model.Endpoint):
                    yield from _method(parts, ("gates", gate, "endpoints", index), each)


def _method(parts: Parts, path: Place, endpoint: model.Endpoint) -> Said:
    if endpoint.is_safe and endpoint.body is not None:
        text = f"`body` is sent with {endpoint.method}, which has none."
        yield (*path, "body"), text, 'Add method = "POST", or take it out.'
    elif not endpoint.is_safe and isinstance(parts.where, model.Live) and parts.where.protected:
        text = f"{endpoint.method} may change something, and this environment is protected."
        env = f"[env.{parts.environment}]"
        yield (*path, "method"), text, f"Use {', '.join(model.SAFE_METHODS)}, or set protected = false in {env}."


def _repeated(parts: Parts) -> Said:
    lists: list[tuple[Place, Iterable[str] | None, str]] = []
    if parts.policy is not None:
        lists.append((("policy", "required"), parts.policy.required, "the gate"))
    for gate, table in parts.tables.items():
        if isinstance(table, model.Database):
            lists.append((("gates", gate, "tables"), table.tables, "the table"))
        elif isinstance(table, model.Flags):
            lists.append((("gates", gate, "required"), table.required, "the flag"))
    for path, names, what in lists:
        yield from _unique(parts, [((*path, index), name) for index, name in enumerate(names or ())], what)


def _unique(parts: Parts, places: list[tuple[Place, str]], what: str) -> Said:
    counts = Counter(name for _, name in places)
    seen: set[str] = set()
    for path, name in places:
        if name in seen and not parts.is_open(path):
            yield path, f"{what} {parts.show(path, name)} is listed {counts[name]} times.", "List it once."
            counts[name] = 0
        seen.add(name)
        if counts[name] == 0:
            seen.discard(name)


def _flags(parts: Parts) -> Said:
    for gate, table in parts.tables.items():
        if isinstance(table, model.Flags):
            for key, text, remedy in flags_table.contradictions(table):
                path: Place = ("gates", gate, *key)
                if not parts.is_open(path):
                    yield path, text, remedy


def _dependencies(parts: Parts) -> Said:
    table = getattr(parts.tables.get("security-scan"), "dependencies", None)
    if isinstance(table, security_tables.Dependencies):
        for key, text, remedy in security_tables.contradictions(table):
            yield ("gates", "security-scan", "dependencies", *key), text, remedy


def _rollout(parts: Parts) -> Said:
    for gate, table in parts.tables.items():
        if not isinstance(table, rollout_tables.Rollout):
            continue
        top: Place = ("gates", gate)
        found = [((*top, *key), text, remedy) for key, text, remedy in rollout_rules.contradictions(table)]
        metrics = [((*top, "metric", index, "name"), metric.name) for index, metric in enumerate(table.metric)]
        in_the_metrics = next((n for n, each in enumerate(found) if each[0][2] == "metric"), len(found))
        yield from (each for each in found[:in_the_metrics] if not parts.is_open(each[0]))
        yield from _unique(parts, metrics, "the metric")
        yield from (each for each in found[in_the_metrics:] if not parts.is_open(each[0]))
        for key, read in rollout_rules.selectors(table):
            path: Place = (*top, *key)
            try:
                if not parts.is_open(path):
                    read()
            except SelectorError as error:
                names = parts.substitution.used.get(path)
                text = f"{error}." if names is None else f"{hidden(names)} cannot be read as a selector."
                yield path, text, "Write it as Prometheus does."
        yield from _decisive(parts, gate)
        for name in ("ca", "cert", "key"):
            file = getattr(table.tls, name, None)
            if file is not None:
                yield from _exists(parts, (*top, "tls", name), file)


def _decisive(parts: Parts, gate: str) -> Said:
    """A rollback that is waived or only advises would end in GO, which means promote."""
    if not parts.is_judged(gate):
        return
    check = f"{gate}/decision"
    waivers = [
        (("waiver", index, "check"), each.check)
        for index, each in enumerate(parts.waivers)
        if each.env is None or parts.environment in each.env
    ]
    patterns = parts.policy.advisory if parts.policy is not None else ()
    advisory = [(("policy", "advisory", index), each) for index, each in enumerate(patterns)]
    places: list[tuple[Place, str]] = [*waivers, *advisory]
    for path, pattern in places:
        if matches(pattern, check) and not parts.is_open(path):
            text = (
                f"{parts.show(path, pattern)} covers {check}, and GO would no longer mean that the stage is promoted."
            )
            yield (
                path,
                text,
                "Name what may fail, such as rollout/latency; a rollout that is not judged needs no --stage.",
            )
