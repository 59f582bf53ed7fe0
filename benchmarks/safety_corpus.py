"""Synthetic sentences with personal data and credentials in known places, and others with what only looks like them. All made up.

Forms and sentences were written by the author of the patterns, so that recall is that of forms thought of: a check, no estimate for
traffic.
"""

import base64
import json
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import numpy as np

Rng = np.random.Generator


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """kind: what is in it, '' nothing; start, end: where."""

    text: str
    kind: str
    start: int = 0
    end: int = 0


_DIGITS: Final = string.digits
_MIXED: Final = string.ascii_letters + string.digits


def _draw(rng: Rng, alphabet: str, n: int) -> str:
    return "".join(rng.choice(list(alphabet), n))


def _luhn(body: str) -> str:
    for digit in _DIGITS:
        total = 0
        for place, char in enumerate(reversed(body + digit)):
            value = int(char) * (1 + place % 2)
            total += value - 9 if value > 9 else value
        if total % 10 == 0:
            return body + digit
    raise AssertionError("one of ten digits fits")


def _card(rng: Rng) -> str:
    prefix, n = [("4", 16), ("51", 16), ("2223", 16), ("37", 15), ("6011", 16)][rng.integers(5)]
    number = _luhn(prefix + _draw(rng, _DIGITS, n - len(prefix) - 1))
    joint = ["", " ", "-"][rng.integers(3)]
    cuts = (4, 10) if n == 15 else (4, 8, 12)
    parts = [number[a:b] for a, b in zip((0, *cuts), (*cuts, n), strict=True)]
    return joint.join(parts)


def _iban(rng: Rng) -> str:
    country, n, is_upper = [
        ("DE", 18, False),
        ("GB", 18, True),
        ("FR", 23, False),
        ("NL", 14, True),
        ("ES", 20, False),
    ][rng.integers(5)]
    body = (_draw(rng, string.ascii_uppercase, 4) if is_upper else "") + _draw(rng, _DIGITS, n - 4 * is_upper)
    value = int("".join(str(int(char, 36)) for char in f"{body}{country}00"))
    number = f"{country}{98 - value % 97:02d}{body}"
    return " ".join(number[i : i + 4] for i in range(0, len(number), 4)) if rng.random() < 0.5 else number


def _small_iban(rng: Rng) -> str:
    return _iban(rng).lower()


def _wide_phone(rng: Rng) -> str:
    written = f"03-{_draw(rng, '23456789', 4)}-{_draw(rng, '23456789', 4)}"
    return "".join(chr(ord(char) + 0xFEE0) for char in written)


def _email(rng: Rng) -> str:
    name = ["ada", "jean-luc.moreau", "o.brien+news", "mira_k", "li.wei99", "büro"][rng.integers(6)]
    return f"{name}@{['mail.example.com', 'firma.de', 'uni-x.ac.uk', 'a1.io', 'post.co.jp'][rng.integers(5)]}"


def _phone(rng: Rng) -> str:
    a, b, c = (_draw(rng, "23456789", n) for n in (3, 3, 4))
    forms = [
        f"+49 30 {a}{b}", f"+1 ({a}) {b}-{c}", f"({a}) {b}-{c}", f"{a}-{b}-{c}", f"+44 20 7{a[:2]}{b[0]} {c}",
        f"+33 6 12 34 {a[:2]} {b[:2]}",
        f"0049 89 {b}{c}", f"+91 98{a} {b}{c[:2]}", f"+8190{c}{a}{b[0]}", f"+49 (0)171 {a}{c}",
    ]  # fmt: skip
    return forms[rng.integers(len(forms))]


def _national_phone(rng: Rng) -> str:
    return [
        f"030 {_draw(rng, '23456789', 7)}",
        f"06 12 34 {_draw(rng, '56789', 2)} 78",
        f"555 {_draw(rng, '23456789', 4)}",
    ][rng.integers(3)]


def _ssn(rng: Rng) -> str:
    return f"{rng.integers(100, 660)}-{rng.integers(10, 99)}-{rng.integers(1000, 9999)}"


def _birth(rng: Rng) -> str:
    y, m, d = int(rng.integers(1930, 2010)), int(rng.integers(1, 13)), int(rng.integers(1, 29))
    return [f"{y}-{m:02d}-{d:02d}", f"{d}.{m}.{y}", f"{m}/{d}/{y}", f"{d} March {y}", f"July {d}, {y}"][rng.integers(5)]


