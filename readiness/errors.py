"""What can go wrong, as one tree.

    ReadinessError
    ├── UsageError            the command line or the configuration is wrong; nothing was contacted (exit status 4)
    │   └── ConfigError       one or more `Problem`s of a configuration file, all reported at once
    ├── ProvisionError        the environment did not come up; the run ends in NO-GO
    ├── NotMeasured           something could not be observed; the check is `unmeasured`, never `failed` or `passed`
    │   └── Unreachable       a whole part of the target cannot be reached: found once, told once
    └── ReportError           a report could not be written, or would have published a secret

Every message has up to four parts: what was observed, what was expected and who says so, what to do, and how to
accept it on purpose where that is allowed. `remedy` is kept apart so that reports can show it in its own place.
"""

from __future__ import annotations

from dataclasses import dataclass


class ReadinessError(Exception):
    """Base of all errors that this package raises on purpose.

    Args:
        cause: what was observed, in one sentence, without a secret.
        remedy: one command or edit that helps; may be empty where the cause says it all.
    """

    def __init__(self, cause: str, remedy: str = "") -> None:
        super().__init__(f"{cause}\n{remedy}" if remedy else cause)
        self.cause = cause
        self.remedy = remedy


class UsageError(ReadinessError):
    """The command line cannot be followed as given. Exit status 4, before anything was contacted."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a configuration file."""

    file: str
    """The file as the user knows it, relative to the current folder where possible."""
    table: str
    """The table, such as `env.staging` or `health`; empty for the top level."""
    key: str
    """The key inside the table; empty where the table itself is the problem."""
    text: str
    """What was seen and what was expected. Never holds a value that came from `${NAME}`."""
    remedy: str
    """One edit or command that mends it."""

    def __str__(self) -> str:
        table = f"[{self.table}]" if self.table else "top level"
        place = f"{self.file}: {table}{f' {self.key}' if self.key else ''}"
        return f"{place}: {self.text}{f' {self.remedy}' if self.remedy else ''}"


class ConfigError(UsageError):
    """The configuration has problems; all of them are listed."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(f"the readiness configuration has {count}:\n{lines}")
        self.problems = problems


class ProvisionError(ReadinessError):
    """The environment to judge did not come up, or did not stay up."""


class NotMeasured(ReadinessError):  # noqa: N818 - an outcome of the contract, not only an error
    """Something could not be observed: refused, timed out, unreadable. The check becomes `unmeasured`."""


class Unreachable(NotMeasured):
    """A whole part of the target cannot be reached, so that nothing which needs it can be observed."""


class ReportError(ReadinessError):
    """A report could not be written whole, or would have published a secret."""
