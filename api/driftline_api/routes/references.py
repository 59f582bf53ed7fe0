"""Reference sets: a named, frozen time range of one service's traffic that later windows are compared with."""

import threading
from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from driftline_api.parameters import Reader, UtcDatetime, check_range, from_unix_ns
from driftline_api.problems import ProblemError, conflict, not_found, problem_responses, unprocessable
from driftline_api.reader import ProjectReader, Row

router = APIRouter(prefix="/api/v1/references", tags=["references"])

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
# The store has no unique keys: one writer at a time in this process makes "name taken" true.
_WRITING = threading.Lock()


class NewReference(BaseModel):
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

    name: str = Field(pattern=_NAME, description="Name, unique in the project: letters, digits, dot, dash, underscore.")
    service: str = Field(min_length=1, max_length=300, description="service.name whose traffic it is.")
    model: str = Field(default="", max_length=300, description="Only this model; '' is every model.")
    from_time: AwareDatetime = Field(alias="from", description="Start (event time, RFC 3339), inclusive.")
    to_time: AwareDatetime = Field(alias="to", description="End (event time, RFC 3339), exclusive.")
    description: str = Field(default="", max_length=2000, description="A note for people.")


class Reference(BaseModel):
    """A reference set and what is in it."""

    name: str = Field(description="Name, unique in the project.", examples=["baseline"])
    service: str = Field(description="service.name whose traffic it is.", examples=["support-assistant"])
    model: str = Field(description="Only this model; '' is every model.", examples=["gpt-4o-mini"])
    from_time: UtcDatetime = Field(serialization_alias="from", description="Start (event time, UTC), inclusive.")
    to_time: UtcDatetime = Field(serialization_alias="to", description="End (event time, UTC), exclusive.")
    description: str = Field(description="A note for people.")
    created_at: UtcDatetime = Field(description="When it was created (UTC).")
    n_generations: int = Field(description="LLM calls in the range now.", examples=[1240])
    n_prompts: int = Field(description="Of them with a prompt's text.", examples=[1240])
    n_completions: int = Field(description="Of them with a completion's text.", examples=[1232])


class ReferenceList(BaseModel):
    """Reference sets, newest first."""

    items: list[Reference] = Field(description="Every reference set of the project.")


@router.get("", summary="List reference sets", responses=problem_responses())
def list_references(reader: Reader) -> ReferenceList:
    """Every named reference set with how many generations it holds now; retention may shrink it."""
    return ReferenceList(items=[_reference(reader, row) for row in reader.rows("references", name="")])


@router.post(
    "", summary="Create a reference set", status_code=HTTPStatus.CREATED, responses=problem_responses(409, 422)
)
def create_reference(reader: Reader, new: NewReference, response: Response) -> Reference:
    """Freeze a time range of one service's traffic under a name. A range without texts and a taken name are refused."""
    check_range(new.from_time, new.to_time)
    with _WRITING:
        if reader.rows("references", name=new.name):
            raise conflict(
                f"a reference set named {new.name!r} exists in project {reader.project}; delete it first or choose another name"
            )
        counts = _counts(reader, new.service, new.model, _ms(new.from_time), _ms(new.to_time))
        if counts["n_prompts"] + counts["n_completions"] == 0:
            raise _empty(reader, new, counts["n_generations"])
        reader.insert("reference_sets", {**new.model_dump(by_alias=False), "is_deleted": 0})
        row = reader.rows("references", name=new.name)[0]
    response.headers["location"] = f"{router.prefix}/{new.name}"
    return _reference(reader, row)


@router.get("/{name}", summary="Read one reference set", responses=problem_responses(404))
def read_reference(reader: Reader, name: Annotated[str, Path(max_length=100, description="Its name.")]) -> Reference:
    """One reference set with how many generations it holds now."""
    return _reference(reader, _existing(reader, name))


@router.delete(
    "/{name}",
    summary="Delete a reference set",
    status_code=HTTPStatus.NO_CONTENT,
    responses=problem_responses(404),
)
def delete_reference(reader: Reader, name: Annotated[str, Path(max_length=100, description="Its name.")]) -> None:
    """Forget the name; the traffic stays, and so do the findings that were made against it."""
    with _WRITING:
        row = _existing(reader, name)
        kept = ("name", "service", "model", "description")
        reader.insert(
            "reference_sets",
            {
                **{column: row[column] for column in kept},
                "from_time": from_unix_ns(row["from_ms"] * 1_000_000),
                "to_time": from_unix_ns(row["to_ms"] * 1_000_000),
                "is_deleted": 1,
            },
        )


def _existing(reader: ProjectReader, name: str) -> Row:
    rows = reader.rows("references", name=name) if name else []
    if not rows:
        raise not_found(f"no reference set named {name!r} in project {reader.project}")
    return rows[0]


def _reference(reader: ProjectReader, row: Row) -> Reference:
    counts = _counts(reader, row["service"], row["model"], row["from_ms"], row["to_ms"])
    return Reference(**{name: value for name, value in row.items() if name in Reference.model_fields}, **counts)


def _counts(reader: ProjectReader, service: str, model: str, from_ms: int, to_ms: int) -> Row:
    return reader.row("reference_texts", service=service, model=model, from_ms=from_ms, to_ms=to_ms)


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
    return unprocessable(
        f"expected LLM calls with text of {what} from {new.from_time.isoformat()} to {new.to_time.isoformat()}, "
        f"got {n_generations} calls and 0 texts; {known}"
    )


def _ms(time: datetime) -> int:
    return int(time.timestamp() * 1000)
