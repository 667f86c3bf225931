"""Documents of known kinds are held against their schemas, and of the others it is said that they were not."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.config.model import Live, Policy, Service, Settings
from readiness.config.static_tables import ConfigLint
from readiness.static.config_lint import ConfigLintAnalyser, make, manifests, store
from readiness.static.config_lint.options import Options
from readiness.static.config_lint.recognise import KINDS
from readiness.static.config_lint.schema import KUBERNETES_RULE, PATTERN_RULE, RULE, UserSchema
from readiness.static.interface import Found, Hit
from readiness.static.source import Source
from tests.static.config_lint.cases import Cases, one

ANALYSER = ConfigLintAnalyser(Options("production", is_production=True), (), "", "test")
VALIDATED = {"validated": 1}


def analysed(path: str, text: str, analyser: ConfigLintAnalyser = ANALYSER) -> Found:
    """Returns all that is found in the file."""
    return analyser.analyse(Source(path, text.encode()))


def found(path: str, text: str, analyser: ConfigLintAnalyser = ANALYSER) -> list[Hit]:
    """Returns what breaks a schema."""
    rules = (RULE, KUBERNETES_RULE)
    return [hit for hit in analysed(path, text, analyser).hits if hit.rule in rules]


def documents(path: str, text: str, analyser: ConfigLintAnalyser = ANALYSER) -> dict[str, int]:
    """Returns what became of the file's documents."""
    facts = analysed(path, text, analyser).facts
    return dict(facts["documents"])


WORKFLOW, COMPOSE, GITLAB = ".github/workflows/ci.yml", "docker-compose.yml", ".gitlab-ci.yml"
JOB = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - {}\n"
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: a}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{a: b}}}}
  template:
    metadata: {{labels: {{a: b}}}}
    spec:
      containers:
      - {container}
