"""The baseline file: what it holds, that it merges, and that nothing in it can accept more than one finding."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.config.baseline import EMPTY, MAX_PROBLEMS, Baseline, Entry, Key, cannot_be_listed, parse, read, render
from tests.config.samples import MINIMAL, Folder

MARK = "9f1c" * 8


def entry(
    path: str = "deploy/app.yaml", rule: str = "config-lint/latest-tag", mark: str = MARK, **more: object
) -> Entry:
    return Entry(Key(path, rule.partition("/")[0], rule, mark), **more)  # type: ignore[arg-type] # keywords of the dataclass


def row(**changes: object) -> str:
    fields = {"path": "a.yaml", "gate": "config-lint", "rule": "config-lint/x", "fingerprint": MARK} | changes
    return json.dumps({name: value for name, value in fields.items() if value is not ...})


def rows(*lines: str) -> bytes:
    return (EMPTY.removesuffix("]\n") + "".join(f",{line}\n" for line in lines) + "]\n").encode()


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="*"), min_size=1, max_size=20)
keys = st.builds(
    Key,
    texts,
    texts,
    texts.filter(lambda rule: not cannot_be_listed(Key("a", "b", rule, MARK))),
    st.text("0123456789abcdef", min_size=8, max_size=64),
)
entries = st.builds(
    Entry,
    keys,
    count=st.integers(1, 9),
    owner=st.just("") | texts,
    reason=st.just("") | texts,
    expires=st.none() | st.dates(),
)


@given(st.lists(entries, max_size=8, unique_by=lambda each: each.key), st.randoms())
@settings(max_examples=100, deadline=None)
def test_what_is_written_is_read(known: list[Entry], random: object) -> None:
    """Every entry comes back, and the order in which they were found leaves no trace."""
    written = render(known)
    found, unusable = parse(written)
    assert unusable == ()
    assert found == tuple(sorted(known, key=lambda each: each.key))
    random.shuffle(known)  # type: ignore[attr-defined] # Hypothesis' Random
    assert render(known) == written


def test_an_entry_is_a_line() -> None:
    """What is added to the beginning, the middle or the end changes one line each, and holds no line number and no time."""
    first = render([entry("b.yaml"), entry("d.yaml")]).decode().splitlines()
    for path in ("a.yaml", "c.yaml", "e.yaml"):
        second = render([entry("b.yaml"), entry("d.yaml"), entry(path)]).decode().splitlines()
        assert [line for line in second if line not in first] == [
            f',{{"path": "{path}", "gate": "config-lint", "rule": "config-lint/latest-tag", "fingerprint": "{MARK}"}}'
        ]
        assert [line for line in first if line not in second] == []
    assert render([]) == EMPTY.encode()


def test_a_merge_that_kept_a_line_twice_can_be_read() -> None:
    """The same entry of two branches is one entry."""
    assert parse(rows(row(), row())) == ((Entry(Key("a.yaml", "config-lint", "config-lint/x", MARK)),), ())


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "is not JSON at line 1, column 1"),
        (rows("<<<<<<< ours"), "is not JSON at line 2, column 2"),
        (b"[\n<<<<<<< ours\n]", "is not JSON at line 2, column 1: it holds the marks of a merge conflict"),
        (b"[" * 100_000, "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"{}", "is no baseline of the layout readiness-baseline/1"),
        (b"[]", "is no baseline of the layout readiness-baseline/1"),
        (b'[{"schema": "readiness-baseline/2"}]', "is no baseline of the layout readiness-baseline/1"),
        (rows("3"), "entry 1 is no table with path, gate, rule and fingerprint"),
        (
            rows(row(), row(fingerprnt=3)),
            "entry 2 has the unknown key 'fingerprnt'. Known: path, gate, rule, fingerprint",
        ),
        (rows(row(line=3)), "entry 1 has the unknown key 'line'"),
        (rows(row(rule=...)), "entry 1 needs text for 'rule'"),
        (rows(row(path="")), "entry 1 needs text for 'path'"),
        (rows(row(fingerprint="")), "entry 1 needs text for 'fingerprint'"),
        (rows(row(owner=3)), "entry 1 needs text for 'owner'"),
        (rows(row(count=0)), "entry 1 needs a whole number from 1 on for 'count'"),
        (rows(row(count=True)), "entry 1 needs a whole number"),
        (rows(row(expires="soon")), "entry 1 needs a date such as 2026-12-31 for 'expires'"),
        (rows(row(), row(owner="me")), "entry 2 says of a finding what another denies"),
    ],
)
def test_what_cannot_be_used_is_said(data: bytes, text: str) -> None:
    """Where it is, what was seen, and never a part of it: an entry that is lost in silence would block, one too many would not."""
    known, (unusable, *_) = parse(data)
    assert known == ()
    assert unusable.text.startswith(text)
    assert unusable.remedy


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"path": "*"}, "has a `*` in its path or rule, which looks like a pattern"),
        ({"path": "docs/**"}, "has a `*` in its path or rule"),
        ({"rule": "config-lint/*"}, "has a `*` in its path or rule"),
        ({"gate": "*"}, "has a `*` in its path or rule"),
        ({"fingerprint": "*"}, "has no fingerprint"),
        ({"fingerprint": "a"}, "has no fingerprint"),
        ({"rule": "config-lint/unreadable-file"}, "says that something was not looked at"),
        ({"rule": "security-scan/unscanned-code"}, "says that something was not looked at"),
    ],
)
def test_no_entry_accepts_more_than_one_finding(changes: dict[str, str], text: str) -> None:
    """Patterns, blanks, and what was never looked at, are refused: none of them names a finding that somebody has seen."""
    _, (unusable,) = parse(rows(row(**changes)))
    assert unusable.text.startswith(f"entry 1 {text}")
    assert "waivers with `match`" in unusable.text


def test_problems_are_capped() -> None:
    """A file full of mistakes is not repeated in full."""
    _, unusable = parse(rows(*["3"] * 500))
    assert len(unusable) == MAX_PROBLEMS + 1
    assert unusable[-1].text == "has 490 more entries like these"


def test_an_entry_ends_after_its_last_day() -> None:
    """The day itself still counts."""
    ending = entry(expires=dt.date(2026, 11, 21))
    assert not ending.has_expired(dt.date(2026, 11, 21))
    assert ending.has_expired(dt.date(2026, 11, 22))
    assert not entry().has_expired(dt.date(9999, 1, 1))


# --- in the configuration ---------------------------------------------------------------------------------------

TABLE = f'{MINIMAL}[baseline]\nfile = "known.json"\n[health]\nendpoints = ["/health"]\n'


def test_settings_hold_the_entries(folder: Folder) -> None:
    """The path starts from the configuration's folder."""
    folder.write(render([entry()]).decode(), "known.json")
    assert folder.load(TABLE).baseline == Baseline("known.json", (entry(),))
    assert folder.load(MINIMAL).baseline is None


