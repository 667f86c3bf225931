"""Advisories on this machine in each form, indexed once; what cannot be read is no empty list."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from readiness.errors import NotMeasured
from readiness.static.dependencies import advisories
from readiness.static.dependencies.advisories import Advisories, load
from tests.static.dependencies.advisory_data import RECORDS, advisory, as_archive, as_clone, as_folder
from tests.static.listing import budget, write

FORMS: dict[str, Callable[[Path], Path]] = {
    "archive": lambda folder: as_archive(folder / "all.zip"),
    "folder": as_folder,
    "clone": as_clone,
}


def query(database: Path, cache: Path | None = None, *packages: str) -> Advisories:
    return load(database, "vulnerabilities/", packages or ("shoplib", "shop-lib"), cache, budget())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("is_kept", [True, False])
def test_each_form(form: str, is_kept: bool, tmp_path: Path) -> None:
    """The same advisories from an archive, a folder and a clone, at first and from the index; names are normalised."""
    database = FORMS[form](tmp_path / "db")
    cache = tmp_path / "cache" if is_kept else None
    if cache:
        cache.mkdir()
    first, again = query(database, cache), query(database, cache)
    for known in (first, again):
        assert known.count == 4
        assert known.newest is not None
        assert known.newest.isoformat() == "2026-06-14T12:00:00+00:00"
        assert [each.id for each in known.by_package["shoplib"]] == ["PYSEC-2026-1"]
        assert [each.id for each in known.by_package["shop-lib"]] == ["GHSA-aaaa-bbbb-cccc"]
        assert tuple(known.by_package["shoplib"][0].ranges[0][0]) == ("introduced", "1.0")
    assert "jinja2" not in first.by_package


@pytest.mark.parametrize("form", FORMS)
def test_index_is_made_once(form: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The second time nothing is decoded; a changed database is read anew."""
    database, cache = FORMS[form](tmp_path / "db"), tmp_path / "cache"
    cache.mkdir()
    query(database, cache)
    decoded: list[str] = []
    inner = advisories._decoded

    def counting(name: str, data: bytes) -> dict[str, object]:
        decoded.append(name)
        return inner(name, data)

    monkeypatch.setattr(advisories, "_decoded", counting)
    query(database, cache)
    assert not decoded
    more = (*RECORDS, advisory("PYSEC-2026-9", "shoplib", ("introduced", "0")))
    {"archive": lambda: as_archive(tmp_path / "db" / "all.zip", more), "folder": lambda: as_folder(tmp_path / "db", more), "clone": lambda: as_clone(tmp_path / "db", more)}[form]()  # fmt: skip
    assert len(query(database, cache).by_package["shoplib"]) == 2
    assert decoded


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\x00" + b"\xff" * 200])
def test_broken_index_is_made_anew(content: bytes, tmp_path: Path) -> None:
    """Whatever is in the cache, the advisories count."""
    database, cache = as_folder(tmp_path / "db"), tmp_path / "cache"
    write(cache, {"advisories.sqlite": content})
    assert query(database, cache).count == 4


def test_cache_that_cannot_be_written_is_none(tmp_path: Path) -> None:
    """A folder that is not there keeps nothing and stops nothing."""
    assert query(as_folder(tmp_path / "db"), tmp_path / "gone").count == 4


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"a.json": "{"}, "1 files of vulnerabilities/ are no advisories in OSV's format: a.json"),
        ({"a.json": "[]"}, "no advisories"),
        ({"a.json": '{"id": "X"}'}, "no advisories"),
        ({"a.json": '{"modified": "2026-01-01T00:00:00Z"}'}, "no advisories"),
        ({"a.json": '{"id": "X", "modified": "yesterday"}'}, "no advisories"),
        ({"a.json": "[" * 100_000}, "no advisories"),
        ({"a.yaml": "a: [\n"}, "no advisories"),
        ({"a.yaml": b"\xff\xfe\x00\x00"}, "no advisories"),
        ({"a.yaml": "a: &a [x]\nb: &b [*a, *a]\nc: !!python/object:os.system {}\n"}, "no advisories"),
        ({"a.json": b" " * (8 * 1024 * 1024 + 1)}, "no advisories"),
    ],
)
def test_what_is_no_advisory_is_named(files: dict[str, str | bytes], says: str, tmp_path: Path) -> None:
    """A database with a file that cannot be read may lack the advisory that matters."""
    as_folder(tmp_path)
    write(tmp_path, files)
    with pytest.raises(NotMeasured, match=says):
        query(tmp_path)


def test_aliases_of_yaml_do_not_explode(tmp_path: Path) -> None:
    """A document whose anchors multiply is read in no time, since nothing walks it."""
    bomb = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
    text = f"id: X\nmodified: '2026-01-01T00:00:00Z'\na0: &a0 [x]\n{bomb}affected: *a29\n"
    write(tmp_path, {"x.yaml": text})
    assert query(tmp_path).count == 0


def test_missing_database_says_what_to_put_there(tmp_path: Path) -> None:
    """The message names what can be used."""
    with pytest.raises(NotMeasured, match="is not there") as told:
        query(tmp_path / "gone")
    assert "pypa/advisory-database" in told.value.remedy


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"<html>sign in</html>"])
def test_broken_archive_is_not_measured(content: bytes, tmp_path: Path) -> None:
    """A download that was cut short, or a sign-in page, is no archive."""
    write(tmp_path, {"all.zip": content})
    with pytest.raises(NotMeasured, match="no archive that can be read"):
        query(tmp_path / "all.zip")


def test_damaged_member_is_not_measured(tmp_path: Path) -> None:
    """A checksum that does not fit is told."""
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a.json", json.dumps(RECORDS[0]))
    path.write_bytes(path.read_bytes().replace(b"PYSEC-2026-1", b"PYSEC-2026-2"))
    with pytest.raises(NotMeasured, match="no archive that can be read"):
        query(path)


def test_archive_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What an archive says of its size is believed before anything is unpacked, and each member is read up to a limit."""
    monkeypatch.setattr(advisories, "MOST_BYTES", 1000)
    with pytest.raises(NotMeasured, match="larger than any"):
        query(as_archive(tmp_path / "all.zip"))


def test_changes_of_the_future_do_not_count(tmp_path: Path) -> None:
    """A date that has not come says nothing of when the data is from."""
    records = (advisory("A", modified="2026-01-02T00:00:00Z"), advisory("B", modified="2999-01-01T00:00:00Z"))
    newest = query(as_folder(tmp_path, records)).newest
    assert newest is not None
    assert newest.year == 2026


def test_no_time_is_not_measured(tmp_path: Path) -> None:
    """Reading ends with the run's time."""
    with pytest.raises(NotMeasured, match="no time was left"):
        load(as_folder(tmp_path), "db", ["shoplib"], None, lambda: 0.0)


def test_unreadable_folder_is_not_measured(tmp_path: Path) -> None:
    """A link that leads nowhere among the advisories is one that is missing."""
    as_folder(tmp_path)
    (tmp_path / "x.json").symlink_to(tmp_path / "gone")
    with pytest.raises(NotMeasured, match="cannot be read"):
        query(tmp_path)
