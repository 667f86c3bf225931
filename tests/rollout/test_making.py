"""From the configuration to a reader: headers, certificates, addresses, and what the judge is told."""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trustme

from readiness.config.rollout_tables import Rollout
from readiness.errors import NotMeasured
from readiness.probes.http import HttpProbe
from readiness.redact import Secret
from readiness.rollout.interface import Arm
from readiness.rollout.making import digest_of, limits_of, reader_of
from readiness.rollout.source import Http, arms_of, rollout_spec_of, spec_of, wanted_of
from readiness.rollout.spec import PromotionMode
from tests.probes import peers

COUNTED = {"name": "errors", "total": "a_total", "bad": "b_total", "promote-below": "1%", "rollback-above": "10%"}
SLOW = {
    "name": "latency",
    "histogram": "took_ms",
    "unit": "ms",
    "promote-slower-than": {"edge": "2s", "below": "5%"},
    "weight": 2.0,
}


def table(**keys: Any) -> Rollout:
    """Returns a table as it is loaded."""

    def hook(kind: type, value: Any) -> Any:
        return Secret(value) if kind is Secret else kind.parse(value)  # type: ignore[attr-defined] # a Quantity

    known = {
        "metric": [COUNTED, SLOW],
        "stages": ["10%", "50%", "100%"],
        "canary": 'track="canary"',
        "baseline": 'track="stable"',
        "observe": "30m",
        "prometheus": "http://prometheus:9090",
    }
    given = {**known, **{key.replace("_", "-"): value for key, value in keys.items()}}
    return msgspec.convert({key: value for key, value in given.items() if value is not None}, Rollout, dec_hook=hook)


def probing(address: str, headers: Any, tls: ssl.SSLContext | None) -> Http:
    """Returns what asks an address."""
    return HttpProbe(address, headers, budget=lambda: 30.0, timeout_s=5.0, tls=tls)


def test_the_judge_is_told_what_the_table_says() -> None:
    """Limits, stages, times and weights."""
    spec = spec_of(table(every="30s", mode="point", look_back="5m", rollback_on_shared=True), 0.1)
    assert [each.name for each in spec.metrics] == ["errors", "latency"]
    assert (spec.metrics[0].promote_below, spec.metrics[0].rollback_above) == (0.01, 0.1)
    assert (spec.metrics[1].promote_below, spec.metrics[1].rollback_above) == (0.05, None)
    assert (spec.metrics[1].weight, spec.metrics[0].rollback_for_s) == (2.0, 300.0)
    assert (spec.interval_s, spec.stage_s, spec.mode) == (30.0, 2100.0, PromotionMode.POINT)
    assert spec.rollback_on_shared
    assert spec.has_baseline
    assert spec.alpha == rollout_spec_of(table()).of_stage(0.1).alpha < rollout_spec_of(table()).alpha == 0.01


def test_a_baseline_may_be_absent() -> None:
    """Where none is named, and at the end where that was said to be all right."""
    alone = table(baseline=None, without_baseline="50%")
    assert list(arms_of(alone)) == [Arm.CANARY]
    assert not spec_of(alone, 0.1).has_baseline
    assert spec_of(alone, 0.1).without_baseline == 0.5
    assert spec_of(table(), 1.0).has_baseline
    assert not spec_of(table(without_baseline="100%"), 1.0).has_baseline
    assert spec_of(table(without_baseline="100%"), 0.5).has_baseline


def test_edges_are_in_the_unit_of_the_histogram() -> None:
    """A limit is written as a duration."""
    _, latency = wanted_of(table())
    assert (latency.promote_edge, latency.rollback_edge) == (2000.0, None)


def test_limits_are_in_the_report() -> None:
    """As shares, with the edges as they were written."""
    errors, latency = limits_of(table()).values()
    assert errors == {"kind": "bad", "promote_below": 0.01, "rollback_above": 0.1}
    assert latency["promote_edge"] == "2s"
    json.dumps([errors, latency])


