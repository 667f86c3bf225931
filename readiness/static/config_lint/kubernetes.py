"""Kubernetes manifests: probes, resources and rights of each container, and how a workload is reached and kept running."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from readiness.static.config_lint import containers
from readiness.static.config_lint.lint import ADVISORY, INFORMATION, mapping, semantic, sequence, shown

if TYPE_CHECKING:
    from readiness.static.config_lint.lint import Keys, Lint
    from readiness.static.interface import Hit

_PROBES = "https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/"
_RESOURCES = "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/"
_STANDARDS = "https://kubernetes.io/docs/concepts/security/pod-security-standards/"

MEMORY_LIMIT = semantic(
    "memory-limit",
    ADVISORY,
    "Every container has a memory limit",
    "A leak in one container without a limit takes the memory of the whole node, and the kernel kills what it likes.",
    "Set `resources.limits.memory` to somewhat more than the highest use observed.",
    _RESOURCES,
)
REQUESTS = semantic(
    "requests",
    ADVISORY,
    "Every container says what it needs",
    "Without requests the scheduler puts any number of pods on one node, and such pods are evicted first.",
    "Set `resources.requests.cpu` and `resources.requests.memory` to the usual use.",
    _RESOURCES,
)
READINESS = semantic(
    "readiness-probe",
    ADVISORY,
    "Every container that serves says when it is ready",
    "Without a readiness probe traffic is sent to a pod that is still starting: each deployment drops requests.",
    "Add a `readinessProbe` on the endpoint that reports whether dependencies are reached.",
    _PROBES,
)
LIVENESS = semantic(
    "liveness-probe",
    INFORMATION,
    "Every container that serves says whether it is alive",
    "Without a liveness probe a process that hangs is never restarted.",
    "Add a `livenessProbe` on an endpoint that does not ask the dependencies.",
    _PROBES,
)
SECURITY_CONTEXT = semantic(
    "security-context",
    INFORMATION,
    "Containers run without root and cannot gain rights",
    "What breaks into a container has the rights of its process.",
    "Set `securityContext: {runAsNonRoot: true, allowPrivilegeEscalation: false, readOnlyRootFilesystem: true}`.",
    _STANDARDS,
)
HOST_ACCESS = semantic(
    "host-access",
    INFORMATION,
    "Pods stay apart from their host",
    "The host's network, processes or files let a pod read and change what is not its own.",
    "Use a Service, a volume claim or a projected volume instead.",
    _STANDARDS,
)
REPLICAS = semantic(
    "single-replica",
    INFORMATION,
    "More than one replica serves in production",
    "With one replica each drained node and each failed start is an outage.",
    "Set `replicas: 2` or more, or name the HorizontalPodAutoscaler that does.",
    "https://kubernetes.io/docs/concepts/workloads/controllers/deployment/",
)
INGRESS_TLS = semantic(
    "ingress-tls",
    INFORMATION,
    "Every ingress serves TLS",
    "Without `tls` what is sent can be read and changed on its way, unless something in front terminates it.",
    "Add `spec.tls` with the hosts and the secret of their certificate.",
    "https://kubernetes.io/docs/concepts/services-networking/ingress/#tls",
)
NETWORK_POLICY = semantic(
    "network-policy",
    INFORMATION,
    "Network policies let in named peers only",
    "A rule without peers, or from 0.0.0.0/0, lets in everybody: the policy protects nothing.",
    "Name the peers in `from`, or leave the rule out.",
    "https://kubernetes.io/docs/concepts/services-networking/network-policies/",
)
RULES = (
    MEMORY_LIMIT,
    REQUESTS,
    READINESS,
    LIVENESS,
    SECURITY_CONTEXT,
    HOST_ACCESS,
    REPLICAS,
    INGRESS_TLS,
    NETWORK_POLICY,
)

POD_AT: dict[str, Keys] = {
    "Pod": (),
    **dict.fromkeys(
        ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "Rollout"),
        ("spec", "template"),
    ),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
"""Kind to where its pod stands."""
_SERVING = frozenset({"Deployment", "StatefulSet", "Rollout"})
_LASTING = _SERVING | {"DaemonSet"}
_SOCKETS = ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", "/var/run/crio/crio.sock")


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object of a manifest, and where in the file it stands."""

    document: int
    at: Keys
    kind: str
    name: str
    value: dict[Any, Any]


