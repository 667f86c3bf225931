"""Keys and tokens whose form says which vendor issued them."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from readiness.model import FindingSeverity
from readiness.static.secrets import harmless
from readiness.static.secrets.detector import Candidate, Detector, Judgement, drawn, token
from readiness.static.secrets.entropy import looks_random

if TYPE_CHECKING:
    from readiness.static.secrets.place import Place

ADVISORY, INFORMATION = FindingSeverity.ADVISORY, FindingSeverity.INFORMATION
_PUBLIC_GOOGLE_FILES = ("google-services.json", "googleservice-info.plist")
_SLACK_DIGITS = 6
_FIREBASE = ("authDomain", "messagingSenderId", "firebase", "mobilesdk")


def _google_key(found: Candidate, place: Place) -> Judgement | None:
    """Keys of an app's own Firebase project are meant to be published with the app."""
    if token(found, place) is None:
        return None
    text = place.data[max(0, found.start - 500) : found.end + 500].decode("utf-8", "replace")
    if place.name in _PUBLIC_GOOGLE_FILES or any(word in text for word in _FIREBASE):
        return Judgement(INFORMATION, note="Firebase publishes such a key with the app; restrict what it may call")
    return Judgement()


def _discord(found: Candidate, place: Place) -> Judgement | None:
    """The first part is the bot's number in base64."""
    first = found.text.partition(".")[0]
    try:
        number = base64.b64decode(first + "=" * (-len(first) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return token(found, place) if number.isdigit() else None


def _sas(found: Candidate, place: Place) -> Judgement | None:
    """A signature counts where the version of the service stands in the same address."""
    return token(found, place) if "sv=20" in place.around(found.start, 1000) else None


def _aws_secret(found: Candidate, place: Place) -> Judgement | None:
    """40 characters of base64 that are no hash and no path."""
    if harmless.is_digest(found.text) or not looks_random(found.text):
        return None
    return token(found, place)


def _slack(found: Candidate, place: Place) -> Judgement | None:
    """Slack's tokens have numbers in them; words joined with hyphens have none."""
    return token(found, place) if sum(each.isdigit() for each in found.text) >= _SLACK_DIGITS else None


# fmt: off
_CLOUDS = (
    Detector("aws-access-key", "an AWS access key id", ("AKIA", "ASIA", "ABIA", "ACCA"), r"\b((?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16})\b",
             shown="AKIA", where="in AWS IAM", source="AWS IAM user guide, unique identifiers"),
    Detector("aws-secret-key", "an AWS secret access key", ("secret", "aws"),
             r"(?i)(?:aws[a-z0-9_ .\[\]-]{0,20}(?:secret|key)|secret_?access_?key|secretkey|s3_?secret)[a-z0-9_-]{0,20}[\"'\]]{0,2}\s{0,4}(?:=>|:=|=|:|,|\s)\s{0,4}[rbfu]{0,2}[\"'`]?([a-z0-9/+]{40})(?:[^a-z0-9/+=]|$)",
             _aws_secret, ignore_case=True, where="in AWS IAM", source="AWS IAM user guide, access keys"),
    Detector("aws-session-token", "an AWS session token", ("IQoJb3JpZ2lu", "FwoGZXIvYXdz", "FQoGZXIvYXdz"),
             r"((?:IQoJb3JpZ2lu|FwoGZXIvYXdz|FQoGZXIvYXdz)[A-Za-z0-9/+=]{100,})", severity=ADVISORY,
             where="by revoking the role's sessions in AWS IAM", source="AWS STS, temporary credentials"),
    Detector("google-api-key", "a Google API key", ("AIza",), r"\b(AIza[0-9A-Za-z_-]{35})(?:[^0-9A-Za-z_-]|$)", _google_key, "AIza",
             where="among the credentials of the Google Cloud project", source="Google Cloud, API keys"),
    Detector("google-oauth", "an OAuth secret or token of Google", ("GOCSPX-", "ya29.", "1//0"),
             r"\b(GOCSPX-[0-9A-Za-z_-]{28}|ya29\.[0-9A-Za-z_-]{60,}|1//0[0-9A-Za-z_-]{50,})(?:[^0-9A-Za-z_-]|$)",
             where="among the credentials of the Google Cloud project", source="Google Identity, OAuth 2.0"),
    Detector("azure-storage-key", "a key of an Azure account", ("AccountKey", "account_key", "accountkey", "AZURE_STORAGE_KEY", "storage"),
             r"(?i)(?:account_?key|storage_?(?:access_?)?key)[\"']?\s{0,4}[=:]\s{0,4}[\"']?([A-Za-z0-9+/]{86}==)", ignore_case=True,
             where="by rotating the account's keys in Azure", source="Azure Storage, account access keys"),
    Detector("azure-shared-key", "a shared access key of Azure Service Bus, Event Hubs or IoT Hub", ("SharedAccessKey=",),
             r"SharedAccessKey=([A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{32,60}=)", where="by rotating the policy's keys in Azure",
             source="Azure Service Bus, shared access signatures"),
    Detector("azure-sas", "a shared access signature of Azure", ("sig=",),
             r"\bsig=([A-Za-z0-9%+/]{40,90}(?:%3[dD]|=))", _sas, "sig=", where="by rotating the key or the stored access policy that signed it",
             source="Azure Storage, shared access signatures"),
    Detector("azure-client-secret", "a client secret of Microsoft Entra", ("Q~",),
             r"(?:^|[^A-Za-z0-9_~.-])([A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34})(?:[^A-Za-z0-9_~.-]|$)", drawn(3.8),
             where="among the app registration's certificates and secrets", source="Microsoft Entra, app registrations"),
    Detector("digitalocean-token", "a DigitalOcean token", ("_v1_",), r"\b(do[opr]_v1_[0-9a-f]{64})\b", shown="do*_v1_",
             where="among the account's API tokens", source="DigitalOcean API, authentication"),
    Detector("heroku-key", "a Heroku API key", ("HRKU-", "heroku"),
             r"(?i)(\bHRKU-[0-9a-z_-]{36,80}|heroku[a-z0-9_ .-]{0,20}(?:key|token)[\"']?\s{0,4}[=:]\s{0,4}[\"']?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\b",
             ignore_case=True, where="in the account's settings", source="Heroku Platform API, authentication"),
)

_FORGES = (
    Detector("github-token", "a GitHub token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"\b(gh[pousr]_[0-9A-Za-z]{36,251})(?:[^0-9A-Za-z_]|$)", shown="gh*_",
             where="in GitHub's developer settings", source="GitHub, token formats"),
    Detector("github-fine-grained-token", "a fine-grained GitHub token", ("github_pat_",), r"\b(github_pat_[0-9A-Za-z]{22}_[0-9A-Za-z]{59})\b",
             shown="github_pat_", where="in GitHub's developer settings", source="GitHub, token formats"),
    Detector("gitlab-token", "a GitLab token", ("glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glsoat-", "glagent-", "glft-", "glimt-", "gloas-", "GR1348941"),
             r"\b((?:gl(?:pat|dt|rt|ptt|cbt|soat|agent|ft|imt|oas)-|GR1348941)[0-9A-Za-z_.-]{20,300})", drawn(3.2), "gl*-",
             where="among the access tokens in GitLab", source="GitLab, token overview"),
    Detector("npm-token", "an npm token", ("npm_",), r"\b(npm_[0-9A-Za-z]{36})\b", shown="npm_", where="among the account's access tokens", source="npm, access tokens"),
    Detector("pypi-token", "a PyPI token", ("pypi-AgE",), r"\b(pypi-AgE[0-9A-Za-z_-]{60,})", shown="pypi-", where="in the account's settings",
             source="PyPI, API tokens"),
    Detector("dockerhub-token", "a Docker Hub token", ("dckr_",), r"\b(dckr_(?:pat|oat)_[0-9A-Za-z_-]{27,32})(?:[^0-9A-Za-z_-]|$)", shown="dckr_",
             where="among the account's access tokens", source="Docker Hub, access tokens"),
    Detector("artifactory-token", "an Artifactory token", ("AKCp", "cmVmdGtuO"), r"\b((?:AKCp[0-9A-Za-z]{60,73}|cmVmdGtuO[0-9A-Za-z+/=]{50,90}))",
             where="in Artifactory's user profile", source="JFrog, access tokens"),
    Detector("rubygems-key", "a RubyGems key", ("rubygems_",), r"\b(rubygems_[0-9a-f]{48})\b", shown="rubygems_", where="among the account's API keys",
             source="RubyGems, API keys"),
    Detector("terraform-cloud-token", "a HCP Terraform token", (".atlasv1.",), r"\b([0-9A-Za-z]{14}\.atlasv1\.[0-9A-Za-z_=-]{60,80})",
             where="among the tokens of the user or the organization", source="HCP Terraform, API tokens"),
    Detector("vault-token", "a HashiCorp Vault token", ("hvs.", "hvb.", "hvr."), r"\b(hv[sbr]\.[0-9A-Za-z_-]{24,300})(?:[^0-9A-Za-z_-]|$)", drawn(3.8), "hv*.",
             where="with `vault token revoke`", source="HashiCorp Vault, tokens"),
)

_MESSAGING = (
    Detector("slack-token", "a Slack token", ("xox", "xapp-"),
             r"\b((?:xox[abceoprs]-|xoxe\.xox[bp]-\d-)[0-9A-Za-z-]{20,250}|xapp-\d-[0-9A-Za-z]+-\d+-[0-9a-f]{60,70})", _slack, "xox*-",
             where="in the settings of the Slack app", source="Slack API, token types"),
    Detector("slack-webhook", "a Slack webhook", ("hooks.slack.com", "hooks.slack-gov.com"),
             r"hooks\.slack(?:-gov)?\.com/((?:services/T[0-9A-Z]{8,12}/B[0-9A-Z]{8,12}/[0-9A-Za-z]{18,28})|(?:workflows|triggers)/[0-9A-Z]{8,12}/[0-9A-Za-z]{8,20}/[0-9A-Za-z/]{18,60})",
             shown="hooks.slack.com/...", where="in the settings of the Slack app", source="Slack API, incoming webhooks"),
    Detector("discord-token", "a token of a Discord bot", ("discord", "bot"), r"\b([MNO][0-9A-Za-z_-]{23,27}\.[0-9A-Za-z_-]{6}\.[0-9A-Za-z_-]{27,40})(?:[^0-9A-Za-z_-]|$)", _discord,
             ignore_case=True, where="in Discord's developer portal", source="Discord, authentication"),
    Detector("discord-webhook", "a Discord webhook", ("/api/webhooks/",), r"discord(?:app)?\.com/api/webhooks/(\d{17,20}/[0-9A-Za-z_-]{60,72})",
             shown="discord.com/api/webhooks/...", where="in the channel's settings", source="Discord, webhooks"),
    Detector("teams-webhook", "a Microsoft Teams webhook", ("webhook.office.com", "outlook.office.com/webhook"),
             r"office\.com/(webhook(?:b2)?/[0-9a-f-]{36}@[0-9a-f-]{36}/IncomingWebhook/[0-9a-f]{32}/[0-9a-f-]{36})", shown="webhook.office.com/...",
             where="among the channel's connectors", source="Microsoft Teams, incoming webhooks"),
    Detector("telegram-bot-token", "a token of a Telegram bot", (":AA",), r"(?:^|[^0-9A-Za-z]|/bot)(\d{8,10}:AA[0-9A-Za-z_-]{33})(?:[^0-9A-Za-z_-]|$)",
             where="with BotFather's /revoke", source="Telegram, bot API"),
    Detector("twilio-key", "a Twilio key", ("SK", "twilio"), r"(\bSK[0-9a-f]{32}\b)", shown="SK", where="in the Twilio console", source="Twilio, API keys"),
    Detector("twilio-auth-token", "a Twilio auth token", ("twilio",),
             r"(?i)twilio[a-z0-9_ .-]{0,20}(?:token|secret)[\"'\]]{0,2}\s{0,4}(?:=>|:=|=|:|,)\s{0,4}[\"']?([0-9a-f]{32})\b", drawn(2.9), ignore_case=True,
             where="in the Twilio console", source="Twilio, auth tokens"),
    Detector("sendgrid-key", "a SendGrid key", ("SG.",), r"\b(SG\.[0-9A-Za-z_-]{22}\.[0-9A-Za-z_-]{43})(?:[^0-9A-Za-z_-]|$)", shown="SG.",
             where="among the account's API keys", source="SendGrid, API keys"),
    Detector("mailgun-key", "a Mailgun key", ("key-", "mailgun"),
             r"(?i)(\bkey-[0-9a-f]{32}|mailgun[a-z0-9_ .-]{0,20}key[\"'\]]{0,2}\s{0,4}[=:]\s{0,4}[\"']?[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8})\b", ignore_case=True,
             where="among the account's API keys", source="Mailgun, authentication"),
    Detector("mailchimp-key", "a Mailchimp key", ("-us",), r"\b([0-9a-f]{32}-us[0-9]{1,2})\b", drawn(2.9), where="among the account's API keys",
             source="Mailchimp, API keys"),
)

_SERVICES = (
    Detector("stripe-live-key", "a live Stripe key", ("k_live_",), r"\b((?:sk|rk)_live_[0-9A-Za-z]{16,250})", shown="*k_live_",
             where="in the Stripe dashboard", source="Stripe, API keys"),
    Detector("stripe-webhook-secret", "the secret of a webhook of Stripe or Svix", ("whsec_",), r"\b(whsec_[0-9A-Za-z+/]{32,90}=?)", shown="whsec_",
             where="by rolling it in the webhook's settings", source="Stripe, webhook signatures"),
    Detector("openai-key", "an OpenAI key", ("sk-", "T3BlbkFJ"),
             r"\b(sk-(?:proj|svcacct|admin|None)-[0-9A-Za-z_-]{40,250}|sk-[0-9A-Za-z_-]{20,100}T3BlbkFJ[0-9A-Za-z_-]{20,100})", drawn(4.0), "sk-",
             where="among the organization's API keys", source="OpenAI, API keys"),
    Detector("anthropic-key", "an Anthropic key", ("sk-ant-",), r"\b(sk-ant-[a-z]{3,10}\d\d-[0-9A-Za-z_-]{80,120})", shown="sk-ant-",
             where="in the console's API keys", source="Anthropic, API keys"),
    Detector("huggingface-token", "a Hugging Face token", ("hf_", "api_org_"), r"\b((?:hf|api_org)_[0-9A-Za-z]{34,40})\b", drawn(3.8), "hf_",
             where="among the account's access tokens", source="Hugging Face, user access tokens"),
    Detector("datadog-key", "a Datadog key", ("dd", "datadog"),
             r"(?i)\b(?:dd|datadog)[_.-]?(?:api|app|application)[_.-]?key[\"'\]]{0,2}\s{0,4}(?:=>|:=|=|:|,)\s{0,4}[\"']?([0-9a-f]{40}|[0-9a-f]{32})\b", drawn(2.9),
             ignore_case=True, where="among the organization's API and application keys", source="Datadog, API and application keys"),
    Detector("newrelic-key", "a New Relic key", ("NRAK-", "NRII-", "NRIQ-", "NRRA-", "NRAL"),
             r"\b(NRAK-[0-9A-Z]{27}|NRI[IQ]-[0-9A-Za-z_-]{32}|NRRA-[0-9a-f]{42}|[0-9a-z]{6}[0-9a-zA-Z]{30}NRAL)\b", where="among the account's API keys",
             source="New Relic, API keys"),
    Detector("pagerduty-key", "a PagerDuty key", ("_key", "Token token="),
             r"(?i)(?:(?:routing|service|integration)_?key[\"']?\s{0,4}[=:]\s{0,4}[\"']?([0-9a-f]{32}|R[0-9A-Z]{31})\b|Token token=[\"']?([0-9a-z_+-]{20})\b)", drawn(2.9),
             ignore_case=True, where="in the service's integrations", source="PagerDuty, API access keys"),
    Detector("sentry-auth-token", "an auth token of Sentry", ("sntrys_", "sntryu_"), r"\b(sntrys_eyJ[0-9A-Za-z+/=_-]{80,}|sntryu_[0-9a-f]{64})", shown="sntry*_",
             where="among the organization's auth tokens", source="Sentry, auth tokens"),
    Detector("grafana-token", "a Grafana token", ("glsa_", "glc_eyJ"), r"\b(glsa_[0-9A-Za-z]{32}_[0-9A-Fa-f]{8}|glc_eyJ[0-9A-Za-z+/=]{40,})", shown="gl*_",
             where="among the service accounts", source="Grafana, service accounts"),
    Detector("databricks-token", "a Databricks token", ("dapi",), r"\b(dapi[0-9a-f]{32}(?:-\d)?)\b", shown="dapi", where="in the user's settings",
             source="Databricks, personal access tokens"),
    Detector("shopify-token", "a Shopify token", ("shpat_", "shpca_", "shppa_", "shpss_"), r"\b(shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32})\b", shown="shp*_",
             where="in the app's settings", source="Shopify, access tokens"),
    Detector("square-token", "a Square token", ("sq0", "EAAA"), r"\b(sq0(?:csp|atp)-[0-9A-Za-z_-]{22,43}|EAAA[a-zA-Z0-9_-]{60})(?:[^0-9A-Za-z_-]|$)", drawn(3.8),
             where="in Square's developer console", source="Square, access tokens"),
)

# fmt: on

DETECTORS: tuple[Detector, ...] = (*_CLOUDS, *_FORGES, *_MESSAGING, *_SERVICES)
