"""Named reference sets: a frozen time range of one service's traffic that later windows are compared with."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files

from driftline_analyzers.runner.records import to_ms, to_time
from driftline_core.errors import InputError, NotFound
from driftline_core.store import Store

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_LIST = (files("driftline_analyzers") / "sql" / "reference_sets.sql").read_text(encoding="utf-8")
_COLUMNS = ("project", "name", "service", "model", "from_time", "to_time", "description", "is_deleted")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceSet:
    """from_time inclusive, to_time exclusive, UTC, by the calls' own start. model: '' for every model of the service."""

    project: str
    name: str
    service: str
    model: str
    from_time: datetime
    to_time: datetime
    description: str

    def overlaps(self, *, start_ms: int, end_ms: int) -> bool:
        """True when the half-open window shares a moment with the set."""
        return start_ms < to_ms(self.to_time) and end_ms > to_ms(self.from_time)


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
    """Create the set, or replace the one of that name. Times need a time zone. Raises InputError on what cannot be."""
    if not _NAME.fullmatch(name):
        raise InputError(f"expected a name of letters, digits, '.', '_' and '-', at most 63 long, got {name!r}")
    if name == "trailing":
        raise InputError("expected a name other than 'trailing', which means: no reference set")
    if not service:
        raise InputError("expected the name of a service, got an empty one")
    if from_time.tzinfo is None or to_time.tzinfo is None:
        raise InputError("expected times with a time zone, got naive ones")
    if not from_time < to_time:
        raise InputError(f"expected from_time before to_time, got {from_time.isoformat()} and {to_time.isoformat()}")
    created = ReferenceSet(
        project=project,
        name=name,
        service=service,
        model=model,
        from_time=from_time.astimezone(UTC),
        to_time=to_time.astimezone(UTC),
        description=description,
    )
    _write(store, created, is_deleted=False)
    return created


def list_references(store: Store, *, project: str) -> list[ReferenceSet]:
    """The project's sets, newest first."""
    return [
        ReferenceSet(
            project=project,
            name=row["name"],
            service=row["service"],
            model=row["model"],
            from_time=to_time(row["from_ms"]),
            to_time=to_time(row["to_ms"]),
            description=row["description"],
        )
        for row in store.rows(_LIST, {"project": project})
    ]


def delete_reference(store: Store, *, project: str, name: str) -> None:
    """Delete the set; findings made with it stay. Raises NotFound."""
    for reference in list_references(store, project=project):
        if reference.name == name:
            _write(store, reference, is_deleted=True)
            return
    raise NotFound(f"expected a reference set of project {project!r}, got no such name: {name!r}")


def matching_reference(references: list[ReferenceSet], *, service: str, model: str) -> ReferenceSet | None:
    """The set that a segment is compared with: the newest for its service and model, else the newest for its service and any model."""
    of_service = [reference for reference in references if reference.service == service]
    for wanted in (model, ""):
        for reference in of_service:
            if reference.model == wanted:
                return reference
    return None


def _write(store: Store, reference: ReferenceSet, *, is_deleted: bool) -> None:
    row = (
        reference.project,
        reference.name,
        reference.service,
        reference.model,
        reference.from_time,
        reference.to_time,
        reference.description,
        int(is_deleted),
    )
    store.insert("reference_sets", _COLUMNS, [row])
