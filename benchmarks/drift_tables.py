"""From the cells of eval_drift to its tables."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from benchmarks.drift_cells import ENSEMBLE, Cell, CellResult
from benchmarks.drift_plan import N_STREAM, N_STREAM_REFERENCE
from driftline_analyzers.drift.sequential import SequentialMonitor, normal_score

_ALPHAS: Final = (0.05, 0.01)
_RUN_LENGTHS: Final = (50.0, 200.0, 720.0)
_REPEATS: Final = 40
_HORIZON: Final = 60

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """rows: cells as they are printed."""

    name: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def markdown(self) -> str:
        """As a table of Markdown."""
        lines = [self.columns, ("---",) * len(self.columns), *self.rows]
        return f"### {self.name}\n\n" + "\n".join("| " + " | ".join(line) + " |" for line in lines)


def false_alarms(results: Sequence[CellResult]) -> Table:
    """Share of windows without drift at nominal 5 % and 1 %; the 95 % interval is binomial over all windows, the range over references."""
    rows = []
    nulls = [result for result in results if result.cell.scenario == "null"]
    parts = sorted({name for result in nulls for name in result.p_values} - {ENSEMBLE})
    for key, group in _by(nulls, lambda c: (c.corpus, c.n_texts, c.n_reference, c.session_size, c.is_grouped)).items():
        corpus, n_texts, n_reference, session_size, is_grouped = key
        p = np.concatenate([result.p_values[ENSEMBLE] for result in group])
        rates = [float(np.mean(np.asarray(result.p_values[ENSEMBLE]) <= 0.05)) for result in group]
        each = [np.concatenate([result.p_values[name] for result in group]) for name in parts]
        rows.append(
            (
                corpus,
                str(n_texts),
                str(n_reference),
                _stream(session_size) + ("" if is_grouped else ", single texts permuted"),
                f"{len(group)} x {group[0].cell.n_windows}",
                *(_rate(int((p <= alpha).sum()), len(p)) for alpha in _ALPHAS),
                f"{min(rates):.2f}-{max(rates):.2f}",
                *(f"{np.mean(values <= 0.05):.3f}" for values in each),
            )
        )
    columns = (
        "corpus",
        "window",
        "reference",
        "stream",
        "references x windows",
        "at 5 %",
        "at 1 %",
        "references at 5 %",
    )
    return Table(name="False alarms", columns=(*columns, *parts), rows=rows)


def power(results: Sequence[CellResult]) -> Table:
    """Share of drifted windows found at 5 % / at 0.5 %."""
    drifted = [result for result in results if result.cell.scenario != "null" and not _is_stream(result.cell)]
    shares = sorted({result.cell.share for result in drifted})
    rows = []
    by_row = _by(drifted, lambda c: (c.corpus, c.n_texts, c.n_reference, c.session_size, c.scenario))
    for key, group in sorted(by_row.items()):
        corpus, n_texts, n_reference, session_size, scenario = key
        cells = []
        by_share = _by(group, lambda c: c.share)
        for share in shares:
            p = np.concatenate([result.p_values[ENSEMBLE] for result in by_share.get(share, [])] or [[]])
            cells.append(f"{np.mean(p <= 0.05):.2f} / {np.mean(p <= 0.005):.2f} ({len(p)})" if len(p) else "")
        rows.append((corpus, str(n_texts), str(n_reference), _stream(session_size), scenario, *cells))
    columns = ("corpus", "window", "reference", "stream", "new", *(f"{share:.0%}" for share in shares))
    return Table(name="Power at 5 % / 0.5 % (windows)", columns=columns, rows=rows)


def reference_shares(results: Sequence[CellResult]) -> Table:
    """Variance of the normal scores that is the reference's (one-way random effects), beside n / (n + N), what the monitor allows for."""
    rows = []
    nulls = [result for result in results if result.cell.scenario == "null" and result.cell.is_grouped]
    parts = sorted({name for result in nulls for name in result.p_values} - {ENSEMBLE})
    for key, group in _by(nulls, lambda c: (c.corpus, c.n_texts, c.n_reference, c.session_size)).items():
        corpus, n_texts, n_reference, session_size = key
        if len(group) < 5:
            continue
        shares = []
        for name in (ENSEMBLE, *parts):
            scores = np.asarray([[normal_score(p) for p in result.p_values[name]] for result in group])
            between = scores.mean(1).var(ddof=1) - scores.var(axis=1, ddof=1).mean() / scores.shape[1]
            shares.append(f"{between:.3f}")
        allowed = f"{n_texts / (n_texts + n_reference):.3f}"
        rows.append((corpus, str(n_texts), str(n_reference), _stream(session_size), str(len(group)), allowed, *shares))
    columns = ("corpus", "window", "reference", "stream", "references", "allowed for", ENSEMBLE, *parts)
    return Table(name="The reference's part of a score's variance", columns=columns, rows=rows)


