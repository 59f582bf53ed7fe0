"""Settings of the judge."""

from pathlib import Path
from typing import Any, Final, Self

import httpx
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from driftline_analyzers.judge.criteria import SHIPPED, Criterion
from driftline_core.settings import ComponentSettings

_MAX_NAME_CHARS: Final = 64


class JudgeSettings(ComponentSettings):
    """LLM-as-judge: which endpoint is asked about which answers, and how much it may cost. Off, and no text leaves, unless URL is set."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="DRIFTLINE_JUDGE_",
        env_ignore_empty=True,
        hide_input_in_errors=True,  # the key is among the inputs
        allow_inf_nan=False,
    )

    url: str | None = Field(
        default=None,
        description="Base of an OpenAI-compatible API, e.g. https://api.openai.com/v1 or http://localhost:8000/v1. "
        "Texts of sampled calls are sent there; unset is off.",
    )
    model: str = Field(default="", description="The judge's name at that endpoint; needed with URL.")
    api_key: SecretStr | None = Field(default=None, description="Sent as a bearer token; never logged or stored.")
    ca_file: Path | None = Field(default=None, description="PEM file of the authorities that sign its certificate.")
    criteria: dict[str, Criterion] = Field(
        default_factory=dict,
        description="What is asked, as JSON from names to rubrics, or to objects with rubric, scale (1-5 or 0-1), reads and flag_at; "
        "'' is the shipped rubric of that name. Unset asks the shipped ones: helpfulness, relevance and, with documents, groundedness. "
        "Each is a request of its own.",
    )
    share: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="Share of traces whose calls are judged, chosen by a hash of the trace id.",
    )
    budget_requests: int = Field(
        default=1000,
        ge=0,
        le=10_000_000,
        description="Most requests of a day (UTC), over all workers that share a store (count).",
    )
    budget_tokens: int | None = Field(
        default=None, ge=0, description="Most tokens of a day, read and written; unset is no limit (count)."
    )
    budget_usd: float | None = Field(
        default=None, ge=0, description="Most US dollars of a day, by the two prices; unset is no limit."
    )
    input_usd_mtok: float | None = Field(
        default=None,
        ge=0,
        description="US dollars a million tokens that the judge reads; needed with a budget in dollars.",
    )
    output_usd_mtok: float | None = Field(
        default=None,
        ge=0,
        description="US dollars a million tokens that the judge writes; needed with a budget in dollars.",
    )
    temperature: float = Field(default=0.0, ge=0, le=2, description="Sampling temperature.")
    seed: int | None = Field(default=0, ge=0, description="Seed of the sampling, where the endpoint takes one.")
    max_tokens: int = Field(
        default=512, ge=16, le=32_768, description="Most tokens of one verdict, thinking included (count)."
    )
    timeout_s: float = Field(
        default=60.0,
        gt=0,
        le=600,
        description="Longest wait for one verdict, from connecting to its last byte, in seconds.",
    )
    max_concurrency: int = Field(default=4, ge=1, le=256, description="Requests in flight at a time (count).")
    max_retries: int = Field(
        default=3,
        ge=0,
        le=10,
        description="Further tries of a request that was refused for now (429, 5xx, no connection) (count).",
    )
    retry_wait_s: float = Field(
        default=0.5,
        gt=0,
        le=60,
        description="Wait before the first further try, doubled for each one after it, in seconds.",
    )
    max_wait_s: float = Field(
        default=30.0,
        gt=0,
        le=600,
        description="Longest wait between tries; an endpoint that asks for more is left alone that long, in seconds.",
    )
    breaker_failures: int = Field(
        default=5,
        ge=1,
        le=1000,
        description="Requests in a row without an answer after which the endpoint is left alone (count).",
    )
    breaker_rest_s: float = Field(
        default=60.0, gt=0, le=86_400, description="How long it is left alone, in seconds; then one request tries it."
    )
    batch_timeout_s: float = Field(
        default=300.0,
        gt=0,
        le=86_400,
        description="After this long no further request of a batch of calls is begun, in seconds.",
    )
    max_text_chars: int = Field(
        default=12_000,
        ge=100,
        le=1_000_000,
        description="Characters that are sent of a text, half from its beginning and half from its end; documents together count as one.",
    )

    @field_validator("criteria", mode="before")
    @classmethod
    def _rubrics(cls, criteria: Any) -> Any:
        if not isinstance(criteria, dict):
            return criteria
        return {name: _criterion(name, value) for name, value in criteria.items()}

    @field_validator("url")
    @classmethod
    def _plain_url(cls, text: str | None) -> str | None:
        if text is None:
            return None
        try:
            url = httpx.URL(text)
        except httpx.InvalidURL:
            raise ValueError("expected an http or https URL") from None
        if url.scheme not in {"http", "https"} or not url.host:
            raise ValueError("expected an http or https URL")
        if url.userinfo or url.query or url.fragment:
            raise ValueError("expected a URL without user, query and fragment; a key goes into DRIFTLINE_JUDGE_API_KEY")
        return text.rstrip("/").removesuffix("/chat/completions")

    @field_validator("api_key")
    @classmethod
    def _sendable_key(cls, key: SecretStr | None) -> SecretStr | None:
        if key is None:
            return None
        text = key.get_secret_value().strip()  # a key from a file often ends with its line
        if not text.isascii() or not text.isprintable() or " " in text:
            raise ValueError("expected a key of printable ASCII characters without blanks")
        return SecretStr(text) if text else None

    @model_validator(mode="after")
    def _means_something(self) -> Self:
        if self.url is not None and not self.model:
            raise ValueError("expected DRIFTLINE_JUDGE_MODEL with DRIFTLINE_JUDGE_URL, got none")
        if self.budget_usd is not None and (self.input_usd_mtok is None or self.output_usd_mtok is None):
            raise ValueError(
                "expected DRIFTLINE_JUDGE_INPUT_USD_MTOK and DRIFTLINE_JUDGE_OUTPUT_USD_MTOK with a budget in dollars, got none"
            )
        return self

    @property
    def is_enabled(self) -> bool:
        return self.url is not None

    @property
    def asked(self) -> dict[str, Criterion]:
        """The criteria that are asked, by name."""
        return self.criteria or SHIPPED


def _criterion(name: object, value: Any) -> Any:
    if not isinstance(name, str) or not name.isidentifier() or len(name) > _MAX_NAME_CHARS:
        raise ValueError(f"expected names of criteria like helpfulness, got {name!r}")
    if value == "":
        if name not in SHIPPED:
            raise ValueError(f"expected a rubric of {name}, or one of the shipped {', '.join(SHIPPED)}; got none")
        return SHIPPED[name]
    return {"rubric": value} if isinstance(value, str) else value
