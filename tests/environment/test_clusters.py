"""Kept clusters are handed out intact, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from readiness.config.cache import cache_folder
from readiness.environment.binaries import Binaries
from readiness.environment.clusters import Cluster, ClusterCache
from readiness.environment.trees import stamps_of

FILES = {"PG_VERSION": "18\n", "base/1/112": "table", "base/1/empty": "", "global/pg_control": "control"}
FOLDERS = ["base", "base/1", "global", "pg_notify"]


@pytest.fixture
def cache(tmp_path: Path) -> ClusterCache:
    """An empty cache of a PostgreSQL that is a mere file: nothing here starts it."""
    program = tmp_path / "pginstall18" / "bin" / "postgres"
    program.parent.mkdir(parents=True)
    program.touch()
    return ClusterCache(tmp_path / "cache", Binaries(program.parents[1], tmp_path / "redis-server"), None)


def make(folder: Path) -> Cluster:
    """Returns a cluster as initdb would make it."""
    cluster = Cluster(folder, "secret")
    for name in FOLDERS:
        (cluster.data / name).mkdir(parents=True, exist_ok=True)
    for name, content in FILES.items():
        (cluster.data / name).write_text(content)
    return cluster


def assert_pristine(cluster: Cluster | None) -> Cluster:
    """It is exactly what `make` made."""
    assert cluster is not None
    assert cluster.password == "secret"
    found = stamps_of(cluster.data)
    assert found.keys() == {*FILES, *FOLDERS}
    assert {name: (cluster.data / name).read_text() for name in FILES} == FILES
    return cluster


def spares(cache: ClusterCache) -> list[Path]:
    """Returns the spares that lie in the cache."""
    return sorted(cache.folder.glob("spare-*"))


def use(cluster: Cluster) -> None:
    """Everything that a run may do to a cluster is done."""
    (cluster.data / "base/1/112").write_text("other")
    (cluster.data / "base/1/empty").write_text("filled")
    (cluster.data / "global/pg_control").unlink()
    (cluster.data / "base/2").mkdir()
    (cluster.data / "base/2/1").write_text("new")
    (cluster.data / "postmaster.pid").write_text("1")


def test_empty_cache(cache: ClusterCache, tmp_path: Path) -> None:
    """There is nothing to take, and looking leaves nothing behind."""
    assert cache.take(tmp_path / "one") is None
    assert not cache.folder.exists()


def test_used_cluster_comes_back_as_it_was(cache: ClusterCache, tmp_path: Path) -> None:
    """What the run changed, deleted or added is undone; the next run gets that very folder, without a copy."""
    cluster = make(tmp_path / "one")
    cache.keep(cluster)
    use(cluster)
    cache.give_back(cluster)
    assert not cluster.folder.exists()
    (spare,) = spares(cache)
    inode = (spare / "data/base/1/112").stat().st_ino
    taken = assert_pristine(cache.take(tmp_path / "two"))
    assert (taken.data / "base/1/112").stat().st_ino == inode
    assert not spares(cache)


def test_copies_when_no_spare_is_there(cache: ClusterCache, tmp_path: Path) -> None:
    """Runs at the same time have clusters of their own, and change neither each other's nor the template."""
    cache.keep(make(tmp_path / "one"))
    for name in ("two", "three"):
        use(assert_pristine(cache.take(tmp_path / name)))
    assert_pristine(cache.take(tmp_path / "four"))


def test_number_of_spares_is_bounded(cache: ClusterCache, tmp_path: Path) -> None:
    """Three runs at the same time leave two spares."""
    cache.keep(make(tmp_path / "one"))
    clusters = [assert_pristine(cache.take(tmp_path / name)) for name in ("two", "three", "four")]
    for cluster in clusters:
        cache.give_back(cluster)
    assert len(spares(cache)) == 2


def change(path: Path, old: bytes, new: bytes) -> None:
    """The file differs from what it was."""
    before = path.read_bytes()
    assert old in before
    path.write_bytes(before.replace(old, new))


TEMPLATE_DAMAGES: list[Callable[[Path], None]] = [
    lambda template: change(template, b"table", b"TABLE"),
    lambda template: template.write_bytes(template.read_bytes()[:-3]),
    lambda template: template.write_bytes(template.read_bytes()[:20]),
    lambda template: template.write_bytes(b""),
    lambda template: template.write_bytes(b"[]\n"),
    lambda template: (template.unlink(), template.mkdir())[1],
]
SPARE_DAMAGES: list[Callable[[Path], None]] = [
    lambda spare: change(spare / "data/global/pg_control", b"control", b"CONTROL"),
    lambda spare: (spare / "data/base/1/112").write_text("") and None,
    lambda spare: (spare / "data/PG_VERSION").unlink(),
    lambda spare: (spare / "data/pg_notify").rmdir(),
    lambda spare: (spare / "data/base/another").touch(),
    lambda spare: change(spare / "record.json", b"}", b""),
    lambda spare: (spare / "record.json").unlink(),
    lambda spare: shutil.rmtree(spare / "data"),
]


