"""Decisions as real runs make them, for the tests of the writers, the benchmarks and the look of the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from readiness.model import (
    Answer,
    BaselineResult,
    BaselineUse,
    CheckResult,
    Decision,
    EnvironmentInfo,
    Finding,
    FindingSeverity,
    GateResult,
    Limit,
    Measurement,
    Outcome,
    Reason,
    RuleInfo,
    RunInfo,
    ServiceInfo,
    Severity,
    Verdict,
    WaiverResult,
    WaiverState,
    WaiverUse,
)

SERVICE = ServiceInfo(
    "compliance-report-generator", "platform@dogan.ai", "4f1c9e2ab7d05683c1e0f7a9b2d4c6e8f0a1b3c5", False
)
STAGING = EnvironmentInfo("staging", "live", True)
VERSIONS = {"pytest": "9.2.0", "pytest-readiness": "0.1.0", "python": "3.11.7", "PostgreSQL": "17.2", "Redis": "7.4.1"}
RUN = RunInfo("20261121-130000-5f3a", "2026-11-21T13:00:00Z", "2026-11-21T13:00:12Z", 12.3, 1, VERSIONS)

TITLES = {
    "config-lint": "Configuration files are valid and agree with each other",
    "placeholder-audit": "Nothing that was to be filled in is blank",
    "security-scan": "No known vulnerability and no credential is shipped",
    "health": "The service answers, and is the release to be judged",
    "database": "PostgreSQL is reachable, current and has room",
    "redis": "Redis answers, has room and keeps what it should",
    "flags": "Feature flags are served, well defined and behave",
}

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "</style><style>*{display:none}</style>",
    "]]> --> {{ 7*7 }} {% raw %} &amp; &lt;",
    "| a | b |\n|---|---|\n# heading",
    "`code` *bold* [link](javascript:alert(1)) ![](http://127.0.0.1:9/x.png) <b>html</b> https://example.invalid/x",
    "\x1b[2J\x1b[31mGO\x07 \x00 \r\n",
    "access \u202elevel\u202c admin \u2066x\u2069 \u200b\ufeff\u2028\u2029",
    "lone \ud800 surrogate \udfff, nonchar \ufffe \uffff",
    "' OR 1=1; $(rm -rf x) `id` @everyone #1",
)
"""Text that escapes from a writer that does not hold it."""


def check(check_id: str, title: str, outcome: Outcome = Outcome.PASSED, **fields: object) -> CheckResult:
    """Returns a check whose gate and node id follow from its id."""
    gate, _, name = check_id.partition("/")
    function, bracket, parameter = name.partition("[")
    node = f"checks/test_{gate.replace('-', '_')}.py::test_{function.replace('-', '_')}{bracket}{parameter}"
    given = {"severity": Severity.BLOCKING, "duration_s": 0.012, "node_id": node} | fields
    return CheckResult(id=check_id, gate=gate, title=title, outcome=outcome, **given)  # type: ignore[arg-type] # keywords of the dataclass


def latency(p95_ms: float, limit_ms: float = 500) -> Measurement:
    """Returns a latency against its limit."""
    return Measurement("latency p95", p95_ms, "ms", Limit(at_most=limit_ms), p95_ms <= limit_ms)


def gate(name: str, checks: Sequence[CheckResult], verdict: Verdict, *, required: bool = True) -> GateResult:
    """Returns the gate with the counts of its checks."""
    mine = [check for check in checks if check.gate == name]
    counts = dict(Counter(str(check.outcome) for check in mine))
    return GateResult(
        name, TITLES.get(name, name), required, verdict, counts, round(sum(c.duration_s for c in mine), 6)
    )


def build(
    answer: Answer,
    checks: Sequence[CheckResult],
    gates: Sequence[GateResult],
    reasons: Sequence[Reason] = (),
    waivers: Sequence[WaiverResult] = (),
    *,
    partial: bool = False,
    run: RunInfo = RUN,
    service: ServiceInfo = SERVICE,
    environment: EnvironmentInfo = STAGING,
) -> Decision:
    """Returns the decision."""
    return Decision(
        answer, partial, tuple(reasons), service, environment, run, tuple(gates), tuple(checks), tuple(waivers)
    )


def _healthy() -> list[CheckResult]:
    return [
        check("config-lint/syntax", "Every configuration file parses", measurements=(Measurement("files", 14, "", None, True),)),
        check("config-lint/schema", "Every configuration file matches its schema"),
        check("placeholder-audit/critical", "No critical placeholder is left"),
        *(
            check(f"health/endpoint[{path}]", f"{path} answers as it should", measurements=(latency(ms), status()))
            for path, ms in (("/health", 12.1), ("/health/db", 18.42), ("/health/redis", 9.0), ("/openapi.json", 77.3))
        ),
        check("health/version", "The release that answers is the one to be judged", measurements=(
            Measurement("version", "2.4.0", "", Limit(equals="2.4.0"), True),)),
        check("database/connects", "PostgreSQL accepts a connection in time", measurements=(
            Measurement("connect", 8.3, "ms", Limit(at_most=1000), True),)),
        check("database/server-version", "The server is new enough", measurements=(
            Measurement("server version", "17.2", "", Limit(satisfies=">=14"), True),)),
        check("database/table[audit_logs]", "Table audit_logs exists and can be read"),
        check("redis/ping", "Redis answers in time", measurements=(Measurement("ping p95", 0.4, "ms", Limit(at_most=50), True),)),
        check("redis/memory", "Redis has room", measurements=(Measurement("memory", 41.5, "%", Limit(at_most=90), True),)),
        check("redis/hit-rate", "Most reads are answered from the cache", severity=Severity.ADVISORY, measurements=(
            Measurement("hit rate", 93.2, "%", Limit(at_least=70), True),)),
    ]  # fmt: skip


def status() -> Measurement:
    """Returns the status of an answer."""
    return Measurement("status", 200, "", Limit(equals=200), True)


def go() -> Decision:
    """Everything passed."""
    checks = _healthy()
    names = dict.fromkeys(check.gate for check in checks)
    return build(Answer.GO, checks, [gate(name, checks, Verdict.PASS) for name in names])


def no_go() -> Decision:
    """Every outcome, every verdict, findings, waivers of each state and a reason without a check."""
    findings = tuple(
        Finding(
            "placeholder-audit/contact",
            path,
            line,
            3,
            Severity.BLOCKING,
            text,
            "Name who is on call, or remove the line.",
        )
        for path, line, text in (
            ("docs/runbook.md", 8, "the on-call contact is still [TODO: name and phone]"),
            ("docs/deployment/production-checklist.md", 112, "an escalation address is blank: ____@____"),
        )
    )
    waiver = WaiverUse(
        "security-scan/dependencies",
        "no fixed release yet, feature disabled",
        "security@dogan.ai",
        "2026-11-25",
        "SEC-12",
    )
    cve = Finding(
        "CVE-2026-1234",
        "requirements.txt",
        12,
        1,
        Severity.BLOCKING,
        "pillow 10.1.0 reads outside a buffer",
        "Use >=10.3.0.",
    )
    checks = [
        check("placeholder-audit/critical", "No critical placeholder is left", Outcome.FAILED, findings=findings,
              message="2 critical placeholders are left in 31 files", remedy="Fill in what is blank, then run this gate again.",
              runbook="https://runbooks.dogan.ai/release#placeholders"),
        check("placeholder-audit/warning", "No placeholder is left", Outcome.ADVISORY, severity=Severity.ADVISORY,
              message="5 placeholders are left in examples"),
        check("security-scan/code", "bandit finds nothing of medium severity", duration_s=2.31),
        check("security-scan/dependencies", "No dependency has a known vulnerability", Outcome.WAIVED, findings=(cve,),
              message="1 dependency has a known vulnerability", waiver=waiver, duration_s=1.7),
        *[each for each in _healthy() if each.gate == "health" and "/health/db" not in each.id],
        check("health/endpoint[/health/db]", "/health/db answers as it should", Outcome.FAILED, attempts=3, duration_s=3.2,
              measurements=(latency(812.37), Measurement("status", 503, "", Limit(equals=200), False)),
              message="GET /health/db answered 503 after 812 ms.\nExpected: status 200 within 500 ms ([health] within in readiness.toml).\n"
                      '{"status": "degraded", "database": {"pool": "exhausted"}}',
              remedy="Look at the connection pool: `SELECT count(*) FROM pg_stat_activity`.", runbook="docs/runbook.md#database-is-slow"),
        check("redis/ping", "Redis answers in time", Outcome.UNMEASURED,
              message="Redis could not be reached: connection refused (redis.staging.internal:6379)",
              remedy="Check that Redis runs and that this machine may connect to it."),
        check("redis/memory", "Redis has room", Outcome.NOT_RUN, message="not run: the deadline of 15m had passed"),
        check("database/connects", "PostgreSQL accepts a connection in time", attempts=2,
              measurements=(Measurement("connect", 8.3, "ms", Limit(at_most=1000), True),)),
    ]  # fmt: skip
    gates = [
        gate("placeholder-audit", checks, Verdict.FAIL),
        gate("security-scan", checks, Verdict.WAIVED),
        gate("health", checks, Verdict.FAIL),
        gate("database", checks, Verdict.PASS),
        gate("redis", checks, Verdict.UNMEASURED),
        gate("flags", checks, Verdict.NOT_CONFIGURED),
    ]
    reasons = [
        *(Reason(c.gate, c.id, c.outcome, c.message or "") for c in checks
          if c.outcome in (Outcome.FAILED, Outcome.UNMEASURED, Outcome.NOT_RUN)),
        Reason("flags", "", "not-configured", "Gate flags is required but not configured. Add a table [flags] to the configuration."),
    ]  # fmt: skip
    waivers = [
        WaiverResult("security-scan/dependencies", WaiverState.ACTIVE, "2026-11-25"),
        WaiverResult("health/endpoint[/health/db]", WaiverState.EXPIRED, "2026-11-20"),
        WaiverResult("redis/*", WaiverState.UNUSED, "2026-12-31", "over-broad: it covers every check of a gate"),
    ]
    return build(
        Answer.NO_GO,
        checks,
        gates,
        reasons,
        waivers,
        service=ServiceInfo(SERVICE.name, SERVICE.owner, SERVICE.commit, True),
    )


def partial() -> Decision:
    """A GO that `--gate` narrowed to two gates."""
    checks = [each for each in _healthy() if each.gate in ("health", "redis")]
    gates = [gate("health", checks, Verdict.PASS), gate("redis", checks, Verdict.PASS)]
    return build(Answer.GO, checks, gates, partial=True)


def incomplete() -> Decision:
    """Nothing failed, and evidence is missing."""
    checks = [
        *_healthy()[:-3],
        check("redis/ping", "Redis answers in time", Outcome.UNMEASURED, message="connection refused"),
    ]
    names = dict.fromkeys(each.gate for each in checks)
    gates = [gate(name, checks, Verdict.UNMEASURED if name == "redis" else Verdict.PASS) for name in names]
    return build(Answer.NO_GO, checks, gates, [Reason("redis", "redis/ping", "unmeasured", "connection refused")])


def nothing_judged() -> Decision:
    """No gate, no check."""
    return build(Answer.NO_GO, [], [], [Reason("", "", "not-run", "No gate is configured, so nothing was judged.")])


def hostile(texts: Sequence[str] = HOSTILE) -> Decision:
    """Every field that can hold text holds hostile text."""
    count = len(texts)

    def text(number: int) -> str:
        return texts[number % count]

    checks = [
        CheckResult(
            id=f"health/{text(n)}", gate=text(n + 1) if n % 2 else "health", title=text(n + 2), severity=Severity.BLOCKING,
            outcome=outcome, attempts=2, duration_s=float("nan") if n == 1 else 0.1, message=text(n + 3), remedy=text(n + 4),
            runbook=text(n), node_id=text(n + 5),
            measurements=(Measurement(text(n), text(n + 1), text(n + 2), Limit(equals=text(n), satisfies=text(n + 1)), False),
                          Measurement(text(n), float("inf"), text(n + 2), Limit(at_most=float("nan")), False)),
            findings=(Finding(text(n), text(n + 1), 1, 1, FindingSeverity.BLOCKING, text(n + 2), text(n + 3), text(n + 4), text(n + 5)),
                      Finding(text(n), text(n + 1), 1, 1, FindingSeverity.ADVISORY, text(n + 2), text(n + 3), text(n + 4), text(n + 5),
                              BaselineUse(False, text(n), text(n + 1), text(n + 2)))),
            waiver=WaiverUse(text(n), text(n + 1), text(n + 2), text(n + 3), text(n + 4)),
        )
        for n, outcome in enumerate(list(Outcome) * 2)
    ]  # fmt: skip
    names = list(dict.fromkeys([*(each.gate for each in checks), *texts]))
    gates = [gate(name, checks, verdict) for name, verdict in zip(names, list(Verdict) * len(names), strict=False)]
    return build(
        Answer.NO_GO,
        checks,
        gates,
        [Reason(text(n), text(n + 1), text(n + 2), text(n + 3)) for n in range(count)],
        [WaiverResult(text(n), state, text(n + 1), text(n + 2)) for n, state in enumerate(WaiverState)],
        service=ServiceInfo(text(0), text(1), text(2), True),
        environment=EnvironmentInfo(text(1), text(2), False),
        run=RunInfo(text(3), RUN.started, RUN.finished, 1.0, 2, {text(0): text(1)}),
    )


def large(count: int = 300, failing: int = 5) -> Decision:
    """Many checks in all gates, the first `failing` of which failed."""
    names = list(TITLES)
    checks = []
    for number in range(count):
        name = names[number * len(names) // count]
        bad = number % (count // failing) == 0 and number // (count // failing) < failing if failing else False
        ms = 900.0 + number if bad else 5.0 + number % 90
        checks.append(
            check(
                f"{name}/endpoint[/api/v1/resource-{number:05}]",
                f"/api/v1/resource-{number:05} answers as it should",
                Outcome.FAILED if bad else Outcome.PASSED,
                measurements=(latency(ms), status()),
                message=f"p95 of 5 requests was {ms:g} ms; [health] within in readiness.toml allows 500 ms"
                if bad
                else None,
                remedy="Look at the slow query log." if bad else None,
            )
        )
    bad_checks = [each for each in checks if each.outcome is Outcome.FAILED]
    failed = {each.gate for each in bad_checks}
    gates = [gate(name, checks, Verdict.FAIL if name in failed else Verdict.PASS) for name in names]
    reasons = [Reason(each.gate, each.id, each.outcome, each.message or "") for each in bad_checks]
    return build(Answer.NO_GO if reasons else Answer.GO, checks, gates, reasons)


FOUND = (
    ("placeholder-audit/changeme", FindingSeverity.BLOCKING, "the value of `database.password` is still to be changed"),
    ("placeholder-audit/contact", FindingSeverity.BLOCKING, "a contact is still blank: [Add contact]"),
    ("placeholder-audit/example-domain", FindingSeverity.ADVISORY, "a receiver is at an example domain"),
    ("placeholder-audit/work-marker", FindingSeverity.INFORMATION, "a comment says what is still to be done"),
)
"""Rule, severity and text of findings, in turn."""


def findings(count: int) -> tuple[Finding, ...]:
    """Returns findings of four rules; of each ten the baseline knows two, one of them no longer."""
    found = []
    for number in range(count):
        rule, severity, said = FOUND[number % 7 % len(FOUND)]
        use = {3: BaselineUse(False, "security@dogan.ai", "old cluster", "2027-03-31"), 4: BaselineUse(True)}.get(
            number % 10
        )
        path = f"services/{'reports' if number % 3 else 'a-service-whose-name-goes-on-and-on'}/deploy/production/values-{number % 37}.yaml"
        remedy, excerpt = (
            f"Mend {rule}.",
            "password: ***  # see the entry of the team, which nobody has filled in so far",
        )
        found.append(Finding(rule, path, 1 + number, 3, severity, said, remedy, excerpt, f"{number:032x}", use))
    return tuple(found)


def many_findings(count: int = 1_000) -> Decision:
    """One check with many findings, and one that passed with those that do nothing."""
    found = findings(count)
    blocking = [each for each in found if each.blocks]
    listed = [f"{each.place}: {each.text} ({each.rule})" for each in blocking[:10]]
    message = "\n".join(
        ["files read: observed 3, expected at least 5", *listed, f"and {len(blocking) - 10} more findings"]
    )
    quiet = tuple(each for each in found if each.is_known or each.severity is FindingSeverity.INFORMATION)
    checks = [
        check(
            "placeholder-audit/critical",
            "No critical placeholder is left",
            Outcome.FAILED,
            findings=found,
            message=message,
        ),
        check("config-lint/syntax", "Every configuration file parses", findings=quiet),
    ]
    gates = [gate("placeholder-audit", checks, Verdict.FAIL), gate("config-lint", checks, Verdict.PASS)]
    made = build(Answer.NO_GO, checks, gates, [Reason("placeholder-audit", checks[0].id, "failed", message)])
    rules = (
        RuleInfo(
            "placeholder-audit/changeme",
            "No value asks to be changed",
            "Everybody knows it.",
            "Set the real value.",
            "https://example.org/rule",
        ),
    )
    return replace(made, baseline=BaselineResult("readiness-baseline.json", 214, 100, 100, 9, 5), rules=rules)


SAMPLES = {
    "go": go,
    "no-go": no_go,
    "partial": partial,
    "incomplete": incomplete,
    "nothing-judged": nothing_judged,
    "hostile": hostile,
    "large": large,
    "many-findings": many_findings,
}
"""Name to the function that builds it; `readiness.reports.publish.unfinished` builds one more."""
