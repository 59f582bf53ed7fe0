from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from driftline.libraries import find_candidates
from tests.sdk.conftest import RunApp
from tests.sdk.receiver import Receiver

# What the packages register, as read from their wheels in November 2026: name -> module:class.
REGISTERED = {
    "opentelemetry-instrumentation-genai-openai": ("openai", "opentelemetry.instrumentation.genai.openai"),
    "opentelemetry-instrumentation-openai-v2": ("openai", "opentelemetry.instrumentation.openai_v2"),
    "openinference-instrumentation-openai": ("openai", "openinference.instrumentation.openai"),
    "opentelemetry-instrumentation-openai": ("openai", "opentelemetry.instrumentation.openai"),
    "openinference-instrumentation-llama-index": ("llama_index", "openinference.instrumentation.llama_index"),
    "opentelemetry-instrumentation-llamaindex": ("llama-index", "opentelemetry.instrumentation.llamaindex"),
    "opentelemetry-instrumentation-google-genai": ("google-genai", "opentelemetry.instrumentation.google_genai"),
    "opentelemetry-instrumentation-fastapi": ("fastapi", "opentelemetry.instrumentation.fastapi"),
}

INSTRUMENTOR = """
class Instrumentor:
    is_instrumented_by_opentelemetry = False
    _one = None

    def __new__(cls):
        cls._one = cls._one or super().__new__(cls)
        return cls._one

    def instrument(self, *, tracer_provider):
        {instrument}

    def uninstrument(self):
        self.is_instrumented_by_opentelemetry = False
"""
WORKS = 'self.is_instrumented_by_opentelemetry = True; tracer_provider.get_tracer(__name__).start_span("on").end()'
FAILS = "raise RuntimeError('wrong version')"
REFUSES = "pass"


@pytest.fixture
def installed(tmp_path: Path) -> None:
    """Real distributions on disk, found through importlib.metadata like any other."""
    behaviours = {
        "opentelemetry-instrumentation-genai-openai": FAILS,
        "opentelemetry-instrumentation-openai-v2": REFUSES,
        "openinference-instrumentation-openai": WORKS,
        "opentelemetry-instrumentation-openai": WORKS,
        "opentelemetry-instrumentation-llamaindex": WORKS,
        "opentelemetry-instrumentation-fastapi": WORKS,
    }
    for distribution, behaviour in behaviours.items():
        name, module = REGISTERED[distribution]
        path = tmp_path.joinpath(*module.split("."), "__init__.py")
        path.parent.mkdir(parents=True)
        path.write_text(INSTRUMENTOR.format(instrument=behaviour))
        info = tmp_path / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[opentelemetry_instrumentor]\n{name} = {module}:Instrumentor\n")


def test_packages_are_known_by_their_module_and_the_best_comes_first() -> None:
    points = [
        EntryPoint(name=name, value=f"{module}:Instrumentor", group="opentelemetry_instrumentor")
        for name, module in REGISTERED.values()
    ]
    assert [(one.library, one.module) for one in find_candidates(points)] == [
        ("google-genai", "opentelemetry.instrumentation.google_genai"),
        ("llama-index", "openinference.instrumentation.llama_index"),
        ("llama-index", "opentelemetry.instrumentation.llamaindex"),
        ("openai", "opentelemetry.instrumentation.genai.openai"),
        ("openai", "opentelemetry.instrumentation.openai_v2"),
        ("openai", "openinference.instrumentation.openai"),
        ("openai", "opentelemetry.instrumentation.openai"),
    ]


@pytest.mark.usefixtures("installed")
def test_one_package_a_library_is_turned_on_and_the_next_takes_over_when_it_fails(
    run_app: RunApp, receiver: Receiver
) -> None:
    done = run_app(
        """
        import logging, os
        logging.basicConfig(level=logging.WARNING)
        import driftline
        running = driftline.instrument(endpoint=os.environ["TO"])
        print(dict(running.instrumented))
        running.flush()
        running.shutdown()
        from openinference.instrumentation.openai import Instrumentor
        print(Instrumentor().is_instrumented_by_opentelemetry)
        """,
        TO=receiver.url,
    )
    assert done.stdout.splitlines() == [
        "{'llama-index': 'opentelemetry.instrumentation.llamaindex', 'openai': 'openinference.instrumentation.openai'}",
        "False",
    ]
    assert len(receiver.wait_for_spans(2)) == 2
    assert "opentelemetry.instrumentation.genai.openai failed to start" in done.stderr
    assert "recorded twice" in done.stderr


@pytest.mark.usefixtures("installed")
def test_an_instrumentation_that_the_app_turned_on_stays_the_only_one(run_app: RunApp, receiver: Receiver) -> None:
    done = run_app(
        """
        import logging, os
        logging.basicConfig(level=logging.WARNING)
        from opentelemetry.instrumentation.openai import Instrumentor
        Instrumentor.is_instrumented_by_opentelemetry = True
        import driftline
        running = driftline.instrument(endpoint=os.environ["TO"], instrumentations=["openai", "anthropic"])
        print(dict(running.instrumented))
        running.shutdown()
        print(Instrumentor().is_instrumented_by_opentelemetry)
        """,
        TO=receiver.url,
    )
    assert done.stdout.splitlines() == ["{'openai': 'opentelemetry.instrumentation.openai'}", "True"]
    assert "no instrumentation for 'anthropic' is installed; found ['llama-index', 'openai']" in done.stderr
