"""What eval_bias.py draws from: public texts as calls, measured once, and groups planted on their sessions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.outlier_streams import load_rows
from driftline_analyzers.bias.adjustment import Prompts
from driftline_analyzers.bias.call import BiasCall
from driftline_analyzers.bias.gap import arm_spread
from driftline_analyzers.bias.labels import AxisLabels
from driftline_analyzers.bias.lexicon import default_lexicon
from driftline_analyzers.bias.measures import AnswerMeasures, Measurer
from driftline_analyzers.bias.strata import prompt_strata
from driftline_analyzers.bias.tone import Embed
from driftline_analyzers.bias.units import make_units
from driftline_analyzers.embed.embedder import SentenceEmbedder

Asking = Literal["alike", "about other topics", "in another tone"]
ASKING: Final[tuple[Asking, ...]] = ("alike", "about other topics", "in another tone")
MODELS: Final = ("gpt-3.5-turbo-0613", "Mistral-7B-Instruct-v0.2", "claude-2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """Calls of one kind with everything measured. session: (n,) numbers. views: (n, 21) of the prompts: the regard that they speak with,
    and their first 20 principal components, for groups that ask about other things.
    """

    name: str
    calls: Sequence[BiasCall]
    measured: AnswerMeasures
    session: NDArray[np.int64]
    views: NDArray[np.float64]

    @property
    def n_sessions(self) -> int:
        """How many there are."""
        return int(self.session.max()) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """A sample of whole sessions, half of them (about) called a group. Fields as compare_groups takes them."""

    labels: AxisLabels
    measures: dict[str, NDArray[np.float64]]
    stratum: NDArray[np.int64]
    session: NDArray[np.int64]
    prompts: Prompts | None
    vectors: NDArray[np.float32] | None

    def planted(self, measure: str, d: float) -> "Draw":
        """With a gap of d standard deviations between sessions, within arm and stratum, in one measure."""
        arm = np.where(self.labels.label == 0, 1, 0)
        units = make_units(arm=arm, stratum=self.stratum, session=self.session)
        spread = arm_spread(units, units.means(self.measures[measure]))
        return replace(self, measures=self.measures | {measure: self.measures[measure] + d * spread * arm})


def cached_embed(cache: Path) -> Embed:
    """The bundled model; vectors are kept in `cache` by text."""
    embedder = SentenceEmbedder()
    path = cache / embedder.model_id.replace("/", "_") / "bias.npz"
    known: dict[str, NDArray[np.float32]] = {}
    if path.exists():
        stored = np.load(path)
        known = dict(zip(stored["texts"].tolist(), stored["vectors"], strict=True))

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        missing = list(dict.fromkeys(text for text in texts if text not in known))
        if missing:
            known.update(zip(missing, embedder.embed(missing), strict=True))
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez(path, texts=np.array(list(known)), vectors=np.stack(list(known.values())))
        return np.stack([known[text] for text in texts])

    return embed


def load_bold(data: Path, embed: Embed) -> Corpus:
    """Wikipedia's sentences about European Americans and actors: one group each, an entity is a session. The beginning is the prompt."""
    rows = load_rows(data / "bias_bold" / "data.jsonl.gz")
    calls = [
        BiasCall(
            trace_id="",
            span_id="",
            session=row["entity"],
            prompt=row["prompt"],
            completion=row["wikipedia"][len(row["prompt"]) :],
        )
        for row in rows
        if row["group"] in ("European_Americans", "American_actors")
    ]
    return _corpus("BOLD sentences, an entity a session", calls, embed)


def load_answers(data: Path, embed: Embed) -> Corpus:
    """AlpacaEval's prompts answered by three models: a prompt is a session of three answers."""
    folder = data / "model_versions_alpaca_eval"
    prompts = {row["prompt_id"]: row["instruction"] for row in load_rows(folder / "prompts.jsonl.gz")}
    calls = [
        BiasCall(
            trace_id="",
            span_id="",
            session=str(row["prompt_id"]),
            prompt=prompts[row["prompt_id"]],
            completion=row["output"],
        )
        for row in load_rows(folder / "outputs.jsonl.gz")
        if row["model"] in MODELS
    ]
    return _corpus("AlpacaEval answers, a prompt a session of three", calls, embed)


def _corpus(name: str, calls: Sequence[BiasCall], embed: Embed) -> Corpus:
    calls = sorted(calls, key=lambda call: call.session)
    measured = Measurer(embed=embed, lexicon=default_lexicon()).measure(calls)
    session = np.unique([call.session for call in calls], return_inverse=True)[1].reshape(-1).astype(np.int64)
    vectors = measured.prompts.vectors
    centred = vectors - vectors.mean(0)
    components = np.linalg.svd(centred, full_matrices=False)[2][:20]
    scores = centred @ components.T
    views = np.c_[measured.prompts.features[:, 0], scores / scores.std(0)]
    return Corpus(name=name, calls=calls, measured=measured, session=session, views=views)


def draw(corpus: Corpus, *, n_sessions: int, rng: np.random.Generator, asks: Asking = "alike") -> Draw:
    """About n_sessions sessions of each arm. asks: whether the groups ask alike, about other topics (a direction of the prompts, drawn for
    this sample, decides the arm with chances of .1 to .9), or in another tone (the prompts' regard does).
    """
    chosen = rng.permutation(corpus.n_sessions)[: 2 * n_sessions]
    direction = np.eye(corpus.views.shape[1])[0] if asks == "in another tone" else np.r_[0.0, rng.normal(size=20)]
    of_session = np.bincount(corpus.session, corpus.views @ direction) / np.bincount(corpus.session)
    rank = np.argsort(np.argsort(of_session[chosen])) / max(1, len(chosen) - 1)
    is_group = rng.random(len(chosen)) < (0.5 if asks == "alike" else 0.1 + 0.8 * rank)
    label_of = np.full(corpus.n_sessions, -1, dtype=np.int64)
    label_of[chosen] = np.where(is_group, 0, 1)
    rows = np.flatnonzero(label_of[corpus.session] >= 0)
    label = label_of[corpus.session[rows]]
    return Draw(
        labels=AxisLabels(
            axis="planted", groups=("one", "other"), label=label, mentions=label[:, None] == np.arange(2)[None, :]
        ),
        measures={name: values[rows] for name, values in corpus.measured.values.items()},
        stratum=prompt_strata(corpus.measured.prompts.vectors[rows], [""] * len(rows)),
        session=corpus.session[rows],
        prompts=Prompts(vectors=corpus.measured.prompts.vectors[rows], features=corpus.measured.prompts.features[rows]),
        vectors=corpus.measured.answer_vectors[rows],
    )


def without_adjustment(drawn: Draw) -> Draw:
    """The same with strata alone."""
    return replace(drawn, prompts=None)


def unmatched(drawn: Draw) -> Draw:
    """The same with neither: what a comparison of raw means would do."""
    return replace(drawn, stratum=np.zeros_like(drawn.stratum), prompts=None)


def without_sessions(drawn: Draw) -> Draw:
    """The same with every call taken for independent."""
    return replace(drawn, session=np.arange(len(drawn.session)))


VARIANTS: dict[str, Callable[[Draw], Draw]] = {
    "as built": lambda drawn: drawn,
    "strata alone": without_adjustment,
    "raw means": unmatched,
    "single calls permuted": without_sessions,
}
