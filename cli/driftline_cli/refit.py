"""`driftline refit`: fits the weights of grounding to a data set that `driftline export` wrote."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from driftline_analyzers.embed.factory import make_embedder
from driftline_analyzers.grounding.features import FEATURES
from driftline_analyzers.grounding.head import shipped_head
from driftline_analyzers.grounding.refit import Refit, refit
from driftline_analyzers.grounding.scorer import GroundingScorer
from driftline_analyzers.scoring.call import Call
from driftline_analyzers.settings import AnalyzerSettings
from driftline_cli.console import human_console, write_json
from driftline_core.errors import InputError

_ANALYZER = "grounding"
_NAMES: Final = {"given_log_loss": "the shipped weights", "words_log_loss": "fitted to words alone"}


def run_refit(data: Path, out: Path, *, seed: int, token_vectors: bool, is_json: bool) -> None:
    """Fit, write, tell. token_vectors: with the vectors of the embedding model's tokens too, beside a fit of words alone.

    Raises InputError for what cannot be read or too few labels, ConfigError for an embedding model without token vectors, OSError.
    """
    embedder = make_embedder(AnalyzerSettings()) if token_vectors else None
    given = shipped_head() if embedder is None else shipped_head().with_tokens(embedder.model_id)
    scorer = GroundingScorer(head=given, token_embedder=embedder)
    answers, labels, n_without = [], [], 0
    for row in _rows(data):
        label = _label(row)
        if label is None:
            continue
        values = [one for _, one in scorer.features([_call(row)])[0]]
        if values:
            answers.append(np.asarray(values))
            labels.append(label)
        else:
            n_without += 1
    truth = np.asarray(labels, dtype=bool)
    made = refit(given, answers, truth, seed=seed)
    beside = {"given_log_loss": made.given_log_loss}
    if token_vectors:
        by_words = [values[:, : len(FEATURES)] for values in answers]
        beside["words_log_loss"] = refit(shipped_head(), by_words, truth, seed=seed).log_loss
    out.write_text(made.head.dump(), encoding="utf-8")
    if is_json:
        figures = {"log_loss": made.log_loss, **beside, "f1": made.f1}
        counts = {"n_answers": made.n_answers, "n_unsupported": made.n_unsupported, "n_without_claim": n_without}
        write_json({"head": str(out), "version": made.head.fingerprint, **figures, **counts})
        return
    others = ", ".join(f"{_NAMES[name]} {loss:.3f}" for name, loss in beside.items())
    human_console(is_json=False).print(
        f"[bold]{out}[/]: fitted to {made.n_answers:,} labelled answers, {made.n_unsupported:,} of them unsupported "
        f"({n_without:,} more without documents or a claim)\n"
        f"held-out log loss [bold]{made.log_loss:.3f}[/], {others}; held-out F1 {made.f1:.3f}\n"
        + _advice(made, beside, out)
    )


def _advice(made: Refit, beside: Mapping[str, float], out: Path) -> str:
    if made.log_loss >= made.given_log_loss:
        return "[yellow]no better than the shipped weights: keep those[/]"
    if made.log_loss >= beside.get("words_log_loss", np.inf):
        return "[yellow]no better than words alone, which need no model: fit without --token-vectors[/]"
    return f"[green]better[/]: set DRIFTLINE_ANALYZERS_GROUNDING_HEAD={out.resolve()}"


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