"""
FINE = "{name: a, image: 'a:1'}"


def rules_file(rule: str) -> str:
    """Returns a file of Prometheus rules with one rule."""
    return f"groups:\n- name: a\n  rules:\n  - {rule}\n"


def dashboard(**panel: object) -> str:
    """Returns a dashboard with one panel."""
    return json.dumps({"title": "a", "schemaVersion": 39, "uid": "a", "panels": [panel]})


def extension(group: str, kind: str, spec: str) -> str:
    """Returns a custom resource."""
    return f"apiVersion: {group}\nkind: {kind}\nmetadata: {{name: a}}\nspec: {spec}\n"


FLAG = {"enabled": True, "kill_switch": False, "rollout": {"strategy": "full", "percentage": 100, "user_segments": []}}
KINDS_TABLE = {
    "workflow": Cases(
        one(WORKFLOW, JOB.format("{run: x, shel: bash}"), "on: push\njobs: {a: {steps: []}}\n", "on: pushh\njobs: {}\n"),
        one(WORKFLOW, JOB.format("{run: 'x ${{ a }}', shell: bash}"), JOB.format("uses: actions/checkout@v4")),
    ),
    "action": Cases(
        one("action.yml", "name: a\ndescription: a\nruns: {using: composite}\n", "name: a\nruns: {using: node20, main: x}\n"),
        one("action.yml", "name: a\ndescription: a\nruns: {using: node20, main: x}\n", "anything: else\n"),
    ),
    "dependabot": Cases(
        one(".github/dependabot.yml", "version: 2\n", "version: 2\nupdates:\n- {package-ecosystem: pip, directory: /, schedule: {interval: dayly}}\n"),
        one(".github/dependabot.yml", "version: 2\nupdates:\n- {package-ecosystem: pip, directory: /, schedule: {interval: daily}}\n") + one("dependabot.txt", "version: 2"),
    ),
    "compose": Cases(
        one(COMPOSE, "services: {a: {image: x, enviroment: {}}}\n", "services: {a: {image: x, ports: 80}}\n", "a: {image: x}\n")
        + one("stack.yml", "services: {a: {image: x, restart: 3}}\n"),
        one(COMPOSE, "services: {a: {image: x, cpus: '${CPUS}', mem_limit: 1g}}\nx-y: 1\n", "services: {a: {build: .}}\n")
        + one("config/services.yaml", "services: {App\\Mail: {arguments: [1], image_size: 3}}\n"),
    ),
    "gitlab": Cases(
        one(GITLAB, "a: {scrip: x}\n", "a: {script: x, when: never-ever}\n"),
        one(GITLAB, "a: {script: !reference [b, script]}\n", "include: a.yml\na: {script: [x], rules: !reference [b, rules]}\n"),
    ),
    "kubernetes": Cases(
        one("k.yaml", DEPLOYMENT.format(replicas="'3'", container=FINE), DEPLOYMENT.format(replicas=1, container="{name: a, resource: {}}"))
        + one("l.yaml", "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Service, spec: {ports: [{port: x}]}}\n"),
        one("k.yaml", DEPLOYMENT.format(replicas=1, container=FINE), DEPLOYMENT.format(replicas="'${REPLICAS}'", container=FINE)),
    ),
    "cert-manager": Cases(
        one("c.yaml", extension("cert-manager.io/v1", "Certificate", "{secretName: a, issuerRef: {kind: Issuer}}"), extension("cert-manager.io/v1", "Issuer", "{acme: {}, ca: {secretName: x}}")),
        one("c.yaml", extension("cert-manager.io/v1", "Certificate", "{secretName: a, issuerRef: {name: b}, dnsNames: [a]}"), extension("cert-manager.io/v1", "ClusterIssuer", "{selfSigned: {}}")),
    ),
    "prometheus-operator": Cases(
        one("p.yaml", extension("monitoring.coreos.com/v1", "PrometheusRule", "{groups: [{name: a, rules: [{alert: a}]}]}"), extension("monitoring.coreos.com/v1", "ServiceMonitor", "{endpoints: {port: a}, selector: {}}")),
        one("p.yaml", extension("monitoring.coreos.com/v1", "PrometheusRule", "{groups: [{name: a, rules: [{alert: a, expr: up}]}]}"), extension("monitoring.coreos.com/v1", "ServiceMonitor", "{endpoints: [{port: a, interval: 30s}], selector: {}}")),
    ),
    "argo-rollouts": Cases(
        one("r.yaml", extension("argoproj.io/v1alpha1", "Rollout", "{strategy: {canry: {}}, template: {spec: {}}}"), extension("argoproj.io/v1alpha1", "Rollout", "{template: {spec: {}}, strategy: {canary: {steps: [{setWeigth: 5}]}}}")),
        one("r.yaml", extension("argoproj.io/v1alpha1", "Rollout", "{template: {spec: {}}, strategy: {canary: {steps: [{setWeight: 5}, {pause: {duration: 1h}}, {pause: {}}]}}}"), extension("argoproj.io/v1alpha1", "Rollout", "{workloadRef: {apiVersion: a, kind: b, name: c}, strategy: {blueGreen: {activeService: a}}}")),
    ),
    "istio": Cases(
        one("i.yaml", extension("networking.istio.io/v1", "VirtualService", "{hosts: a}"), extension("networking.istio.io/v1", "VirtualService", "{hosts: [a], http: [{route: [{destination: {host: a}, weight: 101}]}]}")),
        one("i.yaml", extension("networking.istio.io/v1", "VirtualService", "{hosts: [a], http: [{route: [{destination: {host: a, subset: v1}, weight: 90}]}]}"), extension("networking.istio.io/v1beta1", "DestinationRule", "{host: a, subsets: [{name: v1}]}")),
    ),
    "prometheus-rules": Cases(
        one("rules.yml", rules_file("{alert: a, expr: up, for: 5 min}"), rules_file("{alert: a, expr: up, lables: {}}"), rules_file("{record: a-b, expr: up}"), rules_file("{record: a, alert: b, expr: up}")),
        one("rules.yml", rules_file("{alert: a, expr: up, for: 1h30m, labels: {severity: page}}"), rules_file("{record: 'a:b', expr: 1}")),
    ),
    "prometheus": Cases(
        one("prometheus.yml", "global: {scrape_intervall: 5s}\nscrape_configs: [{job_name: a}]\n", "scrape_configs:\n- {job_name: a, static_configs: [{target: [a]}]}\n"),
        one("prometheus.yml", "global: {scrape_interval: 5s}\nscrape_configs:\n- {job_name: a, static_configs: [{targets: ['a:1']}], kubernetes_sd_configs: [{role: pod}]}\n")
        + one("promtail.yml", "clients: []\nscrape_configs: [{job_name: a, pipeline_stages: []}]\n"),
    ),
    "alertmanager": Cases(
        one("alertmanager.yml", "route: {receiver: a, group_wait: 5}\nreceivers: [{name: a}]\n", "route: {receiver: a}\nreceivers: [{name: a, slack_config: []}]\n"),
        one("alertmanager.yml", "route: {receiver: a, group_wait: 5s, routes: [{matchers: ['a=b'], receiver: a}]}\nreceivers: [{name: a, slack_configs: [{channel: x}]}]\n", "route: {path: x}\nreceivers: []\n"),
    ),
    "grafana": Cases(
        one("d.json", dashboard(title="a"), dashboard(type="graph", targets=[{"expr": 1}])),
        one("d.json", dashboard(type="graph", targets=[{"expr": "up"}]), '{"panels": [{}]}'),
    ),
    "openapi": Cases(
        one("api.yaml", "openapi: 3.1.0\ninfo: {title: a}\npaths: {}\n", "openapi: 3.0.3\ninfo: {title: a, version: '1'}\npaths: {/a: {get: {responses: {'200': {}}}}}\n")
        + one("api.json", '{"swagger": "2.0", "info": {"title": "a"}, "paths": {}}'),
        one("api.yaml", "openapi: 3.1.0\ninfo: {title: a, version: '1'}\npaths: {}\n", "openapi: 3.0.3\ninfo: {title: a, version: '1'}\npaths: {/a: {get: {responses: {'200': {description: x}}}}}\n")
        + one("api.json", '{"swagger": "2.0", "info": {"title": "a", "version": "1"}, "paths": {}}'),
    ),
    "pyproject": Cases(
        one("pyproject.toml", "[project]\nname = 'a b'\nversion = '1'\n", "[build-system]\nrequires = 'hatchling'\n", "[project]\nname = 'a'\nversion = '1'\ndependencies = ['x >> 1']\n"),
        one("pyproject.toml", "[project]\nname = 'a'\nversion = '1'\ndependencies = ['x>=1']\nclassifiers = ['Private :: No']\n", "[tool.poetry]\nname = 'a'\n"),
    ),
    "alembic": Cases(
        one("alembic.ini", "[alembic]\nscript_location =\n", "[alembic]\nsourceless = maybe\n", "[alembic]\nscript_location = a\n[loggers]\nkeys = root\n"),
        one("alembic.ini", "[alembic]\nscript_location = a\n", "[alembic]\nscript_location = a\n[loggers]\nkeys = a\n[handlers]\nkeys = a\n[formatters]\nkeys = a\n"),
    ),
    "flags": Cases(
        one("feature_flags/flags.json", json.dumps({"flags": {"a": {**FLAG, "enabled": "yes"}}}), json.dumps({"flags": {}})),
        one("feature_flags/flags.json", json.dumps({"flags": {"a": FLAG}}), '{"other": 1}'),
    ),
}  # fmt: skip
VERSIONS = Cases(
    one("k.yaml", "apiVersion: extensions/v1beta1\nkind: Ingress\n", "apiVersion: apps/v1\nkind: Deploymnet\n", "apiVersion: policy/v1beta1\nkind: PodSecurityPolicy\n", "apiVersion: v1\nkind: pod\n"),
    one("k.yaml", "apiVersion: apps/v1\nkind: DaemonSet\n", "apiVersion: example.com/v1\nkind: Deploymnet\n", "apiVersion: networking.istio.io/v1\nkind: Gateway\n"),
)  # fmt: skip


def each(which: str) -> list[object]:
    """Returns the cases of all kinds."""
    return [
        pytest.param(path, text, id=f"{kind}-{number}")
        for kind, cases in KINDS_TABLE.items()
        for number, files in enumerate(getattr(cases, which))
        for path, text in files.items()
    ]


@pytest.mark.parametrize(("path", "text"), each("finds"))
def test_what_breaks_the_schema_is_found(path: str, text: str) -> None:
    """A misspelt key, a wrong type or a missing one is named with its key path and place."""
    hits = found(path, text)
    assert hits
    assert all(hit.text and hit.anchor for hit in hits)
    assert any(hit.line for hit in hits) or path.endswith(".ini")


@pytest.mark.parametrize(("path", "text"), each("passes"))
def test_what_satisfies_the_schema_passes(path: str, text: str) -> None:
    """A correct document breaks nothing; nor does one that only looks like its kind."""
    assert found(path, text) == []


@pytest.mark.parametrize("files", VERSIONS.finds)
def test_versions_that_are_not_served_are_found(files: dict[str, str]) -> None:
    """An object of Kubernetes' own groups exists, or the API server rejects it."""
    ((path, text),) = files.items()
    assert [hit.rule for hit in found(path, text)] == [KUBERNETES_RULE]


