"""Texts of the versions of reference sets: read once, kept while windows are compared with them."""

from collections import OrderedDict
from importlib.resources import files

from driftline_analyzers.runner.reader import in_order, text_row
from driftline_analyzers.runner.records import TextRow
from driftline_analyzers.runner.segments import SERVICE, Segment
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.store import Store

_TEXTS = (files("driftline_analyzers") / "sql" / "frozen_texts.sql").read_text(encoding="utf-8")
_IS_NOTED = (files("driftline_analyzers") / "sql" / "is_frozen.sql").read_text(encoding="utf-8")
_MAX_ROWS = 100_000


class FrozenTexts:
    """Sampled rows of reference versions of one project. The least recently used go when more than 100,000 rows are held."""

    def __init__(self, store: Store, settings: AnalyzerSettings, *, project: str) -> None:
        self._store = store
        self._settings = settings
        self._project = project
        self._kept: OrderedDict[tuple[str, str, Segment], list[TextRow]] = OrderedDict()

    def read(self, *, name: str, version: str, filed: Segment) -> list[TextRow]:
        """Rows of a version in order of time. filed: the segment it was made for. Raises StoreError."""
        key = (name, version, filed)
        if key not in self._kept:
            parameters = self._filing(name, version, filed) | {
                "max_chars": self._settings.max_text_chars,
                "max_per_session": self._settings.max_texts_per_session,
                "max_texts": self._settings.max_reference_texts,
            }
            self._kept[key] = in_order([text_row(row) for row in self._store.rows(_TEXTS, parameters)])
        self._kept.move_to_end(key)
        while sum(len(rows) for rows in self._kept.values()) > _MAX_ROWS and len(self._kept) > 1:
            self._kept.popitem(last=False)
        return self._kept[key]

    def has(self, *, name: str, version: str, filed: Segment) -> bool:
        """True when the version was frozen. Raises StoreError."""
        return (name, version, filed) in self._kept or bool(
            self._store.scalar(_IS_NOTED, self._filing(name, version, filed))
        )

    def _filing(self, name: str, version: str, filed: Segment) -> dict[str, object]:
        is_whole = filed.by in ("", SERVICE)
        return {
            "project": self._project,
            "name": name,
            "version": version,
            "segment_by": "" if is_whole else filed.by,
            "segment": "" if is_whole else filed.value,
        }
