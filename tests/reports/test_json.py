from __future__ import annotations

import dataclasses
import json as stdlib_json
import typing
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness import model
from readiness.errors import ReportError
from readiness.model import Decision
from readiness.reports import json
from tests.reports import samples
from tests.reports.strategies import decisions

VALIDATOR = jsonschema.Draft202012Validator(
    json.report_schema(), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
)


def test_schema_is_itself_valid() -> None:
    """The schema follows the draft that it names."""
    jsonschema.Draft202012Validator.check_schema(json.report_schema())


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_samples_are_valid(name: str) -> None:
    """What real runs make is valid, also after a trip through a file."""
    written = json.WRITER.render(json.document(samples.SAMPLES[name]()))
    VALIDATOR.validate(stdlib_json.loads(written))


@given(decisions())
@settings(max_examples=60, deadline=None)
def test_any_decision_is_valid(decision: Decision) -> None:
    """Whatever text and numbers a run comes up with, the file follows its schema."""
    VALIDATOR.validate(stdlib_json.loads(json.WRITER.render(json.document(decision))))


@given(decisions())
@settings(max_examples=60, deadline=None)
def test_document_survives_the_trip(decision: Decision) -> None:
    """A report that is read and written again is the same report."""
    first = json.WRITER.render(json.document(decision))
    assert json.WRITER.render(json.document(json.decision_from(json.parse(first)))) == first


@given(decisions(st.text(max_size=20), finite=True))
@settings(max_examples=60, deadline=None)
def test_decision_survives_the_trip(decision: Decision) -> None:
    """A report tells everything that the decision held."""
    assert json.decision_from(json.parse(json.WRITER.render(json.document(decision)))) == decision


def test_layout_is_that_of_the_contract() -> None:
    """The keys come in the contract's order, and bounds that are not set are left out."""
    document = json.document(samples.go())
    assert list(document) == [
        "schema", "decision", "partial", "reasons", "service", "environment", "run", "gates", "checks", "waivers",
        "baseline", "rules",
    ]  # fmt: skip
    assert document["schema"] == "readiness-report/1"
    endpoint = next(check for check in document["checks"] if check["id"] == "health/endpoint[/health]")
    assert endpoint["measurements"][0] == {
        "name": "latency p95", "value": 12.1, "unit": "ms", "limit": {"at_most": 500}, "holds": True,
    }  # fmt: skip
    assert endpoint["message"] is None
    assert endpoint["waiver"] is None


def test_rollout_is_there_only_when_that_gate_ran() -> None:
    """The rollout's stage and action are part of the file, and do not stand in the way of reading it back."""
    rollout = {"stage": "25%", "action": "hold", "metrics": [{"name": "errors"}]}
    document = json.document(samples.go(), rollout=rollout)
    VALIDATOR.validate(document)
    assert document["rollout"] == rollout
    assert json.decision_from(document) == samples.go()
    assert "rollout" not in json.document(samples.go())


def test_a_go_with_reasons_against_it_is_invalid() -> None:
    """The schema refuses a GO that contradicts itself."""
    document = json.document(samples.no_go()) | {"decision": "GO"}
    assert not VALIDATOR.is_valid(document)


def test_unknown_keys_are_refused_everywhere() -> None:
    """Every object of the layout is closed."""
    schema = json.report_schema()
    objects = [each for each in [schema, *schema["$defs"].values()] if each.get("type") == "object"]
    assert len(objects) > 8
    assert all(each["additionalProperties"] is False for each in objects)


@pytest.mark.parametrize(
    ("definition", "shape"),
    [
        ("reason", model.Reason), ("service", model.ServiceInfo), ("environment", model.EnvironmentInfo),
        ("run", model.RunInfo), ("gate", model.GateResult), ("check", model.CheckResult), ("limit", model.Limit),
        ("measurement", model.Measurement), ("finding", model.Finding), ("waiver-use", model.WaiverUse),
        ("waiver", model.WaiverResult), ("baseline-use", model.BaselineUse), ("baseline", model.BaselineResult),
        ("rule", model.RuleInfo),
    ],
)  # fmt: skip
def test_schema_and_model_have_the_same_fields(definition: str, shape: type) -> None:
    """A field added to the model is added to the schema."""
    assert list(json.report_schema()["$defs"][definition]["properties"]) == [
        field.name for field in dataclasses.fields(shape)
    ]


@pytest.mark.parametrize(
    ("definition", "words"),
    [("outcome", model.Outcome), ("severity", model.Severity)],
)
def test_schema_and_model_have_the_same_words(definition: str, words: type) -> None:
    """A word added to the model is added to the schema."""
    assert json.report_schema()["$defs"][definition]["enum"] == [str(word) for word in typing.cast(typing.Any, words)]


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"{}", b'{"schema": "readiness-report/2"}', b'{"schema": "readiness-report/1"}', b"[" * 100_000],
)
def test_what_is_no_report_is_refused(data: bytes) -> None:
    """A file of another layout is an error that says so, never an empty report."""
    with pytest.raises(ReportError, match="report"):
        json.parse(data)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The message names the file that cannot be read."""
    with pytest.raises(ReportError, match=r"none\.json cannot be read: No such file"):
        json.read(tmp_path / "none.json")
