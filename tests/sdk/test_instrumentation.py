import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import driftline
from tests.sdk.conftest import RunApp
from tests.sdk.receiver import Receiver


@pytest.fixture
def watched(provider: TracerProvider, receiver: Receiver) -> Iterator[driftline.Instrumentation]:
    running = driftline.instrument(
        endpoint=receiver.url, project="shop", instrumentations=[], tracer_provider=provider, headers={"X-Key": "k"}
    )
    yield running
    running.shutdown()


def test_spans_arrive_as_otlp_with_the_project_and_headers(
    watched: driftline.Instrumentation, receiver: Receiver
) -> None:
    with driftline.session(session_id="s-1"), driftline.start_generation(model="m") as generation:
        generation.input("Grüße").usage(input_tokens=3)
    assert watched.flush(timeout_s=20)
    (span,) = receiver.wait_for_spans(1)
    values = {attribute.key: attribute.value for attribute in span.attributes}
    assert span.name == "chat m"
    assert values["gen_ai.usage.input_tokens"].int_value == 3
    assert values["session.id"].string_value == "s-1"
    assert json.loads(values["gen_ai.input.messages"].string_value)[0]["parts"][0]["content"] == "Grüße"
    assert receiver.paths == ["/v1/traces"]
    assert receiver.headers[0]["x-driftline-project"] == "shop"
    assert receiver.headers[0]["x-key"] == "k"


def test_the_session_is_put_on_spans_of_other_libraries(
    watched: driftline.Instrumentation, provider: TracerProvider, receiver: Receiver
) -> None:
    tracer = provider.get_tracer("another.library")
    with driftline.session(session_id="s", user_id="mine"):
        tracer.start_span("theirs", attributes={"user.id": "theirs"}).end()
    watched.flush(timeout_s=20)
    (span,) = receiver.wait_for_spans(1)
    assert {attribute.key: attribute.value.string_value for attribute in span.attributes} == {
        "session.id": "s",
        "user.id": "theirs",
    }


def test_the_apps_own_exporter_goes_on(
    watched: driftline.Instrumentation, provider: TracerProvider, exporter: InMemorySpanExporter, receiver: Receiver
) -> None:
    with driftline.start_generation(model="m"):
        pass
    watched.flush(timeout_s=20)
    receiver.wait_for_spans(1)
    watched.shutdown()
    with provider.get_tracer("app").start_as_current_span("afterwards"):
        pass
    assert [span.name for span in exporter.get_finished_spans()] == ["chat m", "afterwards"]
    assert [span.name for span in receiver.spans()] == ["chat m"]


def test_a_second_call_changes_nothing(watched: driftline.Instrumentation, provider: TracerProvider) -> None:
    assert driftline.instrument(endpoint="http://127.0.0.1:1", tracer_provider=provider) is watched


def test_after_shutdown_it_can_be_set_up_again(provider: TracerProvider, receiver: Receiver) -> None:
    first = driftline.instrument(endpoint=receiver.url, instrumentations=[], tracer_provider=provider)
    first.shutdown()
    first.shutdown()
    second = driftline.instrument(endpoint=receiver.url, instrumentations=[], tracer_provider=provider)
    with driftline.start_generation(model="again"):
        pass
    second.shutdown()
    assert second is not first
    assert [span.name for span in receiver.spans()] == ["chat again"]


