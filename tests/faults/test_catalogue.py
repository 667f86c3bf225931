"""Every fault trips the check that it is for, and no other; where nothing is broken the answer is GO."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from readiness.model import Outcome
from tests.faults.catalogue import FAULTS

if TYPE_CHECKING:
    from tests.faults.entry import Fault
    from tests.faults.targets import Targets
    from tests.project import Judged

pytestmark = pytest.mark.slow


def test_healthy_targets_are_go(healthy: Judged) -> None:
    """Nothing is broken, every gate is judged: GO, with status 0, and every check passed."""
    healthy.assert_go()
    assert set(healthy.outcomes.values()) == {"passed"}


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_fault_is_no_go(fault: Fault, targets: Targets) -> None:
    """NO-GO with status 1, unless the check only advises; it says what it saw, and what the fault does not concern passes."""
    with fault.breaks(targets) as changes:
        judged = targets.judge([fault.gate], changes)
    if fault.outcome is Outcome.ADVISORY:
        judged.assert_go()
    else:
        judged.assert_no_go(fault.says)
    tripped = judged.check(fault.check)
    assert tripped["outcome"] == fault.outcome, tripped["message"]
    assert fault.says in tripped["message"]
    assert {check for check, outcome in judged.outcomes.items() if outcome != "passed"} == {
        check for check in judged.outcomes if fault.is_spoilt(check)
    }
