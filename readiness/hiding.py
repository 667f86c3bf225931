"""Plugin that keeps secrets out of what pytest and its other plugins report and write, in every process of a run."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from readiness import wire
from readiness.redact import Redactor


class Hiding:
    """Cleans reports before anybody sees them, ids of parameters, and the file of `--junitxml`."""

    def __init__(self, config: pytest.Config, redactor: Redactor) -> None:
        self.redactor = redactor
        self._xml: Path | None = None
        given = config.getoption("xmlpath", None)
        if given and not hasattr(config, "workerinput"):
            # Made absolute now, as pytest does: a check may change the current folder.
            self._xml = Path(os.path.expandvars(given)).expanduser().absolute()

    @pytest.hookimpl(tryfirst=True)
    def pytest_make_parametrize_id(self, val: object) -> str | None:
        """An id goes everywhere, also into pytest's cache; None leaves it to pytest where it shows no secret."""
        if not isinstance(val, (str, bytes)):
            return None
        text = val if isinstance(val, str) else val.decode("utf-8", "backslashreplace")
        clean = self._text(text)
        return None if clean == wire.clean_text(text) else clean

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> Iterator[None]:
        """Ids that a check names itself go round the hook for them."""
        result = yield
        calls = metafunc._calls  # noqa: SLF001 - pytest shows them to nobody before they are in the names of its items
        for number, call in enumerate(calls):
            ids = [self.redactor.redact(each) for each in call._idlist]  # noqa: SLF001 - the same
            if ids != list(call._idlist):  # noqa: SLF001 - the same
                calls[number] = dataclasses.replace(call, _idlist=ids)
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(self) -> Iterator[None]:
        """What a check file says while it is imported is clean."""
        report: Any = yield
        self._clean(report)
        return report  # type: ignore[no-any-return] # whatever pytest made

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Iterator[None]:
        """What a test says, and what it gives to other plugins, is clean."""
        report: Any = yield
        self._clean(report)
        report.user_properties = [(self._value(name), self._value(value)) for name, value in report.user_properties]
        if hasattr(report, "wasxfail"):
            report.wasxfail = self._text(report.wasxfail)
        return report  # type: ignore[no-any-return] # whatever pytest made

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Iterator[None]:
        """The file of `--junitxml` is clean of what did not come on a report, such as properties of the suite."""
        try:
            return (yield)
        finally:
            if self._xml is not None and self._xml.is_file():
                written = self._xml.read_bytes()
                if (clean := self.redactor.redact_bytes(written)) != written:
                    self._xml.write_bytes(clean)

    def _clean(self, report: Any) -> None:
        """The report has neither secrets nor text that cannot travel between processes."""
        if isinstance(report.longrepr, tuple):
            report.longrepr = tuple(self._text(part) if isinstance(part, str) else part for part in report.longrepr)
        elif report.longrepr is not None:
            text = str(report.longrepr)
            if (clean := self._text(text)) != text:
                report.longrepr = clean
        report.sections = [(title, self._text(text)) for title, text in report.sections]

    def _text(self, text: str) -> str:
        return wire.clean_text(self.redactor.redact(text))

    def _value(self, value: Any) -> Any:
        """Returns a value that other plugins will write as text, as it is where that text shows no secret."""
        clean = self.redactor.redact_all(value)
        text = str(clean)
        return clean if (hidden := self._text(text)) == text else hidden
