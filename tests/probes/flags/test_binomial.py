"""The interval is exact: right rollouts are called wrong once in 10,000 cases, and wrong ones are found."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.probes.flags.binomial import FALSE_ALARM, acceptance

shares = st.integers(0, 1000).map(lambda per_mille: Fraction(per_mille, 1000))
HALF = Fraction(1, 20_000)


def chances(users: int, share: Fraction) -> list[Fraction]:
    """Returns the exact probability of each count."""
    return [math.comb(users, count) * share**count * (1 - share) ** (users - count) for count in range(users + 1)]


def rejected(users: int, share: Fraction, configured: Fraction) -> Fraction:
    """Returns the exact probability that a rollout of `share` is not accepted as `configured`."""
    allowed = acceptance(users, float(configured))
    return sum((chance for count, chance in enumerate(chances(users, share)) if count not in allowed), Fraction())


@given(users=st.integers(1, 150), share=shares)
def test_a_right_rollout_is_called_wrong_once_in_ten_thousand(users: int, share: Fraction) -> None:
    """Every outcome counted: the probability of a false alarm is at most 1 in 10,000, whatever sample and percentage."""
    assert rejected(users, share, share) <= 2 * HALF


@given(users=st.integers(1, 150), share=st.integers(1, 999).map(lambda each: Fraction(each, 1000)))
def test_no_count_is_accepted_without_need(users: int, share: Fraction) -> None:
    """One count more outside on either side, and false alarms would be more frequent than half of that."""
    allowed, each = acceptance(users, float(share)), chances(users, share)
    assert sum(each[: allowed.least + 1]) > HALF * Fraction(99999, 100000)
    assert sum(each[allowed.most :]) > HALF * Fraction(99999, 100000)


@pytest.mark.parametrize("share", [Fraction(1, 100), Fraction(1, 10), Fraction(1, 2), Fraction(33333, 100000)])
def test_it_is_exact_for_the_default_sample(share: Fraction) -> None:
    """The same, for the percentages of a rollout and 2,000 users, of which a float cannot hold the terms."""
    users = 2000
    allowed, whole = acceptance(users, float(share)), share.denominator**users
    terms = [
        math.comb(users, count) * share.numerator**count * (share.denominator - share.numerator) ** (users - count)
        for count in range(users + 1)
    ]
    below, above = sum(terms[: allowed.least]), sum(terms[allowed.most + 1 :])
    assert Fraction(below, whole) <= HALF
    assert Fraction(above, whole) <= HALF
    assert Fraction(below + terms[allowed.least], whole) > HALF
    assert Fraction(above + terms[allowed.most], whole) > HALF


@pytest.mark.parametrize(
    ("configured", "really", "power"),
    [("10%", "15%", 0.998), ("10%", "6%", 0.99), ("1%", "3%", 0.997), ("50%", "57%", 0.99), ("25%", "10%", 0.999999)],
)
def test_a_wrong_rollout_is_found(configured: str, really: str, power: float) -> None:
    """With 2,000 users a share that is clearly another one is all but never accepted."""
    allowed = acceptance(2000, int(configured[:-1]) / 100)
    share = int(really[:-1]) / 100
    accepted = sum(
        math.exp(
            math.lgamma(2001)
            - math.lgamma(count + 1)
            - math.lgamma(2001 - count)
            + count * math.log(share)
            + (2000 - count) * math.log1p(-share)
        )
        for count in range(allowed.least, allowed.most + 1)
    )
    assert 1 - accepted >= power


@given(users=st.integers(1, 100_000))
def test_nobody_and_everybody_are_exact(users: int) -> None:
    """0 % reaches nobody and 100 % everybody: one user more or less is wrong."""
    assert (acceptance(users, 0).least, acceptance(users, 0).most) == (0, 0)
    assert (acceptance(users, 1).least, acceptance(users, 1).most) == (users, users)


@given(users=st.integers(1, 300), share=shares)
def test_reached_and_missed_are_the_same_question(users: int, share: Fraction) -> None:
    """The interval of who is reached is that of who is missed, seen from the other side."""
    here, there = acceptance(users, float(share)), acceptance(users, float(1 - share))
    assert abs(here.least - (users - there.most)) <= (0 if share in (0, 1, Fraction(1, 2)) else 1)


@pytest.mark.parametrize(("users", "share"), [(0, 0.5), (10, -0.1), (10, 1.1)])
def test_what_is_no_share_is_refused(users: int, share: float) -> None:
    """A share of nobody, or outside of 0 to 1, is an error in here and never an interval."""
    with pytest.raises(ValueError, match="a share is between 0 and 1"):
        acceptance(users, share)


def test_the_rate_is_one_in_ten_thousand() -> None:
    """As documented."""
    assert FALSE_ALARM == 1 / 10_000