def test_an_empty_baseline_is_one(folder: Folder) -> None:
    """Whoever has mended everything keeps the file."""
    folder.write(EMPTY, "known.json")
    assert folder.load(TABLE).baseline == Baseline("known.json", ())


def test_a_missing_file_is_an_error_of_the_configuration(folder: Folder) -> None:
    """Said before anything is contacted, with how to make it."""
    assert folder.lines(TABLE) == [
        'readiness.toml: [baseline] file: "known.json" does not exist. '
        "Write it with `readiness baseline write`, or take [baseline] out for the first run."
    ]


def test_a_garbled_file_is_an_error_of_the_configuration(folder: Folder) -> None:
    """Each problem in a line of its own."""
    folder.write(rows(row(count=0), row(rule="*")).decode(), "known.json")
    first, second = folder.lines(TABLE)
    assert first.startswith('readiness.toml: [baseline] file: "known.json" entry 1 needs a whole number')
    assert second.startswith('readiness.toml: [baseline] file: "known.json" entry 2 has a `*`')


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ("[baseline]\n", "[baseline] file: 'file' is missing and has no default"),
        ("[baseline]\nfile = 3\n", "[baseline] file: found 3, expected text"),
        ("[baseline]\nfiles = 'x'\n", "[baseline] files: unknown key 'files'. Known: file. Did you mean 'file'?"),
        ("[baseline]\nfile = '.'\n", '[baseline] file: "." cannot be read: Is a directory'),
    ],
)
def test_the_table_has_its_shape(folder: Folder, table: str, text: str) -> None:
    """As any other table."""
    assert folder.lines(MINIMAL + table)[0].startswith(f"readiness.toml: {text}")


def test_a_huge_file_is_not_read(folder: Folder) -> None:
    """No baseline is that large."""
    file = folder.path / "known.json"
    with file.open("wb") as made:
        made.truncate(65 * 1024**2)
    assert read(file)[1][0].text == "is over 64 MiB, which no baseline needs"
