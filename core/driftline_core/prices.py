"""What a token costs: the prices table filled from the genai-prices package for the models that are seen, and the SQL that uses it.

A model's row stands for its base tier: a price that rises with the length of one request's prompt cannot be told from sums over
a minute. Of prices that depend on the time of day the dearest is kept. Where the package has no price for cached tokens they
cost what other input costs.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, time, timedelta
from importlib.resources import files
from typing import Any, Final

from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ConditionalPrice, ModelInfo, ModelPrice, StartDateConstraint, TieredPrices

from driftline_core.clock import utc_now
from driftline_core.log import get_logger
from driftline_core.store import Store

SOURCE: Final = "genai-prices"
FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""valid_from of a price that always held."""
LAST: Final = datetime(2106, 1, 1, tzinfo=UTC)
"""valid_to (exclusive) of a price that still holds."""
COST_SQL: Final[str] = (files("driftline_core") / "sql" / "cost.sql").read_text(encoding="utf-8")
"""Cost of each minute and slice; parameters and columns are in the file."""

_SEEN_SQL: Final[str] = (files("driftline_core") / "sql" / "seen_models.sql").read_text(encoding="utf-8")
_KNOWN_SQL: Final = (
    "SELECT provider, model, valid_from, valid_to, input_usd_mtok, output_usd_mtok, cache_read_usd_mtok, cache_write_usd_mtok "
    "FROM prices FINAL WHERE source = {source:String}"
)
_COLUMNS: Final = (
    "provider",
    "model",
    "valid_from",
    "valid_to",
    "input_usd_mtok",
    "output_usd_mtok",
    "cache_read_usd_mtok",
    "cache_write_usd_mtok",
)
_OVERLAP: Final = timedelta(seconds=60)
_LOG = get_logger("prices")


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """USD per million tokens of one model from valid_from to valid_to (exclusive). The fields are columns of `prices`."""

    provider: str
    model: str
    valid_from: datetime
    valid_to: datetime
    input_usd_mtok: float
    output_usd_mtok: float
    cache_read_usd_mtok: float
    cache_write_usd_mtok: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncReport:
    """What one sync did. unknown: pairs of provider and model that the package does not know, new in this sync."""

    n_seen: int
    n_rows: int
    unknown: tuple[tuple[str, str], ...]


class PriceBook:
    """Keeps shipped prices in the store for every model that is called. Rows of source 'user' are never touched, and win."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._handled: set[tuple[str, str]] = set()
        self._unknown: set[tuple[str, str]] = set()
        self._since = FIRST

    @property
    def unknown(self) -> frozenset[tuple[str, str]]:
        """Pairs of provider and model that have no shipped price; asked for once in a process."""
        return frozenset(self._unknown)

    def sync(self, now: datetime | None = None) -> SyncReport:
        """Prices every model that was seen since the last sync. The first sync also renews rows of an older package. Raises StoreError."""
        now = utc_now() if now is None else now
        rows = self._store.rows(_SEEN_SQL, {"since_s": int(self._since.timestamp())})
        seen = [(row["provider"], row["model"]) for row in rows]
        fresh = [pair for pair in seen if pair not in self._handled]
        known = self._known() if fresh else {}
        changed: list[Price] = []
        unknown = []
        for pair in fresh:
            prices = shipped_prices(*pair)
            if not prices:
                unknown.append(pair)
            changed.extend(_changes(known.get(pair, {}), prices))
        self._store.insert(
            "prices", [*_COLUMNS, "source", "updated_at"], [(*astuple(price), SOURCE, now) for price in changed]
        )
        # Only now: had the insert failed, the next sync would have to try again.
        self._handled.update(fresh)
        self._unknown.update(unknown)
        self._since = max(FIRST, now - _OVERLAP)
        if changed or unknown:
            _LOG.info("prices synced", n_seen=len(seen), n_rows=len(changed), n_unknown=len(unknown))
        return SyncReport(n_seen=len(seen), n_rows=len(changed), unknown=tuple(unknown))

    def _known(self) -> dict[tuple[str, str], dict[datetime, Price]]:
        known: dict[tuple[str, str], dict[datetime, Price]] = {}
        for row in self._store.rows(_KNOWN_SQL, {"source": SOURCE}):
            times = {name: row[name].replace(tzinfo=UTC) for name in ("valid_from", "valid_to")}
            price = Price(**{**row, **times})
            known.setdefault((price.provider, price.model), {})[price.valid_from] = price
        return known


def shipped_prices(provider: str, model: str) -> list[Price]:
    """The package's prices of a model over time, oldest first; empty when it does not know the model. Works offline."""
    try:
        _, info = get_snapshot().find_provider_model(model, None, provider or None, None)
    except LookupError:
        return []
    starts = sorted({FIRST, *_start_dates(info)})
    prices = []
    for start, end in zip(starts, [*starts[1:], LAST], strict=True):
        found = _dearest_of_day(info, start)
        if found.input_mtok is None and found.output_mtok is None:
            continue
        input_usd = _base(found.input_mtok, 0.0)
        prices.append(
            Price(
                provider=provider,
                model=model,
                valid_from=start,
                valid_to=end,
                input_usd_mtok=input_usd,
                output_usd_mtok=_base(found.output_mtok, 0.0),
                cache_read_usd_mtok=_base(found.cache_read_mtok, input_usd),
                cache_write_usd_mtok=_base(found.cache_write_mtok, input_usd),
            )
        )
    return prices


def _changes(known: dict[datetime, Price], wanted: Sequence[Price]) -> list[Price]:
    """Rows that make the table say what is wanted. A row that is no longer wanted becomes one that never holds."""
    if not wanted:
        return []
    changed = [price for price in wanted if known.get(price.valid_from) != price]
    kept = {price.valid_from for price in wanted}
    for start, price in known.items():
        if start not in kept and price.valid_to != start:
            values = dict(zip(_COLUMNS, astuple(price), strict=True))
            changed.append(Price(**{**values, "valid_to": start}))
    return changed


def _start_dates(info: ModelInfo) -> list[datetime]:
    if isinstance(info.prices, ModelPrice):
        return []
    dates = [
        price.constraint.start_date
        for price in info.prices
        if isinstance(price, ConditionalPrice) and isinstance(price.constraint, StartDateConstraint)
    ]
    return [max(FIRST, datetime.combine(date, time(), tzinfo=UTC)) for date in dates]


def _dearest_of_day(info: ModelInfo, day: datetime) -> Any:
    hours = [info.get_prices(day + timedelta(minutes=30 * half)) for half in range(48)]
    return max(hours, key=lambda price: (_base(price.input_mtok, 0.0), _base(price.output_mtok, 0.0)))


def _base(price: Any, default: float) -> float:
    if price is None:
        return default
    return float(price.base if isinstance(price, TieredPrices) else price)
