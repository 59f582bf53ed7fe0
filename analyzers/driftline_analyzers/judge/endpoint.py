"""Asks an OpenAI-compatible endpoint over HTTP. What fails is an unknown verdict, never an exception."""

import asyncio
import random
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx

from driftline_analyzers.judge.breaker import Breaker
from driftline_analyzers.judge.dialect import CONTENT_FILTER, Dialect
from driftline_analyzers.judge.question import Question
from driftline_analyzers.judge.reply import Usage, read_body, read_error, read_reply, read_usage
from driftline_analyzers.judge.settings import JudgeSettings
from driftline_analyzers.judge.verdict import Unanswered, Verdict
from driftline_core.errors import ConfigError
from driftline_core.log import get_logger

_MAX_BODY_BYTES: Final = 1 << 20
_CONNECT_S: Final = 10.0
_NO_ACCESS: Final[Mapping[int, Unanswered]] = {401: "unauthorized", 403: "unauthorized", 404: "rejected"}
_FOR_NOW: Final[Mapping[int, Unanswered]] = {408: "timeout", 425: "server_error", 429: "rate_limited"}
_BAD_REQUEST: Final = frozenset({400, 422})
_KEEP_ALIVE_S: Final = 2.0
"""Below the 5 s after which common servers hang up, so that no request is sent into a connection that is about to close."""
_MAX_REST_S: Final = 86_400.0
_LOG = get_logger("judge")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """usage: None when the server did not say. may_be_billed: False where it surely did not run the model."""

    verdict: Verdict
    usage: Usage | None = None
    may_be_billed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Response:
    status: int
    retry_after_s: float | None
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _ForNow:
    """Refused, and trying again may help and costs nothing more."""

    reason: Unanswered
    retry_after_s: float | None = None


