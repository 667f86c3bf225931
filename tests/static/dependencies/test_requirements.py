"""Requirements files: what is pinned is known with its place, and whatever is not is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.errors import NotMeasured
from readiness.static.dependencies.interface import Inventory
from readiness.static.dependencies.requirements import logical_lines, read_requirements
from tests.static.listing import write


def read(folder: Path, name: str = "requirements.txt") -> Inventory:
    inventory = Inventory()
    read_requirements(folder / name, name, inventory)
    return inventory


def pins(inventory: Inventory) -> list[tuple[str, str, int]]:
    return [(pin.name, pin.version, pin.line) for pin in inventory.pins]


@pytest.mark.parametrize(
    ("line", "name", "version"),
    [
        ("shoplib==1.2", "shoplib", "1.2"),
        ("Shop_Lib.Extra == 1.2.post1", "shop-lib-extra", "1.2.post1"),
        ("shoplib[mail,sms]==1.2", "shoplib", "1.2"),
        ("shoplib==1.2 ; python_version < '3.12'", "shoplib", "1.2"),
        ("shoplib===1.2", "shoplib", "1.2"),
        ("shoplib>=1,==1.2", "shoplib", "1.2"),
        ("shoplib==1.2  # why", "shoplib", "1.2"),
        ("shoplib==1.2 --hash=sha256:aa --hash=sha256:bb", "shoplib", "1.2"),
        ("shoplib==1.2 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb", "shoplib", "1.2"),
        ("shoplib \\\n==1.2", "shoplib", "1.2"),
        ("shoplib==1.2+cpu", "shoplib", "1.2+cpu"),
    ],
)
def test_pinned(line: str, name: str, version: str, tmp_path: Path) -> None:
    """An exact version, however it is written, is known with its line."""
    write(tmp_path, {"requirements.txt": f"# first\n\n{line}\n"})
    inventory = read(tmp_path)
    assert pins(inventory) == [(name, version, 3)]
    assert not inventory.open


@pytest.mark.parametrize(
    ("line", "name", "why"),
    [
        ("shoplib", "shoplib", "any will do"),
        ("shoplib>=1.2", "shoplib", ">=1.2"),
        ("shoplib==1.*", "shoplib", "==1.*"),
        ("shoplib~=1.2", "shoplib", "~=1.2"),
        ("shoplib==1.2,==1.3", "shoplib", "no exact version"),
        ("-e .", "", "installed from a folder"),
        ("-e ./libs/shop", "", "installed from a folder"),
        ("--editable=git+https://host/x.git#egg=Shop_Lib", "shop-lib", "installed from a folder"),
        ("shoplib @ https://host/shoplib-1.2.tar.gz", "shoplib", "from an address"),
        ("https://host/shoplib-1.2-py3-none-any.whl", "", "no name with a version"),
        ("git+https://host/shop.git@v1#egg=shoplib", "shoplib", "no name with a version"),
        ("./wheels/shoplib-1.2-py3-none-any.whl", "", "no name with a version"),
        ("shoplib==${VERSION}", "", "depends on a variable"),
        ("-r https://host/more.txt", "", "a file on a server"),
        ("==1.2", "", "no name with a version"),
    ],
)
def test_open(line: str, name: str, why: str, tmp_path: Path) -> None:
    """What has no version that could be looked up is named with its place and the reason; it is never left out."""
    write(tmp_path, {"requirements.txt": f"{line}\n"})
    inventory = read(tmp_path)
    assert not inventory.pins
    (found,) = inventory.open
    assert (found.name, found.line) == (name, 1)
    assert why in found.why
    assert found.text


def test_addresses_are_not_shown(tmp_path: Path) -> None:
    """An address may hold a token, wherever it stands."""
    token = "s3cret" + "-token"
    lines = (
        f"https://u:{token}@host/x.whl\ngit+https://{token}@host/x.git\n-e git+https://{token}@host/y.git\n"
        f"x @ https://{token}@h/x\n-r https://{token}@host/z.txt\n--index-url https://u:{token}@host/simple\n"
    )
    write(tmp_path, {"requirements.txt": lines})
    inventory = read(tmp_path)
    assert len(inventory.open) == 5
    assert token not in repr(inventory)


@pytest.mark.parametrize(
    "line",
    ["-i https://host/simple", "--extra-index-url=https://h", "--no-binary :all:", "--pre", "--require-hashes", "# shoplib", "", "   "],
)  # fmt: skip
def test_options_are_no_dependencies(line: str, tmp_path: Path) -> None:
    """What only says how to install names nothing."""
    write(tmp_path, {"requirements.txt": f"{line}\n"})
    inventory = read(tmp_path)
    assert not inventory.pins
    assert not inventory.open


def test_nested_files_are_read_once(tmp_path: Path) -> None:
    """-r and -c are followed from the file that names them, in every spelling; a circle ends."""
    write(
        tmp_path,
        {
            "requirements.txt": "-r deep/base.txt\n--requirement=deep/more.txt\n-rdeep/base.txt\n-c limits.txt\na==1\n",
            "deep/base.txt": "-r ../requirements.txt\nb==2\n",
            "deep/more.txt": "c==3\n",
            "limits.txt": "d==4\ne>=5\n",
        },
    )
    inventory = read(tmp_path)
    assert sorted((pin.name, pin.path) for pin in inventory.pins) == [
        ("a", "requirements.txt"),
        ("b", "deep/base.txt"),
        ("c", "deep/more.txt"),
    ]
    assert [(pin.name, pin.path) for pin in inventory.constraints] == [("d", "limits.txt")]
    assert not inventory.open


def test_missing_nested_file_is_not_measured(tmp_path: Path) -> None:
    """A file that is named and not there may have named anything."""
    write(tmp_path, {"requirements.txt": "-r gone.txt\na==1\n"})
    with pytest.raises(NotMeasured, match=r"gone\.txt cannot be read"):
        read(tmp_path)


def test_chain_without_end_is_not_measured(tmp_path: Path) -> None:
    """More files than any project has end the reading."""
    write(tmp_path, {f"r{n}.txt": f"-r r{n + 1}.txt\n" for n in range(250)})
    with pytest.raises(NotMeasured, match="more than 200 files"):
        read(tmp_path, "r0.txt")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_of_pip(encoding: str, tmp_path: Path) -> None:
    """Byte order marks are understood."""
    (tmp_path / "requirements.txt").write_bytes("shoplib==1.2\n".encode(encoding))
    assert pins(read(tmp_path)) == [("shoplib", "1.2", 1)]


def test_no_text_is_not_measured(tmp_path: Path) -> None:
    """Bytes that are no text are no empty list."""
    write(tmp_path, {"requirements.txt": b"\xff\x00\xfa"})
    with pytest.raises(NotMeasured, match="no UTF-8 text"):
        read(tmp_path)


def test_transitive_dependencies_are_told_of(tmp_path: Path) -> None:
    """A list with hashes is complete, since pip refuses it otherwise; of any other it is said that it may not be."""
    write(tmp_path, {"requirements.txt": "a==1\n", "full.txt": "a==1 --hash=sha256:00\nb==2 --hash=sha256:00\n"})
    assert "need in turn" in read(tmp_path).notes[0]
    assert not read(tmp_path, "full.txt").notes


def test_hostile_lines_take_no_time(tmp_path: Path) -> None:
    """Megabytes in one line, and continued ones without end, are one requirement that cannot be read."""
    write(tmp_path, {"requirements.txt": "a" * 5_000_000 + "\n" + "x \\\n" * 50_000 + "\nb==1\n"})
    inventory = read(tmp_path)
    assert ("b", "1", 50_003) in pins(inventory) or pins(inventory) == []
    assert inventory.open


def test_logical_lines_keep_their_number() -> None:
    """A continued line has the number of its first, a comment in it ends nothing."""
    assert list(logical_lines("a==1\n# b\nc==2 \\\n  --hash=x\nd==3")) == [
        (1, "a==1"),
        (3, "c==2   --hash=x"),
        (5, "d==3"),
    ]
