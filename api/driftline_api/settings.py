"""Settings of the API and the web page."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from driftline_core.settings import ComponentSettings

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")


class ApiSettings(ComponentSettings):
    """Where the API listens and how much one answer may hold."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix="DRIFTLINE_API_", env_ignore_empty=True)

    host: str = Field(default="127.0.0.1", min_length=1, description="Address to listen on; loopback by default.")
    port: int = Field(default=8000, ge=0, le=65535, description="TCP port of the API and the page; 0 is any free one.")
    allowed_hosts: tuple[str, ...] = Field(
        default=(),
        description=(
            "Host names that requests may carry, without port; '*' is any. Empty: loopback names while "
            "listening on loopback, which keeps other web sites from reading the store by DNS rebinding; otherwise any."
        ),
    )
    page_rows: int = Field(default=50, ge=1, le=1000, description="Rows of a page when the request names no limit.")
    page_rows_max: int = Field(default=500, ge=1, le=10_000, description="Most rows of one page.")
    preview_chars: int = Field(
        default=280, ge=20, le=10_000, description="Characters of a prompt or completion shown in lists."
    )
    trace_spans_max: int = Field(default=5_000, ge=1, le=100_000, description="Most spans of one trace that are shown.")
    series_points_max: int = Field(default=2_000, ge=10, le=20_000, description="Most steps of a time series.")
    body_limit_bytes: int = Field(default=1 << 20, ge=1024, le=1 << 30, description="Largest request body, in bytes.")
    threads: int = Field(default=8, ge=1, le=256, description="Requests that query the store at the same time.")

    def host_names(self) -> frozenset[str]:
        """Host names that requests may carry; empty means any."""
        if "*" in self.allowed_hosts:
            return frozenset()
        if self.allowed_hosts:
            return frozenset(name.lower() for name in self.allowed_hosts)
        return frozenset(LOOPBACK_HOSTS) if self.host in LOOPBACK_HOSTS else frozenset()
