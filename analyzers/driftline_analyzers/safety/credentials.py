"""Credentials by their issuers' formats, and high-entropy values that are assigned to a name such as password."""

import base64
import binascii
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import unquote

from driftline_analyzers.safety.findings import Finding, without_overlaps
from driftline_analyzers.safety.folding import in_original, plain

_FORMATS: Final = {
    "private_key": r"-----BEGIN (?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----",
    "aws_access_key_id": r"(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Za-z0-9])",
    "github_token": r"gh[pousr]_[A-Za-z0-9]{36,255}(?![A-Za-z0-9_])|github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}(?![A-Za-z0-9_])",
    "gitlab_token": r"gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent)-[A-Za-z0-9_\-]{20,300}",
    "slack_token": r"xox[abceoprs]-[A-Za-z0-9-]{20,250}|xapp-\d-[A-Z0-9]{8,16}-\d{8,16}-[a-f0-9]{32,128}",
    "slack_webhook": r"https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/_-]{30,120}",
    "stripe_key": r"(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,200}|whsec_[A-Za-z0-9+/]{32,80}",
    "anthropic_key": r"sk-ant-[a-z0-9]{2,12}-[A-Za-z0-9_\-]{20,200}",
    "openai_key": r"sk-(?:proj-|svcacct-|admin-|None-)?[A-Za-z0-9_\-]{32,250}",
    "google_api_key": r"AIza[A-Za-z0-9_\-]{35}(?![A-Za-z0-9_\-])|GOCSPX-[A-Za-z0-9_\-]{28}(?![A-Za-z0-9_\-])",
    "huggingface_token": r"hf_[A-Za-z0-9]{34,40}(?![A-Za-z0-9])",
    "npm_token": r"npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])",
    "pypi_token": r"pypi-AgE[A-Za-z0-9_\-]{50,300}",
    "sendgrid_key": r"SG\.[A-Za-z0-9_\-]{22}\.[A-Za-z0-9_\-]{43}(?![A-Za-z0-9_\-])",
    "digitalocean_token": r"do[opr]_v1_[a-f0-9]{64}(?![A-Za-z0-9])",
    "databricks_token": r"dapi[a-f0-9]{32}(?![A-Za-z0-9])",
    "telegram_token": r"\d{8,10}:AA[A-Za-z0-9_\-]{33}(?![A-Za-z0-9_\-])",
    "google_oauth_token": r"ya29\.[A-Za-z0-9_\-]{40,500}",
    "twilio_key": r"SK[a-f0-9]{32}(?![A-Za-z0-9])",
    "mailgun_key": r"key-[a-f0-9]{32}(?![A-Za-z0-9])",
    "mailchimp_key": r"[a-f0-9]{32}-us\d{1,2}(?![A-Za-z0-9])",
    "shopify_token": r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}(?![A-Za-z0-9])",
    "square_token": r"sq0(?:atp-[A-Za-z0-9_\-]{22}|csp-[A-Za-z0-9_\-]{43})(?![A-Za-z0-9_\-])",
    "docker_token": r"dckr_(?:pat|oat)_[A-Za-z0-9_\-]{27,32}(?![A-Za-z0-9_\-])",
    "grafana_token": r"glsa_[A-Za-z0-9]{32}_[a-fA-F0-9]{8}(?![A-Za-z0-9])",
    "vault_token": r"hv[sbr]\.[A-Za-z0-9_\-]{24,300}",
    "atlassian_token": r"ATATT3[A-Za-z0-9_\-=]{120,250}",
    "postman_key": r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}(?![A-Za-z0-9])",
    "linear_key": r"lin_api_[A-Za-z0-9]{40}(?![A-Za-z0-9])",
    "notion_token": r"(?:ntn_[A-Za-z0-9]{46}|secret_[A-Za-z0-9]{43})(?![A-Za-z0-9])",
    "groq_key": r"gsk_[A-Za-z0-9]{52}(?![A-Za-z0-9])",
    "replicate_token": r"r8_[A-Za-z0-9]{37}(?![A-Za-z0-9])",
    "perplexity_key": r"pplx-[A-Za-z0-9]{48}(?![A-Za-z0-9])",
    "supabase_token": r"sb(?:p_[a-f0-9]{40}|_secret_[A-Za-z0-9_\-]{31})(?![A-Za-z0-9])",
    "rubygems_key": r"rubygems_[a-f0-9]{48}(?![A-Za-z0-9])",
    "age_key": r"AGE-SECRET-KEY-1[AC-HJ-NP-Z02-9]{58}(?![A-Za-z0-9])",
    "discord_webhook": r"https://(?:canary\.|ptb\.)?discord(?:app)?\.com/api/(?:v\d{1,2}/)?webhooks/\d{17,20}/[A-Za-z0-9_\-]{60,80}",
    "teams_webhook": r"https://[a-z0-9-]{1,60}\.webhook\.office\.com/webhookb2/[A-Za-z0-9@-]{36,80}/IncomingWebhook/[a-f0-9]{32}/[a-f0-9-]{36}",
    "azure_client_secret": r"[A-Za-z0-9_~.\-]{3}[0-9]Q~[A-Za-z0-9_~.\-]{31,34}(?![A-Za-z0-9_~\-])",
}
"""As the issuers document them, and as the public rules of gitleaks and detect-secrets have them."""
_KNOWN: Final = re.compile(
    rf"(?<![A-Za-z0-9_])(?:{'|'.join(f'(?P<{kind}>{form})' for kind, form in _FORMATS.items())})"
)
_JWT: Final = re.compile(r"(?<![\w-])(eyJ[\w-]{8,2000})\.eyJ[\w-]{4,8000}\.[\w-]{10,2000}")
_URL: Final = re.compile(
    r"(?<![A-Za-z0-9+.-])[a-z][a-z0-9+.-]{1,15}://[^\s:/@'\"<>]{0,64}:([^\s/@'\"<>]{3,200})@[\w.-]"
)
_AZURE_KEY: Final = re.compile(
    r"\b(?P<name>AccountKey|SharedAccessKey)\s{0,2}=\s{0,2}[\"']?(?P<key>[A-Za-z0-9+/]{86}==|[A-Za-z0-9+/]{43}=)(?![A-Za-z0-9+/=])"
)
_AZURE_KIND: Final = {"AccountKey": ("azure_storage_key", 64), "SharedAccessKey": ("azure_access_key", 32)}
"""Name in a connection string -> kind, and how many bytes the key has."""
_QUERY: Final = re.compile(r"\?[A-Za-z0-9%+/=&_.~:-]{60,2000}")
_SAS_PART: Final = re.compile(r"(?<=[?&])sig=([A-Za-z0-9+/%]{43,90}(?:%3[Dd]|=))(?=&|$)")
_AUTHORIZATION: Final = re.compile(
    r"\bauthorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?:(?P<scheme>basic|bearer|token|apikey|bot)\s{1,3})(?P<value>[A-Za-z0-9._~+/\-]{8,4000}={0,2})",
    re.IGNORECASE,
)
_BEARER: Final = re.compile(r"\bbearer\s{1,3}([A-Za-z0-9._~+/\-]{20,4000}={0,2})", re.IGNORECASE)
_DISCORD: Final = re.compile(r"(?<![\w.-])([MNO][A-Za-z0-9_-]{22,27})\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}(?![\w-])")
_AWS_SECRET: Final = re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
_AWS_WORDS: Final = re.compile(r"aws|secret.{0,3}access", re.IGNORECASE)
_ASSIGNED: Final = re.compile(
    r"(?:passw(?:or)?d|passwort|passphrase|pwd|secret|api[_-]?key|apikey|access[_-]?key|auth[_-]?key|signing[_-]?key|encryption[_-]?key|token"
    r"|credentials?)[\"']?(?:\s{0,3}(?:=>|:=|=|:)\s{0,3}|\s{1,3}is\s{1,3}:?\s{0,3})[\"'`]?([^\s\"'`,;<>(){}\[\]]{8,200})",
    re.IGNORECASE,
)
_PLACEHOLDER: Final = re.compile(
    r"x{4}|\*{3}|\.{3}|…|0{6}|12345678|(?-i:abcdef|ABCDEF)|your|example|placeholder|dummy|sample|redacted|changeme|insert|\$\{?\w|\{\{|%\w|os\.|process\.|env[.\[]"
    r"|config\.|secrets?\.|get(?:env|pass)|://",
    re.IGNORECASE,
)
_ASSIGNED_ENTROPY_BITS: Final = 2.75
_TOKEN_ENTROPY_BITS: Final = 3.0
_AWS_CONTEXT_CHARS: Final = 80


