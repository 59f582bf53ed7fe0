"""OTLP in: receivers, the spool that keeps what was acknowledged, and the loader into the store."""

from driftline_collector.errors import Busy, RequestRefused
from driftline_collector.ledger import CollectorStats
from driftline_collector.service import Collector
from driftline_collector.settings import CollectorSettings

__all__ = ["Busy", "Collector", "CollectorSettings", "CollectorStats", "RequestRefused"]
