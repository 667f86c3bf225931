"""The engines safety and pip-audit: programs of others, which get our list of versions and must answer for each."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.version import Version

from readiness.errors import NotMeasured
from readiness.static.command import Ended, python_tool, run
from readiness.static.dependencies.interface import Judged, Open, Pin, Vulnerability, by_fame, normalised
from readiness.static.dependencies.matching import IncomparableError, public
from readiness.static.dependencies.reading import json_of, rows, table, text_of

WITHIN_S = 300.0
INSTALL = {
    "safety": "pip install 'safety>=3.7,<3.8'",
    "pip-audit": "pip install 'pytest-readiness[security]'",
}
KNOWN_BAD = Pin("jinja2", "2.4.1", "", 0)
"""A version whose vulnerabilities are known for ten years. A server that finds nothing against it knows nothing."""
_SAFETY_SCHEMA = "2.0.0"
_FIRST_WITH_LOGIN = Version("3.8")
"""From there on safety contacts a server before it reads a local database, and fails without a network."""


def _version_of(tool: str) -> Version:
    try:
        return Version(metadata.version(tool))
    except metadata.PackageNotFoundError:
        raise NotMeasured(f"{tool} is not installed", INSTALL[tool]) from None


def _document(file: Path, tool: str, ended: Ended) -> dict[str, Any]:
    """Returns what a tool wrote; its last words where it wrote nothing."""
    if not file.is_file() or not file.stat().st_size:
        remedy = 'Without a network, use engine = "osv" with a database on this machine.'
        raise NotMeasured(f"{tool} ended with exit status {ended.status} and no result: {ended.last_words}", remedy)
    return json_of(text_of(file, f"the answer of {tool}"), f"the answer of {tool}")


def _requirements(folder: Path, pins: Sequence[Pin]) -> Path:
    """Returns a file of its own with these versions: what the tool makes of the user's files is of no matter then."""
    file = folder / "requirements.txt"
    file.write_text(
        "".join(f"{name}=={version}\n" for name, version in sorted({_key(pin.name, pin.version) for pin in pins}))
    )
    return file


def _unanswered(pins: Sequence[Pin], answered: Mapping[tuple[str, str], str], tool: str) -> list[Open]:
    """Returns the pins that the tool skipped or forgot.

    Args:
        pins: what it was asked about.
        answered: name and version of those that it knows, to the reason why it skipped them; empty where it did not.
        tool: its name.
    """
    said = ((pin, answered.get(_key(pin.name, pin.version), f"{tool} said nothing about it")) for pin in pins)
    return [Open(pin.name, pin.name, pin.path, pin.line, why) for pin, why in said if why]


@dataclass(frozen=True, slots=True)
class Safety:
    """safety, with its database on this machine, or with a key and its makers' server."""

    database: Path | None
    shown: str
    key: str | None
    budget: Callable[[], float]

    def judge(self, pins: Sequence[Pin]) -> Judged:
        """Returns what safety knows against these versions.

        Raises:
            NotMeasured: it is not installed, needs a login, has no database that it can read, or did not end in time.
        """
        version = _version_of("safety")
        count, newest = (None, None) if self.database is None else _about(self.database, self.shown)
        if self.database is not None and version >= _FIRST_WITH_LOGIN:
            raise NotMeasured(
                f"safety {version} contacts a server before it reads a local database",
                f'{INSTALL["safety"]}, or use engine = "osv".',
            )
        asked = [*pins, KNOWN_BAD] if self.database is None else list(pins)
        with tempfile.TemporaryDirectory(prefix="readiness-") as name:
            folder = Path(name)
            answer = folder / "answer.json"
            command = [*python_tool("safety"), "--disable-optional-telemetry", "check", "--save-json", str(answer)]
            command += ["-r", str(_requirements(folder, asked)), "--output", "bare"]
            command += ["--db", str(self.database)] if self.database is not None else []
            environ = {"SAFETY_API_KEY": self.key} if self.key else {}
            within = min(WITHIN_S, self.budget())
            ended = run(command, folder=folder, within_s=within, environ=environ, is_online=self.database is None)
            document = _document(answer, "safety", ended)
        found = _safety_found(document)
        if self.database is None:
            _must_know(found, "safety")
        scanned = [table(each) for each in table(document.get("scanned_packages")).values()]
        answered = {_key(str(each.get("name")), str(each.get("version"))): "" for each in scanned}
        still_open = tuple(_unanswered(pins, answered, "safety"))
        return Judged(_with(pins, found), still_open, count, newest, self.shown or "safety's server")