def is_manifest(value: object) -> bool:
    """Returns whether a document is a Kubernetes object."""
    each = mapping(value)
    return isinstance(each.get("apiVersion"), str) and isinstance(each.get("kind"), str)


def manifests(document: int, value: object) -> Iterator[Manifest]:
    """Yields the object of a document, or those of a `List`."""
    whole = mapping(value)
    kind = str(whole["kind"])
    if kind.endswith("List") and isinstance(whole.get("items"), list):
        for number, item in enumerate(whole["items"]):
            if is_manifest(item):
                yield Manifest(document, ("items", number), item["kind"], _name(item), item)
    else:
        yield Manifest(document, (), kind, _name(whole), whole)


def pod_of(manifest: Manifest) -> tuple[Keys, dict[Any, Any]] | None:
    """Returns where a workload's pod specification stands, and the specification; None where it has none."""
    if manifest.kind not in POD_AT:
        return None
    at = POD_AT[manifest.kind]
    value: object = manifest.value
    for key in (*at, "spec"):
        value = mapping(value).get(key)
    return ((*manifest.at, *at, "spec"), value) if isinstance(value, dict) else None


def containers_of(manifest: Manifest) -> Iterator[tuple[str, Keys, dict[Any, Any]]]:
    """Yields each container with the name of its list and its place."""
    found = pod_of(manifest)
    if found is None:
        return
    at, pod = found
    for part in ("initContainers", "containers", "ephemeralContainers"):
        for number, each in enumerate(sequence(pod.get(part))):
            if isinstance(each, dict):
                yield part, (*at, part, number), each


def kubernetes(lint: Lint, document: int, value: object) -> Iterator[Hit]:
    """Yields what the objects of one document lack."""
    for manifest in manifests(document, value):
        if manifest.kind in POD_AT:
            yield from _workload(lint, manifest)
        elif manifest.kind == "Ingress":
            yield from _ingress(lint, manifest)
        elif manifest.kind == "NetworkPolicy":
            yield from _policy(lint, manifest)


def _name(value: dict[Any, Any]) -> str:
    return shown(mapping(value.get("metadata")).get("name") or "(no name)")


def _workload(lint: Lint, manifest: Manifest) -> Iterator[Hit]:
    found = pod_of(manifest)
    if found is None:
        return
    at, pod = found
    label = f"{manifest.kind} {manifest.name}"
    yield from _host_access(lint, manifest, at, pod, label)
    several = len(sequence(pod.get("containers"))) > 1
    for part, place, container in containers_of(manifest):
        owner = f"container {shown(container.get('name') or '(no name)')} of {label}"
        here = (manifest.document, (*place, "securityContext"))
        yield from containers.privileged_hits(lint, here, owner, container.get("securityContext"))
        if "image" not in container:  # a patch of what stands elsewhere: what it lacks is not missing
            continue
        if part != "containers":
            continue
        yield from _resources(lint, (manifest.document, place), owner, container)
        yield from _security_context(lint, (manifest.document, place), owner, container, pod)
        if manifest.kind in _LASTING and (container.get("ports") or not several):
            yield from _probes(lint, (manifest.document, place), owner, container, manifest.kind)
    spec = mapping(manifest.value.get("spec"))
    if manifest.kind in _SERVING and spec.get("replicas") == 1 and (lint.is_productions or lint.may_be_productions):
        where = (manifest.document, (*manifest.at, "spec", "replicas"))
        yield lint.hit(REPLICAS, where, f"{label} has one replica", excerpt="replicas: 1", anchor=label)


