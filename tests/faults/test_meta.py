"""The catalogue is complete: no check without a fault that trips it and a healthy target that it passes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

import pytest

from readiness.gate import builtin_gates
from tests.faults.breaking import wanting
from tests.faults.catalogue import FAULTS, HEALTHY
from tests.faults.declared import declared_checks
from tests.faults.entry import Fault, base, failed

if TYPE_CHECKING:
    from tests.project import Judged

MADE_UP = "tides/turn"


def gaps(checks: Collection[str], faults: Iterable[Fault], passed: Collection[str]) -> list[str]:
    """Returns what the catalogue lacks, one line each.

    Args:
        checks: ids of the checks that there are, without parameters.
        faults: the catalogue.
        passed: ids of the checks that passed where nothing was broken, with or without parameters.
    """
    tripped, well = {base(fault.check) for fault in faults}, {base(check) for check in passed}
    return [
        *(f"no fault trips {check}: add one to FAULTS" for check in checks if check not in tripped),
        *(f"{check} was never seen to pass: add its key to HEALTHY" for check in checks if check not in well),
        *(f"FAULTS names {check}, which no check file declares" for check in sorted(tripped - set(checks))),
    ]


@pytest.mark.slow
def test_every_check_has_a_fault_and_a_healthy_target(healthy: Judged) -> None:
    """A new check is not done before it was seen to fail and to pass; a renamed one takes its faults along."""
    passed = [check for check, outcome in healthy.outcomes.items() if outcome == "passed"]
    missing = gaps(declared_checks(), FAULTS, passed)
    assert not missing, "\n".join(missing)


@pytest.mark.slow
def test_every_fault_is_for_a_check_of_the_healthy_run(healthy: Judged) -> None:
    """The check that a fault trips passes, with the same parameter, where nothing is broken."""
    unknown = sorted({fault.check for fault in FAULTS} - healthy.outcomes.keys())
    assert not unknown


def test_a_check_without_anything_is_a_gap() -> None:
    """A check that nobody thought of is missed twice, by name."""
    fault_gap, pass_gap = gaps([MADE_UP], [], [])
    assert MADE_UP in fault_gap
    assert "FAULTS" in fault_gap
    assert MADE_UP in pass_gap
    assert "HEALTHY" in pass_gap


def test_each_half_is_missed_on_its_own() -> None:
    """A fault does not stand for a pass, nor a pass for a fault; parameters do not matter."""
    fault = failed(f"{MADE_UP}[twice]", "never", wanting("tides.turn", 1), "")
    (gap,) = gaps([MADE_UP], [fault], [])
    assert "was never seen to pass" in gap
    (gap,) = gaps([MADE_UP], [], [f"{MADE_UP}[once]"])
    assert "no fault trips" in gap
    assert gaps([MADE_UP], [fault], [MADE_UP]) == []


def test_an_unknown_check_is_a_gap() -> None:
    """The fault of a check that was renamed is noticed."""
    (gap,) = gaps([], [failed(MADE_UP, "never", wanting("tides.turn", 1), "")], [])
    assert f"{MADE_UP}, which no check file declares" in gap


def test_declared_checks_are_found() -> None:
    """Every check file is read: each gate that has one has checks of its name, and no other file has any."""
    gates = {check.partition("/")[0] for check in declared_checks()}
    assert gates == {gate.name for gate in builtin_gates() if gate.file is not None}
    assert gates == HEALTHY.keys()
    assert {"health/endpoint", "database/table", "redis/round-trip"} <= declared_checks().keys()


def test_faults_can_be_told_apart() -> None:
    """A fault is called by its check and its own words; and each expects some text."""
    assert [name for name, count in Counter(map(str, FAULTS)).items() if count > 1] == []
    assert [str(fault) for fault in FAULTS if not fault.says] == []