def run_lengths(results: Sequence[CellResult]) -> Table:
    """Windows without drift for one alarm of the monitor. The bound: 10 % quantile under resampling of references."""
    rows = []
    nulls = [result for result in results if result.cell.scenario == "null" and _is_stream(result.cell)]
    for session_size, group in _by(nulls, lambda c: c.session_size).items():
        series = [np.asarray(result.p_values[ENSEMBLE]) for result in group]
        for wanted in _RUN_LENGTHS:
            monitor = SequentialMonitor(wanted, reference_ratio=N_STREAM_REFERENCE / N_STREAM)
            ignorant = SequentialMonitor(wanted, reference_ratio=1e6)
            rng = np.random.default_rng(0)
            longer = [rng.choice(p, size=1000) for p in series]
            rows.append(
                (
                    _stream(session_size),
                    f"{wanted:.0f}",
                    str(len(series)),
                    *_run_length(monitor, series),
                    *_run_length(monitor, longer),
                    _run_length(ignorant, longer)[1],
                )
            )
    columns = ("stream", "configured", "references", "alarms / windows in order", "mean run length", "90 % bound")
    more = ("alarms / windows resampled", "mean run length, resampled", "90 % bound, resampled")
    return Table(
        name="Mean run length to a false alarm", columns=(*columns, *more, "reference error ignored"), rows=rows
    )


def delays(results: Sequence[CellResult]) -> Table:
    """Median windows from the change to the alarm, and the share found within the horizon; beside two windows in a row at 0.5 %."""
    rows = []
    independent = [result for result in results if result.cell.session_size == 1 and result.cell.corpus == "clinc150"]
    nulls = {
        (result.cell.n_texts, result.cell.n_reference, result.cell.reference): result.p_values[ENSEMBLE]
        for result in independent
        if result.cell.scenario == "null"
    }
    drifted = [r for r in independent if r.cell.scenario in ("one_intent", "domain15") and r.cell.n_reference <= 2000]
    by_row = _by(drifted, lambda c: (c.n_texts, c.n_reference, c.scenario, c.share))
    for (n_texts, n_reference, scenario, share), group in sorted(by_row.items()):
        found: dict[str, list[int]] = defaultdict(list)
        rng = np.random.default_rng(0)
        for result in group:
            before = nulls.get((n_texts, n_reference, result.cell.reference))
            if before is None:
                continue
            for _ in range(_REPEATS):
                series = [*rng.choice(before, size=30), *rng.choice(result.p_values[ENSEMBLE], size=_HORIZON)]
                for wanted in (720.0, 40_000.0):
                    monitor = SequentialMonitor(wanted, reference_ratio=n_reference / n_texts)
                    after = [alarm.window - 29 for alarm in monitor.run(series).alarms if alarm.window >= 30]
                    found[f"{wanted:.0f}"].append(after[0] if after else _HORIZON + 1)
                pairs = [i - 29 for i in range(31, len(series)) if max(series[i - 1], series[i]) <= 0.005]
                found["pair"].append(pairs[0] if pairs else _HORIZON + 1)
        if found:
            cells = [_delay(found[name], n_texts) for name in ("720", "40000", "pair")]
            rows.append((str(n_texts), str(n_reference), scenario, f"{share:.0%}", *cells))
    columns = ("window", "reference", "new", "share", "A = 720", "A = 40,000", "two in a row at 0.5 %")
    name = f"Detection delay, median windows (messages; found within {_HORIZON} windows)"
    return Table(name=name, columns=columns, rows=rows)


def times(results: Sequence[CellResult]) -> Table:
    """Median CPU seconds of a test once the reference is fitted, on one thread."""
    rows = []
    nulls = [result for result in results if result.cell.scenario == "null" and result.cell.is_grouped]
    for key, group in sorted(_by(nulls, lambda c: (c.n_texts, c.n_reference, c.n_permutations)).items()):
        rows.append((*map(str, key), f"{1000 * float(np.median([result.cpu_s for result in group])):.0f}"))
    return Table(name="Time of a test", columns=("window", "reference", "permutations", "CPU ms"), rows=rows)


def _by(results: Sequence[CellResult], key: Callable[[Cell], Key]) -> dict[Key, list[CellResult]]:
    groups: dict[Key, list[CellResult]] = defaultdict(list)
    for result in results:
        groups[key(result.cell)].append(result)
    return groups


def _is_stream(cell: Cell) -> bool:
    return (cell.n_texts, cell.n_reference) == (N_STREAM, N_STREAM_REFERENCE)


def _stream(session_size: int) -> str:
    return "single texts" if session_size == 1 else f"sessions of {session_size}"


def _rate(count: int, n: int) -> str:
    low = beta.ppf(0.025, count, n - count + 1) if count else 0.0
    high = beta.ppf(0.975, count + 1, n - count) if count < n else 1.0
    return f"{count / n:.3f} [{low:.3f}, {high:.3f}]"


def _run_length(monitor: SequentialMonitor, series: Sequence[NDArray[np.float64]]) -> tuple[str, str, str]:
    counts = np.asarray([len(monitor.run(p_values.tolist()).alarms) for p_values in series])
    lengths = np.asarray([len(p_values) for p_values in series])
    chosen = np.random.default_rng(0).integers(len(series), size=(2000, len(series)))
    # None in any resampling bounds nothing: the Poisson bound of the count stands in for it.
    alarms = max(float(np.quantile(counts[chosen].sum(1), 0.9)), 2.3)
    n_alarms = int(counts.sum())
    mean = f"{lengths.sum() / n_alarms:.0f}" if n_alarms else "none"
    return f"{n_alarms} / {lengths.sum()}", mean, f"{lengths.sum() / alarms:.0f}"


def _delay(windows: list[int], n_texts: int) -> str:
    median, found = float(np.median(windows)), float(np.mean(np.asarray(windows) <= _HORIZON))
    return (
        f"{median:.0f} ({median * n_texts:.0f}; {found:.2f})" if median <= _HORIZON else f"> {_HORIZON} ({found:.2f})"
    )
