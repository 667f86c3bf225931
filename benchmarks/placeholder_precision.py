"""Precision of the placeholder audit's blocking findings on released packages, against a list that was classified by hand.

Each package of `tests/static/placeholders/precision.toml` is downloaded in its pinned version, audited as production, and
every blocking finding is looked up in the list. One that the list does not know counts as wrong until somebody has read it.

Run: python benchmarks/placeholder_precision.py [FOLDER]
    FOLDER keeps the downloads for the next time.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

from readiness.static.placeholders.analyser import Audit
from readiness.static.placeholders.options import Options
from readiness.static.source import Source

LIST = Path(__file__).parent.parent / "tests" / "static" / "placeholders" / "precision.toml"
LIMIT = 0.9
LARGEST = 10 * 1024 * 1024
Place = tuple[str, int, str]
"""Path, line and rule."""


def download(requirement: str, folder: Path) -> Path:
    """Returns the package's archive, from the folder where it is there already."""
    into = folder / requirement
    if not any(into.glob("*")):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(into), requirement]
        subprocess.run(command, check=True)
    return next(iter(sorted(into.iterdir())))


def members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Yields path and content of the text files of a wheel or a source distribution."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            for info in wheel.infolist():
                if not info.is_dir() and info.file_size <= LARGEST:
                    yield info.filename, wheel.read(info)
        return
    with tarfile.open(archive) as source:
        for member in source:
            opened = source.extractfile(member) if member.isfile() and member.size <= LARGEST else None
            if opened is not None:
                yield member.name.partition("/")[2], opened.read()


def audited(archive: Path) -> list[Place]:
    """Returns the blocking findings of a package, were it the repository of a service that goes to production."""
    audit = Audit(Options(environment="production", strict=True), archive.parent, "readiness.toml")
    found: list[Place] = []
    for path, data in members(archive):
        if b"\0" not in data[:8192]:
            hits = audit.analyse(Source(path, data)).hits
            found += [(path, hit.line, hit.rule.partition("/")[2]) for hit in hits if hit.severity == "blocking"]
    return found


def main() -> None:
    """Prints the precision, by package and of all."""
    kept = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    total = right = 0
    with tempfile.TemporaryDirectory() as temporary:
        for requirement, package in tomllib.loads(LIST.read_text(encoding="utf-8")).items():
            verdicts = {(path, line, rule): is_right for path, line, rule, is_right in package["findings"]}
            found = audited(download(requirement, kept or Path(temporary)))
            for place in found:
                if place not in verdicts:
                    print(f"  not classified: {requirement} {place}")
            good = sum(verdicts.get(place, False) for place in found)
            gone = len(verdicts.keys() - set(found))
            print(
                f"  {requirement}: {good} of {len(found)} blocking findings are placeholders; {gone} of the list not found"
            )
            total, right = total + len(found), right + good
    precision = right / total if total else 0.0
    verdict = "holds" if precision >= LIMIT else "MISSED"
    print(f"precision of {total} blocking findings: {precision:.1%} (limit {LIMIT:.0%}: {verdict})")


if __name__ == "__main__":
    main()