class Endpoint:
    """One judge. breaker and dialect outlive a batch. Not for two threads at a time. Raises ConfigError when the CA file is none."""

    def __init__(self, settings: JudgeSettings) -> None:
        self._settings = settings
        self._url = f"{settings.url}/chat/completions"
        self._dialect = Dialect()
        self._not_before = 0.0
        self._random = random.Random()  # spreads the tries of several workers; no score depends on it
        self.breaker = Breaker(max_failures=settings.breaker_failures, rest_s=settings.breaker_rest_s)
        try:
            self._tls = ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"expected a PEM file of certificates at {settings.ca_file}, got {error}") from error

    def client(self) -> httpx.AsyncClient:
        """Connections for one event loop. Redirects are not followed: texts must not go where nobody configured."""
        key = self._settings.api_key
        headers = {"Accept-Encoding": "identity"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key.get_secret_value()}"
        return httpx.AsyncClient(
            headers=headers,
            verify=self._tls,
            trust_env=False,
            timeout=httpx.Timeout(None, connect=min(_CONNECT_S, self._settings.timeout_s)),
            limits=httpx.Limits(
                max_connections=self._settings.max_concurrency,
                keepalive_expiry=_KEEP_ALIVE_S,
            ),
        )

    async def ask(self, client: httpx.AsyncClient, question: Question, *, until: float) -> Answer:
        """Ask, and again where that helps and costs nothing. until: monotonic seconds after which no try is begun.

        A request that timed out or broke off is not sent again: the model may have run and been paid for.
        """
        dialect = self._dialect
        n_retries = 0
        while True:
            while (wait_s := min(self._not_before, until) - time.monotonic()) > 0:
                await asyncio.sleep(wait_s)
            if time.monotonic() >= until:
                return _unanswered("out_of_time")
            if self.breaker.state(time.monotonic()) == "open":
                return _unanswered("resting")
            outcome = await self._try(client, question, dialect)
            if isinstance(outcome, Answer):
                return outcome
            if isinstance(outcome, Dialect):
                dialect = outcome
                continue
            if n_retries == self._settings.max_retries or not self._may_wait(outcome, n_retries):
                return self._failed(outcome.reason)
            n_retries += 1

    async def _try(self, client: httpx.AsyncClient, question: Question, dialect: Dialect) -> Answer | Dialect | _ForNow:
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                response = await self._post(client, dialect.body(question, self._settings))
        except TimeoutError:
            return self._failed("timeout", may_be_billed=True)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            return _ForNow(reason="unreachable")
        except httpx.HTTPError:
            return self._failed("unreachable", may_be_billed=True)
        if response.status in _FOR_NOW or response.status >= 500:
            reason = _FOR_NOW.get(response.status, "server_error")
            return _ForNow(reason=reason, retry_after_s=response.retry_after_s)
        if (
            response.status in _BAD_REQUEST
            and (simpler := dialect.after_refusal(read_error(response.body))) is not None
        ):
            return simpler
        return self._answered(response, question, dialect)

    def _answered(self, response: _Response, question: Question, dialect: Dialect) -> Answer:
        if response.status in _NO_ACCESS:
            self._rest(response.status)
            return _unanswered(_NO_ACCESS[response.status])
        self.breaker.succeed()
        if response.status != httpx.codes.OK:
            is_filtered = read_error(response.body).get("code") == CONTENT_FILTER
            return Answer(verdict=Verdict(unknown="refusal" if is_filtered else "rejected"))
        self._dialect = dialect
        return Answer(
            verdict=read_reply(response.body, question.criterion), usage=read_usage(response.body), may_be_billed=True
        )

    def _may_wait(self, refused: _ForNow, n_retries: int) -> bool:
        """Set the time of the next try, for every request that waits; False when the server wants to be left alone for longer."""
        asked_s = refused.retry_after_s
        if asked_s is not None and asked_s > self._settings.max_wait_s:
            self.breaker.open(time.monotonic(), rest_s=min(asked_s, _MAX_REST_S))
            _LOG.warning("judge asks to be left alone", rest_s=asked_s)
            return False
        backoff_s = self._settings.retry_wait_s * 2**n_retries * self._random.uniform(0.5, 1.0)
        wait_s = min(self._settings.max_wait_s, backoff_s if asked_s is None else asked_s)
        self._not_before = max(self._not_before, time.monotonic() + wait_s)
        return True

    def _failed(self, reason: Unanswered, *, may_be_billed: bool = False) -> Answer:
        now = time.monotonic()
        was_open = self.breaker.state(now) == "open"
        self.breaker.fail(now)
        if not was_open and self.breaker.state(now) == "open":
            _LOG.warning("judge does not answer and is left alone", reason=reason)
        return _unanswered(reason, may_be_billed=may_be_billed)

    def _rest(self, status: int) -> None:
        now = time.monotonic()
        if self.breaker.state(now) != "open":
            self.breaker.open(now)
            _LOG.warning("judge refuses access and is left alone", status=status)

    async def _post(self, client: httpx.AsyncClient, body: Mapping[str, Any]) -> _Response:
        async with client.stream("POST", self._url, json=body) as response:
            received = bytearray()
            async for chunk in response.aiter_bytes():
                received += chunk
                if len(received) > _MAX_BODY_BYTES:
                    received.clear()  # no verdict is as long: read as no chat completion
                    break
        return _Response(
            status=response.status_code,
            retry_after_s=_retry_after_s(response.headers.get("retry-after", "")),
            body=read_body(bytes(received)),
        )


def _unanswered(reason: Unanswered, *, may_be_billed: bool = False) -> Answer:
    return Answer(verdict=Verdict(unknown=reason), may_be_billed=may_be_billed)


def _retry_after_s(text: str) -> float | None:
    """Seconds from now, of a number of seconds or an HTTP date (RFC 9110, 10.2.3)."""
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):  # no date, or one without a time zone
            return None
    return max(0.0, seconds) if seconds == seconds and seconds != float("inf") else None  # noqa: PLR0124 - NaN is not itself
