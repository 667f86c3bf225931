"""Advisories for tests, in OSV's format: made up, about made-up packages and a few real names."""

from __future__ import annotations

import datetime as dt
import json
import zipfile
from pathlib import Path
from typing import Any

from tests.static.listing import write

NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)
RECENT = "2026-06-14T12:00:00Z"
Record = dict[str, Any]


def advisory(
    id_: str,
    package: str = "shoplib",
    *events: tuple[str, str],
    versions: tuple[str, ...] = (),
    aliases: tuple[str, ...] = (),
    ecosystem: str = "PyPI",
    modified: str = RECENT,
    **more: Any,
) -> Record:
    """Returns an advisory about one range of one package."""
    ranges = [{"type": "ECOSYSTEM", "events": [{kind: version} for kind, version in events]}] if events else []
    affected = {"package": {"ecosystem": ecosystem, "name": package}, "ranges": ranges, "versions": list(versions)}
    return {"id": id_, "modified": modified, "aliases": list(aliases), "affected": [affected], **more}


RECORDS = (
    advisory("PYSEC-2026-1", "shoplib", ("introduced", "1.0"), ("fixed", "1.4.2"), aliases=("CVE-2026-1001",)),
    advisory("GHSA-aaaa-bbbb-cccc", "Shop.Lib", ("introduced", "0"), ("fixed", "2.0"), aliases=("CVE-2026-1002",)),
    advisory("PYSEC-2026-3", "jinja2", ("introduced", "0"), ("fixed", "2.11.3"), aliases=("CVE-2026-1003",)),
    advisory("MAL-2026-4", "shoplibb", ("introduced", "0")),
    advisory("PYSEC-2026-5", "shoplib", ("introduced", "0"), withdrawn="2026-02-01T00:00:00Z"),
    advisory("RUSTSEC-2026-6", "shoplib", ("introduced", "0"), ecosystem="crates.io"),
)


def as_archive(path: Path, records: tuple[Record, ...] = RECORDS) -> Path:
    """Writes an OSV export as one archive."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for record in records:
            archive.writestr(f"{record['id']}.json", json.dumps(record))
    return path


def as_folder(folder: Path, records: tuple[Record, ...] = RECORDS) -> Path:
    """Writes an OSV export that was unpacked."""
    return write(folder, {f"{record['id']}.json": json.dumps(record) for record in records})


def as_clone(folder: Path, records: tuple[Record, ...] = RECORDS) -> Path:
    """Writes what a clone of pypa/advisory-database looks like: YAML, of which JSON is a part, and other files around it."""
    import yaml

    files = {f"vulns/x/{record['id']}.yaml": yaml.safe_dump(record) for record in records}
    return write(folder, files | {"README.md": "# x", ".github/ci.yml": "on: push", "tools/x.json": "[]"})
