"""Selectors: read, narrowed to an arm, matched against labels."""

from __future__ import annotations

import pytest

from readiness.config.selectors import SelectorError, parse_matchers, parse_selector


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("up", "up"),
        ("job:errors:rate5m", "job:errors:rate5m"),
        ('a_total{x="1"}', 'a_total{x="1"}'),
        ("a_total{ x = '1' , y!~\"2..\", }", 'a_total{x="1",y!~"2.."}'),
        (r'a{x="say \"hi\"\\n"}', r'a{x="say \"hi\"\\n"}'),
        ("a{}", "a"),
    ],
)
def test_selectors_are_read(text: str, shown: str) -> None:
    """As Prometheus writes them."""
    assert str(parse_selector(text)) == shown


@pytest.mark.parametrize(
    "text",
    ["", "rate(a[5m])", 'a{x="1"', "a{x=1}", 'a{x="1" y="2"}', "a[5m]", "a + b", 'a{x=~"("}', '{__name__="a"}', "1a"],
)
def test_what_is_no_selector_is_refused(text: str) -> None:
    """An expression would already have thrown away what is counted here."""
    with pytest.raises(SelectorError):
        parse_selector(text)


@pytest.mark.parametrize(
    ("matchers", "labels", "holds"),
    [
        ('status=~"5.."', {"status": "503"}, True),
        ('status=~"5.."', {"status": "5030"}, False),
        ('status!~"2.."', {"status": "200"}, False),
        ('status!~"2.."', {}, True),
        ('zone=""', {}, True),
        ('zone!=""', {}, False),
        ('track="canary",zone!="b"', {"track": "canary", "zone": "a"}, True),
    ],
)
def test_labels_are_matched_whole(matchers: str, labels: dict[str, str], holds: bool) -> None:
    """A regular expression matches the whole value, and a label that is not there is empty."""
    selector = parse_selector("a").narrowed(parse_matchers(matchers))
    assert selector.selects("a", labels) is holds
    assert not selector.selects("b", labels)
