"""Which files the walk finds."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from readiness.errors import NotMeasured
from readiness.reports.publish import WRITERS
from readiness.static.selection import Selection
from readiness.static.skipping import Why
from readiness.static.walk import REPORTS, Walk
from tests.static.engine import left, names, walked, write

GITIGNORES = (
    {
        ".gitignore": "*.log\n!keep.log\nbuild/\n",
        "a.log": "",
        "keep.log": "",
        "build/x": "",
        "src/build/y": "",
        "src/a.py": "",
    },
    {".gitignore": "/top\n", "top": "", "below/top": ""},
    {".gitignore": "*.txt\n", "docs/.gitignore": "!*.txt\n", "a.txt": "", "docs/b.txt": "", "docs/deep/c.txt": ""},
    {".gitignore": "logs/\n!logs/keep\n", "logs/keep": "", "logs/other": ""},
    {".gitignore": "logs/*\n!logs/keep\n", "logs/keep": "", "logs/other": ""},
    {"a/.gitignore": "/x\ny/\n", "a/x": "", "a/b/x": "", "a/y/z": "", "x": "", "y/z": ""},
    {".gitignore": "# note\n\n\\#odd\nsp ace\ntrail \n", "#odd": "", "sp ace": "", "trail": "", "fine": ""},
    {".gitignore": "**/cache/**\na/**/z\n", "cache/x": "", "b/cache/c/x": "", "a/z": "", "a/b/c/z": "", "a/b/y": ""},
    {".gitignore": "[ab].c\nq?.c\n*.[oa]\n", "a.c": "", "c.c": "", "q1.c": "", "q.c": "", "m.o": "", "m.x": ""},
    {".gitignore": "*\n!*/\n!*.py\n", "a.py": "", "b.txt": "", "c/d.py": "", "c/e.txt": ""},
    {".gitignore": "dir\n", "dir/x": "", "a/dir": "", "dirt": ""},
    {".gitignore": b"\xef\xbb\xbf*.bom\r\n*.crlf\r\n", "a.bom": "", "b.crlf": "", "c": ""},
    {"deep/.gitignore": "*\n", "deep/a/b/c": "", "deep/d": "", "e": ""},
)
"""Repositories with their `.gitignore` files; git itself says which of the files belong to them."""


@pytest.mark.parametrize("files", GITIGNORES, ids=lambda files: str(next(iter(files.values())))[:20])
def test_gitignore_is_honoured_as_git_does(tmp_path: Path, files: dict[str, str | bytes]) -> None:
    """The walk finds the files that `git add .` would."""
    write(tmp_path, files)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--others", "--exclude-per-directory=.gitignore"],
        cwd=tmp_path, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert names(tmp_path) == sorted(filter(None, listed.stdout.split("\0")))


def test_gitignore_above_the_folder_holds(tmp_path: Path) -> None:
    """The configuration may lie below the top of the work tree, whose `.gitignore` holds there too."""
    write(tmp_path, {".gitignore": "*.log\n/app/out\n", "app/a.log": "", "app/b": "", "app/out/c": ""})
    (tmp_path / ".git").mkdir()
    assert names(tmp_path / "app") == ["b"]


def test_gitignore_above_is_nobodys_without_a_work_tree(tmp_path: Path) -> None:
    """A `.gitignore` in a folder above that is in no work tree says nothing."""
    write(tmp_path, {".gitignore": "*\n", "app/b": ""})
    assert names(tmp_path / "app") == ["b"]


@pytest.mark.parametrize("path", ["build", "build/", "./build", "build/*.py", "build/a.py"])
def test_path_that_is_named_is_read_although_ignored(tmp_path: Path, path: str) -> None:
    """Who names a folder that git ignores wants it read; the other paths do not get it."""
    write(tmp_path, {".gitignore": "build\n", "build/a.py": "", "src/b.py": ""})
    assert names(tmp_path, paths=[path]) == ["build/a.py"]
    everything, named = Selection("all", ["."]), Selection("named", [path])
    found = {file.path: file.gates for file in Walk(tmp_path, [everything, named], left).files()}
    assert found == {".gitignore": ("all",), "src/b.py": ("all",), "build/a.py": ("named",)}


def test_ignored_paths_inside_each_other(tmp_path: Path) -> None:
    """Each gate gets what it names, whatever another one names above or below."""
    write(tmp_path, {".gitignore": "build\n", "build/a": "", "build/x/b": "", "c": ""})
    selections = [Selection("all", ["."]), Selection("outer", ["build"]), Selection("inner", ["build/x"])]
    found = {file.path: file.gates for file in Walk(tmp_path, selections, left).files()}
    assert found == {".gitignore": ("all",), "c": ("all",), "build/a": ("outer",), "build/x/b": ("outer", "inner")}


@pytest.mark.parametrize(
    ("paths", "exclude", "expected"),
    [
        (["."], [], ["a.yaml", "k8s/b.yaml", "k8s/prod/c.yaml", "vendor/d.yaml", "z.txt"]),
        (["k8s"], [], ["k8s/b.yaml", "k8s/prod/c.yaml"]),
        (["k8s/prod", "z.txt"], [], ["k8s/prod/c.yaml", "z.txt"]),
        (["*.yaml"], [], ["a.yaml"]),
        (["**/*.yaml"], ["vendor/**"], ["a.yaml", "k8s/b.yaml", "k8s/prod/c.yaml"]),
        (["k8s/*"], [], ["k8s/b.yaml", "k8s/prod/c.yaml"]),
        ([".", "k8s"], ["*.yaml", "!k8s/b.yaml"], ["k8s/b.yaml", "z.txt"]),
        (["."], ["k8s", "vendor/"], ["a.yaml", "z.txt"]),
    ],
)
def test_paths_and_exclude(tmp_path: Path, paths: list[str], exclude: list[str], expected: list[str]) -> None:
    """`paths` are files, folders and patterns; `exclude` takes away, in the language of `.gitignore`."""
    write(tmp_path, dict.fromkeys(["a.yaml", "k8s/b.yaml", "k8s/prod/c.yaml", "vendor/d.yaml", "z.txt"], ""))
    assert names(tmp_path, paths=paths, exclude=exclude) == expected


def test_paths_without_files_are_known(tmp_path: Path) -> None:
    """Each path for which no file was found is told, since nothing was judged there."""
    write(tmp_path, {"a.yaml": "", "skip/b": ""})
    (tmp_path / "empty").mkdir()
    _, selection = walked(tmp_path, paths=["a.yaml", "empty", "*.toml", "gone", "skip"], exclude=["skip"])
    assert selection.unmatched == {"empty", "*.toml", "gone", "skip"}


def test_each_file_once_with_all_its_gates(tmp_path: Path) -> None:
    """A file of several gates is found once; each gate has its own paths and wishes."""
    write(tmp_path, dict.fromkeys(["a.py", "b.yaml", "docs/c.yaml"], ""))
    everything = Selection("all", ["."])
    lint = Selection("lint", ["docs", "."], wants=lambda path: path.endswith(".yaml"))
    docs = Selection("docs", ["docs"])
    found = [(file.path, file.gates) for file in Walk(tmp_path, [everything, lint, docs], left).files()]
    assert found == [("a.py", ("all",)), ("b.yaml", ("all", "lint")), ("docs/c.yaml", ("all", "lint", "docs"))]


def test_version_control_and_own_folders_are_no_part(tmp_path: Path) -> None:
    """`.git`, also as the file of a submodule, and the reports in the folder of reports are left out; what else is there is not."""
    own = ["report.json", "summary.md", "history/r.json"]
    write(tmp_path, dict.fromkeys([*(f"reports/x/{name}" for name in own), "reports/x/key.py"], ""))
    write(tmp_path, dict.fromkeys(["a", ".git/config", "sub/.git", "sub/b", "reports/y"], ""))
    selection = Selection("all", ["."])
    walk = Walk(tmp_path, [selection], left, [tmp_path / "reports" / "x"])
    assert [file.path for file in walk.files()] == ["a", "reports/y", "reports/x/key.py", "sub/b"]
    assert not selection.skips.counts


def test_links_are_not_followed(tmp_path: Path) -> None:
    """A loop ends, what a link leads to is read in its own place only, and what it hides is named."""
    repository = tmp_path / "repository"
    write(tmp_path, {"outside/secret": "", "repository/a": "", "repository/d/b": "", "repository/out/c": ""})
    write(repository, {".gitignore": "out\n"})
    links = {"loop": ".", "d/up": "..", "self": "self", "twin": "a", "folder": "d", "away": "../outside/secret"}
    links |= {"far": "/etc", "gone": "nothing", "ignored": "out/c"}
    for name, target in links.items():
        (repository / name).symlink_to(target)
    files, selection = walked(repository)
    assert [file.path for file in files] == [".gitignore", "a", "d/b"]
    assert {path: why for path, why, _ in selection.skips.named} == {
        "self": Why.LINK_BROKEN,
        "gone": Why.LINK_BROKEN,
        "away": Why.LINK_OUT,
        "far": Why.LINK_OUT,
        "ignored": Why.LINK_IGNORED,
    }


def test_special_files_are_named_and_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A FIFO, a socket or a device is named; opening one could wait for ever."""
    os.mkfifo(tmp_path / "fifo")
    monkeypatch.chdir(tmp_path)  # a socket's path has to be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        files, selection = walked(tmp_path)
    assert files == []
    assert {path: why for path, why, _ in selection.skips.named} == {"fifo": Why.SPECIAL, "socket": Why.SPECIAL}