def test_the_endpoint_comes_from_the_call_then_the_environment(
    provider: TracerProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endpoint(given: str | None = None) -> str:
        running = driftline.instrument(endpoint=given, instrumentations=[], tracer_provider=provider)
        running.shutdown()
        return running.endpoint

    assert endpoint() == "http://127.0.0.1:4318/v1/traces"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://otel:4318/")
    assert endpoint() == "http://otel:4318/v1/traces"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:4318/exactly")
    assert endpoint() == "http://traces:4318/exactly"
    monkeypatch.setenv("DRIFTLINE_ENDPOINT", "https://driftline/base")
    assert endpoint() == "https://driftline/base/v1/traces"
    assert endpoint("http://given:1/v1/traces") == "http://given:1/v1/traces"


@pytest.mark.parametrize("endpoint", ["localhost:4318", "grpc://host:4317", "http://"])
def test_an_endpoint_that_means_nothing_is_refused(endpoint: str) -> None:
    with pytest.raises(ValueError, match=r"expected an endpoint like http://127.0.0.1:4318, got"):
        driftline.instrument(endpoint=endpoint)


def test_a_project_that_means_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a project name like"):
        driftline.instrument(project="Not A Project")


def test_capture_off_wins_over_the_environment_and_on_does_not(
    provider: TracerProvider, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def captured(*, capture_content: bool) -> bool:
        running = driftline.instrument(
            endpoint=receiver.url, instrumentations=[], tracer_provider=provider, capture_content=capture_content
        )
        with driftline.start_generation() as generation:
            generation.input("text")
        running.shutdown()
        span = receiver.spans()[-1]
        return any(attribute.key == "gen_ai.input.messages" for attribute in span.attributes)

    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "SPAN_ONLY")
    assert not captured(capture_content=False)
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "NO_CONTENT")
    assert not captured(capture_content=True)
    monkeypatch.delenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT")
    assert captured(capture_content=True)


def test_without_a_provider_one_is_made_and_sends_at_exit(run_app: RunApp, receiver: Receiver) -> None:
    done = run_app(
        """
        import logging
        logging.basicConfig(level=logging.WARNING)
        import driftline
        driftline.instrument(service_name="bot", environment="prod", release="1.2")
        with driftline.start_generation(model="m"):
            pass
        """,
        DRIFTLINE_ENDPOINT=receiver.url,
        DRIFTLINE_PROJECT="from-env",
    )
    (span,) = receiver.wait_for_spans(1)
    assert span.name == "chat m"
    assert receiver.headers[0]["x-driftline-project"] == "from-env"
    resource = receiver.resources()[0]
    assert (resource["service.name"], resource["deployment.environment.name"], resource["service.version"]) == (
        "bot",
        "prod",
        "1.2",
    )
    assert "no GenAI library is instrumented" in done.stderr


def test_the_apps_global_provider_is_kept_in_either_order(run_app: RunApp, receiver: Receiver) -> None:
    run_app(
        """
        import os
        from opentelemetry import trace
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        import driftline

        @driftline.generation(model="m")
        def answer(question: str) -> str:
            return "a"

        mine = TracerProvider(resource=Resource.create({"service.name": "mine"}))
        trace.set_tracer_provider(mine)
        running = driftline.instrument(endpoint=os.environ["TO"], instrumentations=[], service_name="ignored")
        assert trace.get_tracer_provider() is mine is running.tracer_provider
        answer("q")
        with trace.get_tracer("app").start_as_current_span("request"):
            pass
        """,
        TO=receiver.url,
    )
    assert {span.name for span in receiver.wait_for_spans(2)} == {"chat m", "request"}
    assert {resource["service.name"] for resource in receiver.resources()} == {"mine"}


def test_a_forked_worker_sends_too(run_app: RunApp, receiver: Receiver) -> None:
    run_app(
        """
        import os
        import driftline
        running = driftline.instrument(endpoint=os.environ["TO"], instrumentations=[], service_name="bot")
        with driftline.start_generation(model="parent"):
            pass
        running.flush()
        child = os.fork()
        with driftline.start_generation(model="child" if child == 0 else "parent-2"):
            pass
        running.flush()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        """,
        TO=receiver.url,
    )
    assert sorted(span.name for span in receiver.wait_for_spans(3)) == ["chat child", "chat parent", "chat parent-2"]


def test_importing_it_needs_neither_torch_nor_a_store(run_app: RunApp) -> None:
    done = run_app(
        """
        import sys
        import driftline
        heavy = {"torch", "clickhouse_connect", "chdb", "pydantic", "numpy", "requests", "google.protobuf"}
        print(sorted(heavy & set(sys.modules)))
        print(sorted(name for name in sys.modules if name.startswith("driftline_")))
        """
    )
    assert done.stdout == "[]\n[]\n"


def test_the_package_is_typed() -> None:
    assert (Path(driftline.__file__).parent / "py.typed").exists()
