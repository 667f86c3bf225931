"""Marks: what a counter has counted since an earlier run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from readiness.probes.marks import MOST_MARKS, OLDEST_S, Delta, Marks, Reading, since

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_000_000.0


def test_the_last_reading_of_each_server_is_kept(tmp_path: Path) -> None:
    """A mark is that of one counter of one server, and of the last run."""
    marks = Marks(tmp_path / "marks")
    marks.keep("evicted", "a", Reading(1, NOW))
    marks.keep("evicted", "a", Reading(7, NOW + 1))
    marks.keep("evicted", "b", Reading(3, NOW))
    later = Marks(tmp_path / "marks")
    assert later.last("evicted", "a", NOW + 2) == Reading(7, NOW + 1)
    assert later.last("evicted", "b", NOW + 2) == Reading(3, NOW)
    assert later.last("deadlocks", "a", NOW + 2) is None
    assert later.last("evicted", "c", NOW + 2) is None


def test_a_mark_counts_for_a_week(tmp_path: Path) -> None:
    """One that is older says nothing of a release; one from the future was left by a clock that was wrong."""
    marks = Marks(tmp_path)
    marks.keep("evicted", "a", Reading(1, NOW))
    assert marks.last("evicted", "a", NOW + OLDEST_S) is not None
    assert marks.last("evicted", "a", NOW + OLDEST_S + 1) is None
    assert marks.last("evicted", "a", NOW - 1) is None


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '{"value": 1}', '{"value": "x", "at_s": 1}', "9" * 5000])
def test_what_is_no_mark_is_none(text: str, tmp_path: Path) -> None:
    """A file that was damaged is as good as none, and is replaced."""
    marks = Marks(tmp_path)
    marks.keep("evicted", "a", Reading(1, NOW))
    (file,) = tmp_path.iterdir()
    file.write_text(text)
    assert marks.last("evicted", "a", NOW) is None
    marks.keep("evicted", "a", Reading(2, NOW))
    assert marks.last("evicted", "a", NOW) == Reading(2, NOW)


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    """A run is judged all the same."""
    (tmp_path / "file").touch()
    marks = Marks(tmp_path / "file" / "marks")
    marks.keep("evicted", "a", Reading(1, NOW))
    assert marks.last("evicted", "a", NOW) is None


def test_marks_do_not_pile_up(tmp_path: Path) -> None:
    """Servers that lived for one run are forgotten; nothing half-written is left."""
    marks = Marks(tmp_path)
    for number in range(MOST_MARKS + 5):
        marks.keep("evicted", str(number), Reading(number, NOW))
    assert len(list(tmp_path.iterdir())) == MOST_MARKS
    assert {file.suffix for file in tmp_path.iterdir()} == {".json"}


def test_only_the_difference_counts() -> None:
    """What was counted before the earlier reading is not; a counter that was set back has counted what it holds."""
    assert since(Reading(100, NOW), Reading(103, NOW + 9), "since the last run") == Delta(3, 9, "since the last run")
    assert since(Reading(100, NOW), Reading(4, NOW + 9), "since the last run") == Delta(4, 9, "since it was set back")
