"""For each rule, texts that it must find and near misses that it must not; example keys are put together from pieces."""

from __future__ import annotations

from dataclasses import dataclass


def joined(*pieces: str) -> str:
    """Returns the pieces as one word."""
    return "".join(pieces)


TEST_KEY = joined("sk", "_te", "st_", "4eC39HqLyjWDarjtT1zd")
LIVE_KEY = joined("sk", "_li", "ve_", "4eC39HqLyjWDarjtT1zd")
CLOUD_KEY = joined("AKIA", "IOSF", "ODNN7", "EXAMPLE")
HOOK = "https://hooks.slack.com" + "/services/"


@dataclass(frozen=True)
class Case:
    """One file."""

    path: str
    text: str


CASES: dict[str, tuple[list[Case], list[Case]]] = {
    "changeme": (
        [
            Case("config/app.yaml", "database:\n  password: changeme\n"),
            Case("deploy/compose.yml", "services:\n  db:\n    environment:\n      - POSTGRES_PASSWORD=change-me\n"),
            Case("deploy/compose.yml", "services:\n  db:\n    environment:\n      PASSWORD: ${PASSWORD:-change-me}\n"),
            Case("k8s/app.yaml", "env:\n  - name: API_KEY\n    value: REPLACE_ME\n"),
            Case("k8s/map.yaml", "data:\n  app.env: |\n    A=1\n    SECRET_KEY=change_this_now\n"),
            Case("app/settings.py", 'SECRET_KEY = "change-me-in-production"\n'),
            Case("app/settings.py", 'import os\nKEY = os.environ.get("SECRET_KEY", "changeme")\n'),
            Case("src/config.ts", 'export const config = { apiKey: "replace-me" };\n'),
            Case("Dockerfile", "FROM alpine:3\nENV DB_PASSWORD=changeme\n"),
            Case("run.sh", 'export TOKEN="${TOKEN:-changeme}"\n'),
            Case("charts/a/templates/secret.yaml", "kind: Secret\nname: {{ .Values.name }}\npassword: changeme\n"),
            Case("app.properties", "jdbc.password=changeme\n"),
        ],
        [
            Case("config/app.yaml", "description: Please change this to what you want.\n"),
            Case("config/app.yaml", "job: exchange-items\nnext: change-item\n"),
            Case(
                "src/a.py",
                'if password == "changeme":\n    raise ValueError("set a password, do not leave changeme")\n',
            ),
            Case("locales/en.json", '{"password": "Change it"}\n'),
            Case("config/app.yaml", "hint:\n  placeholder: changeme\n"),
        ],
    ),
    "weak-credential": (
        [
            Case("config/app.yaml", "db:\n  password: admin\n"),
            Case(".env", "JWT_SECRET=secret\n"),
            Case("config/app.toml", '[db]\nurl = "postgresql://app:password@db:5432/app"\n'),
            Case("values.json", '{"redis": {"apiKey": "12345678"}}\n'),
            Case("app/settings.py", 'import os\nPASSWORD = os.getenv("DB_PASSWORD", "postgres")\n'),
        ],
        [
            Case("config/app.yaml", "db:\n  password: ${DB_PASSWORD}\n  secretName: postgres\n"),
            Case("openapi.yaml", "schema:\n  type: string\n  format: password\n"),
            Case("config/app.yaml", "form:\n  password_label: password\n  user: admin\n"),
            Case("i18n/en.yaml", "password: password\n"),
            Case("src/fields.py", 'PASSWORD = "password"\n'),
            Case("tokenizer.json", '{"bos_token": "default"}\n'),
        ],
    ),
    "angle-your": (
        [
            Case("config/app.yaml", "api_key: <your-api-key>\n"),
            Case("config/app.yaml", "bucket: <BUCKET_NAME>\n"),
            Case("config/app.ini", "[a]\npassword = <password>\n"),
            Case("config/app.yaml", "url: https://<CLUSTER>.cloud.test.internal/\n"),
            Case("app/settings.py", 'TOKEN = "<insert token here>"\n'),
        ],
        [
            Case("config/app.yaml", "value: <none>\nroute: /items/<id>\n"),
            Case("config/app.yaml", "html: <b>bold</b>\n"),
            Case("config/app.yaml", "usage: tool <FILE_NAME>\n"),
            Case("src/view.py", 'NAME = "<unknown>"\n'),
        ],
    ),
    "your-x": (
        [
            Case("config/app.yaml", "project: your-project-id\n"),
            Case("config/app.yaml", "key: sk-your-api-key\n"),
            Case("config/app.yaml", "dsn: https://sentry.test.internal/your-org/app\n"),
            Case(".env", "API_KEY=your_api_key_here\n"),
            Case("app/settings.py", 'API_KEY = "your-api-key"\n'),
        ],
        [
            Case("config/app.yaml", "link: https://blog.test.internal/managing-your-account\n"),
            Case("config/app.yaml", "label: Your account\n"),
            Case("config/app.yaml", "placeholder: your-api-key\n"),
            Case("src/mail.py", 'SUBJECT = "your-order-has-shipped"\n'),
        ],
    ),
    "your-domain": (
        [
            Case("config/app.yaml", "host: api.yourdomain.com\n"),
            Case("config/app.yaml", "cors:\n  origins:\n    - https://your-company.io\n"),
            Case(".env", "MAIL_FROM=noreply@mydomain.com\n"),
        ],
        [
            Case("config/app.yaml", "host: api.ourdomain.com\n"),
            Case("config/app.yaml", "description: Such as api.yourdomain.com\n"),
            Case("config/app.yaml", "host: my-app.internal\n"),
        ],
    ),
    "xxx-value": (
        [
            Case("config/app.yaml", "api_key: xxxxxxxx\n"),
            Case(".env", "OPENAI_API_KEY=sk-xxxxxxxxxxxx\n"),
            Case("config/app.yaml", "phone: xxx-xxx-xxxx\n"),
        ],
        [
            Case("config/app.yaml", "size: xxl\n"),
            Case("config/app.yaml", "tags: [XXX]\n"),
            Case("config/app.yaml", "log: xxxserver\n"),
        ],
    ),
    "todo-value": (
        [
            Case("config/app.yaml", "owner_email: TODO\n"),
            Case("config/app.yaml", "region: TBD\n"),
            Case("config/app.toml", 'endpoint = "TODO: ask operations"\n'),
        ],
        [
            Case("config/app.yaml", "status: TODO\n"),
            Case("pyproject.toml", '[tool.lint]\ntask-tags = ["TODO", "FIXME"]\n'),
            Case("config/app.yaml", "domain: todo\nname: todo-list\n"),
        ],
    ),
    "example-domain": (
        [
            Case("alertmanager.yml", "receivers:\n  - name: ops\n    email_configs:\n      - to: ops@example.com\n"),
            Case("k8s/ingress.yaml", "kind: Ingress\nspec:\n  rules:\n    - host: app.example.com\n"),
            Case("config/app.yaml", "smtp:\n  mail_from: noreply@example.org\n"),
            Case("config/app.yaml", "base_url: https://api.example.net\n"),
        ],
        [
            Case("k8s/pod.yaml", "resources:\n  limits:\n    example.com/gpu: 1\n  name: example.com/gpu\n"),
            Case("schema.json", '{"$schema": "https://example.com/schema.json"}\n'),
            Case("config/app.yaml", "description: Mail such as me@example.com\n"),
            Case("config/app.yaml", "host: counterexample.com\n"),
        ],
    ),
    "chat-hook": (
        [
            Case("config/app.yaml", f"slack_url: {HOOK}T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX\n"),
            Case(".env", f"SLACK={HOOK}YOUR/WEBHOOK/URL\n"),
        ],
        [
            Case("config/app.yaml", "slack_url: ${SLACK_URL}\n"),
            Case("config/app.yaml", f"description: like {HOOK}T00000000/B00000000/XXXX\n"),
        ],
    ),
    "test-key": (
        [
            Case("config/production.yaml", f"stripe:\n  key: {TEST_KEY}\n"),
            Case(".env.production", f"AWS_ACCESS_KEY_ID={CLOUD_KEY}\n"),
            Case("src/pay.ts", f'const options = {{ stripeKey: "{TEST_KEY}" }};\n'),
        ],
        [
            Case("config/production.yaml", f"stripe:\n  key: {LIVE_KEY}\n"),
            Case("config/production.yaml", "suite: run_test_integration\n"),
        ],
    ),
    "mock-vendor": (
        [
            Case("config/production.yaml", "payment:\n  provider: mock\n"),
            Case("config/production.yaml", "paypal:\n  mode: sandbox\n"),
            Case(".env.production", "PAYMENTS_URL=https://api.sandbox.vendor.test.internal\n"),
            Case("config/production.yaml", "use_mock_vendor: true\n"),
        ],
        [
            Case("config/production.yaml", "payment:\n  provider: stripe\n"),
            Case("config/production.yaml", "browser:\n  sandbox: true\n  tool: mockery\n"),
        ],
    ),
    "contact": (
        [
            Case("config/oncall.yaml", "team:\n  contact: '[Add contact]'\n"),
            Case("config/oncall.yaml", "escalation:\n  phone: +1-555-0100\n"),
            Case("runbook.md", "# Runbook\n\n## Contacts\n\n- Lead: [Add contact]\n"),
        ],
        [
            Case("config/oncall.yaml", "team:\n  contact: '#orders'\n  types: '[a-z]+'\n"),
            Case("src/main.go", "func f() map[Name]Contact { return nil }\n"),
            Case("config/app.yaml", "serial: 1-555-0100-77\n"),
        ],
    ),
    "sign-off": (
        [
            Case("runbook.md", "# Runbook\n\nApproved by: ______ Date: ______\n"),
            Case("docs/sign-off.md", "# Sign-off\n\n- [ ] Security Lead: ____\n"),
        ],
        [
            Case("runbook.md", "# Runbook\n\nApproved by: Ada, Date: 2026-01-01\n"),
            Case("src/form.py", 'LINE = "Approved by: ______ Date: ______"\n'),
        ],
    ),
    "blank-field": (
        [
            Case("runbook.md", "# Runbook\n\n**Version:** [Release]\n"),
            Case("runbook.md", "# Runbook\n\n| Item | Value |\n|---|---|\n| Region | [Region] |\n"),
        ],
        [
            Case("runbook.md", "# Runbook\n\n**Version:** [7](changes.md)\n"),
            Case("runbook.md", "# Runbook\n\n## Review template\n\n**Version:** [Release]\n"),
        ],
    ),
    "local-url": (
        [
            Case("runbook.md", "# Runbook\n\n## Monitoring URLs\n\n- Grafana: http://localhost:3000\n"),
            Case("runbook.md", "# Runbook\n\n## Dashboards\n\n- Traces: http://127.0.0.1:16686/search\n"),
        ],
        [
            Case("runbook.md", "# Runbook\n\n## Monitoring URLs\n\n```\ncurl http://localhost:3000\n```\n"),
            Case("runbook.md", "# Runbook\n\n## Monitoring URLs\n\n- Grafana: https://grafana.shop.test.internal\n"),
        ],
    ),
    "unlisted": (
        [
            Case("data.yaml", "".join(f"key{n}: example.com\n" for n in range(400))),
            Case("data.json", '{"a": [' + ", ".join(f'"__V{n}__"' for n in range(500)) + "]}"),
        ],
        [
            Case("data.yaml", "".join(f"key{n}: example.com\n" for n in range(20))),
            Case("data.yaml", "".join(f"key{n}: plain\n" for n in range(5000))),
        ],
    ),
    "stub": (
        [
            Case("src/report.py", "def render(data):\n    raise NotImplementedError\n"),
            Case(
                "src/report.py",
                "class Report:\n    def render(self):\n        '''Text.'''\n        raise NotImplementedError('later')\n",
            ),
        ],
        [
            Case(
                "src/report.py",
                "import abc\n\nclass Report(abc.ABC):\n    @abc.abstractmethod\n    def render(self):\n        raise NotImplementedError\n",
            ),
            Case(
                "src/report.py",
                "class Report:\n    def render(self):\n        raise NotImplementedError\n\nclass Plain(Report):\n    def render(self):\n        return 1\n",
            ),
            Case(
                "src/report.py",
                "class Report:\n    def render(self):\n        raise NotImplementedError('subclasses must define it')\n",
            ),
            Case(
                "src/report.py",
                "def render(kind):\n    if kind != 'a':\n        raise NotImplementedError(kind)\n    return 1\n",
            ),
            Case("tests/test_report.py", "def render(data):\n    raise NotImplementedError\n"),
        ],
    ),
    "empty-body": (
        [
            Case("src/price.py", "def price(item: str) -> int:\n    pass\n"),
            Case("src/api.py", "@app.post('/charge')\ndef charge(card):\n    pass\n"),
        ],
        [
            Case(
                "src/price.py",
                "from typing import Protocol\n\nclass Price(Protocol):\n    def price(self, item: str) -> int: ...\n",
            ),
            Case("src/price.py", "def closed() -> None:\n    pass\n\ndef hook(self):\n    pass\n"),
            Case("src/price.py", "from typing import overload\n\n@overload\ndef f(a: int) -> int: ...\n"),
        ],
    ),
    "work-marker": (
        [
            Case("src/a.py", "x = 1  # TODO: really?\n"),
            Case("src/a.go", "// FIXME(ada) leaks\n"),
            Case("src/a.sql", "-- XXX slow\n"),
            Case("src/a.js", "/* HACK */\n"),
        ],
        [
            Case("src/a.py", 'STATES = ["TODO", "DONE"]\n'),
            Case("src/a.py", "# todo lists are shown here\n"),
            Case("src/a.py", "# sizes XXXL and XXXS, a HACKATHON\n"),
            Case("tests/test_a.py", "# TODO: more\n"),
        ],
    ),
    "template-variable": (
        [
            Case("config/app.yaml", "version: __VERSION__\n"),
            Case("config/app.json", '{"host": "@@HOST@@"}\n'),
        ],
        [
            Case("config/app.yaml", "file: __init__.py\nlabel: __name__\n"),
            Case("config/app.yaml", "version: ${VERSION}\n"),
        ],
    ),
}
OFF_BY_DEFAULT: dict[str, tuple[list[Case], list[Case]]] = {
    "sample-person": (
        [Case("config/app.yaml", "owner: John Doe\n"), Case("site/index.html", "<p>jane.doe@shop.test.internal</p>\n")],
        [Case("config/app.yaml", "owner: John Dough\n"), Case("config/app.yaml", "owner: Jane Donovan\n")],
    ),
    "filler-text": (
        [Case("site/index.html", "<p>Lorem ipsum dolor</p>\n"), Case("config/app.yaml", "text: lorem ipsum\n")],
        [Case("site/index.html", "<p>Lore, ipso facto</p>\n"), Case("config/app.yaml", "text: dolorous\n")],
    ),
    "nil-uuid": (
        [
            Case("config/app.yaml", "tenant: 00000000-0000-0000-0000-000000000000\n"),
            Case(".env", "TENANT=00000000-0000-0000-0000-000000000000\n"),
        ],
        [
            Case("config/app.yaml", "tenant: 00000000-0000-0000-0000-000000000001\n"),
            Case("config/app.yaml", "tenant: 00000000-0000\n"),
        ],
    ),
    "test-address": (
        [Case("config/app.yaml", "upstream: 192.0.2.7\n"), Case("nginx.conf", "server 203.0.113.9;\n")],
        [Case("config/app.yaml", "upstream: 192.0.20.7\n"), Case("config/app.yaml", "upstream: 10.203.0.113\n")],
    ),
    "dummy-value": (
        [Case("config/list.txt", "dummy\n"), Case("notes.txt", "a\n  Dummy  \nb\n")],
        [Case("config/list.txt", "dummy data\n"), Case("notes.txt", "dummies\n")],
    ),
    "coming-soon": (
        [Case("site/index.html", "<h1>Coming soon</h1>\n"), Case("notes.txt", "coming soon: more\n")],
        [Case("site/index.html", "<h1>Coming sooner</h1>\n"), Case("notes.txt", "soon coming\n")],
    ),
}
