"""Which installed packages instrument which GenAI library, and turning one of them on for each.

Packages register under the entry point group `opentelemetry_instrumentor`; three families call theirs by the same names, so what counts is
the module that an entry point leads to. For each library one package is turned on, in this order, because two would record each call twice:

1. OpenTelemetry's own, current: `opentelemetry.instrumentation.genai.*`
2. OpenTelemetry's own, older: `opentelemetry.instrumentation.openai_v2` and the others of `_CONTRIB`
3. OpenInference: `openinference.instrumentation.*`
4. OpenLLMetry: `opentelemetry.instrumentation.*` named in `_OPENLLMETRY`

A package that does not fit the installed library (its own check of versions) or fails to start makes room for the next.
Anything else in the group (web frameworks, databases) is left alone.
"""

import logging
import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from opentelemetry.trace import TracerProvider

_log = logging.getLogger("driftline")

GROUP: Final = "opentelemetry_instrumentor"
_CONTRIB: Final = frozenset({"openai_v2", "google_genai"})
_OPENLLMETRY: Final = frozenset(
    {
        "agno", "alephalpha", "anthropic", "bedrock", "cohere", "crewai", "google_generativeai", "groq", "haystack", "langchain",
        "llamaindex", "mistralai", "ollama", "openai", "openai_agents", "replicate", "sagemaker", "together", "transformers",
        "vertexai", "voyageai", "watsonx", "writer",
    }
)  # fmt: skip
_SAME_LIBRARY: Final = {
    "openai_v2": "openai",
    "google_generativeai": "google-genai",
    "llamaindex": "llama-index",
    "aleph_alpha": "alephalpha",
    "mistral": "mistralai",
}
# These record the model calls they make themselves; with the model's own library turned on beside them, one call makes two spans.
_FRAMEWORKS: Final = frozenset(
    {"langchain", "llama-index", "litellm", "haystack", "crewai", "dspy", "smolagents", "autogen"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One installed package. library: what it instruments, e.g. 'openai'; rank: 0 is taken first; module: where it lives."""

    library: str
    rank: int
    module: str
    entry_point: EntryPoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Active:
    """An instrumentation that runs. is_ours: Driftline turned it on, and turns it off again."""

    library: str
    module: str
    instrumentor: Any
    is_ours: bool


def find_candidates(points: Iterable[EntryPoint] | None = None) -> list[Candidate]:
    """GenAI instrumentations among `points` (default: all that are installed), by library, best first."""
    points = entry_points(group=GROUP) if points is None else points
    found = {point.module: candidate for point in points if (candidate := _candidate(point)) is not None}
    return sorted(found.values(), key=lambda candidate: (candidate.library, candidate.rank, candidate.module))


def turn_on(
    candidates: Collection[Candidate], *, provider: TracerProvider, only: Collection[str] | None = None
) -> tuple[Active, ...]:
    """Turn on one package for each library (those in `only`, when given); never raises, logs what could not be turned on."""
    libraries = sorted({candidate.library for candidate in candidates})
    if only is not None:
        for missing in sorted(set(only) - set(libraries)):
            _log.warning("driftline: no instrumentation for %r is installed; found %s", missing, libraries or "none")
        libraries = [library for library in libraries if library in only]
    active = [
        one
        for library in libraries
        if (one := _turn_on_first([c for c in candidates if c.library == library], provider=provider)) is not None
    ]
    _warn_of_doubles([one.library for one in active])
    return tuple(active)


def turn_off(active: Iterable[Active]) -> None:
    """Turn off what Driftline turned on; never raises."""
    for one in active:
        if one.is_ours:
            try:
                one.instrumentor.uninstrument()
            except Exception:  # noqa: BLE001 - another library's clean-up must not break the app's
                _log.warning("driftline: could not turn off the instrumentation %s", one.module, exc_info=True)


def _candidate(point: EntryPoint) -> Candidate | None:
    parent, _, leaf = point.module.rpartition(".")
    match parent:
        case "opentelemetry.instrumentation.genai":
            rank = 0
        case "opentelemetry.instrumentation" if leaf in _CONTRIB:
            rank = 1
        case "openinference.instrumentation":
            rank = 2
        case "opentelemetry.instrumentation" if leaf in _OPENLLMETRY:
            rank = 3
        case _:
            return None
    library = _SAME_LIBRARY.get(leaf, leaf.replace("_", "-"))
    return Candidate(library=library, rank=rank, module=point.module, entry_point=point)


def _turn_on_first(candidates: list[Candidate], *, provider: TracerProvider) -> Active | None:
    for candidate in candidates:
        if candidate.module in sys.modules and _is_on(instrumentor := _load(candidate)):
            return Active(library=candidate.library, module=candidate.module, instrumentor=instrumentor, is_ours=False)
    for candidate in candidates:
        if (instrumentor := _load(candidate)) is None:
            continue
        try:
            instrumentor.instrument(tracer_provider=provider)
        except Exception:  # noqa: BLE001 - a broken instrumentation must not stop the app
            _log.warning("driftline: the instrumentation %s failed to start", candidate.module, exc_info=True)
            continue
        if _is_on(instrumentor):
            _log.info("driftline: %s is instrumented by %s", candidate.library, candidate.module)
            return Active(library=candidate.library, module=candidate.module, instrumentor=instrumentor, is_ours=True)
    return None


def _load(candidate: Candidate) -> Any:
    """The instrumentor, which is a singleton of its class; None when it cannot be imported, mostly because its library is absent."""
    try:
        return candidate.entry_point.load()()
    except Exception as error:  # noqa: BLE001 - a broken instrumentation must not stop the app
        _log.warning("driftline: the instrumentation %s cannot be imported: %s", candidate.module, error)
        return None


def _is_on(instrumentor: Any) -> bool:
    return bool(getattr(instrumentor, "is_instrumented_by_opentelemetry", False))


def _warn_of_doubles(libraries: list[str]) -> None:
    frameworks = sorted(_FRAMEWORKS & set(libraries))
    others = sorted(set(libraries) - _FRAMEWORKS)
    if frameworks and others:
        _log.warning(
            "driftline: %s and %s are both instrumented; a call that passes through both is recorded twice. "
            "Name the ones to keep: instrument(instrumentations=[...])",
            frameworks,
            others,
        )
