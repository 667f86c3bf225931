"""Ways to break what security-scan/secrets looks at: credentials in the repository."""

from __future__ import annotations

import datetime as dt

from readiness.config.baseline import Entry, Key, render
from readiness.static.fingerprint import fingerprint, hashed
from readiness.static.secrets.analyser import SecretsAnalyser
from readiness.static.source import Source
from tests.faults.entry import Fault, failed, unmeasured
from tests.faults.repository import CODE, SETTINGS, holding, told
from tests.static.secrets.drawing import drawn

SECRETS = "security-scan/secrets"
TOKEN = drawn('TOKEN = "ghp_{b62:36}"\n', "fault")
_PATH = "shop/prices.py"
_BASELINE = {"security-scan.secrets.baseline": "shop/known.json"}


def known(**details: object) -> str:
    """Returns a baseline that knows the token, with these details."""
    (hit,) = SecretsAnalyser().analyse(Source(_PATH, TOKEN.encode())).hits
    key = Key(_PATH, "security-scan", hit.rule, fingerprint(hit.rule, _PATH, hashed(hit.anchor)))
    return render([Entry(key, **details)]).decode()  # type: ignore[arg-type] # fields of an entry


FAULTS: tuple[Fault, ...] = (
    failed(SECRETS, "token", holding({"prices.py": CODE + TOKEN}), "shop/prices.py:3:10: A GitHub token. Its hash is "),
    failed(
        SECRETS,
        "password in a connection string",
        holding({"settings/staging.yaml": drawn(SETTINGS + "db: postgresql://shop:{pw}@db.shop.io/shop\n", "fault")}),
        "shop/settings/staging.yaml:5:23: An address of a database or broker with its password. Its hash is ",
    ),
    failed(
        SECRETS,
        "private key",
        holding({"deploy/server.key": drawn("{pem:PRIVATE KEY}\n", "fault")}),
        "shop/deploy/server.key:1:1: A private key. Its hash is ",
    ),
    failed(
        SECRETS,
        "accepted without a reason",
        holding({"prices.py": f"{TOKEN.strip()}  # readiness: allow security-scan/github-token\n"}),
        "gives no reason, so it does not count",
    ),
    failed(
        SECRETS,
        "known, but expired",
        holding(
            {"prices.py": TOKEN, "known.json": known(owner="a@shop.io", reason="old", expires=dt.date(2025, 1, 31))},
            _BASELINE,
        ),
        "its baseline entry was valid until 2025-01-31",
    ),
    failed(
        SECRETS,
        "known, but nobody's",
        holding({"prices.py": TOKEN, "known.json": known()}, _BASELINE),
        "its baseline entry needs an owner, a reason and a last day",
    ),
    unmeasured(
        SECRETS,
        "pattern without files",
        told(security_scan__secrets__paths=["shop", "shop/*.pem"]),
        "no file was found for 'shop/*.pem'",
    ),
)