def test_names_that_are_no_text(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 and control characters are shown escaped, and the file can be opened by its real name."""
    for name in (b"caf\xe9.txt", b"line\nbreak", b"\x1b[2Jclear", "schön".encode()):
        (tmp_path / os.fsdecode(name)).write_bytes(name)
    folder = tmp_path / os.fsdecode(b"d\xff")
    folder.mkdir()
    (folder / "x").write_bytes(b"d\xff")
    files, _ = walked(tmp_path)
    assert [file.path for file in files] == [
        r"\x1b[2Jclear",
        r"caf\xe9.txt",
        r"line\nbreak",
        "schön",
        r"d\xff/x",
    ]
    assert all((tmp_path / file.name).read_bytes() in os.fsencode(file.name) for file in files)


def test_names_that_would_look_the_same_stay_apart(tmp_path: Path) -> None:
    """A file whose name spells out the escape of another's does not stand in for it."""
    (tmp_path / os.fsdecode(b"a\xff")).touch()
    (tmp_path / r"a\xff").touch()
    files, _ = walked(tmp_path)
    assert len({file.path for file in files}) == 2


def test_folder_that_cannot_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is known of what is in it, so it is named; the others are walked."""
    write(tmp_path, {"a/x": "", "b/y": ""})
    real = os.scandir

    def scandir(path: str) -> object:
        if str(path).rstrip("/").endswith("/a"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)  # the tests may run as root, whom no permission stops
    files, selection = walked(tmp_path)
    assert [file.path for file in files] == ["b/y"]
    assert selection.skips.named == [("a/", Why.UNREADABLE_FOLDER, "Permission denied")]


def test_deep_tree(tmp_path: Path) -> None:
    """Folders that are deeper than a path may be long end the walk there, and say so."""
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(60):
        os.mkdir("d" * 100, dir_fd=here)
        here, above = os.open("d" * 100, os.O_RDONLY, dir_fd=here), here
        os.close(above)
    os.close(here)
    _, selection = walked(tmp_path)
    assert selection.skips.counts == {Why.UNREADABLE_FOLDER: 1}


def test_hostile_patterns_take_no_time(tmp_path: Path) -> None:
    """A pattern that a backtracking engine never ends with, and a line that is no pattern, do no harm."""
    write(tmp_path, {".gitignore": "*a" * 40 + "b\n!\n///\n[\n*.log\n", "a" * 200: "", "x.log": "", "y": ""})
    assert names(tmp_path) == [".gitignore", "a" * 200, "y"]


@pytest.mark.slow
def test_many_files_in_one_folder(tmp_path: Path) -> None:
    """100,000 files in one folder are found, in order; the clock is looked at meanwhile."""
    write(tmp_path, {".gitignore": "*7\n"})
    for number in range(100_000):
        os.close(os.open(tmp_path / f"{number:06}", os.O_CREAT | os.O_WRONLY))
    files, _ = walked(tmp_path)
    assert len(files) == 90_001
    assert files == sorted(files, key=lambda file: file.path)
    with pytest.raises(NotMeasured, match="deadline passed"):
        list(Walk(tmp_path, [Selection("all", ["."])], lambda: 0.0).files())


def test_what_is_not_utf8_in_gitignore(tmp_path: Path) -> None:
    """A `.gitignore` in another encoding ignores what of it can be read."""
    write(tmp_path, {".gitignore": b"\xff\xfe\n*.log\n", "a.log": "", "b": ""})
    assert names(tmp_path) == [".gitignore", "b"]


def test_gitignore_that_is_no_file(tmp_path: Path) -> None:
    """A FIFO, a folder or a link of that name ignores nothing and keeps nobody waiting."""
    write(tmp_path, {"a/x": "", "b/y": "", "b/.gitignore/z": "", "c/w": "", "patterns": "*\n"})
    os.mkfifo(tmp_path / "a" / ".gitignore")
    (tmp_path / "c" / ".gitignore").symlink_to("../patterns")
    assert names(tmp_path) == ["a/x", "b/.gitignore/z", "b/y", "c/w", "patterns"]


def test_vanishing_folder(tmp_path: Path) -> None:
    """A folder that goes away while the walk is under way is no trouble of ours; it is named."""
    write(tmp_path, {"a": "", "b/c": ""})
    selection = Selection("all", ["."])
    files = Walk(tmp_path, [selection], left).files()
    assert next(files).path == "a"
    (tmp_path / "b" / "c").unlink()
    (tmp_path / "b").rmdir()
    assert list(files) == []
    assert selection.skips.named == [("b/", Why.VANISHED, "No such file or directory")]


def test_every_file_of_a_report_set_is_known() -> None:
    """A report that the walk does not know would be judged by the next run."""
    names = [writer.name for writer in WRITERS]
    assert [name for name in [*names, "service.log"] if not REPORTS.fullmatch(name)] == []
