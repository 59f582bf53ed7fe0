"""What each segment is compared with: a version of a named reference set, or earlier windows of its own."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, timedelta
from importlib.resources import files

from driftline_analyzers.runner.findings import TRAILING
from driftline_analyzers.runner.frozen_texts import FrozenTexts
from driftline_analyzers.runner.history import History
from driftline_analyzers.runner.records import Reference, TextRow, WindowContent, to_ms, to_parameter, to_time
from driftline_analyzers.runner.references import matching_reference, overlaps
from driftline_analyzers.runner.samples import sample_sessions
from driftline_analyzers.runner.segments import LANGUAGE, LLM_ONLY, SERVICE, VERSION_LIKE, Segment
from driftline_analyzers.runner.trailing import trailing_windows
from driftline_analyzers.runner.window_texts import WindowTexts
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.reference_sets import ReferenceSet, adopt_set, freeze
from driftline_core.store import Store

WithLanguages = Callable[[Sequence[TextRow]], list[TextRow]]

_RELEASES = (files("driftline_analyzers") / "sql" / "release_values.sql").read_text(encoding="utf-8")
_LOOK_BACK = timedelta(days=400)


class ReferenceBook:
    """Finds references for the windows of one project. Named ones are read once and kept.

    history: contents of windows of the project, in order of time; sets: its named reference sets, newest first.
    """

    def __init__(
        self,
        *,
        project: str,
        settings: AnalyzerSettings,
        store: Store,
        sets: Sequence[ReferenceSet],
        texts: WindowTexts,
        contents: Sequence[WindowContent],
        history: History,
        with_languages: WithLanguages,
    ) -> None:
        self._project = project
        self._settings = settings
        self._store = store
        self._sets = list(sets)
        self._texts = texts
        self._history = history
        self._with_languages = with_languages
        self._contents: dict[tuple[str, str], list[WindowContent]] = {}
        for content in contents:
            self._contents.setdefault(content.segment.slicing, []).append(content)
        self._frozen = FrozenTexts(store, settings, project=project)

    def find(
        self, segment: Segment, content: WindowContent, rows: Sequence[TextRow], *, is_numbers: bool
    ) -> Reference | None:
        """What a window's segment is compared with; None where the window is part of its reference and is not tested. Raises StoreError.

        content: the window as it was counted; rows: its calls. is_numbers: windows in which only plain numbers drifted are left out.
        """
        named = matching_reference(self._sets, segment)
        if named is None:
            return self._trailing(segment, content, is_numbers=is_numbers)
        if overlaps(named, start_ms=content.start_ms, end_ms=content.end_ms):
            return None
        if named.kind == "previous_release":
            return self._previous_release(named, segment, content, rows)
        named = self._adopted(named)
        filed = Segment(service=named.service, by=named.segment_by, value=named.segment)
        found = self._of_segment(self._read(named.name, str(named.version), filed, named.detail), segment)
        if named.kind == "version" and _is_part(rows, found.rows):
            return None
        return found

    def _adopted(self, named: ReferenceSet) -> ReferenceSet:
        """The set, frozen now where an earlier build did not do it."""
        if named.frozen is not None:
            return named
        adopted = adopt_set(self._store, named)
        self._sets[self._sets.index(named)] = adopted
        return adopted

    def _read(self, name: str, version: str, filed: Segment, detail: str) -> Reference:
        rows = self._frozen.read(name=name, version=version, filed=filed)
        return Reference(
            name=name,
            version=version,
            detail=detail,
            rows=[row for row in rows if row.kind == "llm"],
            retrievals=[row for row in rows if row.kind == "retrieval"],
            key=(name, version, filed),
            filed=filed,
        )

    def _of_segment(self, reference: Reference, segment: Segment) -> Reference:
        """The part of a reference that speaks for a segment: its own rows, or all for a model or version that it hardly knows."""
        filed = reference.filed
        if segment.by == SERVICE or (filed is not None and (filed.by, filed.value) == (segment.by, segment.value)):
            return reference
        rows = self._with_languages(reference.rows) if segment.by == LANGUAGE else reference.rows
        own = [row for row in rows if row.value(segment.by) == segment.value]
        if len(own) < self._settings.min_samples and segment.by in VERSION_LIKE:
            return replace(reference, detail=f"{reference.detail}, any {segment.by}")
        retrievals = [] if segment.by in LLM_ONLY else reference.retrievals
        return replace(
            reference,
            rows=own,
            retrievals=[row for row in retrievals if row.value(segment.by) == segment.value],
            detail=f"{reference.detail}, {segment.by} {segment.value}",
            key=(*reference.key, segment),
        )

    def _previous_release(
        self, named: ReferenceSet, segment: Segment, content: WindowContent, rows: Sequence[TextRow]
    ) -> Reference:
        """The release before the newest one in the window, frozen when it is first used."""
        by = named.pinned_by
        newest = next((row.value(by) for row in reversed(rows) if row.value(by)), "")
        nothing = Reference(name=named.name, version=str(named.version), detail="", rows=(), retrievals=(), key=())
        if not newest:
            return replace(nothing, problem=f"no call in the window says its {by}")
        is_whole = segment.by in (SERVICE, LANGUAGE, by)
        scope = Segment(service=segment.service, by=SERVICE, value=segment.service) if is_whole else segment
        before = self._release_before(by, newest, scope, content)
        if before is None:
            return replace(nothing, problem=f"no {by} before {newest} of this segment is stored")
        version = f"{named.version}/{before}"
        detail = f"{by} {before}, the one before {newest}"
        if not self._frozen.has(name=named.name, version=version, filed=scope):
            counts = freeze(
                self._store,
                named,
                version=version,
                pinned_by=by,
                pinned_value=before,
                to_time=to_time(content.start_ms),
                segment_by="" if is_whole else scope.by,
                segment="" if is_whole else scope.value,
                detail=detail,
            )
            if counts.n_calls == 0:
                return replace(nothing, version=version, problem=f"no text of {by} {before} is stored")
        found = self._read(named.name, version, scope, detail)
        return self._of_segment(found, segment) if segment.by == LANGUAGE else found

    def _release_before(self, by: str, newest: str, segment: Segment, content: WindowContent) -> str | None:
        values = self._store.rows(
            _RELEASES,
            {
                "project": self._project,
                "service": segment.service,
                "pinned_by": by,
                "segment_by": segment.by,
                "segment": segment.value,
                "from_time": to_parameter(max(0, content.end_ms - int(_LOOK_BACK.total_seconds() * 1000))),
                "to_time": to_parameter(content.end_ms),
            },
        )
        first = {row["value"]: to_ms(row["first_time"].replace(tzinfo=UTC)) for row in values}
        earlier = [value for value, at in first.items() if newest in first and at < first[newest]]
        return max(earlier, key=lambda value: first[value], default=None)

    def _trailing(self, segment: Segment, content: WindowContent, *, is_numbers: bool) -> Reference:
        trailing = trailing_windows(
            self._contents.get(segment.slicing, ()),
            content.segment,
            start_ms=content.start_ms,
            is_drifted=lambda other: self._history.is_drifted(
                segment if segment.by == LANGUAGE else other.segment, other.start_ms, is_numbers=is_numbers
            ),
            n_windows=self._settings.reference_windows,
            horizon_ms=int(self._settings.reference_horizon.total_seconds() * 1000),
            min_texts=self._min_texts,
        )
        keys = tuple(window.key for window in trailing.windows)
        reference = Reference(
            name=TRAILING,
            version="",
            detail=trailing.detail,
            rows=(),
            retrievals=(),
            key=(TRAILING, segment, keys),
            problem="" if keys else trailing.detail,
        )
        if not keys:
            return reference
        rows = self._texts.read(keys)
        if segment.by == LANGUAGE:
            rows = [row for row in self._with_languages(rows) if row.language == segment.value]
        limit = self._settings.max_reference_texts
        return replace(
            reference,
            rows=sample_sessions([row for row in rows if row.kind == "llm"], max_texts=limit),
            retrievals=sample_sessions([row for row in rows if row.kind == "retrieval"], max_texts=limit),
        )

    @property
    def _min_texts(self) -> int:
        return int(self._settings.reference_ratio * self._settings.min_samples)


def _is_part(rows: Sequence[TextRow], reference: Sequence[TextRow]) -> bool:
    """True when most of the window's calls are in the reference."""
    known = {(row.trace_id, row.span_id) for row in reference}
    return 2 * sum((row.trace_id, row.span_id) in known for row in rows) > len(rows)
