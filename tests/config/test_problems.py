"""What is wrong with a configuration, in the words that its reader sees."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.redact import Redactor
from tests.config.samples import MINIMAL, Folder

GATES = "config-lint, placeholder-audit, security-scan, health, database, redis, flags, rollout"
DURATION = 'a duration, such as "500ms", "5s", "30m", "1h" or "14d"'
PATH = "a path on the service, such as /health, without its host"
SERVICE = "[service]\nname = 's'\n"
LOCAL = f"{SERVICE}[env.x]\nkind = 'embedded'\n"
ROLLOUT = f"""{MINIMAL}
[rollout]
prometheus = "http://prometheus.example"
stages = ["10%", "100%"]
canary = 'track="canary"'
baseline = 'track="stable"'
observe = "30m"
"""
COUNTED = "[[rollout.metric]]\nname = 'errors'\ntotal = 'a'\nbad = 'b'\n"

CASES: dict[str, tuple[str, list[str]]] = {
    "unknown table": (
        f"{MINIMAL}[helth]\n",
        [
            f"[helth]: unknown table 'helth'. Known: service, policy, baseline, waiver, env, {GATES}. "
            "Did you mean 'health'? Rename it or take it out."
        ],
    ),
    "unknown key at the top": (
        f"verbose = true\n{MINIMAL}",
        [
            f"top level verbose: unknown key 'verbose'. Known: service, policy, baseline, waiver, env, {GATES}. "
            "Rename it or take it out."
        ],
    ),
    "gate that is to come": (
        f"{MINIMAL}[env.x.kubernetes]\n[tls]\n[policy]\nrequired = ['tls']\nadvisory = ['code-quality/*']\n",
        [
            "[env.x] kubernetes: the gate 'kubernetes' is not available yet. Take the table out until it is.",
            "[tls]: the gate 'tls' is not available yet. Take the table out until it is.",
            "[policy] required[0]: the gate 'tls' is not available yet. Take it out until it is; it could not pass.",
        ],
    ),
    "requests of an endpoint": (
        f"{MINIMAL}[health]\nendpoints = [\n{{ path = '/a', method = 'get' }}, {{ path = '/b', headers = {{ 'a b' = 'c' }} }},\n"
        "{ path = '/c', content-type = 'json', max-body = 5 },\n]\n",
        [
            '[health] endpoints[0].method: "get" is not known. Known: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT. '
            "Did you mean 'GET'? Write one of these.",
            '[health] endpoints[1].headers."a b": "a b" is no header name. Use letters, digits and \'-\'.',
            '[health] endpoints[2].content-type: found "json", expected a media type, as in text/html. '
            "Write a media type, as in text/html.",
            '[health] endpoints[2].max-body: 5 has no unit; expected a size, such as "512MiB" or "1GiB". Write "5MiB".',
        ],
    ),
    "requests that a protected environment forbids": (
        f"{MINIMAL}instances = ['http://a', 'http://a', 'http://b/?x', 'http://:']\n[health]\nendpoints = [\n"
        "{ path = '/a', method = 'POST' }, { path = '/b', body = { a = 1 } }, { path = '/c', method = 'HEAD' }\n]\n",
        [
            '[env.x] instances[2]: "http://b/?x" is no base address: it has a query or a fragment. '
            "End it before the '?' or '#'.",
            '[env.x] instances[3]: "http://:" names no host and port. Write it as "https://host:port".',
            '[env.x] instances[1]: the instance "http://a" is listed 2 times. List it once.',
            "[health] endpoints[0].method: POST may change something, and this environment is protected. "
            "Use GET, HEAD, OPTIONS, or set protected = false in [env.x].",
            '[health] endpoints[1].body: `body` is sent with GET, which has none. Add method = "POST", or take it out.',
        ],
    ),
    "unknown key of an endpoint": (
        f"{MINIMAL}[health]\nendpoints = [{{ path = '/a', staus = 200 }}]\n",
        [
            "[health] endpoints[0].staus: unknown key 'staus'. Known: path, status, json, schema, content-type, accept, "
            "within, max-body, method, body, headers. "
            "Did you mean 'status'? Rename it or take it out."
        ],
    ),
    "bare numbers": (
        f"{MINIMAL}redis.url = 'redis://h'\n[health]\nendpoints = [{{ path = '/a', within = 2 }}]\nwithin = 500\n"
        "every = '5'\n[redis]\nmax-memory = 0.9\nmin-hit-rate = 70\n",
        [
            f'[health] endpoints[0].within: 2 has no unit; expected {DURATION}. Write "2s".',
            f'[health] within: 500 has no unit; expected {DURATION}. Write "500ms".',
            f'[health] every: "5" has no unit; expected {DURATION}. Write "5s".',
            '[redis] max-memory: 0.9 has no unit; expected a ratio, such as "1%" or "99.9%". Write "90%".',
            '[redis] min-hit-rate: 70 has no unit; expected a ratio, such as "1%" or "99.9%". Write "70%".',
        ],
    ),
    "unknown unit": (
        f"{MINIMAL}[policy]\ndeadline = '15 minutes'\n",
        [f'[policy] deadline: found "15 minutes", expected {DURATION}. Write a number and its unit.'],
    ),
    "limits that nothing keeps or trips": (
        f"{MINIMAL}redis.url = 'redis://h'\n[health]\nendpoints = ['/a']\nwithin = '0s'\nevery = '0s'\n"
        "[redis]\nmax-memory = '150%'\n",
        [
            '[health] within: "0s" is zero, and nothing can keep such a limit. Write a duration above zero.',
            '[redis] max-memory: "150%" is more than the whole, and could never trip. Write a ratio of at most 100%.',
        ],
    ),
    "wrong types": (
        f"{MINIMAL}protected = 'no'\n[health]\nendpoints = '/a'\nsamples = 'five'\nattempts = 5.0\nversion = 1\n",
        [
            '[env.x] protected: found "no", expected true or false. Write true or false, without quotes.',
            '[health] endpoints: found text, expected a list. Write it as a list: ["..."].',
            '[health] samples: found "five", expected a whole number. Write it as a whole number, without quotes.',
            "[health] attempts: found 5.0, expected a whole number. Write it as a whole number, without quotes.",
            "[health] version: found a number, expected a table. Write it as a table: { key = ... }.",
        ],
    ),
    "out of bounds": (
        f"{MINIMAL}[health]\nendpoints = [{{ path = '/a', status = 700 }}]\nsamples = 0\n",
        [
            "[health] endpoints[0].status: found 700, expected at most 599. Write a number of at most 599.",
            "[health] samples: found 0, expected at least 1. Write a number of at least 1.",
        ],
    ),
    "endpoints": (
        f"{MINIMAL}[health]\nendpoints = ['https://me:pw@h/ready?a=1', '//h/y', 'health', '/a b', 3, {{ status = 200 }}]\n",
        [
            f'[health] endpoints[0]: found "https://***@h/ready?a=1", expected {PATH}. '
            "Write only the path, /health; the host comes from the environment's url.",
            f'[health] endpoints[1]: found "//h/y", expected {PATH}. '
            "Write only the path, /y; the host comes from the environment's url.",
            f'[health] endpoints[2]: found "health", expected {PATH}. Write "/health".',
            f'[health] endpoints[3]: found "/a b", expected {PATH}. Write {PATH}.',
            f"[health] endpoints[4]: found a number, expected {PATH} or a table. Write {PATH} or a table.",
            "[health] endpoints[5].path: 'path' is missing and has no default. Add path = ... to this table.",
        ],
    ),
    "repeated": (
        f"{MINIMAL}database.url = 'postgresql://h/n'\n[policy]\nrequired = ['health', 'redis', 'health']\n"
        "[health]\nendpoints = ['/a', '/b', { path = '/a' }, '/a']\n[database]\ntables = ['t', 't']\n",
        [
            '[health] endpoints[2].path: the endpoint "/a" is listed 3 times. List it once.',
            '[policy] required[2]: the gate "health" is listed 2 times. List it once.',
            '[database] tables[1]: the table "t" is listed 2 times. List it once.',
        ],
    ),
    "empty lists": (
        f"{MINIMAL}[policy]\nrequired = []\nadvisory = []\n[health]\nendpoints = []\n",
        [
            "[policy] required: the list is empty, so nothing would be looked at. Name at least one, or take the key out.",
            "[policy] advisory: the list is empty, so nothing would be looked at. Name at least one, or take the key out.",
            "[health] endpoints: the list is empty, so nothing would be looked at. Name at least one, or take the key out.",
        ],
    ),
    "kinds": (
        f"{SERVICE}[env.x]\nkind = 'liv'\nfoo = 1\n[env.y]\nurl = 'https://h'\n[env.z]\nkind = 3\n",
        [
            "[env.x] kind: the kind \"liv\" is not known. Known: embedded, containers, live. Did you mean 'live'? "
            "Write one of these.",
            "[env.x] foo: unknown key 'foo'. Known: kind, service, prepare, ready, ready-within, "
            f"{GATES}, postgres, image, container-port, url, instances, headers, protected. Rename it or take it out.",
            "[env.y] kind: 'kind' is missing and has no default. Known: embedded, containers, live. "
            'Add kind = "live", or another of these.',
            "[env.z] kind: a number is no kind. Known: embedded, containers, live. Write one of these.",
        ],
    ),
    "key of another kind": (
        f"{LOCAL}url = 'https://h'\n",
        ["[env.x] url: 'url' belongs to an environment of kind 'live', and this one is 'embedded'. Take it out."],
    ),
    "tables of other environments": (
        f"{MINIMAL}[env.y]\nkind = 'live'\nurl = '${{Y}}'\n[env.y.health]\nwithin = 5\n",
        [f'[env.y.health] within: 5 has no unit; expected {DURATION}. Write "5s".'],
    ),
    "environment as a folder's name": (
        f"{MINIMAL}[env.'../y']\nkind = 'embedded'\n",
        ['[env."../y"]: "../y" is no environment name. Use letters, digits and \'-\'.'],
    ),
    "names in the policy": (
        f"{MINIMAL}[policy]\nrequired = ['helth']\nadvisory = ['helth/x', 'health', '*/connects', 'tls/*']\n",
        [
            f"[policy] required[0]: the gate \"helth\" is not known. Known: {GATES}. Did you mean 'health'? "
            "Rename it or take it out.",
            f'[policy] advisory[0]: "helth/x" means no check, because its gate is not known. Known: {GATES}. '
            "Did you mean 'health'? Rename it or take it out.",
            '[policy] advisory[1]: "health" is a gate, and a check\'s id or a pattern of ids is expected. '
            "Write `gate/*` for all its checks, or name one, as `gate/name`.",
        ],
    ),
    "a faulty key beside names that are not known": (
        f"{MINIMAL}[policy]\nflaky-passes = -1\nrequired = ['helth']\nadvisory = ['helth/*']\n",
        [
            "[policy] flaky-passes: found a number, expected at least 0. Write a number of at least 0.",
            f"[policy] required[0]: the gate \"helth\" is not known. Known: {GATES}. Did you mean 'health'? "
            "Rename it or take it out.",
            f'[policy] advisory[0]: "helth/*" means no check, because its gate is not known. Known: {GATES}. '
            "Did you mean 'health'? Rename it or take it out.",
        ],
    ),
    "a table that lacks a key, in an environment that lacks an address": (
        f"{LOCAL}[health]\n[env.x.redis]\nmax-memory = 3\n",
        [
            '[env.x.redis] max-memory: 3 has no unit; expected a ratio, such as "1%" or "99.9%". Write "3%".',
            "[health] endpoints: 'endpoints' is missing and has no default. Add endpoints = ... to this table.",
            "[env.x]: [health] needs the address of the service, and this environment gives none. "
            'Add service = ["uvicorn", "service:app", "--port", "{port}"] to [env.x].',
        ],
    ),
    "one bracket for a table of which there may be several": (
        f"{MINIMAL}[waiver]\ncheck = 'health/x'\n{ROLLOUT.removeprefix(MINIMAL)}[rollout.metric]\nname = 'errors'\n",
        [
            "[waiver]: found a table, expected a list. Write [[waiver]], with two brackets on each side: "
            "there may be several.",
            "[rollout] metric: found a table, expected a list. Write [[rollout.metric]], with two brackets on each side: "
            "there may be several.",
        ],
    ),
    "numbers that are none": (
        f"{MINIMAL}[health]\nendpoints = ['/a']\nwithin = inf\nevery = nan\n",
        [
            f"[health] within: found inf, expected {DURATION}. Write a number and its unit.",
            f"[health] every: found nan, expected {DURATION}. Write a number and its unit.",
        ],
    ),
    "blank texts": (
        f"{MINIMAL.replace('shop', ' ', 1)}[[waiver]]\ncheck = 'redis/ping'\nreason = ' '\nowner = '  '\nexpires = 2026-12-31\n"
        "match = ''\n[[waiver]]\ncheck = 'redis/ping'\nreason = 'r'\nowner = 'o'\nexpires = 2026-12-31\nmatch = ' '\n",
        [
            "[service] name: the text is blank. Write it, or take the key out.",
            "[waiver[0]] reason: the text is blank. Write it, or take the key out.",
            "[waiver[0]] owner: the text is blank. Write it, or take the key out.",
            "[waiver[0]] match: the text is empty. Write it, or take the key out.",
            "[waiver[1]] match: the text is blank. Write it, or take the key out.",
        ],
    ),
    "waivers": (
        f"{MINIMAL}[[waiver]]\ncheck = 'redsi/ping'\nreason = 'r'\nowner = 'o'\nexpires = 2026-12-31\nenv = ['y', 'x']\n"
        "[[waiver]]\ncheck = 'redis/ping'\nreason = ''\nexpires = '31.12.2026'\n"
        "[[waiver]]\ncheck = 'redis/ping'\nreason = 'r'\nowner = 'o'\nexpires = 2026-12-31T00:00:00Z\n",
        [
            "[waiver[1]] reason: the text is empty. Write it, or take the key out.",
            '[waiver[1]] expires: found "31.12.2026", expected a date, such as 2026-12-31. '
            "Write a date, such as 2026-12-31.",
            "[waiver[1]] owner: 'owner' is missing and has no default. Add owner = ... to this table.",
            '[waiver[2]] expires: found "2026-12-31T00:00:00+00:00", expected a date, such as 2026-12-31. '
            "Write a date, such as 2026-12-31.",
            f'[waiver[0]] check: "redsi/ping" means no check, because its gate is not known. Known: {GATES}. '
            "Did you mean 'redis'? Rename it or take it out.",
            '[waiver[0]] env[0]: the environment "y" is not defined. Known: x. Rename it or take it out.',
        ],
    ),
    "address of a live environment": (
        f"{SERVICE}[env.x]\nkind = 'live'\nurl = 'ftp://me:secret99@h'\ndatabase = 'postgresql://me:secret99@h'\n",
        [
            '[env.x] url: found "ftp://***@h", expected an address that starts with http:// or https://. '
            "Write an address that starts with http:// or https://.",
            '[env.x] database: found text, expected a table. Write database.url = "...".',
        ],
    ),
    "address that is no base": (
        MINIMAL.replace("https://shop.example", "https://shop.example/a?b=c"),
        [
            '[env.x] url: "https://shop.example/a?b=c" is no base address: it has a query or a fragment. '
            "End it before the '?' or '#'."
        ],
    ),
    "address of the wrong thing": (
        f"{MINIMAL}database.url = 'mysql://h'\nredis.url = 'http://h'\n",
        [
            "[env.x.database] url: the address has a scheme that the gate cannot use. "
            'Write it as "postgresql://user:password@host:5432/name".',
            "[env.x.redis] url: the address has a scheme that the gate cannot use. "
            'Write it as "redis://:password@host:6379/0", or begin it with rediss:// for TLS, unix://, '
            "redis+sentinel:// or redis+cluster://.",
        ],
    ),
    "no address, live": (
        f"{SERVICE}[env.x]\nkind = 'live'\n[health]\nendpoints = ['/a']\n[database]\n[redis]\n[flags]\n",
        [
            "[env.x]: [health] needs the address of the service, and this environment gives none. "
            'Add url = "https://..." to [env.x].',
            "[env.x]: [database] needs the address of the database, and this environment gives none. "
            'Add database.url = "${DATABASE_URL}" to [env.x].',
            "[env.x]: [redis] needs the address of Redis, and this environment gives none. "
            'Add redis.url = "${REDIS_URL}" to [env.x].',
            "[env.x]: [flags] needs the address of the service, and this environment gives none. "
            'Add url = "https://..." to [env.x].',
        ],
    ),
    "no service, embedded": (
        f"{LOCAL}[health]\nendpoints = ['/a']\n[database]\n[flags]\nsource = 'file'\nfile = 'f.json'\n",
        [
            "[env.x]: [health] needs the address of the service, and this environment gives none. "
            'Add service = ["uvicorn", "service:app", "--port", "{port}"] to [env.x].'
        ],
    ),
    "containers": (
        f"{SERVICE}[env.x]\nkind = 'containers'\nimage = 'shop:1'\nservice = ['a']\n[env.y]\nkind = 'containers'\n",
        [
            "[env.x] image: the service is given twice: as `image` and as `service`. Take one of them out.",
            "[env.x] image: `image` needs the port it listens on. Add container-port = 8000.",
        ],
    ),
    "headers": (
        f'{MINIMAL}headers = {{ "X Y" = "a", Authorization = ["Bearer abcdef"] }}\n',
        [
            '[env.x.headers] "X Y": "X Y" is no header name. Use letters, digits and \'-\'.',
            "[env.x.headers] Authorization: found a list, expected text in quotes. Put it in double quotes.",
        ],
    ),
    "headers with line breaks": (
        f'{MINIMAL}headers = {{ Authorization = "Bearer abcdef\\r\\nX: y" }}\n',
        [
            "[env.x.headers] Authorization: the text holds a line break, which no header can. "
            "Take the line break out; a variable that was read from a file often ends in one."
        ],
    ),
    "headers as one text": (
        f'{MINIMAL}headers = "Authorization: Bearer abcdef"\n',
        ["[env.x] headers: found text, expected a table. Write it as a table: { key = ... }."],
    ),
    "references": (
        f"{MINIMAL}headers = {{ A = '${{A}} ${{A}}', B = '${{B', C = '${{C:-x}}', D = '$${{lit}}' }}\n",
        [
            "[env.x.headers] A: the environment variable A is not set, and its value is needed here. export A=...",
            "[env.x.headers] B: a reference that starts with '${' does not end. "
            "Write ${NAME}, or $${ for the text ${ itself.",
            "[env.x.headers] C: '${C:-x}' names no environment variable: a name has letters, digits and '_', and "
            "there are no defaults. Write ${NAME}, or $${ for the text ${ itself.",
        ],
    ),
    "missing tables": (
        "[env.x]\nkind = 'embedded'\n",
        ["[service]: the table 'service' is missing. Add [service] with name = \"...\"."],
    ),
    "flags of a file": (
        f"{MINIMAL}[flags]\nsource = 'file'\n",
        ['[flags] file: the source is a file, and none is named. Add file = "feature_flags/flags.json".'],
    ),
    "values of flags": (
        f"{MINIMAL}[flags]\nrequired = ['checkout']\npercentages = {{ checkout = '101%' }}\nsample-users = 1000000\n",
        [
            '[flags] percentages.checkout: "101%" is more than the whole, and could never trip. '
            "Write a ratio of at most 100%.",
            "[flags] sample-users: found 1000000, expected at most 100000. Write a number of at most 100000.",
        ],
    ),
    "flags": (
        f"{MINIMAL}[flags]\nflag = '/flags'\nevaluate = '/evaluate'\nheaders = {{ Authorization = 'abcdef' }}\n"
        "required = ['checkout']\npercentages = { chekout = '10%' }\n",
        [
            "[flags] flag: the path has no {flag}, so that all flags would be one. Write {flag} where the flag's name goes.",
            "[flags] evaluate: the path has no {flag}, so that all flags would be one. "
            "Write {flag} where the flag's name goes.",
            "[flags] headers: they are sent to `url` of this table, which is not given. "
            "Add url, or move them to the environment's headers.",
            "[flags] percentages.chekout: the flag 'chekout' is not in required. Known: checkout. "
            "Did you mean 'checkout'? Rename it, or add it to required.",
        ],
    ),
    "rollout": (
        ROLLOUT.replace('"10%", "100%"', '"50%", "10%"').replace("prometheus =", "scrape = ['http://a']\nprometheus =")
        + COUNTED
        + "promote-below = '10%'\nrollback-above = '1%'\n"
        + "[[rollout.metric]]\nname = 'errors'\ntotal = 'a'\nhistogram = 'h'\n"
        + "rollback-slower-than = { edge = '5s', below = '5%' }\n"
        + "[[rollout.metric]]\nname = 'latency'\nhistogram = 'h'\n",
        [
            "[rollout] prometheus: the samples come from `prometheus` or from `scrape`, and exactly one of them is "
            'needed. Keep one, such as prometheus = "http://prometheus:9090".',
            '[rollout] stages: the stages do not rise. Write them in order, such as ["10%", "50%", "100%"].',
            '[rollout] metric[1].name: the metric "errors" is listed 2 times. List it once.',
            "[rollout] metric[0].promote-below: promotes below 10%, above where it rolls back (1%). "
            "Set promote-below to at most rollback-above.",
            "[rollout] metric[1]: a metric is counted by `total` and `bad`, or by a `histogram`: exactly one of the "
            "two is needed. Give both counters, or the histogram.",
            '[rollout] metric[1].rollback-slower-than: `above` is missing. Write { edge = "5s", above = "5%" }.',
            '[rollout] metric[2]: no limit is set, so this metric could decide nothing. Add promote-below = "1%".',
        ],
    ),
    "rollout that can decide nothing": (
        ROLLOUT.replace("baseline = 'track=\"stable\"'", 'baseline = "track=\\"canary\\""')
        .replace('observe = "30m"', 'observe = "10s"\nfalse-rollbacks = "0%"\ntls = { key = "client.key" }')
        .replace('stages = ["10%", "100%"]', 'stages = ["0%", "100%"]')
        + "[[rollout.metric]]\nname = 'data'\ntotal = 'a'\nbad = 'b'\nrollback-above = '100%'\nrollback-for = '5s'\n",
        [
            "[rollout] tls.key: a key without a certificate says nobody who asks. Add cert.",
            "[rollout] tls: certificates are for https, and an address begins with http:. Write https:, or take it out.",
            "[rollout] stages[0]: a canary without any traffic cannot be judged. Begin with a share above 0%.",
            "[rollout] baseline: it is the same as the canary, which would be compared with itself. Name its own labels.",
            "[rollout] observe: it ends after 10s, before the second scrape, which comes after 15s. "
            "Observe for longer; promotion needs 5 minutes and 10 scrapes, look-back included.",
            '[rollout] false-rollbacks: 0% is no error rate. Use "1%", at most "50%".',
            "[rollout] metric[0].name: rollout/data is another check of this gate. Rename the metric.",
            "[rollout] metric[0].rollback-above: 100% can never be shown, or never be broken. "
            "Use a share above 0% and below 100%.",
            "[rollout] metric[0].rollback-for: 5s holds fewer than 3 scrapes, which come every 15s, and the worst two do not "
            "count. Make it several times as long.",
            "[rollout] metric: no metric says what promotes: without positive evidence no stage could ever pass. "
            'Add promote-below = "1%" to one of them.',
            '[rollout] tls.key: "client.key" does not exist in the configuration\'s folder. '
            "Create it, or mend the path; it starts from that folder.",
        ],
    ),
    "rollout whose decision does not count": (
        ROLLOUT
        + COUNTED
        + "promote-below = '1%'\nrollback-above = '10%'\nrollback-for = '2h'\n"
        + "[policy]\nadvisory = ['rollout/errors', 'rollout/*']\n"
        + "[[waiver]]\ncheck = 'rollout/decision'\nreason = 'r'\nowner = 'o'\nexpires = 2999-12-31\n",
        [
            "[rollout] metric[0].rollback-for: 2h is longer than the observation (30m), so that the limit could never be "
            "broken. Observe for longer, look-back included, or make it shorter.",
            '[waiver[0]] check: "rollout/decision" covers rollout/decision, and GO would no longer mean that the '
            "stage is promoted. Name what may fail, such as rollout/latency; a rollout that is not judged needs no --stage.",
            '[policy] advisory[1]: "rollout/*" covers rollout/decision, and GO would no longer mean that the stage is '
            "promoted. Name what may fail, such as rollout/latency; a rollout that is not judged needs no --stage.",
        ],
    ),
    "rollout with selectors that are none": (
        ROLLOUT.replace("canary = 'track=\"canary\"'", "canary = 'track=canary'").replace(
            'prometheus = "http://prometheus.example"',
            "scrape = ['http://a/metrics', { url = 'http://b/metrics', labels = { track = 'stable' } }]\n"
            "alerts = 'ALERTS > 0'\nevery = '100ms'",
        )
        + "[[rollout.metric]]\nname = 'errors'\ntotal = 'rate(a[5m])'\nbad = 'b{'\n"
        + "promote-slower-than = { edge = '2s', below = '5%' }\n"
        + "[[rollout.metric]]\nname = 'latency'\nhistogram = 'h_bucket'\npromote-below = '1%'\n"
        + "promote-slower-than = { edge = '5s', below = '9%' }\nrollback-slower-than = { edge = '2s', above = '5%' }\n",
        [
            "[rollout] alerts: it is asked of a Prometheus, and this rollout has none. Take it out.",
            '[rollout] every: scrapes every 100ms are a load, not an observation. Use at least "1s".',
            "[rollout] metric[0].promote-slower-than: this limit is for a histogram, which this metric is not. "
            "Use promote-below.",
            "[rollout] metric[1].promote-below: this limit is for two counters, which this metric is not. "
            "Use promote-slower-than.",
            "[rollout] metric[1].promote-slower-than.edge: promotes by what is slower than 5s, above where it rolls back "
            "(2s). Set its edge to at most that of rollback-slower-than.",
            "[rollout] metric[1].promote-slower-than.below: promotes below 9%, above where it rolls back (5%). "
            "Set it to at most `above` of rollback-slower-than.",
            "[rollout] canary: 'track=canary' is no condition on a label: expected label=\"value\". "
            "Write it as Prometheus does.",
            "[rollout] alerts: 'ALERTS > 0' is no selector: expected a counter's name with conditions, such as "
            'http_requests_total{status=~"5.."}, without functions, ranges or operators. Write it as Prometheus does.',
            "[rollout] metric[0].total: 'rate(a[5m])' is no selector: expected a counter's name with conditions, such as "
            'http_requests_total{status=~"5.."}, without functions, ranges or operators. Write it as Prometheus does.',
            "[rollout] metric[0].bad: 'b{' is no selector: expected a counter's name with conditions, such as "
            'http_requests_total{status=~"5.."}, without functions, ranges or operators. Write it as Prometheus does.',
            "[rollout] metric[1].histogram: 'h_bucket' is a part of a histogram: name the histogram itself, 'h'. "
            "Write it as Prometheus does.",
        ],
    ),
    "table given twice": (
        f"{MINIMAL}[env.x.health]\n[env.x.health]\n",
        [
            "top level: line 9, column 14: not TOML: cannot declare [env.x.health] twice. Write each table and each key once."
        ],
    ),
    "no TOML": (
        "[service]\nname = shop\n",
        [
            "top level: line 2, column 8: not TOML: invalid value. "
            "Mend it there; text stands in double quotes, and a table's name in brackets on a line of its own."
        ],
    ),
    "no TOML at the end": (
        "[service",
        [
            "top level: end of the file: not TOML: expected ']' at the end of a table declaration. "
            "Mend it there; text stands in double quotes, and a table's name in brackets on a line of its own."
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_problem_texts(folder: Folder, name: str) -> None:
    """All that is wrong is reported at once: file, table, key, what was found, what was expected, what to do."""
    text, expected = CASES[name]
    assert folder.lines(text) == [f"readiness.toml: {line}" for line in expected]


def test_unknown_environment(folder: Folder) -> None:
    """The known ones are listed, the nearest is suggested, and other problems of the file are told as well."""
    problem, other = folder.problems(f"{MINIMAL}[env.local]\nkind = 'embedded'\n[tls]\n", "locla")
    assert (
        problem.text == "environment 'locla' is not defined in readiness.toml. Known: x, local. Did you mean 'local'?"
    )
    assert problem.remedy == "Pass --env=local, or add a table [env.locla]."
    assert other.table == "tls"


@pytest.mark.parametrize(
    ("environment", "text", "expected"),
    [
        ("zzz", MINIMAL, "[env]: environment 'zzz' is not defined in readiness.toml. Known: x. Pass --env=x, or add"),
        ("", MINIMAL, "[env]: no environment is named. Known: x. Pass --env=NAME."),
        ("x", SERVICE, "[env]: environment 'x' is not defined in readiness.toml. None is. Add a table [env.x]."),
        ("x", f"env = 3\n{SERVICE}", "top level env: environment 'x' is not defined in readiness.toml. None is."),
    ],
)
def test_environment_that_is_not_there(folder: Folder, environment: str, text: str, expected: str) -> None:
    """Whatever is wrong with the name, the message says what can be passed."""
    assert folder.lines(text, environment)[0].startswith(f"readiness.toml: {expected}")


@pytest.mark.parametrize(
    ("line", "key"),
    [("runbook = 'docs/no.md'", "runbook"), ("checks = ['no']", "checks[0]"), ("runbook = '\\u0000'", "runbook")],
)
def test_files_of_the_service_exist(folder: Folder, line: str, key: str) -> None:
    """A path that leads nowhere is found before the run."""
    (problem,) = folder.problems(MINIMAL.replace('name = "shop"', f'name = "shop"\n{line}'.replace("'", '"')))
    assert (problem.table, problem.key) == ("service", key)
    assert "does not exist in the configuration's folder" in problem.text


def test_address_of_a_runbook_is_no_path(folder: Folder) -> None:
    """A runbook may be on the web."""
    assert folder.load(MINIMAL.replace('name = "shop"', 'name = "shop"\nrunbook = "https://wiki.example/shop"'))


def test_schemas_are_read(folder: Folder) -> None:
    """A schema that is missing, no JSON or no schema could judge nothing."""
    for name, text in {"bad.json": '{\n"a": }', "no-schema.json": '{"type": "strin"}', "list.json": "[]"}.items():
        folder.write(text, name)
    (folder.path / "latin.json").write_bytes(b'{"title": "\xe4"}')
    names = ["no.json", "bad.json", "no-schema.json", "list.json", "latin.json", "."]
    endpoints = ", ".join(f"{{ path = '/{name}', schema = '{name}' }}" for name in names)
    assert [problem.text for problem in folder.problems(f"{MINIMAL}[health]\nendpoints = [{endpoints}]\n")] == [
        '"no.json" does not exist in the configuration\'s folder.',
        '"bad.json" is not JSON at line 2, column 6.',
        "\"no-schema.json\" is no JSON Schema: $.type: 'strin' is not valid under any of the given schemas.",
        '"list.json" is no JSON Schema: a JSON Schema is an object.',
        '"latin.json" is not UTF-8.',
        '"." cannot be read: Is a directory.',
    ]


def test_migrations_exist(folder: Folder) -> None:
    """The folder of the migrations is looked for."""
    text = f"{LOCAL}[database]\nmigrations = {{ tool = 'alembic', path = 'migrations' }}\n"
    (problem,) = folder.problems(text)
    assert (problem.table, problem.key) == ("database", "migrations.path")
    (folder.path / "migrations").mkdir()
    assert folder.load(text)


@pytest.mark.parametrize(
    ("line", "value", "expected"),
    [
        ("url = '${V}'", "ftp://me:hunter2@h", "${V} does not fit here; expected an address that starts with http"),
        ("[health]\nendpoints = ['${V}']", "hunter2/health", f"${{V}} does not fit here; expected {PATH}"),
        (
            "[env.x.health]\nendpoints = ['/a']\nwithin = '${V}'",
            "hunter2",
            "${V} does not fit here; expected a duration",
        ),
        ("[policy]\ndeadline = '${V}'", "0000s", "the value of ${V} does not fit here; expected a duration"),
        ("[health]\nendpoints = ['/a']\nsamples = '${V}'", "hunter2", 'found "${V}", expected a whole number'),
        ("[flags]\nsource = '${V}'", "hunter2", "does not fit here; expected one of file, http, ofrep, unleash"),
        ("[policy]\nrequired = ['${V}']", "hunter2", "the gate the value of ${V} is not known"),
        ("[[waiver]]\ncheck = '${V}'\nreason = 'r'\nowner = 'o'\nexpires = 2026-12-31", "hunter2/x", "means no check"),
        ("headers.A = '${V}'", "hunter2\n", "the value of ${V} holds a line break"),
        ("redis.url = '${V}'", "mysql://:hunter2@h", "a scheme that the gate cannot use"),
        (
            "[health]\nendpoints = [{ path = '/a', schema = '${V}' }]",
            "hunter2.json",
            "the value of ${V} does not exist",
        ),
    ],
)
def test_no_problem_shows_a_secret(folder: Folder, line: str, value: str, expected: str) -> None:
    """A value that came through a variable is called by the variable's name, whatever is wrong with it."""
    text = MINIMAL.replace("url = ", "protected = true #") if line.startswith("url") else MINIMAL
    lines = folder.lines(f"{text}{line}\n", environ={"V": value})
    assert expected in lines[0]
    assert not any("hunter2" in each for each in lines)


