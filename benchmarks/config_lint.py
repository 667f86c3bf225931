"""Configuration files by the hundred: syntax and schema of config-lint against yamllint and check-jsonschema, cold.

Both sides read the same generated files, each with a known schema: compose files, workflows, Kubernetes manifests, GitLab CI and
dependabot. The peers are one run of yamllint over the tree and one of check-jsonschema per kind; Kubernetes manifests have
no schema there, so that they are left out for it. Ours is one process that holds all of them against their schemas and
keeps nothing. CPU time of children is counted, which is what a shared runner is paid for.

Run: python benchmarks/config_lint.py
"""

from __future__ import annotations

import resource
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from timing import compare, report, run

FILES = 120
"""Of each kind."""
OURS = """
import sys
from pathlib import Path
from readiness.static.config_lint import schema, syntax
from readiness.static.source import Source
folder = Path(sys.argv[1])
read = hits = validated = 0
for file in sorted(folder.rglob("*.yml")):
    source = Source(str(file.relative_to(folder)), file.read_bytes())
    hits += len(list(syntax.syntax(source)))
    found = schema.validate(source, source.parsed)
    hits += len(found.hits)
    read += 1
    validated += found.documents["validated"]
assert (read, hits, validated) == (int(sys.argv[2]), 0, int(sys.argv[3])), (read, hits, validated)
"""


def compose(number: int) -> str:
    """Returns a compose file of twelve services."""
    services = "".join(
        f"""  service-{index}:
    image: registry.internal/team/service-{index}:1.{number}
    restart: unless-stopped
    environment:
      DATABASE_URL: postgresql://db/{index}
      LOG_LEVEL: info
    ports:
      - "{8000 + index}:8000"
    depends_on:
      - db
    healthcheck:
      test: ["CMD", "curl", "-f", "http://127.0.0.1:8000/health"]
      interval: 30s
      timeout: 3s
      retries: 3
"""
        for index in range(12)
    )
    return f"---\nservices:\n{services}  db:\n    image: postgres:17\n"


def workflow(number: int) -> str:
    """Returns a workflow of eight jobs."""
    jobs = "".join(
        f"""  job-{index}:
    runs-on: ubuntu-24.04
    timeout-minutes: 10
    strategy:
      matrix:
        python: ["3.11", "3.12", "3.13"]
    steps:
      - uses: actions/checkout@v4
        with:
          fetch-depth: 0
      - uses: actions/setup-python@v5
        with:
          python-version: ${{{{ matrix.python }}}}
      - name: Test
        run: |
          pip install -e .
          pytest tests/part_{index}
        env:
          LEVEL: "{number}"
"""
        for index in range(8)
    )
    return f'---\nname: ci-{number}\n"on":\n  push:\n    branches: [main]\njobs:\n{jobs}'


def manifests(number: int) -> str:
    """Returns three Deployments."""
    return "".join(
        f"""---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-{number}-{index}
  labels:
    app: app-{index}
spec:
  replicas: 3
  selector:
    matchLabels:
      app: app-{index}
  template:
    metadata:
      labels:
        app: app-{index}
    spec:
      containers:
        - name: app
          image: registry.internal/app:1.{number}
          ports:
            - containerPort: 8000
          env:
            - name: LEVEL
              value: info
          resources:
            requests:
              cpu: 100m
              memory: 128Mi
            limits:
              memory: 256Mi
          readinessProbe:
            httpGet:
              path: /health
              port: 8000
"""
        for index in range(3)
    )


def gitlab(number: int) -> str:
    """Returns a pipeline of fifteen jobs."""
    jobs = "".join(
        f"""job-{index}:
  stage: test
  image: python:3.13
  script:
    - pip install -e .
    - pytest tests/part_{index}
  rules:
    - if: $CI_COMMIT_BRANCH == "main"
  artifacts:
    paths:
      - reports/{number}
    expire_in: 1 week
"""
        for index in range(15)
    )
    return f"---\nstages:\n  - test\n{jobs}"


def dependabot(number: int) -> str:
    """Returns a file of ten ecosystems."""
    updates = "".join(
        f"""  - package-ecosystem: pip
    directory: /service-{number}-{index}
    schedule:
      interval: weekly
    labels:
      - dependencies
"""
        for index in range(10)
    )
    return f"---\nversion: 2\nupdates:\n{updates}"


def write(folder: Path) -> dict[str, list[str]]:
    """Returns the peer's name of each schema with its files, which are written to the folder."""
    kinds = {
        "compose-spec": ("{0}/compose.yml", compose),
        "github-workflows": ("{0}/.github/workflows/ci.yml", workflow),
        "gitlab-ci": ("{0}/.gitlab-ci.yml", gitlab),
        "dependabot": ("{0}/.github/dependabot.yml", dependabot),
        "": ("{0}/k8s/app.yml", manifests),
    }
    files: dict[str, list[str]] = {}
    for schema, (pattern, make) in kinds.items():
        files[schema] = [pattern.format(f"team-{number}") for number in range(FILES)]
        for number, name in enumerate(files[schema]):
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(make(number))
    return files


def cpu(commands: Sequence[Sequence[str]], folder: Path) -> float:
    """Returns the CPU seconds of the commands and what they start."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for command in commands:
        run(command, folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Prints the ratio of the CPU times."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = write(folder)
        count = sum(len(names) for names in files.values())
        documents = count + 2 * FILES
        yamllint = [sys.executable, "-m", "yamllint", "-d", "{extends: default, rules: {line-length: disable}}", "."]
        peers = [yamllint] + [
            [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
            + (["--data-transform", "gitlab-ci"] if schema == "gitlab-ci" else [])
            + names
            for schema, names in files.items()
            if schema
        ]
        ours = [sys.executable, "-c", OURS, name, str(count), str(documents)]
        size = sum((folder / each).stat().st_size for names in files.values() for each in names) / 1_000_000
        result = compare(lambda: cpu([ours], folder), lambda: cpu(peers, folder), rounds=2)
    report(f"CPU of config-lint, syntax and schema, {count} files, {size:.1f} MB, cold", result, 0.1)


if __name__ == "__main__":
    main()