def find_credentials(text: str) -> list[Finding]:
    """Findings in order of place, none overlapping another; of the stricter finder where two would. Linear in the text."""
    folded = plain(text)
    return in_original(without_overlaps(one for finder in _FINDERS for one in finder(folded.text)), folded)


def entropy_bits(text: str) -> float:
    """Shannon's entropy of its characters, in bits a character."""
    counts = Counter(text).values()
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts) if text else 0.0


def _known(text: str) -> Iterator[Finding]:
    for match in _KNOWN.finditer(text):
        kind = match.lastgroup or ""
        if kind == "private_key" or not _is_placeholder(match[0], bits=_TOKEN_ENTROPY_BITS):
            yield Finding(kind=kind, start=match.start(), end=match.end())


def _is_placeholder(token: str, *, bits: float) -> bool:
    return _PLACEHOLDER.search(token.removeprefix("https://")) is not None or entropy_bits(token) < bits


def _jwts(text: str) -> Iterator[Finding]:
    """JSON Web Tokens whose header is JSON and names an algorithm."""
    for match in _JWT.finditer(text):
        try:
            header = json.loads(base64.urlsafe_b64decode(match[1] + "=" * (-len(match[1]) % 4)))
        except (binascii.Error, ValueError):
            continue
        if isinstance(header, dict) and "alg" in header:
            yield Finding(kind="jwt", start=match.start(), end=match.end())


