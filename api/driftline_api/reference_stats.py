"""How old the named reference sets are that windows are compared with."""

from collections.abc import Iterable
from datetime import UTC

from prometheus_client.core import GaugeMetricFamily, Metric

from driftline_api.reader import read_sql
from driftline_core import StoreError
from driftline_core.clock import Clock, utc_now
from driftline_core.store import Store


def reference_metrics(store: Store, clock: Clock = utc_now) -> Iterable[Metric]:
    """Seconds since the newest call of each range and pinned version; nothing when the store does not answer."""
    try:
        sets = store.rows(read_sql("reference_ages"))
    except StoreError:
        return
    age = GaugeMetricFamily(
        "driftline_reference_age_seconds",
        "Time since the newest call of a reference set that stands still.",
        labels=["project", "service", "reference"],
    )
    for each in sets:
        last = each["last_time"] if each["last_time"].tzinfo else each["last_time"].replace(tzinfo=UTC)
        age.add_metric([each["project"], each["service"], each["name"]], (clock() - last).total_seconds())
    yield age
