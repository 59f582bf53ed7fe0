import base64
import json

import pytest

from driftline_analyzers.safety.credentials import entropy_bits, find_credentials
from driftline_analyzers.safety.secrets import SecretsScorer
from tests.analyzers.safety.calls import call, no_embedding

MIXED = "q7Zx2LmP9vRtK4sBw8NcYd3FhJ6gTaUe5"  # 33 characters, no word in it; real forms are put together below, so that scanners see none


def jwt(header: object) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part(header)}.{part({'sub': '17'})}.{MIXED}"


FAKE = {
    "aws_access_key_id": "AK" + "IA" + "Q7ZX2LMPRTKVSBWN",
    "github_token": "gh" + "p_" + MIXED + "abc",
    "gitlab_token": "glp" + "at-" + MIXED[:20],
    "slack_token": "xo" + "xb-" + "1234098765-" + MIXED[:24],
    "stripe_key": "sk_" + "live_" + MIXED[:24],
    "openai_key": "sk" + "-proj-" + MIXED + MIXED,
    "anthropic_key": "sk" + "-ant-api03-" + MIXED,
    "google_api_key": "AI" + "za" + MIXED + "xy",
    "huggingface_token": "hf" + "_" + MIXED + "k",
    "npm_token": "np" + "m_" + MIXED + "abc",
    "sendgrid_key": "S" + "G." + MIXED[:22] + "." + MIXED + MIXED[:10],
    "telegram_token": "123409876:" + "AA" + MIXED,
    "jwt": jwt({"alg": "HS256"}),
    "private_key": "-----BEGIN " + "OPENSSH PRIVATE KEY-----",
    "slack_webhook": "https://hooks.slack.com/services/" + "T02AB3CD4/B05EF6GH7/" + MIXED[:24],
}


@pytest.mark.parametrize("kind", FAKE)
def test_tokens_of_known_issuers_are_found_in_their_exact_place(kind: str) -> None:
    text = f"here: {FAKE[kind]} ok"
    (one,) = find_credentials(text)
    assert (one.kind, text[one.start : one.end]) == (kind, FAKE[kind])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("DB_PASSWORD=tr0ub4dor&3xyz", "tr0ub4dor&3xyz"),
        ('"api_key": "k7Zx-2LmP9vR"', "k7Zx-2LmP9vR"),
        ("the passphrase is Gr4uer-Bär!7 ok", "Gr4uer-Bär!7"),
        ("postgres://app:s3cr-kQ9z@db.internal/app", "s3cr-kQ9z"),
        ("aws_secret_access_key = " + MIXED + "/b+Cd1e", MIXED + "/b+Cd1e"),
    ],
)
def test_values_assigned_to_a_secret_name_are_found(text: str, value: str) -> None:
    (one,) = find_credentials(text)
    assert text[one.start : one.end] == value


@pytest.mark.parametrize(
    "text",
    [
        "password=changeme",
        "password: ********",
        "api_key=YOUR_API_KEY_HERE",
        "token = os.environ['GITHUB_TOKEN']",
        "secret: ${VAULT_SECRET_42}",
        "the password is required",
        "max_tokens=4096",
        "AKIA" + "IOSFODNN7" + "EXAMPLE",
        "sk-" + "your-key-goes-here-please-replace-it",
        "sk-learn is a library",
        "gh" + "p_" + "x" * 36,
        "-----BEGIN CERTIFICATE-----",
        "https://user@host/path",
        "eyJhbGciOi.broken.token",
        jwt({"typ": "none"}),
        jwt([1, 2]),
        "",
        "😀 世界",
    ],
)
def test_placeholders_and_look_alikes_are_no_credentials(text: str) -> None:
    assert find_credentials(text) == []


def test_entropy_is_in_bits_a_character() -> None:
    assert entropy_bits("") == 0
    assert entropy_bits("aaaa") == 0
    assert entropy_bits("abcd") == 2


def test_scores_count_and_place_but_never_repeat_the_secret() -> None:
    token = FAKE["github_token"]
    (scores,) = SecretsScorer().score([call(completion=f"use {token}", tool_results=["ok"])], embed=no_embedding)
    assert [(one.field, one.value, one.is_flagged) for one in scores] == [
        ("completion", 1.0, True),
        ("tool_result", 0.0, False),
    ]
    assert scores[0].evidence == {
        "kinds": {"github_token": 1},
        "spans": [[4, 4 + len(token)]],
        "span_kinds": ["github_token"],
    }


@pytest.mark.parametrize(
    "unit",
    ["eyJ", "eyJaaaaaaaa.", "password=", "password is ", "sk-", "AKIA", "://", "http://a:", "-----BEGIN ", "secret_access ", "a-a_", "ghp_",
     "token:=\"", "aws " + "A" * 40 + " "],
)  # fmt: skip
def test_hostile_texts_of_a_hundred_thousand_characters_are_read_to_the_end(unit: str) -> None:
    text = (unit * (100_000 // len(unit)))[:99_000] + " " + FAKE["stripe_key"]
    assert find_credentials(text)[-1].end == len(text)
