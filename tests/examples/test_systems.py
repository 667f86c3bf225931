"""The five systems of the runbooks: GO when they are healthy, and each of their known issues a NO-GO for its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil
import pytest

from tests.examples.systems import EXAMPLES, RESERVED, SYSTEMS, Case, System, coverage, known_checks, named, named_files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conftest import Backends, StartService

HEALTH = "health/endpoint[/health]"
READY = "health/endpoint[/health/ready]"
DATABASE = "health/endpoint[/health/db]"
REDIS = "health/endpoint[/health/redis]"
VERSION = "health/version"
PRODUCTIONS = "health/endpoint[/productions]"
ELSEWHERE = "rollout/"
"""Needs a release that is being rolled out, and so is not part of a run on this machine."""
SLOW = {"health.within": "300ms"}


def case(system: str, faults: str, *fails: str, limits: Mapping[str, object] | None = None, **environ: str) -> Case:
    """Returns a case, with what must fail in the order of reading."""
    return Case(system, faults, frozenset(fails), environ, limits or {})


CASES = (
    # -- the compliance kit
    case("compliance-kit", "slow-health=800ms", HEALTH),
    case("compliance-kit", "old-version", VERSION),
    case("compliance-kit", "db-disconnected", DATABASE),
    case("compliance-kit", "redis-disconnected", REDIS),
    case("compliance-kit", "takes-connections=85%", "database/connections"),
    case("compliance-kit", "long-query=1s", "database/long-queries", limits={"database.max-query-age": "500ms"}),
    case("compliance-kit", "redis-full=95%", "redis/memory"),
    case("compliance-kit", "flags-500", "flags/*", "health/endpoint[/feature-flags/status]"),
    case("compliance-kit", "flags-drift", "flags/sticky[compliance_report_generator]", "flags/monotonic*"),
    case("compliance-kit", "flags-forgets", "flags/monotonic*", "flags/kill-switch*"),
    case("compliance-kit", "old-revision", "database/migrations"),
    case("compliance-kit", "no-eviction", "redis/eviction-policy"),
    # -- ComplianceAgent
    case("compliance-agent", "slow-health=800ms", HEALTH),
    case("compliance-agent", "health-says-down", HEALTH, VERSION),
    case("compliance-agent", "db-disconnected", DATABASE),
    case("compliance-agent", "redis-disconnected", REDIS),
    case("compliance-agent", "takes-connections=85%", "database/connections"),
    case(
        "compliance-agent",
        "idle-in-transaction=1s",
        "database/idle-in-transaction",
        limits={"database.max-idle-in-transaction": "500ms"},
    ),
    case("compliance-agent", "old-revision", "database/migrations"),
    case("compliance-agent", "redis-full=95%", "redis/memory"),
    case("compliance-agent", "", "health/endpoint[/scans]", MAINTENANCE_MODE="true"),
    # -- Doppelganger Studio
    case("doppelganger-studio", "slow-health=800ms", HEALTH),
    case("doppelganger-studio", "old-version", VERSION),
    case("doppelganger-studio", "takes-connections=85%", "database/connections"),
    case("doppelganger-studio", "long-query=1s", "database/long-queries", limits={"database.max-query-age": "500ms"}),
    case("doppelganger-studio", "deadlocks", "database/deadlocks"),
    case("doppelganger-studio", "table-missing", "database/table[productions]", PRODUCTIONS),
    case("doppelganger-studio", "redis-full=95%", "redis/memory"),
    case("doppelganger-studio", "redis-dies", "redis/*", HEALTH, VERSION, READY, REDIS),
    case("doppelganger-studio", "redis-pauses", "redis/*", HEALTH, VERSION, READY, REDIS, PRODUCTIONS),
    # -- the RAG chatbot
    case("rag-chatbot", "health-degraded", HEALTH, VERSION),
    case("rag-chatbot", "slow-health=800ms", HEALTH),
    case("rag-chatbot", "db-disconnected", DATABASE),
    case("rag-chatbot", "takes-connections=85%", "database/connections"),
    case("rag-chatbot", "long-query=1s", "database/long-queries", limits={"database.max-query-age": "500ms"}),
    case("rag-chatbot", "cache-forgets", "redis/hit-rate"),
    # -- the audit app
    case("audit-app", "health-503", HEALTH, VERSION),
    case("audit-app", "slow-health=500ms", HEALTH, limits=SLOW),
    case("audit-app", "takes-connections=85%", "database/connections"),
    case("audit-app", "long-query=1s", "database/long-queries", limits={"database.max-query-age": "500ms"}),
    case(
        "audit-app",
        "idle-in-transaction=1s",
        "database/idle-in-transaction",
        limits={"database.max-idle-in-transaction": "500ms"},
    ),
    case("audit-app", "old-revision", "database/migrations"),
    case("audit-app", "no-eviction", "redis/eviction-policy"),
    case("audit-app", "save-fails", "redis/persistence", limits={"redis.persistence": True}),
    case("audit-app", "redis-dies", "redis/*", HEALTH, VERSION, READY),
    case("audit-app", "", "health/endpoint[/api/v1/counties]", RATE_LIMIT_CALLS="1"),
)


@pytest.mark.slow
@pytest.mark.parametrize("name", SYSTEMS)
def test_healthy_system_is_a_go(systems: dict[str, System], name: str) -> None:
    """Every check of the run passes, and each check that the README says to cover something is among them."""
    judged = systems[name].judge()
    judged.assert_go()
    assert set(judged.outcomes.values()) == {"passed"}
    here = [cell for cell in coverage(name).values() if "in staging" not in cell and "in production" not in cell]
    named_here = {each for cell in here for each in named(cell) if "/" in each and not each.startswith(ELSEWHERE)}
    assert named_here <= set(judged.outcomes)


@pytest.mark.slow
@pytest.mark.parametrize("each", CASES, ids=str)
def test_known_issue_is_found(systems: dict[str, System], each: Case) -> None:
    """An issue of the runbook ends in NO-GO because of the check that is about it, and all others pass."""
    judged = systems[each.system].judge(each.faults, each.limits, **each.environ)
    assert judged.status == 1, judged.out
    assert judged.report["decision"] == "NO-GO", judged.out
    failing = {id_ for id_, outcome in judged.outcomes.items() if outcome != "passed"}
    assert failing == {id_ for id_ in judged.outcomes if each.must_fail(id_)}, judged.why
    assert all(any(each.must_fail(id_) and pattern.rstrip("*") in id_ for id_ in failing) for pattern in each.fails)


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_has_its_issues(name: str) -> None:
    """No system is without faults that its run must find."""
    assert sum(each.system == name for each in CASES) >= 5


@pytest.mark.parametrize("name", SYSTEMS)
def test_readme_names_only_what_exists(name: str) -> None:
    """Each row of the README's table names a check, a gate to come with "not yet", or says that it is done by hand."""
    rows, known = coverage(name), known_checks(name)
    assert rows
    for item, cell in rows.items():
        names = named(cell)
        checks = {each.partition("[")[0] for each in names if "/" in each}
        gates = {each for each in names if "/" not in each}
        files = {each for each in named_files(cell) if each != "metrics.prom"}  # which each run writes
        assert checks <= known, f"{item}: no such check"
        assert all((EXAMPLES / name / each).is_file() for each in files), f"{item}: no such file"
        assert gates <= RESERVED, f"{item}: no such gate"
        assert names or "by hand" in cell, f"{item}: nothing is said"
        assert not gates or "not yet" in cell, f"{item}: {gates} is not there yet"


@pytest.mark.parametrize("name", SYSTEMS)
def test_runbook_has_nothing_to_fill_in(name: str) -> None:
    """No blank, no invented telephone number, no example domain is left in a runbook or a README."""
    for file in ("runbook.md", "README.md"):
        text = (EXAMPLES / name / file).read_text(encoding="utf-8")
        for blank in ("555", "[Name", "[Add", "[Contact", "yourdomain", "TODO", "____"):
            assert blank not in text, f"{file}: {blank}"


@pytest.mark.parametrize("name", SYSTEMS)
def test_service_starts_within_a_second(name: str, backends: Backends, start_service: StartService) -> None:
    """It answers after less than a second of work; the time on the clock would depend on what else runs here."""
    service = start_service(backends, wait=False, folder=EXAMPLES / name)
    spent = psutil.Process(service.process.pid).cpu_times()
    assert spent.user + spent.system < 1
