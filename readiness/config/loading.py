"""From a file to `Settings`: read, merged for one environment, every `${NAME}` replaced, validated, typed.

Whatever is wrong is reported together, in one `ConfigError`, before anything is contacted. Two looks are taken. The
first is at the file as it is written, with the tables of all environments. The second is at what holds for the one
environment; it adds what only then can be known: keys that no table gave, and what the values of variables are.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from readiness import model as words
from readiness.config import merging, model, variables
from readiness.config.crosscheck import Parts, contradictions
from readiness.config.quantity import Quantity
from readiness.config.quick import fits, is_plainly_valid
from readiness.config.schema import KINDS, config_schema, effective_schema, refuse_taken_names
from readiness.config.source import Source, find, read
from readiness.config.suggest import nearest
from readiness.config.validation import faults, violations
from readiness.config.wording import Fault, explain, explain_hidden
from readiness.errors import ConfigError, Problem
from readiness.gate import Gate
from readiness.redact import Redactor, Secret, is_too_short, secret_parts, stands_in

__all__ = ["find", "load"]

T = TypeVar("T")

_CHECK_ID = re.compile(r"""@check\(\s*["']([^"'\n]+)["']""")
_PLACEHOLDERS = ("missing", "http://missing.invalid", "/missing", "1s", "1%", "1MiB", ">=0", "2999-12-31")
"""What stands in a plan for a value that is missing: the first that fits."""
_COMMON_WORDS = (
    "true",
    "false",
    "null",
    "readiness",
    "report",
    "schema",
    "https",
    "localhost",
    "postgresql",
    "password",
)
_INDEPENDENT = (model.Service, model.Policy, model.Health, model.Database, model.Redis)
"""Tables whose keys contradict no other key of theirs: without one of them, nothing untrue is said of the rest."""
_SECRET_HEADER = re.compile(r"auth|cookie|token|key|secret|pass", re.IGNORECASE)


def load(
    environment: str,
    *,
    start: Path,
    path: Path | None,
    environ: Mapping[str, str],
    gates: Sequence[Gate],
    extra_gates: Sequence[str] = (),
    only: Collection[str] = (),
    plan: bool = False,
    redactor: Redactor,
) -> model.Settings:
    """Returns the configuration that holds for `environment`; `redactor` knows every secret in it.

    Args:
        environment: name of the environment to judge.
        start: the folder that the user is in.
        path: the file; None to look for it from `start` upward.
        environ: the environment variables; no others are read.
        gates: the gates that can have a table.
        extra_gates: gates that only the user's own check files declare.
        only: the gates that are judged, where not all are: what no other needs may be missing, variables and files.
        plan: variables may be missing; they are named in `Settings.missing`.
        redactor: learns each value that comes through `${NAME}`.

    Raises:
        ConfigError: with every problem of the file.
        UsageError: where there is no file, or a plugin's gate has a name that is taken.
    """
    source = read(find(start, path), start)
    own = tuple(name for name in dict.fromkeys(extra_gates) if name not in {gate.name for gate in gates})
    refuse_taken_names(gates)
    problems = [] if is_plainly_valid(source.document, gates, own, _decode) else list(_look_at_file(source, gates, own))
    environments = source.document.get("env")
    if not isinstance(environments, dict) or environment not in environments:
        names = list(environments) if isinstance(environments, dict) else []
        rest = [problem for problem in problems if names or not problem.table.endswith("env")]
        raise ConfigError((_unknown_environment(source, environment, names), *rest))
    known = (*(gate.name for gate in gates), *own)
    written = merging.effective(source.document, environment, known)

    def report(place: merging.Place, text: str, remedy: str) -> Problem:
        at = merging.origin(source.document, environment, place)
        return source.problem(at, redactor.redact(text), redactor.redact(remedy))

    is_idle = _idle(only, gates, extra_gates)
    substitution = variables.substitute(written, environ, report, is_idle, is_plan=plan)
    parts = Parts(source.file.parent, environment, list(environments), gates, known, substitution, only=only)
    problems += substitution.problems
    problems += _keep_secrets(parts, written, environ, redactor, report)
    problems += _look_at_values(source, parts, own, report)
    problems += _type(parts, own, bool(problems), report)
    _keep_literal_secrets(parts, redactor)
    problems += [report(*said) for said in contradictions(parts) if not is_idle(said[0])]
    if problems:
        raise ConfigError(tuple(dict.fromkeys(problems)))
    return _settings(source, parts, merging.digest({**written, "environment": environment}))


def _idle(only: Collection[str], gates: Sequence[Gate], own: Collection[str]) -> Callable[[merging.Place], bool]:
    """Returns what tells whether a place of the effective configuration matters to no gate that is judged."""
    needs = {gate.name: gate.needs for gate in gates}
    # Of the user's own checks, in whichever gate, nobody knows what they use.
    is_known = bool(only) and not any(name in own or name not in needs for name in only)
    stores = {"database", "redis"} - {needs.get(name) for name in only} if is_known else set()

    def is_idle(place: merging.Place) -> bool:
        table, name = (*place, None, None)[:2]
        return (table == "gates" and bool(only) and name not in only) or (table == "where" and name in stores)

    return is_idle


def _settings(source: Source, parts: Parts, digest: str) -> model.Settings:
    if parts.service is None or parts.policy is None or parts.where is None:
        raise AssertionError("a table that could not be typed was not reported")
    return model.Settings(
        file=source.file,
        service=parts.service,
        policy=parts.policy,
        waivers=parts.waivers,
        environment=parts.environment,
        where=parts.where,
        gates=parts.tables,
        baseline=parts.known_findings,
        known_gates=tuple(parts.known),
        missing=tuple(parts.substitution.missing),
        digest=digest,
    )


def _unknown_environment(source: Source, name: str, known: list[str]) -> Problem:
    if not name:
        return source.problem(("env",), f"no environment is named. Known: {', '.join(known)}.", "Pass --env=NAME.")
    near = nearest(name, known)
    text = f"environment '{name}' is not defined in {source.shown}."
    if not known:
        return source.problem(("env",), f"{text} None is.", f"Add a table [env.{name}].")
    hint = f" Did you mean '{near}'?" if near else ""
    remedy = f"Pass --env={near or known[0]}, or add a table [env.{name}]."
    return source.problem(("env",), f"{text} Known: {', '.join(known)}.{hint}", remedy)


# --- the two looks ----------------------------------------------------------------------------------------------


def _look_at_file(source: Source, gates: Sequence[Gate], own: Sequence[str]) -> Iterator[Problem]:
    for violation in violations(source.document, config_schema(gates, own, describe=False)):
        value = _value_at(source.document, violation.path)
        if violation.rule == "enum" and isinstance(value, str) and variables.references(value):
            continue  # judged when the variable has its value
        yield source.problem(violation.path, violation.text, violation.remedy)


def _look_at_values(source: Source, parts: Parts, own: Sequence[str], report: variables.Report) -> Iterator[Problem]:
    substitution = parts.substitution
    if not substitution.open and fits(substitution.tree, parts.gates, _decode):
        return
    schema = effective_schema(parts.gates, str(substitution.tree["where"].get("kind")), own)
    for fault in list(faults(substitution.tree, schema)):
        if fault.path in substitution.open:
            _fill(substitution.tree, fault)
        elif fault.path in substitution.used and fault.rule != "type":  # its type was looked at in the file
            hidden = explain_hidden(fault, substitution.used[fault.path])
            yield report(hidden.path, hidden.text, hidden.remedy)
        elif fault.rule == "required" and not (fault.path == ("service",) and "service" not in source.document):
            for each in explain(fault):
                yield report(each.path, each.text, each.remedy)


def _fill(tree: Any, fault: Fault) -> None:
    """A value that is missing from a plan is replaced by one that fits its place."""
    if fault.rule == "enum":
        fitting: Any = fault.expected[0]
    elif fault.rule == "pattern":
        fitting = next((text for text in _PLACEHOLDERS if re.search(fault.expected, text)), "missing")
    else:
        return
    *above, last = fault.path
    _value_at(tree, tuple(above))[last] = fitting


def _value_at(tree: Any, path: merging.Place) -> Any:
    for key in path:
        try:
            tree = tree[key]
        except (KeyError, IndexError, TypeError):
            return None
    return tree


# --- types ------------------------------------------------------------------------------------------------------


def _type(parts: Parts, own: Sequence[str], is_known_bad: bool, report: variables.Report) -> Iterator[Problem]:
    """Each table that has its shape is typed. What cannot be was reported, unless a type of a plugin refuses it."""
    tree = parts.substitution.tree
    failed: list[Problem] = []

    def convert(value: Any, shape: Any, path: merging.Place) -> Any:
        try:
            return msgspec.convert(value, shape, dec_hook=_decode)
        except (msgspec.ValidationError, ValueError) as error:
            text = f"the table cannot be used: {error}."
            failed.append(report(path, text, "Mend it as the gate's documentation says."))
        return _rest(value, shape, path, parts, own) if shape in _INDEPENDENT else None

    parts.service = convert(tree["service"], model.Service, ("service",))
    parts.policy = convert(tree["policy"], model.Policy, ("policy",))
    parts.baseline = convert(tree["baseline"], model.BaselineTable, ("baseline",)) if "baseline" in tree else None
    waivers = [convert(each, model.Waiver, ("waiver", index)) for index, each in enumerate(tree["waiver"])]
    parts.waivers = tuple(waiver for waiver in waivers if waiver is not None)
    if tree["where"].get("kind") in list(KINDS):  # a list, since the value may be anything, a table too
        parts.where = convert(tree["where"], model.EnvironmentTable, ("where",))
    for gate in parts.gates:
        if gate.name in tree["gates"]:
            table = convert(tree["gates"][gate.name], gate.table, ("gates", gate.name))
            if table is not None:
                parts.tables[gate.name] = table
    parts.tables |= {name: model.Own(values=tree["gates"][name]) for name in own if name in tree["gates"]}
    return iter([] if is_known_bad else failed)


def _rest(value: Any, shape: Any, path: merging.Place, parts: Parts, own: Sequence[str]) -> Any:
    """Returns the table without its faulty keys, so that what its other keys contradict is reported in the same run."""
    tree = parts.substitution.tree
    schema = effective_schema(parts.gates, str(tree["where"].get("kind")), own)
    places = [said.path for fault in faults(tree, schema) for said in explain(fault)]
    faulty = {place[len(path)] for place in places if place[: len(path)] == path and len(place) > len(path)}
    if not isinstance(value, dict):
        return None
    try:
        return msgspec.convert({k: v for k, v in value.items() if k not in faulty}, shape, dec_hook=_decode)
    except (msgspec.ValidationError, ValueError):
        return None  # a key that it cannot do without


def _decode(shape: type, value: Any) -> Any:
    if issubclass(shape, Quantity):
        return shape.parse(value)
    if issubclass(shape, Secret) and isinstance(value, str):
        return shape(value)
    raise ValueError(f"expected {shape.__name__.lower()}")


# --- secrets ----------------------------------------------------------------------------------------------------


def _keep_secrets(
    parts: Parts, written: dict[str, Any], environ: Mapping[str, str], redactor: Redactor, report: variables.Report
) -> list[Problem]:
    where = {key: value for key, value in written["where"].items() if key not in ("headers", "database", "redis")}
    public = [*_report_words(parts), *variables.literals({**written, "where": where})]
    redactor.add_public(public)
    return variables.keep_secret(parts.substitution.used, environ, public, redactor, report)


def _report_words(parts: Parts) -> Iterator[str]:
    """Texts that stand in a report whatever the outcome; a secret of the same text could not be kept out of it."""
    for kind in (words.Outcome, words.Severity, words.Verdict, words.Answer, words.WaiverState):
        yield from (str(member) for member in kind)
    for shape in vars(words).values():
        if dataclasses.is_dataclass(shape):
            yield from (each.name for each in dataclasses.fields(shape))
    yield from (*_COMMON_WORDS, *KINDS, *parts.environments, *parts.known)
    for gate in parts.gates:
        yield gate.title
        try:
            yield from _CHECK_ID.findall(gate.file.read_text("utf-8") if gate.file is not None else "")
        except (OSError, UnicodeDecodeError):
            continue


def _keep_literal_secrets(parts: Parts, redactor: Redactor) -> None:
    """Passwords that stand in the file itself are kept out of the output as well, where that is possible."""
    public = tuple(_report_words(parts))
    from_variables = {_value_at(parts.substitution.tree, path) for path in parts.substitution.used}
    for name, text in _literal_secrets(parts):
        known = text in from_variables or is_too_short(text) or any(stands_in(text, word) for word in public)
        if not known:
            redactor.add(name, text)


def _literal_secrets(parts: Parts) -> Iterator[tuple[str, str]]:
    """Yields where a value stands that is secret by its type, and what of it is secret."""
    where = parts.where
    if isinstance(where, model.Live):
        name = f"env.{parts.environment}"
        for store, address in (("database", where.database), ("redis", where.redis)):
            if address is not None and ("where", store, "url") not in parts.substitution.used:
                yield from ((f"{name}.{store}.url", part) for part in secret_parts(address.url.reveal())[1:])
        if where.url is not None and ("where", "url") not in parts.substitution.used:
            yield from ((f"{name}.url", part) for part in secret_parts(where.url)[1:])
        for index, instance in enumerate(where.instances or ()):
            if ("where", "instances", index) not in parts.substitution.used:
                yield from ((f"{name}.instances", part) for part in secret_parts(instance)[1:])
        for header, value in where.headers.items():
            # Others, such as Accept, hold nothing secret.
            if _SECRET_HEADER.search(header) and ("where", "headers", header) not in parts.substitution.used:
                yield from ((f"{name}.headers.{header}", part) for part in value.reveal().split()[-1:])
    for gate, table in parts.tables.items():
        yield from ((gate, secret.reveal()) for secret in _secrets_in(table))


def _secrets_in(value: Any) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            inner = getattr(value, name)
            if name == "headers" and isinstance(inner, dict):  # others, such as Accept, hold nothing secret
                yield from (
                    Secret(word)
                    for header, each in inner.items()
                    if _SECRET_HEADER.search(header)
                    for word in each.reveal().split()[-1:]
                )
            else:
                yield from _secrets_in(inner)
    elif isinstance(value, (list, tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _secrets_in(item)