def _urls(text: str) -> Iterator[Finding]:
    for match in _URL.finditer(text) if "://" in text else ():
        if match[1].lower() not in {"password", "pass", "pwd", "secret"} and not _PLACEHOLDER.search(match[1]):
            yield Finding(kind="url_password", start=match.start(1), end=match.end(1))


def _azure(text: str) -> Iterator[Finding]:
    """Keys of connection strings by their length in bytes, and signatures of shared access: 32 bytes beside an expiry and a version."""
    for match in _AZURE_KEY.finditer(text):
        kind, n_bytes = _AZURE_KIND[match["name"]]
        if len(base64.b64decode(match["key"])) == n_bytes and entropy_bits(match["key"]) >= _TOKEN_ENTROPY_BITS:
            yield Finding(kind=kind, start=match.start("key"), end=match.end("key"))
    for query in _QUERY.finditer(text) if "sig=" in text else ():
        part = _SAS_PART.search(query[0])
        if part and {"se", "sv"} <= {name.partition("=")[0] for name in query[0][1:].split("&")}:
            try:
                n_bytes = len(base64.b64decode(unquote(part[1]), validate=True))
            except (binascii.Error, ValueError):
                continue
            if n_bytes == 32 and entropy_bits(part[1]) >= _TOKEN_ENTROPY_BITS:
                yield Finding(kind="azure_sas", start=query.start() + part.start(1), end=query.start() + part.end(1))


def _discord(text: str) -> Iterator[Finding]:
    """Bots' tokens, whose first part is the bot's number in base64."""
    for match in _DISCORD.finditer(text):
        try:
            number = base64.urlsafe_b64decode(match[1] + "=" * (-len(match[1]) % 4))
        except (binascii.Error, ValueError):
            continue
        if number.isdigit() and 17 <= len(number) <= 20:
            yield Finding(kind="discord_token", start=match.start(), end=match.end())


def _authorizations(text: str) -> Iterator[Finding]:
    """What stands after 'Authorization:' and its scheme, and after 'Bearer' alone; of Basic, a name and a password."""
    for match in _AUTHORIZATION.finditer(text):
        value = match["value"]
        is_secret = _is_basic(value) if match["scheme"].lower() == "basic" else len(value) >= 16 and _is_token(value)
        if is_secret:
            yield Finding(kind="authorization", start=match.start("value"), end=match.end("value"))
    for match in _BEARER.finditer(text):
        if _is_token(match[1]):
            yield Finding(kind="authorization", start=match.start(1), end=match.end(1))


def _is_token(value: str) -> bool:
    has_both = any(map(str.isalpha, value)) and any(map(str.isdigit, value))
    return has_both and not _is_placeholder(value, bits=_TOKEN_ENTROPY_BITS)


def _is_basic(value: str) -> bool:
    try:
        name, colon, password = base64.b64decode(value, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError):
        return False
    return bool(colon and len(password) > 3 and (name + password).isprintable()) and not _PLACEHOLDER.search(password)


def _aws_secrets(text: str) -> Iterator[Finding]:
    for match in _AWS_SECRET.finditer(text):
        near = _AWS_WORDS.search(text, max(0, match.start() - _AWS_CONTEXT_CHARS), match.start())
        if near and not _is_placeholder(match[0], bits=4.0):
            yield Finding(kind="aws_secret_key", start=match.start(), end=match.end())


def _assigned(text: str) -> Iterator[Finding]:
    """Values with letters, and digits or signs, that are no plain word, placeholder or reference to where the secret is kept."""
    for match in _ASSIGNED.finditer(text):
        value = match[1].rstrip(".!?:")
        has_letters = any(char.isalpha() for char in value)
        has_others = sum(not char.isalpha() and char not in "-_./" for char in value) > 0
        if len(value) >= 8 and has_letters and has_others and not _is_placeholder(value, bits=_ASSIGNED_ENTROPY_BITS):
            yield Finding(kind="assigned_secret", start=match.start(1), end=match.start(1) + len(value))


_FINDERS: Final[tuple[Callable[[str], Iterator[Finding]], ...]] = (
    _known, _jwts, _discord, _urls, _azure, _aws_secrets, _authorizations, _assigned,
)  # fmt: skip
"""The stricter first: of overlapping findings the first stays."""
