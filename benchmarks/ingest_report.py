"""The ingest benchmark's figures as lines, and what they are against each target."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.ingest_measures import Offered, Overloaded, Sustained
from benchmarks.report import emit, percentile

_BENCH: Final = "ingest"


@dataclass(slots=True)
class Report:
    """Prints as it goes and keeps what ratios are made of. queryable, complete: spans/s by subject and batch."""

    queryable: dict[tuple[str, int], float] = field(default_factory=dict)
    complete: dict[tuple[str, int], float] = field(default_factory=dict)

    def sustained(self, subject: str, batch: int, connections: int, measured: Sustained, **about: Any) -> None:
        """complete: until every table has every row, which for Driftline is until generations are derived."""
        load = measured.load
        common: dict[str, Any] = {"bench": _BENCH, "subject": subject, "batch": batch, "connections": connections}
        queryable = measured.spans_s("spans")
        figures = {
            "queryable_spans_s": (queryable, "spans/s"),
            "acknowledged_spans_s": (load.n_spans / load.duration_s, "spans/s"),
            "ack_p50_ms": (percentile(load.latencies_ms, 50), "ms"),
            "ack_p99_ms": (percentile(load.latencies_ms, 99), "ms"),
            "peak_rss_mib": (measured.peak_rss_mib, "MiB"),
            "cpu_us_span": (measured.cpu_s / max(1, load.n_spans) * 1e6, "us"),
        }
        if "generations" in measured.reached_s:
            figures["derived_spans_s"] = (measured.spans_s("generations"), "spans/s")
        for metric, (value, unit) in figures.items():
            emit(**common, metric=metric, value=value, unit=unit)
        emit(
            **common,
            **about,
            metric="spans",
            value=load.n_spans,
            unit="spans",
            bytes_a_span=load.n_bytes / max(1, load.n_spans),
            missing=measured.missing,
            refused=load.refused,
            failures=load.failures[:3],
        )
        self.queryable[subject, batch] = queryable
        self.complete[subject, batch] = min(measured.spans_s(table) for table in measured.reached_s)

    def disk(self, subject: str, batch: int, tables: Mapping[str, Any]) -> None:
        """Bytes a row: of the parts as the run left them, and of one part."""
        for state, rows in tables.items():
            for row in rows:
                self._line(
                    subject,
                    batch,
                    f"{state}_bytes_a_row",
                    row["bytes"] / max(1, row["rows"]),
                    "bytes",
                    table=row["table"],
                )

    def floor(self, batch: int, floor: Mapping[str, Mapping[str, float]]) -> None:
        """Each step alone, its spans/s and CPU; then what of the Native floor Driftline reaches."""
        speeds = {step: one["n_spans"] / one["wall_s"] for step, one in floor.items()}
        for step, one in floor.items():
            self._line("engine", batch, f"{step}_spans_s", speeds[step], "spans/s", inserts=one["inserts"])
            self._line("engine", batch, f"{step}_cpu_us_span", one["cpu_s"] / one["n_spans"] * 1e6, "us")
        # The run, with receivers, spool and the load on the same cores; then the engine's part alone, as the floor is.
        run = ("driftline", batch)
        alone, both = "native", "native of both tables"
        if run in self.queryable:
            self._ratio("driftline", alone, batch, "queryable", self.queryable[run] / speeds["native_spans"], 0.7)
            complete = self.complete[run] / speeds["native_spans_and_generations"]
            self._ratio("driftline", both, batch, "complete", complete, 0.7)
        cpu = {step: one["cpu_s"] / one["n_spans"] for step, one in floor.items()}
        self._ratio("decoding", alone, batch, "alone", speeds["decoding"] / speeds["native_spans"], 0.7)
        self._ratio("decoding", alone, batch, "alone_cpu", cpu["native_spans"] / cpu["decoding"])
        cpu_both = cpu["native_spans_and_generations"] / (cpu["decoding"] + cpu["deriving"])
        self._ratio("decoding + deriving", both, batch, "alone_cpu", cpu_both)

    def fsync(self, batch: int, group: int, spans_s: float) -> None:
        """The disk alone: groups of as many requests, each durable before the next."""
        self._line("disk", batch, "fsync_spans_s", spans_s, "spans/s", requests_a_group=group)

    def half_load(self, batch: int, measured: Offered) -> None:
        latencies = measured.load.latencies_ms
        p99 = percentile(latencies, 99)
        common = {"offered_spans_s": measured.spans_s, "requests": len(latencies)}
        self._line("driftline", batch, "half_load_ack_p50_ms", percentile(latencies, 50), "ms", **common)
        self._line("driftline", batch, "half_load_ack_p99_ms", p99, "ms", **common, target=50, is_met=p99 < 50)
        woken = measured.woken_late_ms
        self._line("machine", batch, "half_load_woken_late_p50_ms", percentile(woken, 50), "ms")
        self._line("machine", batch, "half_load_woken_late_p99_ms", percentile(woken, 99), "ms")
        for table, late_s in measured.late_s.items():
            within = sum(late <= 1.0 for late in late_s) / max(1, len(late_s))
            judged = {"target": 0.95, "is_met": within >= 0.95} if table == "spans" else {}
            for percent in (50, 95, 99):
                self._line(
                    "driftline",
                    batch,
                    f"{table}_late_p{percent}_s",
                    percentile(late_s, percent),
                    "s",
                    poll_s=measured.poll_s,
                )
            self._line("driftline", batch, f"{table}_within_1s", within, "of requests", **judged)
        cpu_us = measured.cpu_s / max(1, measured.load.n_spans) * 1e6
        self._line(
            "driftline",
            batch,
            "half_load_cpu_us_span",
            cpu_us,
            "us",
            lost=measured.lost,
            refused=measured.load.refused,
            failures=measured.load.failures[:3],
        )

    def overload(self, batch: int, measured: Overloaded, spool_max_bytes: int) -> None:
        load = measured.load
        self._line(
            "driftline",
            batch,
            "overload_rss_mib",
            measured.rss_mib["peak"],
            "MiB",
            at_s=measured.rss_mib,
            spool_max_bytes=spool_max_bytes,
            acknowledged_requests=len(load.acknowledged),
            refused_requests=load.refused,
            missing=measured.missing,
            failures=load.failures[:3],
        )

    def ratios(self, wanted: Mapping[str, Mapping[int, float]]) -> None:
        """Driftline beside each other subject; wanted: the least ratio by subject and batch.

        queryable: each until its spans are found. complete: Driftline until it has derived generations too, which peers do not make and
        the rows collector writes at once, so that beside that one the target holds for both moments.
        """
        for other, batch in self.queryable:
            run, theirs = ("driftline", batch), (other, batch)
            if other.startswith("driftline") or run not in self.queryable:
                continue
            target = wanted.get(other, {}).get(batch)
            self._ratio("driftline", other, batch, "queryable", self.queryable[run] / self.queryable[theirs], target)
            judged = target if other == "python-rows" else None
            self._ratio("driftline", other, batch, "complete", self.complete[run] / self.complete[theirs], judged)

    def absent(self, subject: str, reason: str) -> None:
        emit(bench=_BENCH, subject=subject, metric="absent", reason=reason)

    def _line(self, subject: str, batch: int, metric: str, value: float, unit: str, **about: Any) -> None:
        emit(bench=_BENCH, subject=subject, batch=batch, metric=metric, value=value, unit=unit, **about)

    def _ratio(  # noqa: PLR0917 - as a sentence: who, beside whom, where, which, how much, of what is wanted
        self, subject: str, versus: str, batch: int, metric: str, ratio: float, target: float | None = None
    ) -> None:
        judged = {} if target is None else {"target": target, "is_met": ratio >= target}
        emit(bench=_BENCH, subject=subject, metric=f"{metric}_ratio", versus=versus, batch=batch, ratio=ratio, **judged)
