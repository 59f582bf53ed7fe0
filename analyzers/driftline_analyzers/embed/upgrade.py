"""After a change of model: the texts of references are embedded again in the background, before anything is compared with them.

Vectors of two models never meet: the cache reads and writes rows of one model_id, and both sides of a comparison come through it. So a
reference is ready for a new model when all its texts are there by that model; what is missing when a window is tested is embedded then.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from driftline_analyzers.embed.cache import EmbeddingCache
from driftline_analyzers.embed.embedder import Embedder
from driftline_core.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class UpgradeProgress:
    """n_done of n_total texts have a vector by the model; n_embedded of them were embedded by this run."""

    model_id: str
    n_done: int
    n_total: int
    n_embedded: int

    @property
    def is_complete(self) -> bool:
        """True when every text has its vector."""
        return self.n_done == self.n_total


class ModelUpgrade:
    """Embeds what is missing for an embedder's model, a few texts at a time, with a pause after each block so that others get their turn.

    Each block is stored when it is done: a run that was stopped or killed goes on where it was when called again. batch_texts: of a block;
    idle_share: share of the time that is left to others, 0.5 rests as long as it worked.
    """

    def __init__(self, store: Store, embedder: Embedder, *, batch_texts: int = 128, idle_share: float = 0.5) -> None:
        self._cache = EmbeddingCache(store, embedder, recent_texts=0)
        self._embedder = embedder
        self._batch_texts = batch_texts
        self._idle_share = idle_share
        self._stopping = threading.Event()

    def run(
        self, texts: Sequence[str], *, on_progress: Callable[[UpgradeProgress], None] | None = None
    ) -> UpgradeProgress:
        """Embed the texts that have no vector by this model. Returns early after stop. Raises StoreError, and the embedder's errors."""
        n_done = n_embedded = 0
        progress = self._progress(0, len(texts), 0)
        for start in range(0, len(texts), self._batch_texts):
            if self._stopping.is_set():
                break
            block = texts[start : start + self._batch_texts]
            began_s = time.monotonic()
            _, counts = self._cache.embed(block)
            n_done += len(block)
            n_embedded += counts.n_embedded
            progress = self._progress(n_done, len(texts), n_embedded)
            if on_progress is not None:
                on_progress(progress)
            if counts.n_embedded and not progress.is_complete:
                worked_s = time.monotonic() - began_s
                self._stopping.wait(worked_s * self._idle_share / (1 - self._idle_share))
        return progress

    def stop(self) -> None:
        """Ask a run in another thread to end after the block at hand."""
        self._stopping.set()

    def is_ready(self, texts: Sequence[str]) -> bool:
        """True when every text has a vector by this model, so that nothing has to wait or be left out."""
        return self._cache.n_missing(texts) == 0

    def _progress(self, n_done: int, n_total: int, n_embedded: int) -> UpgradeProgress:
        return UpgradeProgress(model_id=self._embedder.model_id, n_done=n_done, n_total=n_total, n_embedded=n_embedded)