def _about(database: Path, shown: str) -> tuple[int, dt.datetime | None]:
    """Returns how many packages a database of safety is about, and when it was made."""
    for name in ("insecure.json", "insecure_full.json"):
        if not (database / name).is_file():
            raise NotMeasured(
                f"{shown} is no database of safety: it has no {name}", "Mend [security-scan] dependencies.database."
            )
    full = json_of(text_of(database / "insecure_full.json", shown), f"{shown}/insecure_full.json")
    brief = json_of(text_of(database / "insecure.json", shown), f"{shown}/insecure.json")
    for document in (full, brief):
        schema = table(document.get("meta")).get("schema_version")
        if schema != _SAFETY_SCHEMA:
            raise NotMeasured(
                f"{shown} has the schema {schema!r}, and safety 3 reads only {_SAFETY_SCHEMA}",
                "Get the database of a later date.",
            )
    count = len(table(brief.get("vulnerable_packages")))
    if not count or not table(full.get("vulnerable_packages")):
        raise NotMeasured(f"the database {shown} names no vulnerable package", "Fetch it again.")
    made = table(brief.get("meta")).get("timestamp")
    is_time = isinstance(made, (int, float)) and 0 < made < dt.datetime.now(dt.UTC).timestamp() + 86400
    return count, dt.datetime.fromtimestamp(made, dt.UTC) if is_time and made is not None else None


_Found = dict[tuple[str, str], list[tuple[tuple[str, ...], tuple[str, ...]]]]
"""Name and version to the vulnerabilities: ids, and versions without."""


def _safety_found(document: Mapping[str, Any]) -> _Found:
    found: _Found = {}
    told = [*rows(document.get("vulnerabilities")), *rows(document.get("ignored_vulnerabilities"))]
    for each in map(table, told):
        ids = [str(each[key]) for key in ("CVE", "vulnerability_id") if each.get(key)]
        key = _key(str(each.get("package_name")), str(each.get("analyzed_version")))
        fixed = tuple(str(one) for one in rows(each.get("fixed_versions")))
        found.setdefault(key, []).append((by_fame(ids or ["safety"]), fixed))
    return found


@dataclass(frozen=True, slots=True)
class PipAudit:
    """pip-audit, which asks PyPI about each version. The only engine that uses the network without a key."""

    budget: Callable[[], float]

    def judge(self, pins: Sequence[Pin]) -> Judged:
        """Returns what PyPI knows against these versions.

        Raises:
            NotMeasured: it is not installed, PyPI cannot be reached or serves no advisories, or it did not end in time.
        """
        _version_of("pip-audit")
        with tempfile.TemporaryDirectory(prefix="readiness-") as name:
            folder = Path(name)
            answer = folder / "answer.json"
            command = [*python_tool("pip_audit"), "--no-deps", "--disable-pip", "--progress-spinner", "off"]
            command += ["--format", "json", "--aliases", "on", "--output", str(answer)]
            command += ["-r", str(_requirements(folder, [*pins, KNOWN_BAD]))]
            ended = run(command, folder=folder, within_s=min(WITHIN_S, self.budget()), is_online=True)
            document = _document(answer, "pip-audit", ended)
        return judged_by_pip_audit(pins, document)


def judged_by_pip_audit(pins: Sequence[Pin], document: Mapping[str, Any]) -> Judged:
    """Returns what pip-audit's JSON says of the pins: what it skipped is open, never clean.

    Raises:
        NotMeasured: it knows nothing against a version that is known to be vulnerable.
    """
    found: _Found = {}
    answered: dict[tuple[str, str], str] = {}
    skipped: dict[str, str] = {}
    for each in map(table, rows(document.get("dependencies"))):
        key = _key(str(each.get("name")), str(each.get("version")))
        if "skip_reason" in each or "vulns" not in each:
            skipped[key[0]] = f"pip-audit skipped it: {' '.join(str(each.get('skip_reason')).split())[:200]}"
            continue
        answered[key] = ""
        for one in map(table, rows(each["vulns"])):
            ids = [str(one.get("id")), *(str(alias) for alias in rows(one.get("aliases")))]
            fixed = tuple(str(version) for version in rows(one.get("fix_versions")))
            found.setdefault(key, []).append((by_fame(ids), fixed))
    _must_know(found, "pip-audit")
    for pin in pins:
        if pin.name in skipped:
            answered.setdefault(_key(pin.name, pin.version), skipped[pin.name])
    still_open = tuple(_unanswered(pins, answered, "pip-audit"))
    return Judged(_with(pins, found), still_open, None, None, "PyPI, by pip-audit")


def _must_know(found: _Found, tool: str) -> None:
    if (KNOWN_BAD.name, KNOWN_BAD.version) not in found:
        raise NotMeasured(
            f"{tool} knows nothing against {KNOWN_BAD.name} {KNOWN_BAD.version}, which is known to be vulnerable: "
            "the server that it asked serves no advisories",
            'Let it ask PyPI itself, or use engine = "osv" with a database on this machine.',
        )


def _with(pins: Sequence[Pin], found: _Found) -> tuple[Vulnerability, ...]:
    return tuple(
        Vulnerability(pin, ids, fixed) for pin in pins for ids, fixed in found.get(_key(pin.name, pin.version), [])
    )


def _key(name: str, version: str) -> tuple[str, str]:
    """Returns name and version as every tool writes them; how a version was built is no matter."""
    try:
        return normalised(name), str(public(version))
    except IncomparableError:
        return normalised(name), version
