"""Requests of LLM spans of about 2 KB, serialised once; their ids are renewed in place, so that every request is a new one."""

import functools
import inspect
import itertools
import json
import logging
import random
import socket
import textwrap
import threading
import time
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_MODELS: Final = (
    ("openai", "gpt-4o"),
    ("openai", "gpt-4o-mini"),
    ("anthropic", "claude-sonnet-4"),
    ("google", "gemini-2.5-pro"),
    ("mistral", "mistral-large"),
)
_TEXT_CHARS: Final = 1400  # prompt and answer together: with ids, names and sixteen attributes a span is about 2 KB
_SPANS_A_TRACE: Final = 4


@functools.cache
def sentences() -> list[str]:
    """English sentences out of the standard library's docstrings: deterministic, no download."""
    modules = (json, logging, random, socket, textwrap, threading, inspect, itertools, time)
    found: dict[str, None] = {}
    for module in modules:
        for _, member in inspect.getmembers(module):
            text = " ".join((inspect.getdoc(member) or "").split())
            for sentence in text.split(". "):
                if 30 < len(sentence) < 240 and sentence.isascii():
                    found[sentence + "."] = None
    return sorted(found)


class Payload:
    """One serialised request of n_spans. `renew` gives every trace and span new ids without encoding anything again.

    resource: attributes that a subject asks for beside the usual two; has_lists: whether it takes attributes that are lists.
    """

    def __init__(
        self, n_spans: int, *, seed: int, resource: Mapping[str, str] | None = None, has_lists: bool = True
    ) -> None:
        rng = random.Random(seed)
        corpus = sentences()
        request = ExportTraceServiceRequest()
        resource_spans = request.resource_spans.add()
        described = {"service.name": "support-bot", "deployment.environment.name": "production", **(resource or {})}
        for key, value in described.items():
            _put(resource_spans.resource.attributes, key, value)
        scope_spans = resource_spans.scope_spans.add()
        scope_spans.scope.name = "opentelemetry.instrumentation.openai_v2"
        ids: list[bytes] = []  # in the order in which they are serialised
        now_ns = time.time_ns()
        trace_id = parent = b""
        for index in range(n_spans):
            span = scope_spans.spans.add()
            if index % _SPANS_A_TRACE == 0:
                trace_id, parent = rng.randbytes(16), b""
            span.trace_id, span.span_id, span.parent_span_id = trace_id, rng.randbytes(8), parent
            ids += [value for value in (trace_id, span.span_id, parent) if value]
            parent = parent or span.span_id
            _fill(span, rng, corpus, now_ns, has_lists=has_lists)
        self.n_spans = n_spans
        self._body = bytearray(request.SerializeToString())
        self._view = np.frombuffer(self._body, dtype=np.uint8)
        self._index = np.array(_places(self._body, ids))[:, None] + np.arange(4)[None, :]  # (ids, 4)
        self._original = self._view[self._index].copy()

    def renew(self, number: int) -> bytearray:
        """The body under ids of its own for every number; the same buffer each time."""
        mask = np.frombuffer(((number * 2654435761) & 0xFFFFFFFF).to_bytes(4, "little"), dtype=np.uint8)
        self._view[self._index] = self._original ^ mask
        return self._body

    def first_trace_id(self) -> str:
        """Of the body as it was renewed last, in hexadecimal: what the request is found again by."""
        at = int(self._index[0, 0])
        return bytes(self._body[at : at + 16]).hex()


def _places(body: bytearray, values: list[bytes]) -> list[int]:
    places = []
    at = 0
    for value in values:
        at = body.index(value, at)
        places.append(at)
        at += len(value)
    return places


def _fill(span: Any, rng: random.Random, corpus: list[str], now_ns: int, *, has_lists: bool) -> None:
    provider, model = rng.choice(_MODELS)
    span.name, span.kind = f"chat {model}", 3
    span.start_time_unix_nano = now_ns - rng.randrange(60 * 10**9)
    span.end_time_unix_nano = span.start_time_unix_nano + rng.randrange(10**8, 9 * 10**9)
    question = _prose(rng, corpus, int(_TEXT_CHARS * 0.5 * rng.uniform(0.5, 1.5)))
    answer = _prose(rng, corpus, int(_TEXT_CHARS * 0.5 * rng.uniform(0.5, 1.5)))
    attributes: dict[str, str | int | float | list[str]] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
        "gen_ai.response.model": f"{model}-2026-08-06",
        "gen_ai.response.id": "chatcmpl-" + rng.randbytes(12).hex(),
        "gen_ai.request.temperature": round(rng.random(), 2),
        "gen_ai.request.max_tokens": 1024,
        "gen_ai.response.finish_reasons": ["stop"] if has_lists else "stop",
        "gen_ai.usage.input_tokens": rng.randrange(20, 3000),
        "gen_ai.usage.output_tokens": rng.randrange(5, 800),
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": question}]}]),
        "gen_ai.output.messages": json.dumps(
            [{"role": "assistant", "parts": [{"type": "text", "content": answer}], "finish_reason": "stop"}]
        ),
        "gen_ai.conversation.id": str(rng.randrange(10**9)),
        "user.id": f"user-{rng.randrange(5000)}",
        "server.address": "api.example.com",
        "server.port": 443,
    }
    for key, value in attributes.items():
        _put(span.attributes, key, value)
    if rng.random() < 0.03:
        span.status.code, span.status.message = 2, "RateLimitError"
        _put(span.attributes, "error.type", "RateLimitError")


def _put(attributes: Any, key: str, value: str | int | float | list[str]) -> None:
    item = attributes.add()
    item.key = key
    if isinstance(value, int):
        item.value.int_value = value
    elif isinstance(value, float):
        item.value.double_value = value
    elif isinstance(value, list):
        for entry in value:
            item.value.array_value.values.add().string_value = entry
    else:
        item.value.string_value = value


def _prose(rng: random.Random, corpus: list[str], n_chars: int) -> str:
    words: list[str] = []
    length = 0
    while length < n_chars:
        words.append(rng.choice(corpus))
        length += len(words[-1]) + 1
    return " ".join(words)[:n_chars]
