"""Is an anomaly in cost, traffic or latency found, how soon, and how often does ordinary traffic alarm?

    OMP_NUM_THREADS=1 python -m benchmarks.eval_anomaly [--data ../shared/data] [--markdown PAGE] [--each 4] [--half held] [--grid]

A week of real traffic of single clients in windows of 10 minutes (ServeGen); three days are history, four are judged, fitted anew every
six hours. Half of the clients, at random, were for choosing thresholds (--half chosen, with --grid over z and ratio), the other half is for
figures.
  silence  alarms a week and series where nothing was planted; the data have incidents of their own, so not all of them are false
  noise    the same for the steadiest third of the series, the middle and the noisiest, by their median distance from expected
  power    share of planted changes that raise an alarm while they last, and how long after their begin; one planted while an alarm
           already fires counts as missed
Subjects: the shipped rules over the seasonal baseline; 3 standard deviations from the mean of the last 24 hours, as often written by hand,
with the same `for`, and with the z that has about as many alarms as the rules. Intervals: 95 %, bootstrap over series.
JSON lines, and tables between the markers of a page. Without the data it says so and ends with 0.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.anomaly_series import FIRST, N_WINDOWS, PLANTS, SEED, TrafficSeries, load_series
from benchmarks.anomaly_trials import SUBJECTS, Judgement, Policy, Subject, Trial, onsets, plant_trials
from benchmarks.drift_tables import Table
from benchmarks.report import emit, machine

_BEGIN, _END = "<!-- eval_anomaly begins -->", "<!-- eval_anomaly ends -->"
_WEEKS: Final = (N_WINDOWS - FIRST) / N_WINDOWS
SHIPPED: Final = {
    "cost": Policy(z=3.5, ratio=1.5, n_windows=2),
    "requests": Policy(z=5.0, ratio=1.5, n_windows=2, drop_ratio=2.0),
    "latency_p95": Policy(z=4.0, ratio=1.5, n_windows=2),
}
"""The rules of alerts/rules/anomaly.yaml less their floors of volume, which have no meaning for this data's scale."""
_GRID_Z: Final = (3.0, 3.5, 4.0, 5.0, 6.0, 8.0)
_GRID_RATIO: Final = (1.3, 1.5, 2.0)


def naive(policy: Policy, *, z: float = 3.0) -> Policy:
    """The same rule of a hand-written z: no minimum change."""
    return replace(policy, z=z, ratio=0.0, drop_ratio=None if policy.drop_ratio is None else 0.0)


