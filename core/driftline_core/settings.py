"""Settings: one frozen class per component, built once at start-up and passed down. The environment is read nowhere else."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from driftline_core.environment import Environment


class ComponentSettings(BaseSettings):
    """Base of every component's settings. Subclasses set `env_prefix='DRIFTLINE_<COMPONENT>_'`."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix="DRIFTLINE_", env_ignore_empty=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given in code, then the environment."""
        return init_settings, Environment(settings_cls)


class StoreSettings(ComponentSettings):
    """Where everything is kept: a directory (embedded engine) or a ClickHouse server."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix="DRIFTLINE_STORE_", env_ignore_empty=True)

    path: Path = Field(
        default=Path(".driftline/store"), description="Directory of the embedded engine; used when no DSN is given."
    )
    dsn: SecretStr | None = Field(
        default=None,
        description="ClickHouse server, e.g. clickhouse://user:password@host:8123; replaces the directory.",
    )
    database: str = Field(
        default="driftline", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="Database that holds Driftline's tables."
    )
    query_timeout_s: float = Field(default=60.0, gt=0, le=3600, description="Longest run of one query, in seconds.")
    memory_limit_bytes: int = Field(
        default=4 << 30, ge=256 << 20, description="Most memory one query may take, in bytes."
    )


class DatasetSettings(ComponentSettings):
    """Where data sets for retraining are written, and how much of the disk they may take."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="DRIFTLINE_DATASETS_", env_ignore_empty=True
    )

    path: Path = Field(
        default=Path(".driftline/datasets"),
        description="Directory of the data sets; the API and the alert evaluator must see the same one.",
    )
    max_rows: int = Field(default=100_000, ge=1, le=10_000_000, description="Most calls of one data set.")
    alert_rows: int = Field(
        default=5_000, ge=1, le=1_000_000, description="Most calls of a data set that an alert carries."
    )
    keep: int = Field(
        default=100, ge=1, le=100_000, description="Data sets kept of one project; the oldest goes first."
    )
    max_bytes: int = Field(
        default=10 << 30, ge=1 << 20, description="Most bytes of one project's data sets; the oldest goes first."
    )