@pytest.mark.parametrize("damage", TEMPLATE_DAMAGES)
def test_damaged_template_is_removed(cache: ClusterCache, tmp_path: Path, damage: Callable[[Path], None]) -> None:
    """Nothing is taken from it, it makes room for a new one, and nothing half copied is left."""
    cache.keep(make(tmp_path / "one"))
    damage(cache.folder / "template")
    assert cache.take(tmp_path / "two") is None
    assert not (tmp_path / "two").exists()
    assert not list(cache.folder.iterdir())
    cache.keep(make(tmp_path / "three"))
    assert_pristine(cache.take(tmp_path / "four"))


@pytest.mark.parametrize("damage", SPARE_DAMAGES)
def test_damaged_spare_is_passed_over(cache: ClusterCache, tmp_path: Path, damage: Callable[[Path], None]) -> None:
    """The template is copied instead."""
    cluster = make(tmp_path / "one")
    cache.keep(cluster)
    cache.give_back(cluster)
    damage(spares(cache)[0])
    assert_pristine(cache.take(tmp_path / "two"))
    assert not spares(cache)


def test_spare_of_an_older_template_is_passed_over(cache: ClusterCache, tmp_path: Path) -> None:
    """It has another password."""
    cluster = make(tmp_path / "one")
    cache.keep(cluster)
    cache.give_back(cluster)
    (cache.folder / "template").unlink()
    cache.keep(make(tmp_path / "two"))
    assert_pristine(cache.take(tmp_path / "three"))
    assert not spares(cache)


def test_nothing_is_written_through_links(cache: ClusterCache, tmp_path: Path) -> None:
    """A link that a program planted in the data folder overwrites no file outside; such a cluster is thrown away."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "112").write_text("precious")
    for number, plant in enumerate(
        (
            lambda data: (data / "base/1/112").symlink_to(outside / "112"),
            lambda data: os.link(outside / "112", data / "base/1/112"),
            lambda data: (data / "base/1").symlink_to(outside),
        )
    ):
        cache.keep(make(tmp_path / f"first-{number}"))
        cluster = assert_pristine(cache.take(tmp_path / f"run-{number}"))
        (cluster.data / "base/1/112").unlink()
        if number == 2:
            shutil.rmtree(cluster.data / "base/1")
        plant(cluster.data)
        cache.give_back(cluster)
        assert (outside / "112").read_text() == "precious"
        assert not spares(cache)
        assert [path.name for path in cache.folder.iterdir()] == ["template"]


def test_two_first_runs(cache: ClusterCache, tmp_path: Path) -> None:
    """Both keep their cluster, the later one's is the template from then on; the other's is not given back."""
    early, late = make(tmp_path / "one"), make(tmp_path / "two")
    cache.keep(early)
    cache.keep(late)
    cache.give_back(early)
    assert [path.name for path in cache.folder.iterdir()] == ["template"]
    cache.give_back(late)
    assert len(spares(cache)) == 1


def test_secrets_are_readable_by_their_owner_only(cache: ClusterCache, tmp_path: Path) -> None:
    """The template's password lies in a file, and a folder, that nobody else can read."""
    cache.keep(make(tmp_path / "one"))
    assert cache.folder.stat().st_mode & 0o777 == 0o700
    assert (cache.folder / "template").stat().st_mode & 0o777 == 0o600


def test_remains_of_killed_runs_are_removed(cache: ClusterCache, tmp_path: Path) -> None:
    """When a cluster is kept, what is half done since over an hour goes; what is younger may be another run's."""
    for name, age in (("new-1", 4000), ("back-1", 4000), ("new-2", 60)):
        (cache.folder / name).mkdir(parents=True)
        then = (cache.folder / name).stat().st_mtime - age
        os.utime(cache.folder / name, (then, then))
    cache.keep(make(tmp_path / "one"))
    assert sorted(path.name for path in cache.folder.iterdir()) == ["new-2", "template"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder that belongs to somebody else")
def test_cache_of_another_user_is_not_trusted(cache: ClusterCache, tmp_path: Path) -> None:
    """With sudo and HOME kept, the cache is not ours: nothing is read from it or written to it."""
    cache.keep(make(tmp_path / "one"))
    os.chown(cache.folder, 65534, 65534)
    assert cache.take(tmp_path / "two") is None
    with pytest.raises(PermissionError, match="belongs to another user"):
        cache.keep(make(tmp_path / "three"))


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"XDG_CACHE_HOME": "/var/cache/me"}, "/var/cache/me/readiness"),
        ({"XDG_CACHE_HOME": "relative"}, "/home/me/.cache/readiness"),
        ({}, "/home/me/.cache/readiness"),
    ],
)
def test_cache_folder(environ: dict[str, str], folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the XDG specification has it."""
    monkeypatch.setenv("HOME", "/home/me")
    assert cache_folder(environ) == Path(folder)
