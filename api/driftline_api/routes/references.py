"""Reference sets: named, frozen and versioned texts that later windows are compared with."""

import threading
from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from driftline_api.body import Body
from driftline_api.parameters import Reader, UtcDatetime, check_range
from driftline_api.problems import ProblemError, not_found, problem_responses, unprocessable
from driftline_api.reader import ProjectReader, Row
from driftline_core import reference_sets
from driftline_core.errors import InputError, NotFound
from driftline_core.reference_sets import MAX_TIME, MIN_TIME, GoldenRow, Kind, ReferenceSet

router = APIRouter(prefix="/api/v1/references", tags=["references"])

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
_MAX_ROWS = 5000
# The store has no unique keys: one writer at a time in this process makes a version's number its own.
_WRITING = threading.Lock()


class GoldenExample(BaseModel):
    """One row of a golden set; either text may be empty, not both."""

    model_config = ConfigDict(extra="forbid")

    prompt: str = Field(default="", description="What was asked.")
    completion: str = Field(default="", description="What was answered.")
    session: str = Field(
        default="", max_length=300, description="Rows of one session are not independent of each other."
    )
    model: str = Field(default="", max_length=300, description="The model that answered.")
    prompt_version: str = Field(default="", max_length=300, description="The prompt's version.")
    user_id: str = Field(default="", max_length=300, description="Who asked.")
    documents: list[str] = Field(default_factory=list, max_length=100, description="Texts that were retrieved.")
    metadata: dict[str, str] = Field(default_factory=dict, description="Labels, such as a tenant.")


class GoldenRows(BaseModel):
    """A part of a golden set that is too large for one request."""

    model_config = ConfigDict(extra="forbid")

    upload: str = Field(pattern=_NAME, description="Names the upload; the same in each of its parts.")
    n_before: int = Field(ge=0, description="Rows in the parts before this one.")
    rows: list[GoldenExample] = Field(min_length=1, max_length=_MAX_ROWS, description="The part's rows.")


class NewReference(Body):
    """What to freeze under which name."""

    model_config = ConfigDict(
        extra="forbid",
        populate_by_name=True,
        json_schema_extra={
            "examples": [
                {
                    "name": "baseline",
                    "service": "support-assistant",
                    "model": "gpt-4o-mini",
                    "from": "2026-11-10T00:00:00Z",
                    "to": "2026-11-14T00:00:00Z",
                    "description": "the week before the new prompt",
                }
            ]
        },
    )

    name: str = Field(pattern=_NAME, description="Name in the project; a name that exists gets its next version.")
    kind: Kind = Field(
        default="range",
        description="range: calls of a time range; golden: rows that are sent; version: calls with one value of pinned_by; "
        "previous_release: for each segment, the value of pinned_by before the one in the window.",
    )
    service: str = Field(min_length=1, max_length=300, description="service.name whose windows are compared with it.")
    model: str = Field(default="", max_length=300, description="Only this model; short for segment_by model.")
    segment_by: str = Field(
        default="", max_length=300, description="Only one segment: its column, e.g. metadata.tenant."
    )
    segment: str = Field(default="", max_length=300, description="The segment's value.")
    pinned_by: str = Field(default="", description="Column that names versions: prompt_version, release or model.")
    pinned_value: str = Field(default="", max_length=300, description="The version that is pinned.")
    from_time: AwareDatetime | None = Field(
        default=None, alias="from", description="Start (event time, RFC 3339), inclusive."
    )
    to_time: AwareDatetime | None = Field(
        default=None, alias="to", description="End (event time, RFC 3339), exclusive."
    )
    description: str = Field(default="", max_length=2000, description="A note for people.")
    rows: list[GoldenExample] = Field(default_factory=list, max_length=_MAX_ROWS, description="Rows of a golden set.")
    upload: str = Field(default="", max_length=100, description="Rows of a golden set that were uploaded before.")


class ReferenceVersion(BaseModel):
    """One frozen version; of previous_release one a segment and release."""

    version: str = Field(description="Number, for previous_release followed by the release.", examples=["3"])
    segment_by: str = Field(description="Column of the segment that it was frozen for; '' is the whole service.")
    segment: str = Field(description="Value of that segment.")
    detail: str = Field(description="What was frozen, for people.")
    n_calls: int = Field(description="LLM calls in it.")
    n_blocks: int = Field(description="Their sessions.")
    created_at: UtcDatetime = Field(description="When it was frozen (UTC).")


