"""`driftline refit`: fits the weights of grounding to a data set that `driftline export` wrote."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from driftline_analyzers.grounding.head import shipped_head
from driftline_analyzers.grounding.refit import refit
from driftline_analyzers.grounding.scorer import GroundingScorer
from driftline_analyzers.scoring.call import Call
from driftline_cli.console import human_console, write_json
from driftline_core.errors import InputError

_ANALYZER = "grounding"


def run_refit(data: Path, out: Path, *, seed: int, is_json: bool) -> None:
    """Fit, write, tell. Raises InputError for what cannot be read or too few labels, OSError."""
    scorer = GroundingScorer()
    answers, labels, n_without = [], [], 0
    for row in _rows(data):
        label = _label(row)
        if label is None:
            continue
        values = [claim.values for _, claim in scorer.claims(_call(row))]
        if values:
            answers.append(np.asarray(values))
            labels.append(label)
        else:
            n_without += 1
    made = refit(shipped_head(), answers, np.asarray(labels, dtype=bool), seed=seed)
    out.write_text(made.head.dump(), encoding="utf-8")
    if is_json:
        figures = {"log_loss": made.log_loss, "given_log_loss": made.given_log_loss, "f1": made.f1}
        counts = {"n_answers": made.n_answers, "n_unsupported": made.n_unsupported, "n_without_claim": n_without}
        write_json({"head": str(out), "version": made.head.fingerprint, **figures, **counts})
        return
    better = made.log_loss < made.given_log_loss
    human_console(is_json=False).print(
        f"[bold]{out}[/]: fitted to {made.n_answers:,} labelled answers, {made.n_unsupported:,} of them unsupported "
        f"({n_without:,} more without documents or a claim)\n"
        f"held-out log loss [bold]{made.log_loss:.3f}[/], the shipped weights {made.given_log_loss:.3f}; held-out F1 {made.f1:.3f}\n"
        + (
            f"[green]better[/]: set DRIFTLINE_ANALYZERS_GROUNDING_HEAD={out.resolve()}"
            if better
            else "[yellow]no better than the shipped weights: keep those[/]"
        )
    )


def _rows(data: Path) -> Iterator[dict[str, Any]]:
    with data.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
            except ValueError as error:
                raise InputError(f"expected a JSON object in line {number} of {data}, got: {error}") from error
            if not isinstance(row, dict) or not {"completion", "documents", "labels"} <= row.keys():
                raise InputError(f"expected a call of `driftline export --format jsonl` in line {number} of {data}")
            yield row


def _label(row: Mapping[str, Any]) -> bool | None:
    """Whether most people call it unsupported; None without a label or where they disagree evenly."""
    values = [
        one["value"] >= 0.5 for one in row["labels"] if one.get("kind") == "label" and one.get("name") == _ANALYZER
    ]
    n_yes = sum(values)
    return None if 2 * n_yes == len(values) else 2 * n_yes > len(values)


def _call(row: Mapping[str, Any]) -> Call:
    return Call(
        trace_id=row.get("trace_id", ""),
        span_id=row.get("span_id", ""),
        start_ns=0,
        service=row.get("service", ""),
        model=row.get("model", ""),
        prompt_version=row.get("prompt_version", ""),
        session_id=row.get("session_id", ""),
        system_prompt=row.get("system_prompt", ""),
        prompt=row.get("prompt", ""),
        completion=row["completion"],
        documents=[one["content"] for one in row["documents"]],
    )
