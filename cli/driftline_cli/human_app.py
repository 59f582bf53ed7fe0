"""The commands of the human loop and their flags: review, label, agreement, calibrate, export, refit."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from driftline_cli.flags import DEFAULT_API, ApiUrl, AsJson, Project

AnalyzerName = Annotated[str, typer.Argument(help="The analyzer, e.g. grounding.")]
Field = Annotated[str, typer.Option(help="Its field; may be left out where it scores one.")]
From = Annotated[str | None, typer.Option("--from", help="Calls from then on: RFC 3339 or epoch.")]
Service = Annotated[str, typer.Option(help="Only this service's calls and labels.")]
To = Annotated[str | None, typer.Option("--to", help="Calls before then: RFC 3339, epoch or 'now'.")]


def review(
    *,
    analyzer: AnalyzerName,
    order: Annotated[
        Literal["mixed", "uncertain", "flagged", "random"],
        typer.Option(help="Which come first; `random` lets recall be estimated."),
    ] = "mixed",
    field: Field = "",
    service: Service = "",
    limit: Annotated[int, typer.Option(help="How many.", min=1, max=500)] = 20,
    from_time: From = None,
    to_time: To = None,
    url: ApiUrl = DEFAULT_API,
    project: Project = "default",
    is_json: AsJson = False,
) -> None:
    """Show what reviewers should look at next: the unsure, the flagged and a random part, those without a label first."""
    from driftline_cli.human import run_review

    parameters = {"analyzer": analyzer, "order": order, "field": field, "service": service, "limit": limit}
    run_review(parameters, from_time=from_time, to_time=to_time, url=url, project=project, is_json=is_json)


def label(
    *,
    analyzer: AnalyzerName,
    trace_id: Annotated[str, typer.Argument(help="Trace id, 32 hex digits.")],
    span_id: Annotated[str, typer.Argument(help="Span id, 16 hex digits.")],
    is_positive: Annotated[
        bool, typer.Option("--yes/--no", help="Whether it is what the analyzer looks for.", show_default=False)
    ],
    field: Field = "",
    annotator: Annotated[str, typer.Option(help="Who says so.")] = "",
    comment: Annotated[str, typer.Option(help="Why.")] = "",
    picked_by: Annotated[
        Literal["", "random", "flagged", "uncertain"], typer.Option(help="As `driftline review` said.")
    ] = "",
    url: ApiUrl = DEFAULT_API,
    project: Project = "default",
    is_json: AsJson = False,
) -> None:
    """Say whether a call is what an analyzer looks for."""
    from driftline_cli.human import run_label

    body = {
        "analyzer": analyzer,
        "trace_id": trace_id,
        "span_id": span_id,
        "is_positive": is_positive,
        "field": field,
        "annotator": annotator,
        "comment": comment,
        "picked_by": picked_by,
        "source": "cli",
    }
    run_label(body, url=url, project=project, is_json=is_json)


def agreement(
    *,
    analyzer: Annotated[str, typer.Argument(help="Only this analyzer.")] = "",
    service: Service = "",
    from_time: From = None,
    to_time: To = None,
    url: ApiUrl = DEFAULT_API,
    project: Project = "default",
    is_json: AsJson = False,
) -> None:
    """How far the analyzers agree with what reviewers said: precision, recall and kappa with intervals, or why there are none."""
    from driftline_cli.human import run_agreement

    run_agreement(
        analyzer, service=service, from_time=from_time, to_time=to_time, url=url, project=project, is_json=is_json
    )


def calibrate(
    *,
    analyzer: AnalyzerName,
    target_precision: Annotated[
        float | None, typer.Option(help="At least this share of the flagged shall be right.", min=0, max=1)
    ] = None,
    max_false_positive_rate: Annotated[
        float | None,
        typer.Option(help="At most this share of what it does not look for shall be flagged.", min=0, max=1),
    ] = None,
    confidence: Annotated[float, typer.Option(help="That it holds.", min=0.5, max=0.9999)] = 0.95,
    field: Field = "",
    service: Service = "",
    from_time: From = None,
    to_time: To = None,
    is_dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would be and keep nothing.")] = False,
    is_removed: Annotated[bool, typer.Option("--remove", help="Let the analyzer's own threshold count again.")] = False,
    url: ApiUrl = DEFAULT_API,
    project: Project = "default",
    is_json: AsJson = False,
) -> None:
    """Set an analyzer's threshold from labels, with a bound on its precision or its false-positive rate."""
    from driftline_cli.human import run_calibrate, run_uncalibrate

    if is_removed:
        run_uncalibrate(analyzer, field=field, url=url, project=project, is_json=is_json)
        return
    body = {
        "analyzer": analyzer,
        "field": field,
        "service": service,
        "target_precision": target_precision,
        "max_false_positive_rate": max_false_positive_rate,
        "confidence": confidence,
        "is_dry_run": is_dry_run,
    }
    run_calibrate(body, from_time=from_time, to_time=to_time, url=url, project=project, is_json=is_json)


