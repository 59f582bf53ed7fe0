"""Exports: data sets of calls with their texts, scores and labels, for retraining; a version is written once and named by its content."""

from http import HTTPStatus
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Response
from fastapi.responses import FileResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from driftline_api.body import Body
from driftline_api.context import Context
from driftline_api.parameters import Project, Reader, UtcDatetime, check_range
from driftline_api.problems import problem_responses, unprocessable
from driftline_core.datasets import Selection
from driftline_core.errors import InputError

router = APIRouter(prefix="/api/v1/exports", tags=["human loop"])

Version = Annotated[str, Path(max_length=100, description="Version of the data set, 32 hex digits.")]


class NewExport(Body):
    """Which calls, in which formats. Filters are combined with AND; what is left out is any."""

    model_config = ConfigDict(
        extra="forbid",
        populate_by_name=True,
        json_schema_extra={
            "examples": [
                {
                    "analyzer": "grounding",
                    "is_flagged": True,
                    "from": "2026-11-20T00:00:00Z",
                    "to": "2026-11-21T00:00:00Z",
                    "formats": ["jsonl", "parquet"],
                }
            ]
        },
    )

    finding_id: str = Field(default="", max_length=200, description="The calls of this finding's window and segment.")
    analyzer: str = Field(default="", max_length=100, description="Calls that this analyzer scored.")
    field: str = Field(default="", max_length=100, description="Its field.")
    is_flagged: bool | None = Field(default=None, description="Only flagged ones, or only the others.")
    is_labelled: bool | None = Field(
        default=None, description="Only calls that a reviewer labelled, or only the others."
    )
    sentiment: Literal["", "negative", "neutral", "positive"] = Field(
        default="", description="Only calls with such feedback, on them or on their trace."
    )
    service: str = Field(default="", max_length=300, description="Exact service.name.")
    model: str = Field(default="", max_length=300, description="Exact model.")
    segment_by: str = Field(
        default="", max_length=300, description="A column that calls are divided by, e.g. metadata.tenant."
    )
    segment: str = Field(default="", max_length=300, description="Its value.")
    from_time: AwareDatetime | None = Field(
        default=None,
        alias="from",
        description="Start (RFC 3339), inclusive: of the calls' own time; with a sentiment, of when the feedback was given.",
    )
    to_time: AwareDatetime | None = Field(default=None, alias="to", description="End (RFC 3339), exclusive; as from.")
    formats: list[Literal["jsonl", "parquet"]] = Field(
        default=["jsonl"], min_length=1, max_length=2, description="Files to write."
    )
    max_rows: int | None = Field(
        default=None, ge=1, description="Most calls; of more a part is taken by a hash of the call. At most a setting."
    )


class ExportFile(BaseModel):
    """One file of a data set."""

    bytes: int = Field(description="Size.")
    sha256: str = Field(description="SHA-256 of the file, in hex.")
    media_type: str = Field(description="Its type.", examples=["application/x-ndjson"])
    url: str = Field(
        description="Path under this API.", examples=["/api/v1/exports/0af7.../rows.jsonl?project=default"]
    )


class Export(BaseModel):
    """The manifest of a data set."""

    version: str = Field(
        description="Names selection and content: the same calls, scores and labels give the same one."
    )
    schema_version: int = Field(description="Of the rows' shape.")
    project: str = Field(description="Project.")
    created_at: UtcDatetime = Field(description="When it was first written (UTC).")
    selection: dict[str, Any] = Field(description="The filters, a finding's window and segment filled in.")
    finding: dict[str, Any] | None = Field(description="The finding that was named, null when none was.")
    n_rows: int = Field(description="Calls in it.")
    n_selected: int = Field(description="Calls that the filters matched.")
    is_cut: bool = Field(description="They were more than max_rows: a part was taken by a hash of the call.")
    n_flagged: int = Field(description="Calls that any analyzer flagged.")
    n_labelled: int = Field(description="Calls with a reviewer's label.")
    n_with_feedback: int = Field(description="Calls with feedback.")
    first_time: str | None = Field(description="Start of the first call (RFC 3339).")
    last_time: str | None = Field(description="Start of the last call (RFC 3339).")
    rows_sha256: str = Field(description="SHA-256 of the rows as JSON lines, whatever files there are.")
    columns: dict[str, str] = Field(description="Columns of a row, and what they hold.")
    files: dict[str, ExportFile] = Field(description="Files by name.")


class ExportList(BaseModel):
    """Data sets, newest first."""

    items: list[Export] = Field(description="Every data set of the project that is kept.")


@router.post("", summary="Write a data set", status_code=HTTPStatus.CREATED, responses=problem_responses(404, 422))
def create_export(context: Context, reader: Reader, new: NewExport, response: Response) -> Export:
    """Select calls and write them with their documents, scores and labels. The same selection of unchanged calls is the same version."""
    check_range(new.from_time, new.to_time)
    names = (
        *("finding_id", "analyzer", "field", "is_flagged", "is_labelled", "sentiment", "service", "model"),
        *("segment_by", "segment", "from_time", "to_time"),
    )
    wanted = Selection(project=reader.project, **{name: getattr(new, name) for name in names})
    try:
        manifest = context.datasets.write(
            reader.store, wanted, formats=list(dict.fromkeys(new.formats)), max_rows=new.max_rows
        )
    except InputError as error:
        raise unprocessable(str(error)) from error
    response.headers["location"] = f"{router.prefix}/{manifest['version']}?{urlencode({'project': reader.project})}"
    return _export(manifest)


@router.get("", summary="List data sets", responses=problem_responses())
def list_exports(context: Context, project: Project) -> ExportList:
    """The manifests of every data set that is kept."""
    return ExportList(items=[_export(one) for one in context.datasets.manifests(project)])


@router.get("/{version}", summary="Read a manifest", responses=problem_responses(404))
def read_export(context: Context, project: Project, version: Version) -> Export:
    """What is in a data set, and where its files are."""
    return _export(context.datasets.manifest(project, version))


@router.get(
    "/{version}/{name}", summary="Download a file", response_class=FileResponse, responses=problem_responses(404)
)
def download_export(
    context: Context,
    project: Project,
    version: Version,
    name: Annotated[str, Path(max_length=100, description="rows.jsonl or rows.parquet.")],
) -> FileResponse:
    """The rows, streamed from disk."""
    path = context.datasets.file(project, version, name)
    media_type = context.datasets.manifest(project, version)["files"][name]["media_type"]
    return FileResponse(path, media_type=media_type, filename=f"{version[:12]}-{name}")


@router.delete(
    "/{version}", summary="Delete a data set", status_code=HTTPStatus.NO_CONTENT, responses=problem_responses(404)
)
def delete_export(context: Context, project: Project, version: Version) -> None:
    """Remove its files; the calls stay."""
    context.datasets.delete(project, version)


def _export(manifest: dict[str, Any]) -> Export:
    query = urlencode({"project": manifest["project"]})
    files = {
        name: ExportFile(**what, url=f"{router.prefix}/{manifest['version']}/{name}?{query}")
        for name, what in manifest["files"].items()
    }
    return Export(**{**manifest, "files": files})
