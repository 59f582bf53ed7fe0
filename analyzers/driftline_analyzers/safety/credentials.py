"""Credentials by their issuers' formats, and high-entropy values that are assigned to a name such as password."""

import base64
import binascii
import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from driftline_analyzers.safety.findings import Finding, without_overlaps

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
}
_KNOWN: Final = re.compile(
    "|".join(rf"(?P<{kind}>(?<![A-Za-z0-9_]){form})" for kind, form in _FORMATS.items() if kind != "private_key")
    + rf"|(?P<private_key>{_FORMATS['private_key']})"
)
_JWT: Final = re.compile(r"(?<![\w-])(eyJ[\w-]{8,2000})\.eyJ[\w-]{4,8000}\.[\w-]{10,2000}")
_URL: Final = re.compile(
    r"(?<![A-Za-z0-9+.-])[a-z][a-z0-9+.-]{1,15}://[^\s:/@'\"<>]{0,64}:([^\s/@'\"<>]{3,200})@[\w.-]"
)
_AWS_SECRET: Final = re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
_AWS_WORDS: Final = re.compile(r"aws|secret.{0,3}access", re.IGNORECASE)
_ASSIGNED: Final = re.compile(
    r"(?:passw(?:or)?d|passwort|passphrase|pwd|secret|api[_-]?key|apikey|access[_-]?key|auth[_-]?key|signing[_-]?key|encryption[_-]?key|token"
    r"|credentials?)[\"']?(?:\s{0,3}(?:=>|:=|=|:)\s{0,3}|\s{1,3}is\s{1,3}:?\s{0,3})[\"'`]?([^\s\"'`,;<>(){}\[\]]{8,200})",
    re.IGNORECASE,
)
_PLACEHOLDER: Final = re.compile(
    r"x{4}|\*{3}|\.{3}|…|0{6}|12345678|abcdef|your|example|placeholder|dummy|sample|redacted|changeme|insert|\$\{?\w|\{\{|%\w|os\.|process\.|env[.\[]"
    r"|config\.|secrets?\.|get(?:env|pass)|://",
    re.IGNORECASE,
)
_ASSIGNED_ENTROPY_BITS: Final = 2.75
_TOKEN_ENTROPY_BITS: Final = 3.0
_AWS_CONTEXT_CHARS: Final = 80


def find_credentials(text: str) -> list[Finding]:
    """Findings in order of place, none overlapping another. Linear in the text."""
    return without_overlaps((*_known(text), *_jwts(text), *_urls(text), *_aws_secrets(text), *_assigned(text)))


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
