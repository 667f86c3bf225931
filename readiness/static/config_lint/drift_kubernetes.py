"""What only several manifests together show: whether kustomize pins an image, what keeps a workload up, who may reach it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from readiness.static.config_lint import containers
from readiness.static.config_lint.kubernetes import Manifest, containers_of, is_manifest, manifests
from readiness.static.config_lint.lint import INFORMATION, Lint, is_allowed, mapping, semantic, sequence, shown
from readiness.static.interface import Hit

if TYPE_CHECKING:
    from readiness.static.config_lint.lint import Keys

BUDGET = semantic(
    "disruption-budget",
    INFORMATION,
    "Every workload with replicas has a disruption budget",
    "Without a PodDisruptionBudget, draining nodes may take all replicas at once.",
    "Add a PodDisruptionBudget whose selector matches the pods, with `maxUnavailable: 1`.",
    "https://kubernetes.io/docs/tasks/run-application/configure-pdb/",
)
NO_POLICY = semantic(
    "no-network-policy",
    INFORMATION,
    "A network policy says who may reach the workloads",
    "Without any, every pod of the cluster reaches every other one.",
    "Add a NetworkPolicy that denies all ingress, and one for each peer that is let in.",
    "https://kubernetes.io/docs/concepts/services-networking/network-policies/",
)
RULES = (BUDGET, NO_POLICY)

MOST = 2000
"""Objects of one file."""


def kubernetes_facts(lint: Lint) -> dict[str, Any]:
    """Returns what the manifests of a file say that others may answer, as JSON."""
    facts: dict[str, list[Any]] = {
        "images": [],
        "pinned": [],
        "workloads": [],
        "budgets": [],
        "policies": [],
        "opaque": [],
    }
    parsed = lint.source.parsed
    for document, value in enumerate(parsed.values if parsed else ()):
        if PurePosixPath(lint.source.path).stem.lower() == "kustomization":
            facts["pinned"] += [
                str(image["name"])[:300]
                for image in sequence(mapping(value).get("images"))
                if isinstance(image, dict) and image.get("name") and (image.get("newTag") or image.get("digest"))
            ]
        elif is_manifest(value):
            for manifest in manifests(document, value):
                if len(facts["images"]) + len(facts["workloads"]) < MOST:
                    _add(lint, manifest, facts)
    return {key: value for key, value in facts.items() if value}


def _add(lint: Lint, manifest: Manifest, facts: dict[str, list[Any]]) -> None:
    spec = mapping(manifest.value.get("spec"))
    namespace = str(mapping(manifest.value.get("metadata")).get("namespace") or "")[:100]
    if manifest.kind == "PodDisruptionBudget":
        facts["budgets"].append([namespace, _labels(mapping(spec.get("selector")).get("matchLabels"))])
    elif manifest.kind in ("NetworkPolicy", "CiliumNetworkPolicy"):
        facts["policies"].append(manifest.name)
    elif manifest.kind in ("ExternalSecret", "SealedSecret", "SecretProviderClass"):
        facts["opaque"].append(manifest.kind)
    elif manifest.kind in ("Deployment", "StatefulSet"):
        labels = _labels(mapping(mapping(mapping(spec.get("template")).get("metadata")).get("labels")))
        replicas = spec.get("replicas")
        at = (
            lint.hit(BUDGET, (manifest.document, (*manifest.at, "metadata", "name")), "")
            if isinstance(replicas, int) and replicas > 1
            else None
        )
        facts["workloads"].append(
            [f"{manifest.kind} {manifest.name}", namespace, labels, [at.line, at.column] if at else None]
        )
    for _, place, container in containers_of(manifest):
        _container(lint, manifest, place, container, facts)


def _container(
    lint: Lint, manifest: Manifest, place: Keys, container: dict[Any, Any], facts: dict[str, list[Any]]
) -> None:
    if container.get("envFrom"):
        facts["opaque"].append("envFrom")
    owner = f"container {shown(container.get('name') or '(no name)')} of {manifest.kind} {manifest.name}"
    image = containers.image_of(container.get("image"))
    for hit in containers.image_hits(lint, (manifest.document, (*place, "image")), owner, container.get("image")):
        if not is_allowed(lint.source, hit.line, hit.rule):
            facts["images"].append([image.name if image else "", asdict(hit)])


def _labels(value: object) -> dict[str, str]:
    return {str(key)[:200]: str(each)[:200] for key, each in list(mapping(value).items())[:50]}


def across_manifests(facts: Mapping[str, Any]) -> Iterator[tuple[str, Hit]]:
    """Yields images that nothing pins, workloads without a budget, and that there is no policy, each with its path."""
    pinned = {name for each in facts.values() for name in each.get("pinned", ())}
    budgets = [budget for each in facts.values() for budget in each.get("budgets", ())]
    has_policy = any(each.get("policies") for each in facts.values())
    policy_told = False
    for path in sorted(facts):
        for name, hit in facts[path].get("images", ()):
            if name not in pinned:
                yield path, Hit(**hit)
        for label, namespace, labels, at in facts[path].get("workloads", ()):
            if at and not any(_covers(budget, namespace, labels) for budget in budgets):
                line, column = at
                yield (
                    path,
                    Hit(BUDGET.id, line, column, f"{label} has several replicas and no PodDisruptionBudget", label),
                )
            if not has_policy and not policy_told:
                policy_told = True
                yield (
                    path,
                    Hit(NO_POLICY.id, 0, 0, "there are workloads, and no NetworkPolicy in the repository", "none"),
                )


def _covers(budget: list[Any], namespace: str, labels: dict[str, str]) -> bool:
    """Returns whether a budget selects the pods; an empty namespace is whichever it is applied to."""
    where, selector = budget
    if where and namespace and where != namespace:
        return False
    return all(labels.get(key) == value for key, value in selector.items())
