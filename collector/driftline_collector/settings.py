"""Settings of the collector: where it listens, what it refuses, how much it keeps."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from driftline_core.settings import ComponentSettings

MIB = 1 << 20


class CollectorSettings(ComponentSettings):
    """The OTLP receivers, the spool behind them and the loader into the store."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="DRIFTLINE_COLLECTOR_", env_ignore_empty=True
    )

    host: str = Field(default="127.0.0.1", description="Address that both receivers listen on.")
    http_port: int = Field(default=4318, ge=0, le=65535, description="Port of OTLP/HTTP; 0 takes any free one.")
    grpc_port: int = Field(default=4317, ge=0, le=65535, description="Port of OTLP/gRPC; 0 takes any free one.")
    grpc_threads: int = Field(default=16, ge=1, le=256, description="gRPC requests handled at once, a thread each.")
    max_wire_bytes: int = Field(
        default=32 * MIB, ge=1024, le=1 << 30, description="Largest HTTP body as it comes over the wire, in bytes."
    )
    max_body_bytes: int = Field(
        default=64 * MIB, ge=1024, le=1 << 30, description="Largest request after decompression, in bytes."
    )
    max_held_bytes: int = Field(
        default=512 * MIB,
        ge=1 * MIB,
        description="Bytes of requests held in memory at once, in bytes; beyond it senders are asked to come back.",
    )
    read_silence_s: float = Field(
        default=30.0,
        ge=0.1,
        le=3600.0,
        description="A request that has begun and sends nothing for this long is dropped, in seconds.",
    )
    read_request_s: float = Field(
        default=300.0,
        ge=0.1,
        le=86400.0,
        description="A request that is not whole after this time is dropped, however steadily it drips, in seconds.",
    )
    retry_after_s: int = Field(
        default=2, ge=1, le=3600, description="How long a refused sender is asked to wait, in seconds."
    )
    spool_path: Path | None = Field(
        default=None, description="Directory of the spool; default: 'spool' beside the store's directory."
    )
    spool_max_bytes: int = Field(
        default=4 << 30,
        ge=1 * MIB,
        description="Most bytes the spool of one signal may hold; when full, its senders are asked to come back.",
    )
    spool_min_free_bytes: int = Field(
        default=64 * MIB,
        ge=0,
        description="Bytes of the spool's disk that it leaves free, so that it can drain; below them senders are asked to come back.",
    )
    segment_max_bytes: int = Field(
        default=32 * MIB,
        ge=64 * 1024,
        le=1 << 30,
        description="Size at which a segment is closed, in bytes; one segment is one INSERT of one block.",
    )
    linger_s: float = Field(
        default=0.2,
        ge=0.0,
        le=60.0,
        description="Least time that a request waits for others to share its INSERT, in seconds.",
    )
    linger_max_s: float = Field(
        default=0.4,
        ge=0.0,
        le=60.0,
        description="Within this, requests wait as long as four INSERTs take, so that a trickle leaves the processor idle; in seconds.",
    )
    loader_threads: int = Field(
        default=2,
        ge=1,
        le=16,
        description="INSERTs of traces that run at once, a thread each; logs and metrics have one thread each.",
    )
    derive_pause_max_s: float = Field(
        default=1.5,
        ge=0.0,
        le=60.0,
        description="Within this, three times the price of a derivation of generations passes before the next, so that a trickle "
        "leaves the processor idle; in seconds.",
    )
    dialects_path: Path | None = Field(
        default=None,
        description="A dialect file of your own, whose rows go before the shipped ones; `driftline replay-mapping` after a change.",
    )
    load_retry_max_s: float = Field(
        default=10.0, gt=0.0, le=600.0, description="Longest pause before a failed INSERT is tried again, in seconds."
    )
    dedup_window_s: int = Field(
        default=900,
        ge=60,
        le=86400,
        description="How long a repeated body is recognised as an exporter's retry, in seconds.",
    )
    dedup_max_bodies: int = Field(
        default=1_000_000,
        ge=1000,
        description="Most bodies remembered for that, a count (about 100 bytes of memory each).",
    )