def interval(values: Sequence[float], names: Sequence[str]) -> tuple[float, float, float]:
    """Mean and 95 % bootstrap interval over series. values: (n,); names: (n,) whose."""
    every = np.array(values, dtype=np.float64)
    of = np.unique(np.array(names), return_inverse=True)[1]
    sums, counts = np.bincount(of, weights=every), np.bincount(of)
    drawn = np.random.default_rng(SEED).integers(len(sums), size=(1999, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(every.mean()), float(low), float(high)


def alarms(quiet: Sequence[tuple[TrafficSeries, Judgement]], policy: Policy) -> list[float]:
    """Alarms a week of each series."""
    return [len(onsets(policy.firing(judged))) / _WEEKS for _, judged in quiet]


def matched(quiet: Sequence[tuple[TrafficSeries, Judgement]], policy: Policy, *, target: float) -> Policy:
    """The hand-written rule with the smallest z that alarms no more often than target a week and series."""
    for z in np.arange(2.0, 20.0, 0.1):
        candidate = naive(policy, z=float(z))
        if np.mean(alarms(quiet, candidate)) <= target:
            break
    return candidate


def measure(series: Sequence[TrafficSeries], *, n_each: int) -> list[Table]:
    """Both tables, and a JSON line of each cell."""
    judged = {name: _judged(series, subject) for name, subject in SUBJECTS.items()}
    trials = {
        (name, plant.name): plant_trials(series, plant, subject, n_each=n_each)
        for name, subject in SUBJECTS.items()
        for plant in PLANTS
    }
    silence: list[tuple[str, ...]] = []
    power: list[tuple[str, ...]] = []
    by_noise: list[tuple[str, ...]] = []
    for figure, policy in SHIPPED.items():
        of = {name: [one for one in every if one[0].measure == figure] for name, every in judged.items()}
        target = float(np.mean(alarms(of["seasonal"], policy)))
        rules = [
            ("seasonal", f"shipped: z {policy.z:g}, x{policy.ratio:g}", policy),
            ("trailing", "trailing 24 h, z 3", naive(policy)),
        ]
        same = matched(of["trailing"], policy, target=target)
        rules.append(("trailing", f"trailing 24 h, z {same.z:.1f} (as many alarms)", same))
        noise = {one.name: _noise(judgement) for one, judgement in of["seasonal"]}
        for plant in PLANTS:
            if figure in plant.measures:
                by_noise.append(_by_noise(trials["seasonal", plant.name], policy, plant=plant.name, noise=noise))
        for subject, label, rule in rules:
            counts = alarms(of[subject], rule)
            mean, low, high = interval(counts, [one.name for one, _ in of[subject]])
            silent = float(np.mean(np.array(counts) == 0))
            emit(bench="anomaly", part="silence", measure=figure, subject=label, alarms_a_week=mean, low=low, high=high,
                 silent=silent, worst=max(counts), series=len(counts))  # fmt: skip
            silence.append(
                (
                    figure,
                    label,
                    str(len(counts)),
                    f"{mean:.2f} [{low:.2f}, {high:.2f}]",
                    f"{silent:.0%}",
                    f"{max(counts):.1f}",
                )
            )
            for plant in PLANTS:
                if figure in plant.measures:
                    power.append(_power(trials[subject, plant.name], rule, plant=plant.name, label=label))
    columns = ("figure", "rule", "series", "alarms a week and series", "series without any", "most of one")
    return [
        Table(name="Alarms where nothing was planted", columns=columns, rows=silence),
        Table(
            name="Planted changes",
            columns=("planted", "rule", "trials", "found", "minutes to the alarm, median (90 %)"),
            rows=sorted(power, key=lambda row: [plant.name for plant in PLANTS].index(row[0])),
        ),
        Table(
            name="Planted changes found by the shipped rules, by how noisy a series is",
            columns=("planted", "steadiest third", "middle", "noisiest third"),
            rows=by_noise,
        ),
    ]


def grid(series: Sequence[TrafficSeries], *, n_each: int) -> Table:
    """The seasonal rule by z and ratio: what thresholds were chosen by."""
    subject = SUBJECTS["seasonal"]
    quiet = _judged(series, subject)
    trials = {plant.name: plant_trials(series, plant, subject, n_each=n_each) for plant in PLANTS}
    rows = []
    for figure, shipped in SHIPPED.items():
        for z in _GRID_Z:
            for ratio in _GRID_RATIO:
                rule = replace(shipped, z=z, ratio=ratio)
                mean = float(np.mean(alarms([one for one in quiet if one[0].measure == figure], rule)))
                found = [
                    f"{plant.name.removeprefix(figure)}: {np.mean([one.delay_s(rule) is not None for one in trials[plant.name]]):.2f}"
                    for plant in PLANTS
                    if figure in plant.measures
                ]
                emit(bench="anomaly", part="grid", measure=figure, z=z, ratio=ratio, alarms_a_week=mean, found=found)
                rows.append((figure, f"{z:g}", f"{ratio:g}", f"{mean:.2f}", "; ".join(found)))
    return Table(
        name="By threshold, clients for choosing", columns=("figure", "z", "ratio", "alarms a week", "found"), rows=rows
    )


def _judged(series: Sequence[TrafficSeries], subject: Subject) -> list[tuple[TrafficSeries, Judgement]]:
    return [(one, subject(one, FIRST, N_WINDOWS)) for one in series]


def _power(trials: Sequence[Trial], rule: Policy, *, plant: str, label: str) -> tuple[str, ...]:
    delays = [trial.delay_s(rule) for trial in trials]
    mean, low, high = interval([float(delay is not None) for delay in delays], [trial.series for trial in trials])
    minutes = [delay / 60 for delay in delays if delay is not None]
    median, late = np.quantile(minutes, (0.5, 0.9)) if minutes else (np.nan, np.nan)
    emit(bench="anomaly", part="power", plant=plant, subject=label, found=mean, low=low, high=high, trials=len(trials),
         median_minutes=float(median), late_minutes=float(late))  # fmt: skip
    delay = f"{median:.0f} ({late:.0f})" if minutes else "-"
    return (plant, label, str(len(trials)), f"{mean:.2f} [{low:.2f}, {high:.2f}]", delay)


def _noise(judged: Judgement) -> float:
    """Median relative distance of a series from what was expected."""
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.abs(judged.values / judged.expected - 1)
    return float(np.nanmedian(np.where(np.isfinite(distance), distance, np.nan)))


def _by_noise(trials: Sequence[Trial], rule: Policy, *, plant: str, noise: Mapping[str, float]) -> tuple[str, ...]:
    names = sorted({trial.series for trial in trials}, key=lambda name: noise[name])
    cells = []
    for third in np.array_split(np.array(names), 3):
        chosen = [trial for trial in trials if trial.series in third]
        found = float(np.mean([trial.delay_s(rule) is not None for trial in chosen]))
        edge = max(noise[name] for name in third)
        emit(bench="anomaly", part="noise", plant=plant, found=found, noise_up_to=edge, trials=len(chosen))
        cells.append(f"{found:.2f} (usually within {edge:.0%})")
    return (plant, *cells)


def write_tables(page: Path, tables: Sequence[Table]) -> None:
    """Between the page's two markers, or as a page of their own where it has none."""
    text = "\n\n".join(table.markdown() for table in tables)
    before, found, rest = (page.read_text(encoding="utf-8") if page.exists() else "").partition(_BEGIN)
    after = rest.partition(_END)[2]
    page.write_text(f"{before}{_BEGIN}\n\n{text}\n\n{_END}{after}" if found else text + "\n", encoding="utf-8")


def main() -> int:
    """Figures of one half of the clients."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--markdown", type=Path, help="a page: the tables replace what is between its markers")
    parser.add_argument("--each", type=int, default=4, help="times that each change is planted into each series")
    parser.add_argument("--half", choices=("chosen", "held"), default="held")
    parser.add_argument("--grid", action="store_true", help="the rule by z and ratio, instead of the comparison")
    options = parser.parse_args()
    if not (options.data / "traces_servegen").exists():
        print(f"no data under {options.data}: nothing is measured")
        return 0
    emit(bench="anomaly", part="machine", **machine())
    series = [one for one in load_series(options.data) if one.half == options.half]
    tables = [grid(series, n_each=options.each)] if options.grid else measure(series, n_each=options.each)
    if options.markdown is not None:
        write_tables(options.markdown, tables)
    return 0


if __name__ == "__main__":
    sys.exit(main())