def export(
    *,
    finding: Annotated[str, typer.Option(help="Calls of this finding's window and segment.")] = "",
    analyzer: Annotated[str, typer.Option(help="Calls that this analyzer scored.")] = "",
    field: Annotated[str, typer.Option(help="Its field.")] = "",
    is_flagged: Annotated[
        bool | None, typer.Option("--flagged/--not-flagged", help="Only flagged ones, or only the others.")
    ] = None,
    is_labelled: Annotated[
        bool | None,
        typer.Option("--labelled/--not-labelled", help="Only calls that a reviewer labelled, or only the others."),
    ] = None,
    sentiment: Annotated[
        Literal["", "negative", "neutral", "positive"],
        typer.Option(help="Only calls with such feedback, given between --from and --to."),
    ] = "",
    service: Annotated[str, typer.Option(help="Only this service.")] = "",
    model: Annotated[str, typer.Option(help="Only this model.")] = "",
    segment: Annotated[
        str | None, typer.Option(help="Only one segment: column=value, e.g. metadata.tenant=acme.")
    ] = None,
    from_time: From = None,
    to_time: To = None,
    formats: Annotated[
        list[str] | None, typer.Option("--format", help="jsonl (default) or parquet; may be repeated.")
    ] = None,
    max_rows: Annotated[int | None, typer.Option(help="Most calls; of more a part is taken by a hash.", min=1)] = None,
    out: Annotated[Path | None, typer.Option(help="Directory to copy the files to.")] = None,
    url: ApiUrl = DEFAULT_API,
    project: Project = "default",
    is_json: AsJson = False,
) -> None:
    """Write calls with their documents, scores and labels as a versioned data set; the same selection is the same version."""
    from driftline_cli.human import run_export

    body: dict[str, Any] = {
        "finding_id": finding,
        "analyzer": analyzer,
        "field": field,
        "is_flagged": is_flagged,
        "is_labelled": is_labelled,
        "sentiment": sentiment,
        "service": service,
        "model": model,
        "formats": formats or ["jsonl"],
        "max_rows": max_rows,
    }
    run_export(
        body, segment=segment, from_time=from_time, to_time=to_time, out=out, url=url, project=project, is_json=is_json
    )


def refit(
    *,
    data: Annotated[Path, typer.Argument(help="rows.jsonl of `driftline export --analyzer grounding --labelled`.")],
    out: Annotated[Path, typer.Option(help="Where the weights go.")] = Path("grounding-head.json"),
    seed: Annotated[int, typer.Option(help="Seed of the parts that are held out.")] = 0,
    token_vectors: Annotated[
        bool,
        typer.Option(
            "--token-vectors",
            help="Read the embedding model's vectors of words too, at the cost of embedding documents and answers.",
        ),
    ] = False,
    is_json: AsJson = False,
) -> None:
    """Fit grounding's weights to labelled answers of your own, and say whether they are better on answers held out."""
    from driftline_cli.refit import run_refit

    run_refit(data, out, seed=seed, token_vectors=token_vectors, is_json=is_json)


HUMAN_COMMANDS: Final[dict[str, Callable[..., None]]] = {
    "review": review,
    "label": label,
    "agreement": agreement,
    "calibrate": calibrate,
    "export": export,
    "refit": refit,
}
