"""The demo's calls as spans of the real OpenTelemetry SDK, sent by its real OTLP/HTTP exporter."""

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from types import TracebackType

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.util.types import AttributeValue

from driftline_cli.demo.agent_spans import emit_run, to_ns
from driftline_cli.demo.call_id import CallId
from driftline_cli.demo.desk import SERVICE, Run
from driftline_cli.demo.traffic import Call

_FLUSH_CALLS = 500
_QUEUE_SPANS = 8192  # more than the spans between two flushes, so that the processor never drops one


class SeededIds(IdGenerator):
    """Trace and span ids from a seed, so that a repeated demo sends the same spans."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)

    def generate_trace_id(self) -> int:
        return self._random.getrandbits(128) or 1

    def generate_span_id(self) -> int:
        return self._random.getrandbits(64) or 1


class WeekExporter:
    """Sends calls as traces of three spans: the request, the retrieval in it and the model's answer; and runs of the agent. A context
    manager.

    endpoint: base URL of an OTLP/HTTP receiver. call_ids, run_ids: of what was sent, in that order; of a run its last call of the model.
    """

    def __init__(self, *, endpoint: str, seed: int) -> None:
        self._endpoint = endpoint
        self._seed = seed
        self._providers: dict[str, TracerProvider] = {}
        self.n_spans = 0
        self.call_ids: list[CallId] = []
        self.run_ids: list[CallId] = []

    def __enter__(self) -> "WeekExporter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for provider in self._providers.values():
            provider.shutdown()

    def send(self, calls: Iterable[Call]) -> Iterator[int]:
        """Send every call, yielding how many were handed over so far; all of them have left when it is exhausted."""
        n_calls = 0
        for n_calls, call in enumerate(calls, start=1):
            self._emit(call)
            if n_calls % _FLUSH_CALLS == 0:
                self._flush()
                yield n_calls
        self._flush()
        yield n_calls

    def send_runs(self, runs: Sequence[Run]) -> None:
        """Send runs of the agent; all of them have left when it returns."""
        tracer = self._tracer(SERVICE)
        for run in runs:
            n_spans, answer_id = emit_run(tracer, run)
            self.n_spans += n_spans
            self.run_ids.append(answer_id)
        self._flush()

    def _flush(self) -> None:
        for provider in self._providers.values():
            provider.force_flush()

    def _tracer(self, service: str) -> Tracer:
        provider = self._providers.get(service)
        if provider is None:
            provider = TracerProvider(
                resource=Resource.create(
                    {"service.name": service, "service.version": "1.0.0", "deployment.environment.name": "demo"}
                ),
                id_generator=SeededIds(f"{self._seed}/{service}"),
                shutdown_on_exit=False,
            )
            exporter = OTLPSpanExporter(endpoint=f"{self._endpoint}/v1/traces")
            provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=_QUEUE_SPANS))
            self._providers[service] = provider
        return provider.get_tracer("fernpost.assistant", "1.0.0")

    def _emit(self, call: Call) -> None:
        tracer = self._tracer(call.source.service)
        retrieved_at = call.start_time + timedelta(milliseconds=call.retrieval_ms)
        answered_at = retrieved_at + timedelta(milliseconds=call.model_ms)
        who = {"session.id": call.session_id, "user.id": call.user_id}
        root = tracer.start_span(
            "POST /ask",
            kind=SpanKind.SERVER,
            attributes={"http.request.method": "POST", "http.route": "/ask", **who},
            start_time=to_ns(call.start_time),
        )
        context = set_span_in_context(root)
        retrieval = tracer.start_span(
            "retrieval help-documents",
            context=context,
            kind=SpanKind.CLIENT,
            attributes={
                "gen_ai.operation.name": "retrieval",
                "gen_ai.data_source.id": "help-documents",
                "gen_ai.retrieval.query.text": call.question,
                "gen_ai.retrieval.documents": json.dumps(
                    [
                        {"id": hit.document.document_id, "score": round(hit.score, 4), "content": hit.document.text}
                        for hit in call.hits
                    ]
                ),
                **who,
            },
            start_time=to_ns(call.start_time),
        )
        retrieval.end(to_ns(retrieved_at))
        chat = tracer.start_span(
            f"chat {call.source.model}",
            context=context,
            kind=SpanKind.CLIENT,
            attributes={**_chat_attributes(call), **who},
            start_time=to_ns(retrieved_at),
        )
        if call.error_type:
            chat.set_attribute("error.type", call.error_type)
            chat.set_status(Status(StatusCode.ERROR, "the provider answered 429"))
            root.set_status(Status(StatusCode.ERROR, "the model call failed"))
        chat.end(to_ns(answered_at))
        self.call_ids.append(CallId.of(chat))
        root.end(to_ns(answered_at + timedelta(milliseconds=3)))
        self.n_spans += 3


def _chat_attributes(call: Call) -> dict[str, AttributeValue]:
    attributes: dict[str, AttributeValue] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": call.source.provider,
        "gen_ai.request.model": call.source.model,
        "gen_ai.request.temperature": 0.3,
        "gen_ai.conversation.id": call.session_id,
        "gen_ai.prompt.name": call.source.service,
        "gen_ai.prompt.version": call.prompt_version,
        "gen_ai.system_instructions": json.dumps([{"type": "text", "content": call.system_prompt}]),
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": call.question}]}]),
    }
    if call.rider_age:
        attributes["metadata"] = json.dumps({"rider_age": call.rider_age})
    if call.first_token_ms:
        attributes["gen_ai.request.stream"] = True
        attributes["gen_ai.response.time_to_first_chunk"] = round(call.first_token_ms / 1000, 4)
    if call.error_type:
        return attributes
    return attributes | {
        "gen_ai.response.model": call.source.model,
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": call.input_tokens,
        "gen_ai.usage.cache_read.input_tokens": call.cache_read_tokens,
        "gen_ai.usage.output_tokens": call.output_tokens,
        "gen_ai.output.messages": json.dumps(
            [
                {
                    "role": "assistant",
                    "parts": [{"type": "text", "content": call.answer}],
                    "finish_reason": "stop",
                }
            ]
        ),
    }