def _ip(rng: Rng) -> str:
    return (
        f"{[8, 81, 93, 134, 185][rng.integers(5)]}.{rng.integers(1, 250)}.{rng.integers(1, 250)}.{rng.integers(1, 250)}"
    )


def _ip6(rng: Rng) -> str:
    return f"2a01:{_draw(rng, '123456789abcdef', 3)}:{_draw(rng, '123456789abcdef', 4)}::{_draw(rng, '123456789abcdef', 2)}"


def _mac(rng: Rng) -> str:
    return ":".join(["3c", *(_draw(rng, "0123456789abcdef", 2) for _ in range(5))])


def _hex(rng: Rng, n: int) -> str:
    return _draw(rng, "0123456789abcdef", n)


def _encoded(rng: Rng, n_bytes: int) -> str:
    return base64.b64encode(rng.bytes(n_bytes)).decode()


def _jwt(rng: Rng) -> str:
    def part(value: dict[str, str]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part({'sub': _draw(rng, _DIGITS, 9)})}.{_draw(rng, _MIXED, 43)}"


PERSONAL: Final[dict[str, tuple[Callable[[Rng], str], tuple[str, ...]]]] = {
    "email": (_email, ("Write to {} please.", "<{}>", "My address is {}, thanks", "contact: {}\n", "({})")),
    "phone": (_phone, ("Call me at {} after six.", "Tel: {}", "my number is {}.", "{} is my mobile", "Fax {}, room 4")),
    "national phone": (_national_phone, ("Phone: {}", "Telefon {}", "Reach me on WhatsApp {}", "my mobile number is {}")),
    "credit_card": (_card, ("Card {} exp 04/29", "charge {} please", "number: {}.", "pay with {}, CVC 123")),
    "iban": (_iban, ("IBAN: {}", "transfer to {} by Friday", "Konto {}.", "({})")),
    "small iban": (_small_iban, ("iban: {}", "transfer to {} by Friday", "({})")),
    "wide phone": (_wide_phone, ("Ｔｅｌ：{}", "電話：{}", "電話番号は{}です", "tel {}")),
    "us_ssn": (_ssn, ("SSN {}", "my social is {}.", "social security number: {}", "{} (SSN)")),
    "date_of_birth": (_birth, ("born {}", "Date of birth: {}", "DOB {}", "She was born on {} in Leeds", "geboren am {}", "birthday: {}")),
    "ipv4": (_ip, ("client {} connected", "ip={}", "from {}:443", "host {}.")),
    "ipv6": (_ip6, ("client {} connected", "addr {} up", "[{}]:443")),
    "mac": (_mac, ("device {} joined", "MAC {}.")),
}  # fmt: skip
SECRET: Final[dict[str, tuple[Callable[[Rng], str], tuple[str, ...]]]] = {
    "aws_access_key_id": (lambda r: "AK" + "IA" + _draw(r, string.ascii_uppercase + "234567", 16), ("key {} is", "AWS_ACCESS_KEY_ID={}")),
    "aws_secret_key": (lambda r: _draw(r, _MIXED + "+/", 40), ("aws_secret_access_key = {}", "AWS secret: {}")),
    "github_token": (lambda r: "gh" + "p_" + _draw(r, _MIXED, 36), ("use {} to push", "token: {}")),
    "gitlab_token": (lambda r: "glp" + "at-" + _draw(r, _MIXED, 20), ("PRIVATE-TOKEN: {}", "with {} now")),
    "slack_token": (lambda r: "xo" + "xb-" + _draw(r, _DIGITS, 12) + "-" + _draw(r, _MIXED, 24), ("bot {}",)),
    "stripe_key": (lambda r: "sk_" + "live_" + _draw(r, _MIXED, 24), ("stripe.api_key = '{}'", "key {}")),
    "openai_key": (lambda r: "sk" + "-proj-" + _draw(r, _MIXED + "-_", 80) + "Aa1", ("OPENAI_API_KEY={}", "my key is {}")),
    "anthropic_key": (lambda r: "sk" + "-ant-api03-" + _draw(r, _MIXED + "-_", 80) + "AA", ("x-api-key: {}", "{} works")),
    "google_api_key": (lambda r: "AI" + "za" + _draw(r, _MIXED + "-_", 34) + "x", ("?key={}", "maps key {}")),
    "huggingface_token": (lambda r: "hf" + "_" + _draw(r, string.ascii_letters, 34), ("login with {}",)),
    "npm_token": (lambda r: "np" + "m_" + _draw(r, _MIXED, 36), ("//registry.npmjs.org/:_authToken={}", "with {} ok")),
    "pypi_token": (lambda r: "py" + "pi-AgE" + _draw(r, _MIXED + "-_", 100) + "a1", ("password = {}", "upload with {}")),
    "twilio_key": (lambda r: "S" + "K" + _hex(r, 32), ("twilio {}", "TWILIO_API_KEY_SID={}")),
    "sendgrid_key": (lambda r: "S" + "G." + _draw(r, _MIXED, 22) + "." + _draw(r, _MIXED, 43), ("mail key {}", "SENDGRID={}")),
    "mailgun_key": (lambda r: "key" + "-" + _hex(r, 32), ("api:{}", "mailgun {}")),
    "mailchimp_key": (lambda r: _hex(r, 32) + "-us" + str(r.integers(1, 22)), ("mailchimp {}", "with {} ok")),
    "azure_storage_key": (lambda r: _encoded(r, 64), ("AccountName=a;AccountKey={};EndpointSuffix=core.windows.net", "AccountKey = {}")),
    "azure_access_key": (lambda r: _encoded(r, 32), ("Endpoint=sb://x.servicebus.windows.net/;SharedAccessKey={}",)),
    "azure_sas": (
        lambda r: quote(_encoded(r, 32), safe=""),
        ("https://a.blob.core.windows.net/c?sv=2022-11-02&se=2026-01-01&sp=r&sig={}", "GET /f?se=2026-01-01&sig={}&sv=2022-11-02&sr=b"),
    ),
    "azure_client_secret": (lambda r: _draw(r, _MIXED, 3) + "8" + "Q~" + _draw(r, _MIXED, 34), ("client {}", "CLIENT={}")),
    "slack_webhook": (
        lambda r: "https://hooks.slack" + f".com/services/T0{_draw(r, _MIXED, 8)}/B0{_draw(r, _MIXED, 8)}/{_draw(r, _MIXED, 24)}",
        ("post to {} please", "url: {}"),
    ),
    "discord_webhook": (
        lambda r: "https://discord" + f".com/api/webhooks/{_draw(r, '123456789', 18)}/{_draw(r, _MIXED, 68)}",
        ("post to {} please", "url: {}"),
    ),
    "discord_token": (
        lambda r: base64.b64encode(_draw(r, "123456789", 18).encode()).decode() + f".G{_draw(r, _MIXED, 5)}.{_draw(r, _MIXED, 38)}",
        ("bot {}", "client.run('{}')"),
    ),
    "telegram_token": (lambda r: _draw(r, "123456789", 10) + ":" + "AA" + _draw(r, _MIXED, 33), ("bot {}", "t.me {}")),
    "digitalocean_token": (lambda r: "do" + "p_v1_" + _hex(r, 64), ("doctl {}", "with {} ok")),
    "databricks_token": (lambda r: "da" + "pi" + _hex(r, 32), ("databricks {}", "with {} ok")),
    "shopify_token": (lambda r: "shp" + "at_" + _hex(r, 32), ("shop {}",)),
    "docker_token": (lambda r: "dckr" + "_pat_" + _draw(r, _MIXED, 27), ("docker login -p {}",)),
    "groq_key": (lambda r: "gs" + "k_" + _draw(r, _MIXED, 52), ("groq {}",)),
    "notion_token": (lambda r: "nt" + "n_" + _draw(r, _MIXED, 46), ("notion {}",)),
    "private_key of a service account": (
        lambda r: "-----BEGIN " + "PRIVATE KEY-----",
        ('{{"type": "service_account", "private_key": "{}\\nMIIEvQ"}}',),
    ),
    "authorization": (
        lambda r: _draw(r, _MIXED, 38) + "7k",
        ("Authorization: Bearer {}", "curl -H 'authorization: token {}'", '{{"Authorization": "Bearer {}"}}', "a bearer {} of mine"),
    ),
    "jwt": (_jwt, ("Authorization: Bearer {}", "cookie {}")),
    "private_key": (lambda r: "-----BEGIN " + "RSA PRIVATE KEY-----", ("{}\nMIIEow", "file:\n{}")),
    "url_password": (lambda r: _draw(r, _MIXED, 12) + "7k", ("postgres://app:{}@db.internal:5432/app", "https://bob:{}@git.host/x")),
    "assigned_secret": (
        lambda r: "Tr" + _draw(r, _MIXED, 10) + "9!x",
        ("password={}", "api_key: \"{}\"", "the passphrase is {}", "DB_PASSWORD={}"),
    ),
}  # fmt: skip
HARMLESS: Final = (
    "Order 4111 1111 1111 1112 shipped", "invoice 2024-05-01-0042", "version 10.2.0.15 is out", "host 192.168.1.20 is local",
    "see 10.0.0.7 or 127.0.0.1", "ISBN 978-3-16-148410-0", "commit 3f2a9c1b7d5e4f60718293a4b5c6d7e8f9012345",
    "id 123e4567-e89b-12d3-a456-426614174000", "the year 1984-1985 season", "founded 12.03.1998 in Rome",
    "at 10:30:15:22 the log says", "ratio 16:9:4", "std::vector::iterator", "pi is 3.14159265358979", "call it 12 or 13 times",
    "total 1,234,567.89 EUR", "phone support is free", "password: ********", "password=changeme", "api_key=YOUR_API_KEY_HERE",
    "token = os.environ['TOKEN']", "secret: ${VAULT_SECRET}", "the password is required", "passwords: see the vault",
    "token: string", "max_tokens=4096", "AKIAIOSFODNN7EXAMPLE in the docs", "sk-your-key-goes-here-please-replace-it",
    "user@localhost", "@mention me", "a@b", "DE00 1234 is no account", "GB82 WEST 1234 5698 7654 33", "000-12-3456 is void",
    "666-12-3456", "987-65-4321", "2023-11-05 to 2024-01-07", "555 items of 1200", "serial 4000000000000001", "00:00:00:00:00:00",
    "rate 0.0.0.0/0", "https://example.org/a:b@c", "eyJ is a prefix", "eyJhbGciOi.broken.token", "The token is a short-lived one",
    "keyboard: qwertz", "matrix 1 2 3 4 5 6 7 8 9 10 11", "born free, 1966 film", "born to run 5.7.9999", "tel aviv 1909",
    "10-20-30 method", "scores 21-19, 18-21, 21-17", "room 101-102-103", "area 51.5074 -0.1278", "1 234 567 890 stars",
    "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "secret santa: bring 10 euros", "api_key: null",
    "github.com/acme/ghp_tools", "sk-learn is a library", "arn:aws:iam::123456789012:role/x", "-----BEGIN CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----", "https://user@host/path", "ssh://git@host:22/repo", "v1.2.3.4", "§ 1.2.3.4", "chapter 4.5.6.7",
    "Authorization: Bearer <token>", "Authorization: Bearer $TOKEN_1", "bearer of bad news 2024", "Authorization: Basic auth is used",
    "AccountKey=yes", "SharedAccessKey=RootManageSharedAccessKey", "see ?sig=abc&se=1&sv=2", "SK1234 to London", "key-value-pairs are many",
    "task-us12 is done", "npm_config_registry", "secret_sauce_of_the_house", "hooks.slack.com is down", "discord.com/api/webhooks is known",
    "MTIz.abcdef.ghi", "a8Q~b", "de12 is a room", "be71 0961 2345 6768 is no account", "電話：１２３", "shpat_ is the prefix", "gb12abcd",
    "x = 2001:", "time 12:34:56", "css a::before",
)  # fmt: skip


def sentences(
    of: dict[str, tuple[Callable[[Rng], str], tuple[str, ...]]], *, each: int, seed: int
) -> Iterator[Sentence]:
    """`each` sentences a kind, then the harmless ones."""
    rng = np.random.default_rng(seed)
    for kind, (make, frames) in of.items():
        for i in range(each):
            value = make(rng)
            before, after = (part.replace("{{", "{").replace("}}", "}") for part in frames[i % len(frames)].split("{}"))
            start = len(before)
            yield Sentence(text=f"{before}{value}{after}", kind=kind, start=start, end=start + len(value))
    for text in HARMLESS:
        yield Sentence(text=text, kind="")
