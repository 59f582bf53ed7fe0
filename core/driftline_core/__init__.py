"""What every component of Driftline shares: settings, errors, the clock, logs and the store."""

from driftline_core.clock import Clock, utc_now
from driftline_core.errors import (
    ConfigError,
    DriftlineError,
    InputError,
    NotFound,
    QueryError,
    StoreError,
    TooFewSamples,
)
from driftline_core.log import configure_logging, get_logger
from driftline_core.service import Health, PeriodicService, Service
from driftline_core.settings import ComponentSettings, StoreSettings

__all__ = [
    "Clock",
    "ComponentSettings",
    "ConfigError",
    "DriftlineError",
    "Health",
    "InputError",
    "NotFound",
    "PeriodicService",
    "QueryError",
    "Service",
    "StoreError",
    "StoreSettings",
    "TooFewSamples",
    "configure_logging",
    "get_logger",
    "utc_now",
]
