"""How much room the store's disks have."""

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily, Metric

from driftline_core import StoreError
from driftline_core.store import Store

_SQL = "SELECT name, free_space, total_space FROM system.disks WHERE total_space > 0 AND total_space < 9e18"


def store_metrics(store: Store) -> Iterable[Metric]:
    """Free and total bytes of every disk of the store that has a size; nothing when the store does not answer."""
    try:
        disks = store.rows(_SQL)
    except StoreError:
        return
    free = GaugeMetricFamily("driftline_store_disk_free_bytes", "Bytes free on a disk of the store.", labels=["disk"])
    total = GaugeMetricFamily("driftline_store_disk_bytes", "Size of a disk of the store.", labels=["disk"])
    for disk in disks:
        free.add_metric([disk["name"]], disk["free_space"])
        total.add_metric([disk["name"]], disk["total_space"])
    yield from (free, total)