def _resources(lint: Lint, at: tuple[int, Keys], owner: str, container: dict[Any, Any]) -> Iterator[Hit]:
    resources = mapping(container.get("resources"))
    limits, requests = mapping(resources.get("limits")), mapping(resources.get("requests"))
    if "memory" not in limits:
        yield lint.hit(MEMORY_LIMIT, at, f"{owner} has no memory limit", anchor=owner)
    # A limit without a request is a request of the same size.
    lacking = [name for name in ("cpu", "memory") if name not in requests and name not in limits]
    if lacking:
        yield lint.hit(REQUESTS, at, f"{owner} requests no {' and no '.join(lacking)}", anchor=owner)


def _probes(lint: Lint, at: tuple[int, Keys], owner: str, container: dict[Any, Any], kind: str) -> Iterator[Hit]:
    if not container.get("readinessProbe"):
        severity = ADVISORY if kind in _SERVING else INFORMATION
        yield lint.hit(READINESS, at, f"{owner} has no readiness probe", severity=severity, anchor=owner)
    if not container.get("livenessProbe"):
        yield lint.hit(LIVENESS, at, f"{owner} has no liveness probe", anchor=owner)


def _security_context(
    lint: Lint, at: tuple[int, Keys], owner: str, container: dict[Any, Any], pod: dict[Any, Any]
) -> Iterator[Hit]:
    own, common = mapping(container.get("securityContext")), mapping(pod.get("securityContext"))
    user = own.get("runAsUser", common.get("runAsUser"))
    wanting = {
        "runAsNonRoot: true": own.get("runAsNonRoot", common.get("runAsNonRoot")) is True
        or (isinstance(user, int) and user > 0),
        "allowPrivilegeEscalation: false": own.get("allowPrivilegeEscalation") is False,
        "readOnlyRootFilesystem: true": own.get("readOnlyRootFilesystem") is True,
    }
    lacking = [name for name, holds in wanting.items() if not holds]
    if lacking:
        yield lint.hit(SECURITY_CONTEXT, at, f"{owner} does not set {', '.join(lacking)}", anchor=owner)


def _host_access(lint: Lint, manifest: Manifest, at: Keys, pod: dict[Any, Any], label: str) -> Iterator[Hit]:
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(key) is True:
            yield lint.hit(
                HOST_ACCESS, (manifest.document, (*at, key)), f"{label} sets {key}: true", excerpt=f"{key}: true"
            )
    for number, volume in enumerate(sequence(pod.get("volumes"))):
        path = mapping(mapping(volume).get("hostPath")).get("path")
        if isinstance(path, str):
            place = (manifest.document, (*at, "volumes", number, "hostPath", "path"))
            severity = ADVISORY if path.rstrip("/") in (*_SOCKETS, "") else INFORMATION
            text = f"{label} mounts {shown(path)} of its host"
            yield lint.hit(HOST_ACCESS, place, text, excerpt=path, severity=severity, anchor=text)


def _ingress(lint: Lint, manifest: Manifest) -> Iterator[Hit]:
    spec = mapping(manifest.value.get("spec"))
    if spec.get("rules") and not spec.get("tls"):
        text = f"Ingress {manifest.name} has no tls"
        yield lint.hit(INGRESS_TLS, (manifest.document, (*manifest.at, "spec")), text, anchor=text)


def _policy(lint: Lint, manifest: Manifest) -> Iterator[Hit]:
    spec = mapping(manifest.value.get("spec"))
    for number, rule in enumerate(sequence(spec.get("ingress"))):
        peers = sequence(mapping(rule).get("from"))
        world = [peer for peer in peers if mapping(mapping(peer).get("ipBlock")).get("cidr") in ("0.0.0.0/0", "::/0")]
        if isinstance(rule, dict) and (not peers or world) and not rule.get("ports"):
            at = (manifest.document, (*manifest.at, "spec", "ingress", number))
            text = f"NetworkPolicy {manifest.name} lets in everybody"
            yield lint.hit(NETWORK_POLICY, at, text, anchor=f"{text} {number}")
