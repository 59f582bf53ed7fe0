"""Which named reference set a segment is compared with, and the sets' own life: created, listed, deleted."""

from collections.abc import Sequence
from datetime import datetime

from driftline_analyzers.runner.records import to_ms
from driftline_analyzers.runner.segments import SERVICE, Segment
from driftline_core.reference_sets import ReferenceSet, create_set, delete_set, list_sets
from driftline_core.store import Store

__all__ = ["ReferenceSet", "create_reference", "delete_reference", "list_references", "matching_reference", "overlaps"]


def create_reference(
    store: Store,
    *,
    project: str,
    name: str,
    service: str,
    from_time: datetime,
    to_time: datetime,
    model: str = "",
    description: str = "",
) -> ReferenceSet:
    """Freeze a time range of a service's texts, of one model or of every one; the next version where the name exists.

    Times need a time zone. Raises InputError on what cannot be and where there are no texts; StoreError.
    """
    wanted = ReferenceSet(
        project=project,
        name=name,
        service=service,
        segment_by="model" if model else "",
        segment=model,
        from_time=from_time,
        to_time=to_time,
        description=description,
    )
    return create_set(store, wanted)


def list_references(store: Store, *, project: str) -> list[ReferenceSet]:
    """The project's sets, newest first."""
    return list_sets(store, project=project)


def delete_reference(store: Store, *, project: str, name: str) -> None:
    """Delete the set and its copies; findings made with it stay. Raises NotFound."""
    delete_set(store, project=project, name=name)


def matching_reference(references: Sequence[ReferenceSet], segment: Segment) -> ReferenceSet | None:
    """The set that a segment is compared with: the newest for it, else the newest for its whole service."""
    of_service = [reference for reference in references if reference.service == segment.service]
    for reference in of_service:
        if (reference.segment_by, reference.segment) == (segment.by, segment.value):
            return reference
    for reference in of_service:
        if reference.segment_by in ("", SERVICE):
            return reference
    return None


def overlaps(reference: ReferenceSet, *, start_ms: int, end_ms: int) -> bool:
    """True when the half-open window shares a moment with a time range that was frozen."""
    is_range = reference.kind == "range"
    return is_range and start_ms < to_ms(reference.to_time) and end_ms > to_ms(reference.from_time)
