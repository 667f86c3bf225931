"""Rules about Kubernetes manifests."""

from __future__ import annotations

import pytest

from tests.static.config_lint.cases import PRODUCTION, STAGING, Cases, lint, one, rules_in, severities


def deployment(
    container: str = "", *, kind: str = "Deployment", spec: str = "", pod: str = "", name: str = "api"
) -> str:
    """Returns a manifest with one container; each part is a line of YAML in flow style."""
    lines = [
        "apiVersion: apps/v1",
        f"kind: {kind}",
        f"metadata: {{name: {name}}}",
        "spec:",
        *([f"  {spec}"] if spec else []),
        "  template:",
        "    metadata: {labels: {app: api}}",
        "    spec:",
        *([f"      {pod}"] if pod else []),
        "      containers:",
        "        - name: web",
        *(f"          {line}" for line in container.splitlines()),
    ]
    return "\n".join(lines) + "\n"


IMAGE = "image: registry.test:5000/team/api:1.4.2"
WHOLE = """\
image: api:1.4.2@sha256:0000
ports: [{containerPort: 80}]
resources: {limits: {memory: 1Gi}, requests: {cpu: 1, memory: 1Gi}}
readinessProbe: {httpGet: {path: /ready, port: 80}}
livenessProbe: {httpGet: {path: /live, port: 80}}
securityContext: {runAsNonRoot: true, allowPrivilegeEscalation: false, readOnlyRootFilesystem: true}
"""
POLICY = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: peers}\nspec: {podSelector: {}}\n"
BUDGET = "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: api}\nspec: {selector: {matchLabels: {app: api}}}\n"
INGRESS = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec:\n"
K8S = "k8s/deployment.yaml"
TABLE = {
    "image-tag": Cases(
        one(K8S, deployment("image: api"), deployment("image: registry.test:5000/api:latest"))
        + one(K8S, deployment("image: api:edge", kind="StatefulSet"))
        + ({K8S: deployment("image: api"), "k8s/kustomization.yaml": "images: [{name: other, newTag: '1'}]"},),
        (
            *one(K8S, deployment(IMAGE), deployment("image: api@sha256:0000"), deployment("image: ${IMAGE}")),
            {K8S: deployment("image: api"), "prod/kustomization.yaml": "images: [{name: api, newTag: '1'}]"},
        ),
    ),
    "image-digest": Cases(
        one(K8S, deployment(IMAGE), deployment("image: api:1", kind="Job")),
        one(K8S, deployment("image: api:1@sha256:0000"), deployment("image: api@sha256:0000")),
    ),
    "privileged": Cases(
        one(
            K8S,
            deployment(f"{IMAGE}\nsecurityContext: {{privileged: true}}"),
            deployment("securityContext: {privileged: true}", kind="DaemonSet"),
            "apiVersion: v1\nkind: PodList\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a}, spec:"
            " {initContainers: [{name: b, image: 'c:1', securityContext: {privileged: true}}]}}\n",
        ),
        one(
            K8S,
            deployment(f"{IMAGE}\nsecurityContext: {{privileged: false}}"),
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {privileged: 'true'}\n",
        ),
    ),
    "memory-limit": Cases(
        one(K8S, deployment(IMAGE), deployment(f"{IMAGE}\nresources: {{limits: {{cpu: 1}}}}", kind="CronJob").replace(
            "spec:\n  template:", "spec:\n  jobTemplate: {spec: {template: {spec: {containers: [{name: a, image: 'b:1'}]}}}}\n  x:", 1)),
        one(K8S, deployment(WHOLE), deployment("resources: {limits: {cpu: 1}}")),  # the second is a patch
    ),
    "requests": Cases(
        one(K8S, deployment(IMAGE), deployment(f"{IMAGE}\nresources: {{requests: {{memory: 1Gi}}}}")),
        one(K8S, deployment(WHOLE), deployment(f"{IMAGE}\nresources: {{limits: {{memory: 1Gi, cpu: 1}}}}")),
    ),
    "readiness-probe": Cases(
        one(K8S, deployment(IMAGE), deployment(f"{IMAGE}\nports: [{{containerPort: 80}}]", kind="StatefulSet")),
        one(K8S, deployment(WHOLE), deployment(IMAGE, kind="Job"), deployment("env: []")),
    ),
    "liveness-probe": Cases(
        one(K8S, deployment(IMAGE), deployment(IMAGE, kind="DaemonSet")),
        one(K8S, deployment(WHOLE), deployment(IMAGE, kind="Job")),
    ),
    "security-context": Cases(
        one(K8S, deployment(IMAGE), deployment(f"{IMAGE}\nsecurityContext: {{runAsNonRoot: true}}")),
        one(
            K8S,
            deployment(WHOLE),
            deployment(WHOLE.replace("runAsNonRoot: true, ", ""), pod="securityContext: {runAsUser: 1000}"),
        ),
    ),
    "host-access": Cases(
        one(
            K8S,
            deployment(IMAGE, pod="hostNetwork: true"),
            deployment(IMAGE, pod="volumes: [{name: a, hostPath: {path: /var/log}}]"),
        ),
        one(
            K8S,
            deployment(IMAGE, pod="hostNetwork: false"),
            deployment(IMAGE, pod="volumes: [{name: a, emptyDir: {}}]"),
        ),
    ),
    "single-replica": Cases(
        one(K8S, deployment(IMAGE, spec="replicas: 1")) + one("k8s/overlays/prod/patch.yaml", deployment("env: []", spec="replicas: 1")),
        one(K8S, deployment(IMAGE, spec="replicas: 2"))
        + one("k8s/overlays/dev/patch.yaml", deployment(IMAGE, spec="replicas: 1")),
    ),
    "ingress-tls": Cases(
        one("k8s/ingress.yaml", INGRESS + "  rules: [{host: a.test}]\n", INGRESS + "  tls: []\n  rules: [{host: a.test}]\n"),
        one("k8s/ingress.yaml", INGRESS + "  tls: [{hosts: [a.test]}]\n  rules: [{host: a.test}]\n", INGRESS + "  ingressClassName: a\n"),
    ),
    "network-policy": Cases(
        one(
            "k8s/policy.yaml",
            POLICY.replace("{podSelector: {}}", "{podSelector: {}, ingress: [{}]}"),
            POLICY.replace("{podSelector: {}}", "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}"),
        ),
        one(
            "k8s/policy.yaml",
            POLICY,
            POLICY.replace("{podSelector: {}}", "{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}"),
            POLICY.replace("{podSelector: {}}", "{podSelector: {}, ingress: [{ports: [{port: 443}]}]}"),
        ),
    ),
    "disruption-budget": Cases(
        (
            {K8S: deployment(WHOLE, spec="replicas: 2")},
            {K8S: deployment(WHOLE, spec="replicas: 3"), "k8s/pdb.yaml": BUDGET.replace("app: api", "app: other")},
        ),
        ({K8S: deployment(WHOLE, spec="replicas: 2"), "k8s/pdb.yaml": BUDGET}, {K8S: deployment(WHOLE, spec="replicas: 1")}),
    ),
    "no-network-policy": Cases(
        one(K8S, deployment(WHOLE), deployment(WHOLE, kind="StatefulSet")),
        ({K8S: deployment(WHOLE), "k8s/policy.yaml": POLICY}, {"k8s/job.yaml": deployment(WHOLE, kind="Job")}),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rule", "files"), [(rule, files) for rule, cases in TABLE.items() for files in cases.finds])
def test_rule_finds(rule: str, files: dict[str, str]) -> None:
    """What the rule is there for is found."""
    assert rule in rules_in(files)


@pytest.mark.parametrize(("rule", "files"), [(rule, files) for rule, cases in TABLE.items() for files in cases.passes])
def test_rule_passes(rule: str, files: dict[str, str]) -> None:
    """What only looks like it is not."""
    assert rule not in rules_in(files)


def test_whole_container_has_no_finding() -> None:
    """A workload with everything that the rules ask for passes them all."""
    files = {K8S: deployment(WHOLE, spec="replicas: 2"), "k8s/pdb.yaml": BUDGET, "k8s/policy.yaml": POLICY}
    assert rules_in(files) == set()


def test_only_privileged_and_a_moving_image_block() -> None:
    """A container that lacks everything blocks for its image alone: four of five real ones lack a limit."""
    found = lint({K8S: deployment("image: api\nsecurityContext: {privileged: true}")})
    blocking = {hit.rule for _, hit in found if hit.severity == "blocking"}
    assert blocking == {"config-lint/image-tag", "config-lint/privileged"}


@pytest.mark.parametrize(
    ("path", "severity"),
    [
        ("k8s/deployment.yaml", "blocking"),
        ("k8s/overlays/prod/deployment.yaml", "blocking"),
        ("k8s/overlays/dev/deployment.yaml", "advisory"),
        ("k8s/overlays/staging/deployment.yaml", "advisory"),
        ("tests/k8s/deployment.yaml", "information"),
        ("docs/deployment.yaml", "information"),
        ("examples/k8s/deployment.yaml", "information"),
        ("vendor/chart/deployment.yaml", "information"),
    ],
)
def test_severity_follows_class_and_environment(path: str, severity: str) -> None:
    """With production under judgement another environment's file warns, and what does not ship is only listed."""
    files = {path: deployment(f"{IMAGE}\nsecurityContext: {{privileged: true}}")}
    assert severities(files, "privileged") == [severity]


def test_another_environments_file_blocks_where_it_is_judged() -> None:
    """Staging's own manifests block staging, and so do production's, which are to come next."""
    for path in ("k8s/overlays/staging/a.yaml", "k8s/overlays/prod/a.yaml"):
        assert severities({path: deployment("image: api")}, "image-tag", STAGING) == ["blocking"]


def test_finding_stands_at_its_line() -> None:
    """Line and column are those of the value, in the right document."""
    text = POLICY + "---\n" + deployment("image: api")
    ((path, hit),) = [each for each in lint({K8S: text}) if each[1].rule.endswith("/image-tag")]
    assert (path, hit.line, text.splitlines()[hit.line - 1].strip()) == (K8S, hit.line, "image: api")
    assert hit.excerpt == "api"


def test_anchor_survives_a_moved_line() -> None:
    """The same problem further down has the same anchor."""
    before = [hit.anchor for _, hit in lint({K8S: deployment("image: api")})]
    after = [hit.anchor for _, hit in lint({K8S: "# comment\n\n" + deployment("image: api")})]
    assert before == after


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: v1\nkind: Deployment\nspec: [1, 2]\n",
        "apiVersion: v1\nkind: Deployment\nspec: {template: {spec: {containers: {a: b}}}}\n",
        "apiVersion: v1\nkind: Deployment\nmetadata: []\nspec: {template: {spec: {containers: [1, null, {image: 5}]}}}\n",
        "apiVersion: v1\nkind: List\nitems: [1, {kind: Pod}, {apiVersion: v1, kind: Pod, spec: {volumes: [1]}}]\n",
        "apiVersion: v1\nkind: NetworkPolicy\nspec: {ingress: [1, {from: [2]}]}\n",
        "apiVersion: v1\nkind: ConfigMap\ndata: [1]\n",
    ],
)
def test_wrong_shapes_do_not_crash(text: str) -> None:
    """A manifest whose values have the wrong types is the schema's business, not a crash."""
    lint({K8S: text}, PRODUCTION)
