import base64
import json

import pytest

from driftline_analyzers.safety.credentials import entropy_bits, find_credentials
from driftline_analyzers.safety.secrets import SecretsScorer
from tests.analyzers.safety.calls import call, no_embedding

MIXED = "q7Zx2LmP9vRtK4sBw8NcYd3FhJ6gTaUe5"  # 33 characters, no word in it; real forms are put together below, so that scanners see none

HEX = "3f2a9c1b7d5e4f60718293a4b5c6d7e8f9051342"
UUID = "3f2a9c1b-7d5e-4f60-8182-93a4b5c6d7e8"
KEY_64 = base64.b64encode(bytes(range(7, 71))).decode()
SIGNATURE = base64.b64encode(bytes(range(40, 72))).decode()
SAS = "https://acme.blob.core.windows.net/c/f.csv?sv=2022-11-02&sp=r&se=2026-01-01T00%3A00%3A00Z&sr=b&sig="


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
    "google_oauth_token": "ya" + "29." + MIXED + MIXED,
    "twilio_key": "S" + "K" + HEX[:32],
    "mailgun_key": "key" + "-" + HEX[:32],
    "mailchimp_key": HEX[:32] + "-" + "us12",
    "shopify_token": "shp" + "at_" + HEX[:32],
    "square_token": "sq0" + "atp-" + MIXED[:22],
    "docker_token": "dckr" + "_pat_" + MIXED[:27],
    "grafana_token": "gl" + "sa_" + MIXED[:32] + "_" + HEX[:8],
    "vault_token": "hv" + "s." + MIXED,
    "atlassian_token": "ATAT" + "T3" + MIXED * 5,
    "postman_key": "PM" + "AK-" + HEX[:24] + "-" + HEX[:34],
    "linear_key": "lin" + "_api_" + MIXED + MIXED[:7],
    "notion_token": "nt" + "n_" + MIXED + MIXED[:13],
    "groq_key": "gs" + "k_" + MIXED + MIXED[:19],
    "replicate_token": "r8" + "_" + MIXED + MIXED[:4],
    "perplexity_key": "ppl" + "x-" + MIXED + MIXED[:15],
    "supabase_token": "sb" + "p_" + HEX,
    "rubygems_key": "rubygems" + "_" + HEX + HEX[:8],
    "age_key": "AGE-SECRET" + "-KEY-1" + "QP9RZY2X8GF7TVDW0S3J" * 2 + "N5C4H6KE3MUA7LQP9R",
    "discord_webhook": "https://discord" + ".com/api/webhooks/112233445566778899/" + MIXED + MIXED + "_-",
    "teams_webhook": "https://acme.webhook"
    + ".office.com/webhookb2/"
    + f"{UUID}@{UUID}/IncomingWebhook/{HEX[:32]}/{UUID}",
    "azure_client_secret": "x7Z" + "8Q~" + MIXED[:31],
    "discord_token": "MTEyMjMzNDQ1NTY2Nzc4ODk5" + ".GaB3xQ." + MIXED,
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
        ("Authorization: Bearer abcDEF123ghiJKL456mnoPQR789", "abcDEF123ghiJKL456mnoPQR789"),
        ("-H 'authorization: token 9f8e7d6c5b4a39281706'", "9f8e7d6c5b4a39281706"),
        ('{"Authorization": "Bearer ' + MIXED + '"}', MIXED),
        ("send it as a bearer " + MIXED, MIXED),
        ("Authorization: Basic YWRhOnMzY3Ita1E5eg==", "YWRhOnMzY3Ita1E5eg=="),
        (f"AccountName=acme;AccountKey={KEY_64};EndpointSuffix=core.windows.net", KEY_64),
        (f"Endpoint=sb://a.servicebus.windows.net/;SharedAccessKeyName=n;SharedAccessKey={SIGNATURE}", SIGNATURE),
        (SAS + SIGNATURE.replace("=", "%3D"), SIGNATURE.replace("=", "%3D")),
        ("DB_PASSWORD=tr0ub4\u200bdor&3xyz", "tr0ub4\u200bdor&3xyz"),
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
        "Authorization: Bearer <token>",
        "Authorization: Bearer $ACCESS_TOKEN_1",
        "Authorization: Bearer YOUR_TOKEN_1234567",
        "Authorization: Basic bm8gY29sb24gaGVyZQ==",
        "Authorization: Basic authentication is used",
        "a bearer identification-certificate is needed",
        "AccountKey=0 is the first row",
        "AccountKey=" + "A" * 86 + "==",
        SAS.replace("&se=", "&xx=") + SIGNATURE.replace("=", "%3D"),
        SAS + "short%3D",
        "task key-" + "0" * 32,
        "SK" + HEX[:31],
        HEX[:32] + "-usage",
        "npm_config_registry_for_all_packages_here",
        "secret_ingredient_of_the_cake",
        "MTEyMjMzNDQ1NTY2Nzc4ODkx.a.b",
        "https://discord.com/api/webhooks/the-guide",
        "hvs. is a prefix",
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
     "token:=\"", "bearer ", "Authorization: Bearer ", "?sig=&se=1&sv=", "AccountKey=", "MTE.", "a8Q~", "aws " + "A" * 40 + " "],
)  # fmt: skip
def test_hostile_texts_of_a_hundred_thousand_characters_are_read_to_the_end(unit: str) -> None:
    text = (unit * (100_000 // len(unit)))[:99_000] + " " + FAKE["stripe_key"]
    assert find_credentials(text)[-1].end == len(text)