def test_configurations_are_told_apart_without_their_secrets() -> None:
    """Other selectors, arms or limits are another rollout; another token or a longer time is not."""
    same = digest_of(table())
    assert digest_of(table(headers={"Authorization": "x"}, observe="1h")) == same
    assert digest_of(table(prometheus="http://me:pass@prometheus:9090")) == same
    assert digest_of(table(prometheus="http://other:9090")) != same
    assert digest_of(table(canary='track="b"')) != same
    assert digest_of(table(metric=[{**COUNTED, "bad": "c_total"}])) != same


def test_prometheus_is_asked_under_its_prefix_with_its_headers() -> None:
    """Credentials in its address count as well."""
    vector = json.dumps({"status": "success", "data": {"result": [{"metric": {}, "value": [1, "1"]}]}}).encode()
    with peers.answering(lambda *_: peers.response(vector, "Content-Type: application/json")) as server:
        address = f"{server.url}/deep/prom/"
        reader = reader_of(
            table(baseline=None, prometheus=address, headers={"X-Scope-OrgID": "shop"}), 0.1, Path(), probing
        )
        reader.look()
        reader.close()
        assert set(server.paths) == {"/deep/prom/api/v1/query"}
        assert server.header("x-scope-orgid") == "shop"
        assert server.header("content-type") == "application/x-www-form-urlencoded"
        assert server.requests[0].endswith(b"query=vector%28time%28%29%29&timeout=10s")


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for the service itself."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with peers.answering() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        reader = reader_of(table(prometheus="http://prometheus.invalid:9090"), 0.1, Path(), probing)
        assert reader.look().unreadable
        reader.close()
        assert list(proxy.paths) == ["http://prometheus.invalid:9090/api/v1/query"]


def test_pods_are_scraped_at_their_own_addresses() -> None:
    """With their path and query; credentials of an address are sent, and not a part of its name."""
    text = b'# TYPE a_total counter\na_total{track="canary"} 1\n'
    with peers.answering(lambda *_: peers.response(text, "Content-Type: text/plain")) as server:
        origin = server.url.replace("http://", "http://me:pass@")
        scrape = [f"{origin}/internal/metrics?format=text"]
        reader = reader_of(table(prometheus=None, scrape=scrape), 0.1, Path(), probing)
        look = reader.look()
        reader.close()
        assert look.unreadable is None
        assert look.canary.up == 1
        assert set(server.paths) == {"/internal/metrics?format=text"}
        assert (server.header("authorization") or "").startswith("Basic ")
        assert (server.header("accept") or "").startswith("application/openmetrics-text")


def test_both_sides_may_want_certificates(tmp_path: Path) -> None:
    """The server is trusted by its own authority, and the client says who it is."""
    authority = trustme.CA()
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server_side)
    authority.configure_trust(server_side)
    server_side.verify_mode = ssl.CERT_REQUIRED
    client = authority.issue_cert("readiness@example.org")
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    client.cert_chain_pems[0].write_to_path(str(tmp_path / "client.pem"))
    client.private_key_pem.write_to_path(str(tmp_path / "client.key"))
    vector = json.dumps({"status": "success", "data": {"result": [{"metric": {}, "value": [1, "1"]}]}}).encode()
    with peers.answering(lambda *_: peers.response(vector), tls=server_side) as server:
        keys = {"ca": "ca.pem", "cert": "client.pem", "key": "client.key"}
        known = reader_of(table(baseline=None, prometheus=server.url, tls=keys), 0.1, tmp_path, probing)
        assert "certificate" not in (known.look().unreadable or "")
        assert server.requests
        stranger = reader_of(table(prometheus=server.url, tls={"ca": "ca.pem"}), 0.1, tmp_path, probing)
        assert stranger.look().unreadable
        known.close()
        stranger.close()


@pytest.mark.parametrize("keys", [{"ca": "broken.pem"}, {"cert": "broken.pem"}, {"ca": "none.pem"}])
def test_certificates_that_cannot_be_read(tmp_path: Path, keys: dict[str, str]) -> None:
    """Nothing is asked with other ones instead."""
    (tmp_path / "broken.pem").write_text("broken")
    with pytest.raises(NotMeasured, match=r"a certificate of \[rollout\] tls cannot be read"):
        reader_of(table(prometheus="https://localhost", tls=keys), 0.1, tmp_path, probing)
