"""Feature flags are served, well defined, and behave: the same user, the same answer; the share that was configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from readiness import check

if TYPE_CHECKING:
    from readiness.evidence import Measure
    from readiness.probes.flags.interface import (
        DefinitionsObservation,
        EvaluationObservation,
        KillObservation,
        PresenceObservation,
        RaiseObservation,
        SampleObservation,
        ServiceObservation,
    )

RUNBOOK = "feature flag"


@check("flags/service", observe=lambda flags: flags.service(), runbook=RUNBOOK)
def test_service(seen: ServiceObservation, measure: Measure) -> None:
    """The flag service answers as one.

    Holds when: http: the status endpoint answers 200 with a JSON object that does not say it is unwell; file: the file
        is read and defines flags; ofrep: the bulk evaluation answers 200, each flag with a key and without an error;
        unleash: the client API answers 200 with a version and a list of features.
    Why it matters: without it each caller falls back to its own default, and no rollout can be stopped.
    Measured by: one request, or reading the file.
    If it fails: ask the address that the evidence names yourself, with the same credentials, and read the log of the
        flag service.
    Source: [flags] source, status, evaluate, flag, file; https://github.com/open-feature/protocol for OFREP;
        https://docs.getunleash.io for Unleash's client API.
    """
    if seen.status not in (None, 200):
        measure("status", seen.status, equals=200, where=seen.where, detail=seen.complaints)
        return
    measure("complaints", len(seen.complaints), at_most=0, where=seen.where, detail=seen.complaints)
    measure("flags", seen.flags, where=seen.where)


@check(
    "flags/definitions",
    needs="defined",
    observe=lambda flags, table: flags.definitions(table.required),
    runbook=RUNBOOK,
)
def test_definitions(seen: DefinitionsObservation, measure: Measure) -> None:
    """The definitions are whole, and none contradicts itself.

    Holds when: each definition satisfies the JSON Schema: it is enabled or not, has a kill switch, a strategy of off,
        canary, gradual, full or kill_switch, a percentage of 0 to 100 and its segments, each once; the stages of a rollout
        rise and end at 100; full means 100 %, and off or kill_switch 0 %. For Unleash: its features satisfy the schema of its
        client API, with percentages of 0 to 100.
    Why it matters: which of two contradicting values wins is known when it is too late.
    Measured by: reading the required flags, all that the service lists, and the file where one is named; ofrep tells no
        definitions, so that without a file this check is not collected.
    If it fails: mend what the evidence names; each line begins with the flag and where in its definition.
    Source: [flags] flag, file.
    """
    measure("definitions", len(seen.definitions), at_least=1, where=seen.where)
    measure("problems", len(seen.problems), at_most=0, where=seen.where, detail=seen.problems)


@check("flags/required", each="flag in required", observe=lambda flags, flag: flags.presence(flag), runbook=RUNBOOK)
def test_required(seen: PresenceObservation, flag: str, measure: Measure) -> None:
    """The flag is defined.

    Holds when: the service, or the file, knows a flag of this name.
    Why it matters: a flag that is misspelt is off for everybody, and nobody is told.
    Measured by: reading the flag; with ofrep, evaluating it.
    If it fails: define the flag, or correct its name where it is asked for.
    Source: [flags] required.
    """
    said = (seen.said,) if seen.said else ()
    measure(f"flag {flag} is defined", seen.is_defined, equals=True, key="required", where=seen.where, detail=said)


@check(
    "flags/evaluates", each="flag in evaluated_flags", observe=lambda flags, flag: flags.evaluate(flag), runbook=RUNBOOK
)
def test_evaluates(seen: EvaluationObservation, flag: str, measure: Measure) -> None:
    """The flag can be evaluated for a user.

    Holds when: each of five users is told a truth value or a variant.
    Why it matters: an evaluation that fails stands in front of every request that asks for it.
    Measured by: five evaluations, one after the other; a file evaluates nothing, so that with source = "file" this check
        is not collected. Unleash's features are read over its client API and evaluated as its clients do; a strategy with
        constraints needs more than a user, and leaves the flag unmeasured.
    If it fails: send the request that the evidence names, and read the log of the flag service.
    Source: [flags] evaluate; OpenFeature's protocol; Unleash's client specification.
    """
    asked = (f"{seen.asked} users of {flag} were asked for", *seen.problems)
    measure("failed evaluations", seen.failed, at_most=0, where=seen.where, detail=asked)
    measure("different answers", len(seen.answers), at_least=1, where=seen.where, detail=seen.answers)


@check(
    "flags/sticky",
    each="flag in evaluated_flags",
    observe=lambda flags, flag: flags.sample(flag),
    alone=True,
    runbook=RUNBOOK,
)
def test_sticky(seen: SampleObservation, flag: str, measure: Measure) -> None:
    """The same user always gets the same answer.

    Holds when: no user who is asked again is told anything else.
    Why it matters: a feature that comes and goes under a user's hands is worse than none, and a canary whose members
        change all the time has no members.
    Measured by: asking 200 of the sample-users again, as many who were reached as who were not; the sample itself is the
        one of flags/share. Not collected with source = "file".
    If it fails: hash the flag's name and the user's id instead of drawing lots; where several instances answer, compare
        their definitions.
    Source: [flags] sample-users.
    """
    measure("users asked again", seen.asked_again)
    measure(
        "users with another answer",
        len(seen.changed),
        at_most=0,
        where=seen.where,
        detail=(f"of {seen.asked_again} users of {flag} who were asked again", *seen.changes),
    )


@check(
    "flags/share",
    each="flag in flags_with_a_share",
    observe=lambda flags, flag: flags.sample(flag),
    alone=True,
    runbook=RUNBOOK,
)
def test_share(seen: SampleObservation, flag: str, measure: Measure) -> None:
    """The rollout reaches the share of users that it says.

    Holds when: the number of users reached lies in the exact binomial interval of the percentage and the sample, which a
        right rollout leaves by chance once in 10,000 cases; a flag that is off or killed reaches nobody, one that is full
        everybody.
    Why it matters: 10 % is what the canary's risk was accepted for.
    Measured by: evaluating the flag once for each of the sample-users, at most 8 at once of each of two flags; these users are the same in
        every run and belong to no segment. Their percentage is that of the flag's definition, or of percentages. Not
        collected with source = "file", nor with ofrep for a flag that neither percentages nor the file tells of.
    If it fails: compare the definition with what the instances have loaded; look for a rule in front of the percentage,
        and for a hash that does not spread users evenly.
    Source: [flags] percentages, sample-users; Clopper & Pearson (1934).
    """
    reached = seen.reached()
    measure("percentage", reached.percentage, unit="%")
    measure("users asked", reached.users)
    measure(
        "users reached",
        reached.reached,
        at_least=reached.allowed.least,
        at_most=reached.allowed.most,
        key="sample-users",
        where=seen.where,
        detail=[f"{flag} is to reach {reached.percentage:g} % of {reached.users} users, says {reached.said_by}"],
    )


@check(
    "flags/monotonic",
    each="flag in changeable_flags",
    writes=True,
    observe=lambda flags, flag: flags.raised(flag),
    alone=True,
    runbook=RUNBOOK,
)
def test_monotonic(seen: RaiseObservation, flag: str, measure: Measure) -> None:
    """Raising the percentage takes nobody out.

    Holds when: who was reached at the percentage that was found is reached at the next stage too, the service says that it
        has the new percentage, and it reaches more users than before. A flag that reaches nobody or everybody is rolled
        out to 10 % and then to 50 % instead.
    Why it matters: whoever is taken out when a rollout grows has seen a feature come and go.
    Measured by: two PUTs and up to 600 evaluations; the flag is put back, also by a later run where this one is killed
        in between. Never on a protected target, nor where the flag service has an address of its own (url), and only with
        source = "http": the other sources cannot be told a percentage.
    If it fails: compare a user's place, hashed from the flag's name and the user's id alone, with the percentage.
    Source: [flags] flag, evaluate.
    """
    measure("percentage read back", seen.read_back, unit="%", equals=seen.high, where=seen.where, detail=[flag])
    measure("users reached before", seen.held)
    measure(
        "users taken out",
        len(seen.lost),
        at_most=0,
        where=seen.where,
        detail=(f"of {seen.held} reached by {flag} at {seen.low:g} %", *seen.losses),
    )
    measure("users reached besides", seen.gained, at_least=1 if seen.must_gain else None, where=seen.where)
    if seen.repaired:
        measure("flag left by an earlier run", seen.repaired)


@check(
    "flags/kill-switch",
    each="flag in changeable_flags",
    writes=True,
    observe=lambda flags, flag: flags.killed(flag),
    alone=True,
    runbook="kill switch",
)
def test_kill_switch(seen: KillObservation, flag: str, measure: Measure) -> None:
    """The kill switch beats every other rule.

    Holds when: with the kill switch on, the service says so and no user is reached, first with all else as it was found and
        then with the flag enabled for everybody and for each of its segments; and users are reached again when all is put
        back.
    Why it matters: it is what stops a feature that does harm, and it is tried for the first time while it does.
    Measured by: two PUTs, with the kill switch on in both, so that the feature is never switched on for anybody; up to 100
        users and one of each segment are asked in between; the flag is put back, also by a later run where this one is
        killed in between. Never on a protected target, nor where the flag service has an address of its own (url), and only
        with source = "http": the other sources have nothing to switch.
    If it fails: ask for the kill switch before any other rule, in the service itself and in what caches its answers.
    Source: [flags] flag, evaluate.
    """
    measure("kill switch read back", seen.read_back, equals=True, where=seen.where, detail=[flag])
    measure(
        "users still reached",
        len(seen.still_on),
        at_most=0,
        where=seen.where,
        detail=(f"of {seen.asked} users of {flag} who were asked", *seen.survivors),
    )
    measure("all other rules switched on below it", seen.opened)
    measure(
        "users reached again",
        seen.after,
        at_least=1 if seen.before and seen.must_return else None,
        where=seen.where,
        detail=[f"of {seen.before} who were reached before"],
    )
    if seen.repaired:
        measure("flag left by an earlier run", seen.repaired)
