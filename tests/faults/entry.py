"""The form of an entry of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from readiness.mark import declared_as
from readiness.model import Outcome
from tests.faults.declared import declared_checks

if TYPE_CHECKING:
    from tests.faults.targets import Break


def base(check: str) -> str:
    """Returns a check's id as it is declared: `health/endpoint` of `health/endpoint[/health]`."""
    return declared_as(check, declared_checks())


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
        bare = check.partition("[")[0]
        return check == self.check or any(fnmatchcase(bare, pattern) for pattern in self.spoils)


def failed(check: str, what: str, breaks: Break, says: str, *spoils: str) -> Fault:
    """Returns a fault that is observed: the check must say `failed`."""
    return Fault(check, what, breaks, Outcome.FAILED, says, spoils)


def unmeasured(check: str, what: str, breaks: Break, says: str, *spoils: str) -> Fault:
    """Returns a fault that prevents the observation: the check must say `unmeasured`."""
    return Fault(check, what, breaks, Outcome.UNMEASURED, says, spoils)


def advised(check: str, what: str, breaks: Break, says: str, *spoils: str) -> Fault:
    """Returns a fault that a check which only advises observes: it says `advisory`, and the answer is GO all the same."""
    return Fault(check, what, breaks, Outcome.ADVISORY, says, spoils)
