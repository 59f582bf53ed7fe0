"""`instrument()`: the one call that makes an app send to Driftline, next to any other OpenTelemetry set-up."""

import atexit
import logging
import os
import re
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

from opentelemetry import trace

from driftline import semconv
from driftline.capture import configure_capture
from driftline.libraries import Active, find_candidates, turn_off, turn_on
from driftline.tracing import use_provider
from driftline.user_feedback import FeedbackSender, use_sender

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

    from driftline.processor import DriftlineSpanProcessor

_log = logging.getLogger("driftline")

DEFAULT_ENDPOINT: Final = "http://127.0.0.1:4318"
PROJECT_HEADER: Final = "x-driftline-project"
_TRACES_PATH: Final = "/v1/traces"
_LOGS_PATH: Final = "/v1/logs"
_PROJECT: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")

_lock = threading.Lock()
_current: "Instrumentation | None" = None


class Instrumentation:
    """What `instrument()` set up. endpoint: where spans go, in full; instrumented: library -> the module that instruments it."""

    def __init__(
        self,
        *,
        endpoint: str,
        project: str,
        tracer_provider: "TracerProvider",
        processor: "DriftlineSpanProcessor",
        sender: FeedbackSender,
        active: Sequence[Active],
    ) -> None:
        self.endpoint = endpoint
        self.project = project
        self.tracer_provider = tracer_provider
        self.instrumented: Mapping[str, str] = {one.library: one.module for one in active}
        self._processor = processor
        self._sender = sender
        self._active = tuple(active)

    def flush(self, *, timeout_s: float = 30.0) -> bool:
        """Send what is waiting, feedback too; False when that did not end in time."""
        until = time.monotonic() + timeout_s
        is_flushed = self._processor.force_flush(int(timeout_s * 1000))
        return self._sender.flush(timeout_s=max(0.0, until - time.monotonic())) and is_flushed

    def shutdown(self) -> None:
        """Turn off what was turned on, send what is waiting, and stop. The app's own provider goes on without Driftline."""
        global _current  # noqa: PLW0603 - see instrument()
        with _lock:
            atexit.unregister(self._processor.shutdown)
            atexit.unregister(self._sender.shutdown)
            turn_off(self._active)
            self._processor.shutdown()
            self._sender.shutdown()
            if _current is self:
                _current = None
                use_provider(None)
                use_sender(None)


def instrument(
    *,
    endpoint: str | None = None,
    project: str | None = None,
    service_name: str | None = None,
    environment: str | None = None,
    release: str | None = None,
    capture_content: bool = True,
    headers: Mapping[str, str] | None = None,
    instrumentations: Literal["auto"] | Sequence[str] = "auto",
    tracer_provider: "TracerProvider | None" = None,
    timeout_s: float = 10.0,
) -> Instrumentation:
    """Send this process's traces to Driftline and turn on the GenAI instrumentations that are installed. Calling it again changes nothing.

    endpoint: base URL of Driftline's OTLP/HTTP receiver; else DRIFTLINE_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT (used as it is),
        OTEL_EXPORTER_OTLP_ENDPOINT, http://127.0.0.1:4318.
    project: else DRIFTLINE_PROJECT, else the server's default project.
    service_name, environment, release: resource attributes of a provider made here; else OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES.
    capture_content: record prompts and completions. True leaves what the operator set in the environment; False always wins.
    headers: sent with every export, e.g. an API key.
    instrumentations: 'auto', or the libraries by name (`["openai", "langchain"]`), or `[]` for none.
    tracer_provider: add Driftline to this provider. By default it is added to the global one, or a new one becomes the global one; a
        provider that the app has set is never replaced.
    timeout_s: longest time for one export, in seconds.
    Raises ValueError for an endpoint or project that cannot mean anything; never for an instrumentation that fails (it is logged).
    """
    global _current  # noqa: PLW0603 - one set-up a process, like OTel's global provider
    with _lock:
        if _current is not None:
            _log.info("driftline: instrument() was called before; this call changes nothing")
            return _current
        url, checked_project = _traces_url(endpoint), _checked_project(project)
        configure_capture(is_on=capture_content)
        provider = _provider(
            tracer_provider,
            resource={
                semconv.SERVICE_NAME: service_name,
                semconv.DEPLOYMENT_ENVIRONMENT_NAME: environment,
                semconv.SERVICE_VERSION: release,
            },
        )
        project_header = {PROJECT_HEADER: checked_project} if checked_project else {}
        sent_headers = {**project_header, **(headers or {})}
        processor = _processor(url, headers=sent_headers, timeout_s=timeout_s)
        sender = _sender(url, headers=sent_headers, provider=provider, timeout_s=timeout_s)
        provider.add_span_processor(processor)
        # Before the provider's own exit handler, if it has one: it may have been made with shutdown_on_exit=False.
        atexit.register(processor.shutdown)
        atexit.register(sender.shutdown)
        use_provider(provider)
        use_sender(sender)
        _current = Instrumentation(
            endpoint=url,
            project=checked_project or "default",
            tracer_provider=provider,
            processor=processor,
            sender=sender,
            active=_turned_on(instrumentations, provider),
        )
        return _current


