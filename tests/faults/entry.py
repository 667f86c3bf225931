"""The form of an entry of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from readiness.model import Outcome

if TYPE_CHECKING:
    from tests.faults.targets import Break


def base(check: str) -> str:
    """Returns a check's id without its parameter: `health/endpoint` of `health/endpoint[/health]`."""
    return check.partition("[")[0]


@dataclass(frozen=True)
class Fault:
    """One way in which a target can be broken, and what has to be seen of it."""

    check: str
    """Id of the check that must notice, with its parameter."""
    what: str
    """What is wrong with the target, in a few words; together with the check it names the fault."""
    breaks: Break
    outcome: Outcome
    says: str
    """Text that its message must contain."""
    spoils: tuple[str, ...]
    """Patterns of other checks of the gate that cannot pass either. All others must."""

    def __str__(self) -> str:
        return f"{self.check}: {self.what}"

    @property
    def gate(self) -> str:
        """The gate whose checks are run."""
        return self.check.partition("/")[0]

    def is_spoilt(self, check: str) -> bool:
        """Whether a check cannot pass under this fault."""
        # fnmatch takes what is in brackets for a set of characters
        return check == self.check or any(fnmatchcase(base(check), pattern) for pattern in self.spoils)


def failed(check: str, what: str, breaks: Break, says: str, *spoils: str) -> Fault:
    """Returns a fault that is observed: the check must say `failed`."""
    return Fault(check, what, breaks, Outcome.FAILED, says, spoils)


def unmeasured(check: str, what: str, breaks: Break, says: str, *spoils: str) -> Fault:
    """Returns a fault that prevents the observation: the check must say `unmeasured`."""
    return Fault(check, what, breaks, Outcome.UNMEASURED, says, spoils)


def advised(check: str, what: str, breaks: Break, says: str, *spoils: str) -> Fault:
    """Returns a fault that a check which only advises observes: it says `advisory`, and the answer is GO all the same."""
    return Fault(check, what, breaks, Outcome.ADVISORY, says, spoils)