@pytest.mark.parametrize("files", VERSIONS.passes)
def test_versions_that_are_served_pass(files: dict[str, str]) -> None:
    """So does what belongs to an extension, of which nobody here knows the kinds."""
    ((path, text),) = files.items()
    assert KUBERNETES_RULE not in [hit.rule for hit in found(path, text)]


def test_every_kind_can_be_validated() -> None:
    """The table of kinds names no schema that does not exist, and none of them needs a network."""
    for kind in {entry.name for entry in KINDS} - {"kubernetes", "openapi"}:
        assert store.validator(kind).is_valid({}) in (True, False)
    for version in ("2.0", "3.0.3", "3.1.0", "3.2.0"):
        assert not store.openapi(version).is_valid({})
    for name in manifests._extensions():
        group, _, kind = name.partition("/")
        assert not manifests.schema_of(f"{group}/v1", kind).is_valid({"spec": 1})


def test_a_document_without_a_schema_is_not_called_valid() -> None:
    """It is counted with the reason, and so is a template."""
    assert documents("a.yaml", "a: 1\n") == {"yaml: no schema is known": 1}
    assert documents("a.yaml", "apiVersion: a.io/v1\nkind: B\n") == {
        "a.io/v1 B: no schema is known for this extension": 1
    }
    assert documents("a.yaml", "a: {{ .Values.x }}\n") == {"template": 1}
    assert documents("api.yaml", "openapi: 9.0.0\n") == {
        "openapi 9.0.0: no schema is known for this version of OpenAPI": 1
    }
    assert documents(COMPOSE, "services: {a: {image: 'a:1'}}\n") == VALIDATED