class ReferenceCheck(BaseModel):
    """How often a version's own windows alarmed when each was tested against the rest of it, at 5 %."""

    version: str = Field(description="The version.")
    segment_by: str = Field(description="Column of the segment that was tested.")
    segment: str = Field(description="Value of that segment.")
    analyzer: str = Field(description="The analyzer.", examples=["semantic_drift"])
    field: str = Field(description="The field.", examples=["completion"])
    n_windows: int = Field(description="Windows that were tested.")
    n_alarms: int = Field(description="Of them with p at most 0.05.")


class Reference(BaseModel):
    """A reference set and what is in it."""

    name: str = Field(description="Name, unique in the project.", examples=["baseline"])
    kind: str = Field(description="range, golden, version or previous_release.", examples=["range"])
    version: int = Field(description="Counts up when the name is created again; 0: not frozen yet.", examples=[1])
    service: str = Field(description="service.name whose windows are compared with it.", examples=["support-assistant"])
    model: str = Field(description="Only this model; '' is every model.", examples=["gpt-4o-mini"])
    segment_by: str = Field(description="Column of the one segment it is for; '' is the whole service.")
    segment: str = Field(description="Value of that segment.")
    pinned_by: str = Field(description="Column that names versions.")
    pinned_value: str = Field(description="The version that is pinned.")
    from_time: UtcDatetime | None = Field(
        serialization_alias="from", description="Start (event time, UTC), inclusive; null where not limited."
    )
    to_time: UtcDatetime | None = Field(
        serialization_alias="to", description="End (event time, UTC), exclusive; null where not limited."
    )
    description: str = Field(description="A note for people.")
    created_at: UtcDatetime = Field(description="When this version was created (UTC).")
    n_generations: int = Field(description="LLM calls that were frozen.", examples=[1240])
    n_blocks: int = Field(description="Their sessions.", examples=[310])
    n_prompts: int = Field(description="Of them with a prompt's text.", examples=[1240])
    n_completions: int = Field(description="Of them with a completion's text.", examples=[1232])
    n_retrievals: int = Field(description="Retrievals that were frozen.", examples=[0])
    largest_window: int = Field(
        description="Texts of a window that it can carry, an eighth of its own.", examples=[155]
    )
    is_too_small: bool = Field(description="It carries no window of 30 texts.", examples=[False])


class ReferenceDetail(Reference):
    """A reference set, its versions and what they measured of themselves."""

    versions: list[ReferenceVersion] = Field(description="Every frozen version, newest first.")
    checks: list[ReferenceCheck] = Field(description="False alarms of its own windows; empty until it was first used.")


class ReferenceList(BaseModel):
    """Reference sets, newest first."""

    items: list[Reference] = Field(description="Every reference set of the project.")


@router.get("", summary="List reference sets", responses=problem_responses())
def list_references(reader: Reader) -> ReferenceList:
    """Every named reference set, its newest version and what was frozen in it."""
    return ReferenceList(
        items=[_reference(one) for one in reference_sets.list_sets(reader.store, project=reader.project)]
    )


@router.post("", summary="Create a reference set", status_code=HTTPStatus.CREATED, responses=problem_responses(422))
def create_reference(reader: Reader, new: NewReference, response: Response) -> Reference:
    """Freeze texts under a name; a name that exists gets its next version. What holds no texts is refused."""
    check_range(new.from_time, new.to_time)
    wanted = _wanted(reader.project, new)
    golden = [GoldenRow(**row.model_dump()) for row in new.rows]
    with _WRITING:
        if new.kind == "range" and new.from_time is not None and new.to_time is not None:
            counts = _counts(reader, wanted)
            if counts["n_prompts"] + counts["n_completions"] == 0:
                raise _empty(reader, new, counts["n_generations"])
        try:
            created = reference_sets.create_set(reader.store, wanted, golden=golden, upload=new.upload)
        except InputError as error:
            raise unprocessable(str(error)) from error
    response.headers["location"] = f"{router.prefix}/{new.name}"
    return _reference(created)


@router.post(
    "/{name}/rows",
    summary="Upload rows of a golden set",
    status_code=HTTPStatus.NO_CONTENT,
    responses=problem_responses(422),
)
def upload_rows(
    reader: Reader, name: Annotated[str, Path(max_length=100, description="The set's name.")], part: GoldenRows
) -> None:
    """Keep a part of a golden set until the set is created with this upload. The same part again replaces itself."""
    golden = [GoldenRow(**row.model_dump()) for row in part.rows]
    try:
        reference_sets.upload_rows(
            reader.store, project=reader.project, name=name, upload=part.upload, n_before=part.n_before, golden=golden
        )
    except InputError as error:
        raise unprocessable(str(error)) from error