@settings(deadline=None, max_examples=40)  # each example loads a configuration
@given(
    secret=st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=6, max_size=60).filter(
        lambda text: len(text.strip()) >= 6
    )
)
def test_no_problem_shows_any_secret(tmp_path_factory: pytest.TempPathFactory, secret: str) -> None:
    """Every place that a variable can stand in, with every value that is wrong there."""
    folder = Folder(tmp_path_factory.mktemp("any"), redactor=Redactor())
    text = (
        f"{MINIMAL}headers.A = '${{V}}'\ndatabase.url = '${{V}}'\n[policy]\nrequired = ['${{V}}']\ndeadline = '${{V}}'\n"
        "[health]\nendpoints = ['${V}', { path = '/a', schema = '${V}' }]\nevery = '${V}'\n[flags]\nsource = '${V}'\n"
    )
    shown = "\n".join(folder.lines(text, environ={"V": secret}))
    probe = Redactor()
    probe.add("V", secret)
    if "${V} is a word" not in shown:
        assert probe.find(shown) == []


@pytest.mark.parametrize("value", ["abc", "1.0", "  a  "])
def test_short_value_is_refused(folder: Folder, value: str) -> None:
    """What is too short cannot be kept out of reports, and is no secret either."""
    assert folder.lines(f"{MINIMAL}headers.A = 'Bearer ${{V}}'\n", environ={"V": value})[0].endswith(
        "${V} has fewer than 4 characters and cannot be kept out of reports. "
        "Write the value itself here if it is no secret, else choose a longer one of its own."
    )


@pytest.mark.parametrize(
    "value",
    [
        "health",
        "passed",
        "unmeasured",
        "decision",
        "shop",
        "shop.example",
        "https://shop.example",
        "health/endpoint",
        "postgres",
    ],
)
def test_value_that_every_report_contains_is_refused(folder: Folder, value: str) -> None:
    """A secret that is a gate, an outcome, a check or text of the configuration would be in every report."""
    text = f"{MINIMAL}headers.A = '${{V}}'\n[health]\nendpoints = ['/status']\n"
    assert folder.lines(text, environ={"V": value}) == [
        "readiness.toml: [env.x.headers] A: the value of ${V} is a word that reports hold anyway, so it cannot be kept "
        "out of them. Write the value itself here if it is no secret, else choose a longer one of its own."
    ]
    assert folder.redactor.names == ()


def test_empty_variable_is_missing(folder: Folder) -> None:
    """A variable that is set to nothing would silently weaken a check."""
    (line,) = folder.lines(f"{MINIMAL}headers.A = '${{V}}'\n", environ={"V": " "})
    assert line.endswith("the environment variable V is set but empty, and its value is needed here. export V=...")