def test_kubernetes_without_its_extra_is_not_validated(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package with the schemas is large and optional; without it the note says what to install."""
    monkeypatch.setattr(manifests, "package_folder", lambda _: None)
    manifests._folders.cache_clear()
    manifests._schema_of.cache_clear()
    try:
        (reason,) = documents("k.yaml", "apiVersion: apps/v1\nkind: Deployment\n")
        assert "pytest-readiness[kubernetes]" in reason
    finally:
        monkeypatch.undo()
        manifests._folders.cache_clear()
        manifests._schema_of.cache_clear()


def test_notes_say_what_was_not_validated() -> None:
    """How many documents were held against a schema, how many were not and why, and how many files are templates."""
    facts = {"a": {"documents": {"validated": 2, "yaml: no schema is known": 3}}, "b": {"documents": {"template": 1}}}
    assert list(ANALYSER.notes(facts)) == [
        "2 documents were held against a schema",
        "1 files are templates, which were not parsed",
        "3 documents were not validated: yaml: no schema is known (3)",
    ]


def test_values_are_not_quoted() -> None:
    """A complaint says what is wrong with a value and never what it is: it may be a secret."""
    secret = "hun" + "ter2"
    for text in (
        f"services: {{a: {{image: [{secret}]}}}}",
        f"services: {{a: {{ports: {secret}}}}}",
        f"services: {secret}",
    ):
        hits = found(COMPOSE, text)
        assert hits
        assert not any(secret in hit.text or secret in hit.anchor for hit in hits)


@pytest.mark.parametrize("value", ["'${X}'", "{x}", "'{{ x }}'", "__X__", "'$(X)'", "off"])
def test_what_another_program_replaces_is_no_mismatch(value: str) -> None:
    """A value that is filled in later, or is a truth value for most readers, has no type yet."""
    assert found("k.yaml", DEPLOYMENT.format(replicas=value, container=FINE)) == []


def test_a_quoted_truth_is_text() -> None:
    """Only a bare word is a truth value for some readers."""
    assert found("k.yaml", DEPLOYMENT.format(replicas="'off'", container=FINE))


def test_kinds_that_no_release_depends_on_only_warn() -> None:
    """A form for issues with a wrong key is worth knowing, and no reason to stop."""
    (hit,) = found(".github/dependabot.yml", "version: 2\n")
    assert hit.severity == "advisory"


def test_nearest_alternative_is_explained() -> None:
    """Of several shapes that a value may have, the complaint is about the one that was meant."""
    (hit,) = found(COMPOSE, "services:\n  a:\n    image: x\n    ports:\n    - {target: 80, publish: 80}\n")
    assert "services.a.ports.0.publish: 'publish' is no key that may stand here" in hit.text
    assert (hit.line, hit.column) == (5, 29)


def test_a_file_that_does_not_ship_is_only_listed() -> None:
    """A broken file that a test needs does not block a release."""
    (hit,) = found("tests/data/docker-compose.yml", "services: {a: {image: [x]}}")
    assert hit.severity == "information"
    (hit,) = found(COMPOSE, "services: {a: {image: [x]}}")
    assert hit.severity == ""


def test_a_comment_with_a_reason_accepts_a_finding() -> None:
    """On its line, or alone on the line before; without a reason it does not."""
    line = "services:\n  a:\n    image: x\n    enviroment: {{}}{}\n"
    assert found(COMPOSE, line.format("  # readiness: allow config-lint/schema-mismatch -- a plugin reads it")) == []
    assert found(COMPOSE, line.format("  # readiness: allow config-lint/schema-mismatch"))


# --- schemas of the user's own -------------------------------------------------------------------------------------

OWN = {
    "type": "object",
    "required": ["port"],
    "properties": {"port": {"type": "integer"}},
    "additionalProperties": False,
}


def with_schemas(**schemas: object) -> ConfigLintAnalyser:
    """Returns an analyser with schemas of the user's own, by pattern."""
    entries = tuple(UserSchema(pattern, "own.json", json.dumps(schema)) for pattern, schema in schemas.items())
    return ConfigLintAnalyser(Options(), entries, "", "test")


@pytest.mark.parametrize(
    ("path", "text"),
    [("conf/a.yaml", "port: x\n"), ("conf/b.toml", "prt = 1\n"), ("conf/deep/c.json", '{"port": "1"}')],
)
def test_own_schema_is_applied(path: str, text: str) -> None:
    """In every format, and before the schemas that are known by name."""
    analyser = with_schemas(**{"conf/**": OWN})
    assert found(path, text, analyser)
    assert "own.json" in found(path, text, analyser)[0].text
    assert documents(path, text, analyser) == VALIDATED


def test_own_schema_matches_by_pattern() -> None:
    """Files that the pattern does not match are judged by what they are."""
    analyser = with_schemas(**{"conf/*.yaml": OWN})
    assert found("conf/a.yaml", "port: 1\n", analyser) == []
    assert documents("other/a.yaml", "port: x\n", analyser) == {"yaml: no schema is known": 1}


def test_own_schema_that_matches_nothing_is_found() -> None:
    """A pattern without a file looks like a check that passes."""
    analyser = with_schemas(**{"conf/*.yaml": OWN})
    ((path, hit),) = analyser.conclude({"a.yaml": {"documents": {}}})
    assert (path, hit.rule) == ("own.json", PATTERN_RULE)
    facts = analysed("conf/a.yaml", "port: 1\n", analyser).facts
    assert list(analyser.conclude({"conf/a.yaml": facts})) == []


@pytest.mark.parametrize(
    "schema", [{"type": "nonsense"}, {"$ref": "https://example.net/other.json"}, {"$ref": "other.json"}]
)
def test_own_schema_that_cannot_be_used_is_found(schema: object) -> None:
    """Nothing is fetched: a schema that refers elsewhere validates nothing, and does not pass in silence."""
    analyser = with_schemas(**{"a.yaml": schema})
    (hit,) = [hit for hit in analysed("a.yaml", "port: 1\n", analyser).hits if hit.rule == PATTERN_RULE]
    assert "own.json" in hit.text


def test_made_from_the_configuration(tmp_path: Path) -> None:
    """The analyser has read its schemas, can be sent to another process, and is another where an option differs."""
    (tmp_path / "own.json").write_text(json.dumps(OWN))

    def made(environment: str, **schemas: str) -> ConfigLintAnalyser:
        table = ConfigLint(paths=["."], schemas=schemas)
        whole = Settings(
            file=tmp_path / "readiness.toml",
            service=Service(name="a"),
            policy=Policy(),
            waivers=(),
            environment=environment,
            where=Live(),
            gates={"config-lint": table},
            known_gates=("config-lint",),
        )
        return make(table, environment=environment, folder=tmp_path, settings=whole)

    first = made("production", **{"a.yaml": "own.json"})
    again = pickle.loads(pickle.dumps(first))
    assert again == first
    assert found("a.yaml", "port: x\n", again)
    assert first.version == made("production", **{"a.yaml": "own.json"}).version
    assert len({first.version, made("staging").version, made("production").version}) == 3


# --- whatever a document holds ---------------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "services",
                    "a",
                    "image",
                    "jobs",
                    "on",
                    "kind",
                    "apiVersion",
                    "spec",
                    "items",
                    "groups",
                    "rules",
                    "alert",
                ]
            )
            | st.sampled_from(
                ["expr", "project", "flags", "route", "receivers", "panels", "title", "uid", "openapi", "template"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=30,
)
FILES = (WORKFLOW, COMPOSE, GITLAB, "a.json", "feature_flags/flags.json", "renovate.json", "azure-pipelines.yml")


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(FILES), VALUES)
def test_no_document_raises(path: str, value: object) -> None:
    """Whatever shape a document has, it is validated or said not to be."""
    found_ = analysed(path, json.dumps(value))
    assert found_.facts is None or isinstance(json.dumps(found_.facts), str)


def test_strange_keys_and_values_are_validated() -> None:
    """Numbers as keys, dates of TOML and sets of YAML have a meaning in JSON."""
    assert documents(COMPOSE, "services: {1: {image: x, labels: {2: 3}}}\n") == VALIDATED
    assert documents("pyproject.toml", "[project]\nname = 'a'\nversion = '1'\n[tool.x]\nd = 2026-01-01\n") == VALIDATED
    assert documents(COMPOSE, "services: !!set {a}\n") == VALIDATED
