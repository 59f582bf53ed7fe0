"""After a change of the embedding model: the texts of frozen references are embedded again while there is nothing to test.

A window that comes before that embeds what its reference lacks itself. Vectors of two models never meet: each is read by its model's id.
"""

from dataclasses import dataclass

from driftline_analyzers.embed.embedder import Embedder
from driftline_analyzers.embed.upgrade import ModelUpgrade
from driftline_analyzers.runner.frozen_texts import FrozenTexts
from driftline_analyzers.runner.segments import Segment
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.reference_sets import list_versions
from driftline_core.store import Store

_TEXTS_PER_RUN = 512


@dataclass(slots=True)
class _Work:
    """What is left of one version's texts."""

    texts: list[str]


class ReferenceEmbeddings:
    """Goes through the newest versions of the references of all projects once, some texts a call."""

    def __init__(self, store: Store, settings: AnalyzerSettings, embedder: Embedder) -> None:
        self._store = store
        self._settings = settings
        self._upgrade = ModelUpgrade(store, embedder)
        self._work: dict[tuple[str, str, str, Segment], _Work] = {}

    def run(self, project: str) -> int:
        """Embed some of what is missing; how many texts were. Raises StoreError, and the embedder's errors."""
        newest: set[tuple[str, Segment]] = set()
        for row in list_versions(self._store, project=project, name=""):
            filed = Segment(service=row["service"], by=row["segment_by"], value=row["segment"])
            if (row["name"], filed) in newest:
                continue
            newest.add((row["name"], filed))
            key = (project, row["name"], row["version"], filed)
            if key not in self._work:
                self._work[key] = _Work(texts=self._texts(project, row["name"], row["version"], filed))
            work = self._work[key]
            if work.texts:
                part, work.texts = work.texts[:_TEXTS_PER_RUN], work.texts[_TEXTS_PER_RUN:]
                return self._upgrade.run(part).n_embedded
        return 0

    def stop(self) -> None:
        """Ask a run in another thread to end after the block at hand."""
        self._upgrade.stop()

    def _texts(self, project: str, name: str, version: str, filed: Segment) -> list[str]:
        rows = FrozenTexts(self._store, self._settings, project=project).read(name=name, version=version, filed=filed)
        texts = [text for row in rows for text in (row.prompt, row.completion, *row.documents) if text.strip()]
        return list(dict.fromkeys(texts))
