"""Stubs in programs: a method that a subclass defines again, in whatever file, is none."""

from __future__ import annotations

import pytest

from readiness.static.placeholders.code import classes
from tests.static.placeholders.audits import audit

BASE = "class Report:\n    def render(self):\n        raise NotImplementedError\n\n    def title(self):\n        raise NotImplementedError\n"


def stubs(files: dict[str, str | bytes]) -> list[str]:
    """Returns the words that name each stub."""
    return [hit.text.split()[0] for _, hit in audit(files) if hit.rule.endswith("/stub")]


def test_a_subclass_in_another_file_counts() -> None:
    """Only what no subclass defines is a stub."""
    plain = "from report import Report\n\nclass Plain(Report):\n    def render(self):\n        return 1\n"
    assert stubs({"src/report.py": BASE}) == ["Report.render", "Report.title"]
    assert stubs({"src/report.py": BASE, "src/plain.py": plain}) == ["Report.title"]


def test_a_subclass_of_a_subclass_counts() -> None:
    """However far below."""
    middle = "class Middle(report.Report): pass\n"
    last = "class Last(Middle[int], metaclass=M):\n    async def render(self):\n        return 1\n    def title(self): return 2\n"
    assert stubs({"src/report.py": BASE, "src/middle.py": middle, "src/last.py": last}) == []


def test_a_class_of_the_tests_does_not_count() -> None:
    """What a test defines is not there in production."""
    fake = "class Fake(Report):\n    def render(self):\n        return 1\n    def title(self):\n        return 1\n"
    assert stubs({"src/report.py": BASE, "tests/test_report.py": fake}) == ["Report.render", "Report.title"]


@pytest.mark.parametrize(
    "source",
    ["def broken(:\n    raise NotImplementedError\n", "x = " + "(" * 5000, "\0", "raise NotImplementedError\n"],
)
def test_what_does_not_parse_has_no_stubs(source: str) -> None:
    """A program that Python refuses is another gate's business."""
    assert stubs({"src/a.py": source}) == []


def test_classes_are_read_off_the_lines() -> None:
    """Bases over several lines, of other modules and with brackets, methods of nested classes."""
    text = (
        "class A(\n    b.B,\n    C[int],\n):\n    def one(self): pass\n\n    class D(E):\n        def two(self): pass\n\n"
        "    async def three(self): pass\n\nclass F: pass\n\ndef four(): pass\n"
    )
    assert classes(text) == [["A", ["B", "C"], ["one", "three"]], ["D", ["E"], ["two"]]]
