"""OTLP load: requests of LLM spans of about 2 KB, their ids renewed in place, sent over keep-alive connections in a closed loop."""

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
from collections.abc import Sequence
from dataclasses import dataclass, field
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
    """One serialised request of n_spans. `renew` gives every trace and span new ids without encoding anything again."""

    def __init__(self, n_spans: int, *, seed: int) -> None:
        rng = random.Random(seed)
        corpus = sentences()
        request = ExportTraceServiceRequest()
        resource_spans = request.resource_spans.add()
        for key, value in (("service.name", "support-bot"), ("deployment.environment.name", "production")):
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
            _fill(span, rng, corpus, now_ns)
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


def _places(body: bytearray, values: list[bytes]) -> list[int]:
    places = []
    at = 0
    for value in values:
        at = body.index(value, at)
        places.append(at)
        at += len(value)
    return places


def _fill(span: Any, rng: random.Random, corpus: list[str], now_ns: int) -> None:
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
        "gen_ai.response.finish_reasons": ["stop"],
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


class HttpSender:
    """One keep-alive connection that posts bodies; small enough that the load does not take the server's CPU."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = self._socket.makefile("rb")

    def post(self, body: bytearray) -> int:
        """The answer's status. Raises OSError when the connection ends."""
        head = (
            "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode()
        sent = self._socket.sendmsg([head, body])
        if sent < len(head) + len(body):
            self._socket.sendall(memoryview(body)[max(0, sent - len(head)) :])
        status = self._reader.readline()
        if not status:
            raise ConnectionError("the server closed the connection")
        length = 0
        while (line := self._reader.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        self._reader.read(length)
        return int(status.split(b" ", 2)[1])

    def close(self) -> None:
        self._reader.close()
        self._socket.close()


@dataclass(slots=True, kw_only=True)
class Load:
    """What was sent. started_at: perf_counter seconds; latencies of acknowledged requests; refused: answers 429 and 503."""

    started_at: float
    n_spans: int = 0
    n_bytes: int = 0
    duration_s: float = 0.0
    latencies_ms: list[float] = field(default_factory=list)
    refused: int = 0
    failures: list[str] = field(default_factory=list)


_NUMBERS = itertools.count(int(time.time() * 1000) & 0x3FFFFFFF)


def send_for(port: int, payloads: Sequence[Payload], *, connections: int, seconds: float) -> Load:
    """Send for that long over that many connections, each with payloads of its own, one request at a time on each."""
    load = Load(started_at=time.perf_counter())
    until = load.started_at + seconds
    lock = threading.Lock()

    def send(worker: int) -> None:
        mine = payloads[worker::connections]
        sender = HttpSender(port)
        try:
            for payload in itertools.cycle(mine):
                if time.perf_counter() >= until:
                    return
                body = payload.renew(next(_NUMBERS))
                began = time.perf_counter()
                status = sender.post(body)
                took_ms = (time.perf_counter() - began) * 1e3
                with lock:
                    if status == 200:
                        load.latencies_ms.append(took_ms)
                        load.n_spans += payload.n_spans
                        load.n_bytes += len(body)
                    elif status in (429, 503):
                        load.refused += 1
                    else:
                        load.failures.append(f"status {status}")
                if status in (429, 503):
                    time.sleep(0.05)
        except OSError as error:
            with lock:
                load.failures.append(str(error))
        finally:
            sender.close()

    threads = [threading.Thread(target=send, args=(worker,)) for worker in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    load.duration_s = time.perf_counter() - load.started_at
    return load
