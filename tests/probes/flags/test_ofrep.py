"""OpenFeature's remote evaluation protocol, as its OpenAPI document says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from readiness.config.quantity import Ratio
from readiness.errors import NotMeasured
from readiness.probes.documents import DocumentError
from readiness.probes.flags.interface import User
from readiness.probes.flags.ofrep import OfrepSource
from readiness.probes.http import HttpProbe
from tests.project import serving_site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.flag_service import FlagService
    from tests.probes.flags.conftest import MakeProbe
    from tests.project import Site

SINGLE = "/ofrep/v1/evaluate/flags/checkout"
BULK = "/ofrep/v1/evaluate/flags"


@pytest.fixture
def site() -> Iterator[Site]:
    """A service that answers what a test says."""
    with serving_site() as here:
        yield here


@pytest.fixture
def source(site: Site) -> Iterator[OfrepSource]:
    """The source that asks it."""
    with HttpProbe(site.url, {}, budget=lambda: 60.0) as http:
        yield OfrepSource(http)


def says(site: Site, path: str, document: Any, status: int = 200) -> None:
    """The service answers with this document."""
    site.answers[path] = (status, "application/json", json.dumps(document))


def test_a_healthy_service_is_seen_as_one(make: MakeProbe, service: FlagService) -> None:
    """Bulk and single evaluation are asked as the protocol says."""
    probe = make(source="ofrep", percentages={"checkout": Ratio.parse("10%")})
    seen = probe.service()
    assert (seen.status, seen.complaints, seen.flags) == (200, (), 2)
    assert ("POST", BULK, {"context": {"targetingKey": "readiness-1"}}) in service.requests
    assert probe.presence("checkout").is_defined
    assert not probe.presence("gone").is_defined
    sample = probe.sample("checkout")
    assert sample.changed == ()
    assert sample.reached().reached in sample.reached().allowed
    assert {path for method, path, _ in service.requests} == {BULK, SINGLE, f"{BULK}/gone"}


def test_without_percentage_there_is_no_share(make: MakeProbe) -> None:
    """The protocol does not tell what a flag should reach, and it is not guessed."""
    sample = make(source="ofrep").sample("checkout")
    assert sample.changed == ()
    with pytest.raises(NotMeasured, match="does not say what share") as caught:
        sample.reached()
    assert 'percentages = { checkout = "10%" }' in caught.value.remedy


@pytest.mark.parametrize("value", [True, "blue", 3, 0.5, {"a": 1}, [1]])
def test_every_value_of_the_protocol_is_an_answer(site: Site, source: OfrepSource, value: object) -> None:
    """Truth values, texts, numbers and objects."""
    says(site, SINGLE, {"key": "checkout", "value": value, "variant": "v", "reason": "STATIC"})
    assert source.evaluator("checkout")(User("a")).value == value


@pytest.mark.parametrize(
    ("document", "status", "expected"),
    [
        ({"key": "checkout", "reason": "DEFAULT"}, 200, "without a value, with the reason"),
        ({"key": "other", "value": True}, 200, "about another flag"),
        ({"key": "checkout", "errorCode": "GENERAL"}, 200, "200 with the error"),
        ({"key": "checkout", "value": True, "variant": 7}, 200, "which is no text"),
        ({"key": "checkout", "errorCode": "TARGETING_KEY_MISSING"}, 400, "answered 400"),
        ({"errorDetails": "no luck"}, 500, "answered 500"),
        ([], 200, "expected a JSON object"),
    ],
)
def test_what_breaks_the_protocol_is_no_answer(
    site: Site, source: OfrepSource, document: object, status: int, expected: str
) -> None:
    """It says how."""
    says(site, SINGLE, document, status)
    with pytest.raises(DocumentError, match=expected):
        source.evaluator("checkout")(User("a"))


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        (
            {"flags": [{"key": "a", "errorCode": "PARSE_ERROR", "errorDetails": "bad rule"}]},
            "a: error PARSE_ERROR, bad rule",
        ),
        ({"flags": [{"value": True}]}, "has no key"),
        ({"flags": {}}, "/flags: {} is no list"),
        ({}, "/flags: null is no list"),
    ],
)
def test_a_bulk_evaluation_that_breaks_the_protocol_is_named(
    site: Site, source: OfrepSource, document: object, complaint: str
) -> None:
    """Flag by flag."""
    says(site, BULK, document)
    assert any(complaint in each for each in source.service().complaints)


def test_a_flag_of_several_values_is_sticky_and_has_no_share(site: Site, source: OfrepSource, make: MakeProbe) -> None:
    """Who is reached is a question of yes and no."""
    says(site, SINGLE, {"key": "checkout", "value": "blue", "variant": "b"})
    probe = make(address=site.url, source="ofrep", percentages={"checkout": Ratio.parse("10%")})
    sample = probe.sample("checkout")
    assert (sample.changed, sample.asked_again) == ((), 200)
    with pytest.raises(NotMeasured, match="truth values only"):
        sample.reached()


@pytest.mark.parametrize(("status", "is_defined"), [(200, True), (400, True), (404, False)])
def test_presence_is_told_by_the_status(site: Site, source: OfrepSource, status: int, is_defined: bool) -> None:
    """400 is about the context that was sent: the flag is there."""
    says(site, SINGLE, {"key": "checkout", "errorCode": "ANY"}, status)
    assert source.presence("checkout").is_defined is is_defined


def test_presence_is_unknown_where_the_service_is_broken(site: Site, source: OfrepSource) -> None:
    """A 500 says nothing about the flag."""
    says(site, SINGLE, {}, 500)
    with pytest.raises(NotMeasured, match="answered 500"):
        source.presence("checkout")
