"""Puts together what tests the windows of one run in one project."""

from collections.abc import Sequence

from driftline_analyzers.embed.cache import EmbeddingCache
from driftline_analyzers.embed.embedder import Embedder, Embeddings, OnBatch
from driftline_analyzers.runner.explaining import Explainer
from driftline_analyzers.runner.kept_calls import KeptCalls
from driftline_analyzers.runner.languages import Languages
from driftline_analyzers.runner.monitoring import Monitoring
from driftline_analyzers.runner.outlier_explanation import OutlierExplainer
from driftline_analyzers.runner.plan import Plan
from driftline_analyzers.runner.reader import Reader
from driftline_analyzers.runner.reference_book import ReferenceBook
from driftline_analyzers.runner.references import list_references
from driftline_analyzers.runner.report import Run
from driftline_analyzers.runner.self_check import SelfChecks
from driftline_analyzers.runner.window_tester import WindowTester
from driftline_analyzers.runner.window_texts import WindowTexts
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.store import Store

_RECENT_TEXTS = 60_000
"""Vectors in memory: those of a segment's reference, which the next window of the segment looks up again; 90 MB of 384 numbers."""


def assemble(
    project: str,
    plan: Plan,
    *,
    settings: AnalyzerSettings,
    store: Store,
    reader: Reader,
    embedder: Embedder,
    run: Run,
    on_batch: OnBatch,
) -> WindowTester:
    """The tester of a plan. Counts what it embeds in run. Raises StoreError."""
    cache = EmbeddingCache(store, embedder, recent_texts=_RECENT_TEXTS)

    def embed(texts: Sequence[str]) -> Embeddings:
        vectors, counts = cache.embed(texts, on_batch=on_batch)
        run.texts_embedded += counts.n_embedded
        run.cache_hits += counts.n_hits
        return vectors

    texts = WindowTexts(reader, project=project)
    languages = Languages()
    with run.phases.phase("read"):
        book = ReferenceBook(
            project=project,
            settings=settings,
            store=store,
            sets=list_references(store, project=project),
            texts=texts,
            contents=plan.contents,
            history=plan.history,
            with_languages=languages,
        )
    return WindowTester(
        project=project,
        settings=settings,
        book=book,
        texts=texts,
        kept=KeptCalls(reader, settings, project=project),
        history=plan.history,
        checks=SelfChecks(store, settings, project=project, model_id=embedder.model_id),
        explainer=Explainer(settings, outliers=OutlierExplainer(store, settings, project=project, embed=embed)),
        monitoring=Monitoring(settings),
        embed=embed,
        with_languages=languages,
        phases=run.phases,
    )
