"""No errors are told from no counter of errors."""

from __future__ import annotations

import pytest

from readiness.config.selectors import parse_selector
from readiness.rollout.family import why_untold

FAMILY = [("instance", "status"), ("__name__", "instance", "kind")]


@pytest.mark.parametrize(
    "bad",
    ["errors_total", 'errors_total{status=~"5.."}', 'errors_total{kind="crash",status!=""}', 'errors_total{zone!="b"}'],
)
def test_none_is_none_where_the_labels_are_there(bad: str) -> None:
    """On any series of that name; and a condition that is satisfied without a label does not need it."""
    assert why_untold(parse_selector(bad), FAMILY) is None


def test_a_label_that_no_series_has_is_named() -> None:
    """With those that there are: it is most likely misspelt."""
    found = why_untold(parse_selector('errors_total{kind="crash",status_code=~"5.."}'), FAMILY)
    assert found is not None
    assert "no series of errors_total has the label status_code" in found.reason
    assert found.reason.endswith("their labels: instance, kind, status")


def test_no_series_of_that_name() -> None:
    """Nothing says that anything counts bad events."""
    found = why_untold(parse_selector('errors_total{kind="crash"}'), [])
    assert found is not None
    assert found.reason == 'there are requests, but no series of errors_total{kind="crash"}'