def _traces_url(endpoint: str | None) -> str:
    given = endpoint or os.environ.get("DRIFTLINE_ENDPOINT")
    if not given and (exact := os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")):
        return _checked_url(exact)
    base = _checked_url(given or os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or DEFAULT_ENDPOINT).rstrip("/")
    return base if base.endswith(_TRACES_PATH) else base + _TRACES_PATH


def _checked_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"expected an endpoint like {DEFAULT_ENDPOINT}, got {url!r}")
    return url


def _checked_project(project: str | None) -> str | None:
    name = project or os.environ.get("DRIFTLINE_PROJECT")
    if name and not _PROJECT.fullmatch(name):
        raise ValueError(f"expected a project name like 'checkout-bot' ({_PROJECT.pattern}), got {name!r}")
    return name or None


def _provider(given: "TracerProvider | None", *, resource: Mapping[str, str | None]) -> "TracerProvider":
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    wanted = {key: value for key, value in resource.items() if value is not None}
    existing = given or trace.get_tracer_provider()
    if isinstance(existing, TracerProvider):
        ignored = sorted(key for key, value in wanted.items() if existing.resource.attributes.get(key) != value)
        if ignored:
            _log.warning("driftline: the app's tracer provider has its own resource; ignored %s", ignored)
        return existing
    made = TracerProvider(resource=Resource.create(wanted))
    if isinstance(existing, trace.ProxyTracerProvider):  # nobody has set one
        trace.set_tracer_provider(made)
    else:
        _log.warning(
            "driftline: the global tracer provider is a %s, which takes no span processors; "
            "only GenAI instrumentations and Driftline's own decorators are sent",
            type(existing).__qualname__,
        )
    return made


def _processor(url: str, *, headers: Mapping[str, str], timeout_s: float) -> "DriftlineSpanProcessor":
    # Imported here: the exporter takes 200 ms, which code that only uses the decorators should not pay.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    from driftline.processor import DriftlineSpanProcessor

    return DriftlineSpanProcessor(OTLPSpanExporter(endpoint=url, headers=dict(headers), timeout=timeout_s))


def _sender(url: str, *, headers: Mapping[str, str], provider: "TracerProvider", timeout_s: float) -> FeedbackSender:
    """Feedback goes to the same receiver as log records: the traces' address with the last part changed."""
    from opentelemetry.util.re import parse_env_headers

    from_environment = os.environ.get("OTEL_EXPORTER_OTLP_HEADERS", "")
    return FeedbackSender(
        url.removesuffix(_TRACES_PATH) + _LOGS_PATH,
        headers={**parse_env_headers(from_environment, liberal=True), **headers},
        resource={key: str(value) for key, value in provider.resource.attributes.items()},
        timeout_s=timeout_s,
        certificate=os.environ.get("OTEL_EXPORTER_OTLP_CERTIFICATE") or None,
    )


def _turned_on(wanted: Literal["auto"] | Sequence[str], provider: "TracerProvider") -> tuple[Active, ...]:
    if isinstance(wanted, str) and wanted != "auto":
        raise ValueError(f"expected instrumentations='auto' or a list of libraries, got {wanted!r}")
    if not wanted:
        return ()
    active = turn_on(find_candidates(), provider=provider, only=None if wanted == "auto" else wanted)
    if not active:
        _log.warning(
            "driftline: no GenAI library is instrumented, so calls through model SDKs are not seen. Install an instrumentation "
            "(e.g. opentelemetry-instrumentation-genai-openai, openinference-instrumentation-langchain), "
            "or record your own functions with @driftline.generation and pass instrumentations=[]"
        )
    return active