@router.get("/{name}", summary="Read one reference set", responses=problem_responses(404))
def read_reference(
    reader: Reader, name: Annotated[str, Path(max_length=100, description="Its name.")]
) -> ReferenceDetail:
    """One reference set, every version of it, and how often its own windows alarmed."""
    found = _existing(reader, name)
    versions = reference_sets.list_versions(reader.store, project=reader.project, name=name)
    return ReferenceDetail(
        **_reference(found).model_dump(),
        versions=[ReferenceVersion(**_known(row, ReferenceVersion)) for row in versions],
        checks=[
            ReferenceCheck(**row) for row in reference_sets.list_checks(reader.store, project=reader.project, name=name)
        ],
    )


@router.delete(
    "/{name}",
    summary="Delete a reference set",
    status_code=HTTPStatus.NO_CONTENT,
    responses=problem_responses(404),
)
def delete_reference(reader: Reader, name: Annotated[str, Path(max_length=100, description="Its name.")]) -> None:
    """Forget the name and its frozen texts; the traffic stays, and so do the findings that were made against it."""
    with _WRITING:
        _existing(reader, name)
        reference_sets.delete_set(reader.store, project=reader.project, name=name)


def _existing(reader: ProjectReader, name: str) -> ReferenceSet:
    try:
        return reference_sets.find_set(reader.store, project=reader.project, name=name)
    except NotFound as error:
        raise not_found(f"no reference set named {name!r} in project {reader.project}") from error


def _wanted(project: str, new: NewReference) -> ReferenceSet:
    if new.model and new.segment_by:
        raise unprocessable("expected model or segment_by, got both: model is short for segment_by model")
    if new.kind == "range" and (new.from_time is None or new.to_time is None):
        raise unprocessable("expected from and to for a reference of kind range, got one of them or none")
    if new.kind != "golden" and (new.rows or new.upload):
        raise unprocessable(f"expected rows or upload with kind golden only, got kind {new.kind}")
    return ReferenceSet(
        project=project,
        name=new.name,
        kind=new.kind,
        service=new.service,
        segment_by="model" if new.model else new.segment_by,
        segment=new.model or new.segment,
        pinned_by=new.pinned_by,
        pinned_value=new.pinned_value,
        from_time=new.from_time or MIN_TIME,
        to_time=new.to_time or MAX_TIME,
        description=new.description,
    )


def _reference(found: ReferenceSet) -> Reference:
    frozen = found.frozen
    return Reference(
        name=found.name,
        kind=found.kind,
        version=found.version,
        service=found.service,
        model=found.segment if found.segment_by == "model" else "",
        segment_by=found.segment_by,
        segment=found.segment,
        pinned_by=found.pinned_by,
        pinned_value=found.pinned_value,
        from_time=None if found.from_time == MIN_TIME else found.from_time,
        to_time=None if found.to_time == MAX_TIME else found.to_time,
        description=found.description,
        created_at=found.created_at,
        n_generations=frozen.n_calls if frozen else 0,
        n_blocks=frozen.n_blocks if frozen else 0,
        n_prompts=frozen.n_prompts if frozen else 0,
        n_completions=frozen.n_completions if frozen else 0,
        n_retrievals=frozen.n_retrievals if frozen else 0,
        largest_window=frozen.largest_window if frozen else 0,
        is_too_small=frozen.is_too_small if frozen else False,
    )


def _known(row: Row, model: type[BaseModel]) -> Row:
    return {name: value for name, value in row.items() if name in model.model_fields}


def _counts(reader: ProjectReader, wanted: ReferenceSet) -> Row:
    return reader.row(
        "reference_texts",
        service=wanted.service,
        model=wanted.segment if wanted.segment_by == "model" else "",
        from_ms=_ms(wanted.from_time),
        to_ms=_ms(wanted.to_time),
    )


def _empty(reader: ProjectReader, new: NewReference, n_generations: int) -> ProblemError:
    what = f"service {new.service!r}" + (f" and model {new.model!r}" if new.model else "")
    extent = reader.row("service_extent", service=new.service)
    if n_generations:
        known = "none of them carries text: is content capture switched on in the app?"
    elif extent["n_generations"]:
        first, last = (extent[name].isoformat(timespec="seconds") for name in ("first_time", "last_time"))
        known = f"the service has {extent['n_generations']} from {first}Z to {last}Z, models {extent['models']}"
    else:
        known = "the service has none at all"
    between = f"from {new.from_time.isoformat()} to {new.to_time.isoformat()}" if new.from_time and new.to_time else ""
    return unprocessable(
        f"expected LLM calls with text of {what} {between}, got {n_generations} calls and 0 texts; {known}"
    )


def _ms(time: datetime) -> int:
    return int(time.timestamp() * 1000)
