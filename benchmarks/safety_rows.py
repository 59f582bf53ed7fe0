"""The rows of injection_jailbreak as eval_safety.py reads them, and the shipped scorer over texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.outlier_streams import load_rows
from benchmarks.safety_measures import Flags, Scores
from driftline_analyzers.safety.injection import InjectionScorer
from driftline_analyzers.safety.weights import load_weights
from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.scorer import Embed
from training.injection import CachedVectors
from training.injection_data import Example, cut
from training.injection_head import Windows, measure_windows

BENIGN: Final = ("benign_assistant_query", "benign_instruction", "benign_trigger_words")
NAMES: Final = {
    "benign_assistant_query": "CLINC150 queries",
    "benign_instruction": "AlpacaEval prompts (unseen)",
    "benign_trigger_words": "NotInject (unseen)",
    "jailbreak_in_the_wild": "in-the-wild jailbreaks",
    "indirect_payload_text": "BIPIA text payloads (unseen)",
    "indirect_payload_code": "BIPIA code payloads (unseen)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The evaluation's texts (n,), their kinds and, of attacks, groups; windows are the direct head's, sentences the other's."""

    texts: list[str]
    kind: NDArray[np.str_]
    group: NDArray[np.str_]
    windows: Windows
    sentences: Windows

    def of(self, *kinds: str) -> Flags:
        """Which are of these kinds."""
        return np.isin(self.kind, kinds)


def load(data: Path, vectors: CachedVectors) -> Rows:
    """The rows of injection_jailbreak, embedded."""
    rows = load_rows(data / "injection_jailbreak" / "data.jsonl.gz")
    examples = [Example(text=row["text"], is_attack=bool(row["label"]), source=row["kind"], group="") for row in rows]
    texts, owner, is_attack = cut(examples, head="direct")
    return Rows(
        texts=[row["text"] for row in rows],
        kind=np.array([row["kind"] for row in rows]),
        group=np.array([str(row["group"]) for row in rows]),
        windows=measure_windows(texts, vectors.vectors(texts), owner, is_attack),
        sentences=sentences_of([one.text for one in examples]),
    )


def sentences_of(texts: Sequence[str]) -> Windows:
    """As the head of sentences sees them; whether they are attacks is left out."""
    return _measured(texts, "sentence")


def parts_of(texts: Sequence[str]) -> Windows:
    """The same as the direct head without vectors sees them."""
    return _measured(texts, "direct")


def _measured(texts: Sequence[str], head: str) -> Windows:
    examples = [Example(text=text, is_attack=False, source="", group="") for text in texts]
    found, owner, is_attack = cut(examples, head=head)
    return measure_windows(found, np.empty((len(found), 0), dtype=np.float32), owner, is_attack)


def with_sentences(whole: Scores, by_sentence: Scores, sentences: Windows) -> Scores:
    """Log-odds (n,) as the scorer joins them: the worse of both heads, at the direct head's threshold, where there are two sentences."""
    weights = load_weights("injection")
    moved = by_sentence - float(weights["sentence_lexical_threshold"]) + float(weights["direct_lexical_threshold"])
    n_sentences = np.bincount(sentences.owner, minlength=len(whole))
    return np.where(n_sentences > 1, np.maximum(whole, moved), whole)


def score_prompts(prompts: Sequence[str], *, embed: Embed, has_vectors: bool = False) -> tuple[Scores, Flags]:
    """Values and flags (n,) of the shipped scorer."""
    return _score([blank_call(prompt=text) for text in prompts], InjectionScorer(uses_vectors=has_vectors), embed)


def score_documents(
    documents: Sequence[str], *, embed: Embed, scorer: InjectionScorer | None = None
) -> tuple[Scores, Flags]:
    """The same of documents, each in a call of its own; scorer: another than as it ships."""
    return _score([blank_call(documents=(text,)) for text in documents], scorer or InjectionScorer(), embed)


def blank_call(
    *, prompt: str = "", documents: Sequence[str] = (), system_prompt: str = "", completion: str = ""
) -> Call:
    """A call with these texts and nothing else."""
    return Call(
        trace_id="0" * 32,
        span_id="0" * 16,
        start_ns=0,
        service="",
        model="",
        prompt_version="",
        session_id="",
        system_prompt=system_prompt,
        prompt=prompt,
        completion=completion,
        documents=documents,
    )


def _score(calls: Sequence[Call], scorer: InjectionScorer, embed: Embed) -> tuple[Scores, Flags]:
    scored = scorer.score(calls, embed=embed)
    return np.array([one[0].value for one in scored], dtype=np.float64), np.array([one[0].is_flagged for one in scored])
