"""The drift test beside the libraries that one would use instead: how fast, whether it says the same, and how often each cries wolf.

    python -m benchmarks.bench_drift [--parts speed agreement alarms] [--sizes 1000 5000] [--peers alibi-detect evidently ...]
        [--permutations 1000] [--rounds 3] [--trials 100] [--limit-s 60] [--alibi-minutes 20] [--threads 1]
        [--data ../shared/data/drift_clinc150]

Peers, after `make bench-peers` and in processes of their own: Alibi Detect, Evidently, frouros, menelaus; one that is absent is named.

speed: n = m vectors of 384 dimensions around 20 topics, nothing drifted, everybody on as many threads. Alibi Detect's MMDDrift makes the
same test as ours: one Gaussian kernel of our median bandwidth (so it is spared its own search), as many permutations. Its runs, one at
the larger sizes, stand between runs of ours. Where 10 and 40 permutations say that a run would take longer than alibi-minutes, only
those two are made, the time of all is on the line through them, and is_extrapolated says so. The others run as they come, beside ours
with all of its permutations; frouros with fewer, as printed: it lays out all permuted data in memory, for 1,000 of them 3 and 15 GB.
agreement: 200 pairs of 100 and 100 without drift, with independent permutations. If both make the same test, their p-values differ by
sampling alone, and difference / sqrt(2 p (1 - p) / permutations) has a root mean square of 1.
alarms: CLINC150 queries embedded by the bundled model, a reference of 800 and a window of 100 drawn from one pool, as single queries or in
sessions of five of one intent. Nothing drifts, so every alarm is false. A test stops after limit-s of CPU time, and the trials it made are
printed.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from benchmarks.drift_alarms import measure_alarms
from benchmarks.drift_own import Run, own_bandwidths, run_own_on_all, run_own_on_first
from benchmarks.drift_peers import PACKAGES, PEER_TESTS, Answers, Comparisons, PeerFailed, PeerProcess, missing
from benchmarks.drift_windows import load_pool
from benchmarks.report import emit, machine

N_DIMS: Final = 384
OWN_RUNS: Final = 3
AGREEMENT_PAIRS: Final = 200
AGREEMENT_ROWS: Final = 100
ALIBI: Final = "alibi-detect"
PROBES: Final = (10, 40)
"""Permutations that say how long Alibi Detect would take for all."""
TARGETS: Final[Mapping[int, int]] = {1000: 100, 5000: 50}
PARTS: Final = ("speed", "agreement", "alarms")


def clustered(n: int, *, seed: int) -> NDArray[np.float32]:
    """n unit vectors around 20 topics: (n, 384)."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(20, N_DIMS))
    points = centres[rng.integers(20, size=n)] + rng.normal(size=(n, N_DIMS))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return points.astype(np.float32)


def clustered_pairs(n_pairs: int, *, n_rows: int, seed: int) -> Comparisons:
    """Pairs of n_rows and n_rows of the same topics."""
    rows = np.arange(2 * n_pairs * n_rows).reshape(n_pairs, 2, n_rows)
    return Comparisons(vectors=clustered(2 * n_pairs * n_rows, seed=seed), reference=rows[:, 0], current=rows[:, 1])


def measure_speed(processes: Mapping[str, PeerProcess], options: argparse.Namespace) -> None:
    """Every peer that is there, at every size."""
    for n in options.sizes:
        if ALIBI in processes:
            measure_alibi(processes[ALIBI], n=n, options=options)
        measure_others(processes, n=n, options=options)


def measure_alibi(process: PeerProcess, *, n: int, options: argparse.Namespace) -> None:
    """The same test by Alibi Detect, its runs between ours; one run beyond 2,000 texts, where it takes a quarter of an hour."""
    pair = clustered_pairs(1, n_rows=n, seed=1)
    asked = {"bandwidth": own_bandwidths(pair)[0]}
    own = run_own_on_first(pair, n_permutations=options.permutations, n_runs=OWN_RUNS)
    few, more = (process.run("alibi_mmd", pair, options=asked | {"n_permutations": number}) for number in PROBES)
    own += run_own_on_first(pair, n_permutations=options.permutations, n_runs=OWN_RUNS)
    expected = extrapolated(few.seconds, more.seconds, n_permutations=options.permutations)
    is_whole = expected[0] <= options.alibi_minutes * 60
    n_permutations, answers = PROBES[-1], more
    if is_whole:
        n_permutations, rounds = options.permutations, []
        for _ in range(options.rounds if n <= 2000 else 1):
            rounds.append(process.run("alibi_mmd", pair, options=asked | {"n_permutations": n_permutations}))
            own += run_own_on_first(pair, n_permutations=options.permutations, n_runs=OWN_RUNS)
        answers = Answers.joined(rounds)
    else:
        answers = replace(
            more,
            seconds=expected,
            cpu_seconds=extrapolated(few.cpu_seconds, more.cpu_seconds, n_permutations=options.permutations),
        )
    p_value, as_given = own[0].p_value, float(answers.p_values[0])
    emit_ratio(
        own, answers, peer=f"{ALIBI} MMDDrift", n=n, permutations=options.permutations, permutations_peer=n_permutations,
        target=TARGETS.get(n), is_extrapolated=not is_whole, p_value=p_value,
        probes={number: float(probe.seconds[0]) for number, probe in zip(PROBES, (few, more), strict=True)}, expected_s=float(expected[0]),
        p_value_peer=(1 + as_given * n_permutations) / (1 + n_permutations), p_value_peer_as_given=as_given,
        standard_error_of_difference=float(np.sqrt(p_value * (1 - p_value) * (1 / options.permutations + 1 / n_permutations))),
        statistic=own[0].statistic, statistic_peer=float(answers.statistics[0]),
    )  # fmt: skip


def extrapolated(few: NDArray[np.float64], more: NDArray[np.float64], *, n_permutations: int) -> NDArray[np.float64]:
    """What n_permutations take on the line through both probes, (1,) and (k,) -> (k,): a permutation is as long as the next."""
    return more + (more - few) / (PROBES[1] - PROBES[0]) * (n_permutations - PROBES[1])


def measure_others(processes: Mapping[str, PeerProcess], *, n: int, options: argparse.Namespace) -> None:
    """Tests of another kind, as they come, each between runs of ours."""
    pairs = clustered_pairs(options.rounds, n_rows=n, seed=2)
    for test in PEER_TESTS:
        if not test.is_timed or test.package not in processes:
            continue
        n_permutations = test.permutations_at(n)
        asked = test.options_with(threads=options.threads, n_permutations=n_permutations)
        own = run_own_on_first(pairs, n_permutations=options.permutations, n_runs=OWN_RUNS)
        try:
            answers = processes[test.package].run(test.test, pairs, options=asked, limit_s=options.limit_s / 2)
        except PeerFailed as error:
            emit(bench="drift", subject=test.subject, metric="compare_s", n=n, failed=str(error))
            continue
        own += run_own_on_first(pairs, n_permutations=options.permutations, n_runs=OWN_RUNS)
        emit_ratio(
            own, answers, peer=test.subject, n=n, permutations=options.permutations, permutations_peer=n_permutations
        )


def emit_ratio(own: Sequence[Run], answers: Answers, *, peer: str, **fields: Any) -> None:
    """How many times as long the peer took, by the clock and in CPU time. Medians."""
    ours, ours_cpu = (float(np.median(found)) for found in zip(*((r.seconds, r.cpu_seconds) for r in own), strict=True))
    theirs, theirs_cpu = float(np.median(answers.seconds)), float(np.median(answers.cpu_seconds))
    emit(
        bench="drift", subject="driftline", metric="speed_ratio", versus=peer, ratio=theirs / ours, cpu_ratio=theirs_cpu / ours_cpu,
        seconds=ours, seconds_peer=theirs, cpu_seconds=ours_cpu, cpu_seconds_peer=theirs_cpu, runs=len(own),
        runs_peer=len(answers.seconds), dims=N_DIMS, **fields,
    )  # fmt: skip


def measure_agreement(process: PeerProcess, *, n_permutations: int) -> None:
    """p-values of both on pairs without drift."""
    pairs = clustered_pairs(AGREEMENT_PAIRS, n_rows=AGREEMENT_ROWS, seed=3)
    own = run_own_on_all(pairs, n_permutations=n_permutations)
    answers = Answers.joined(
        [
            process.run(
                "alibi_mmd",
                pairs.only(number),
                options={"n_permutations": n_permutations, "bandwidth": bandwidth, "seed": AGREEMENT_PAIRS + number},
            )
            for number, bandwidth in enumerate(own_bandwidths(pairs))
        ]
    )
    ours = np.array([run.p_value for run in own])
    theirs = (1 + answers.p_values * n_permutations) / (1 + n_permutations)
    middle = (ours + theirs) / 2
    scaled = (ours - theirs) / np.sqrt(2 * middle * (1 - middle) / n_permutations)
    off = np.abs(np.array([run.statistic for run in own]) - answers.statistics)
    emit(
        bench="drift", subject="driftline", metric="p_value_difference", versus=f"{ALIBI} MMDDrift", unit="standard errors",
        value=float(np.sqrt(np.mean(scaled**2))), largest=float(np.abs(ours - theirs).max()), pairs=len(ours), n=AGREEMENT_ROWS,
        permutations=n_permutations, correlation=float(np.corrcoef(ours, theirs)[0, 1]), quartiles=_quartiles(ours),
        quartiles_peer=_quartiles(theirs), same_distribution_p=float(ks_2samp(ours, theirs).pvalue),
        largest_statistic_difference=float(off.max()),
    )  # fmt: skip


def _quartiles(values: NDArray[np.float64]) -> list[float]:
    return [round(float(value), 3) for value in np.quantile(values, (0.25, 0.5, 0.75))]


def start_peers(running: ExitStack, packages: Sequence[str], *, threads: int) -> dict[str, PeerProcess]:
    """Those that are there; a line for each, with its version or why it is left out."""
    processes = {}
    for package in packages:
        reason = missing(package)
        if reason is None:
            try:
                processes[package] = running.enter_context(PeerProcess(package, threads=threads))
            except PeerFailed as error:
                reason = str(error)
        if reason is not None:
            emit(bench="drift", subject=package, skipped=reason)
        else:
            emit(bench="drift", subject=package, version=processes[package].version)
    return processes


def main() -> int:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--sizes", nargs="+", type=int, default=[1000, 5000])
    parser.add_argument("--peers", nargs="*", choices=PACKAGES, default=PACKAGES)
    parser.add_argument("--permutations", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--limit-s", type=float, default=60.0)
    parser.add_argument("--alibi-minutes", type=float, default=20.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/drift_clinc150"))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    emit(bench="drift", subject="machine", torch=torch.__version__, threads=options.threads, seed=0, **machine())
    with ExitStack() as running:
        processes = start_peers(running, options.peers, threads=options.threads)
        if "speed" in options.parts:
            measure_speed(processes, options)
        if "agreement" in options.parts and ALIBI in processes:
            measure_agreement(processes[ALIBI], n_permutations=options.permutations)
        if "alarms" in options.parts and not (options.data / "data.jsonl.gz").exists():
            emit(bench="drift", subject="driftline", metric="false_alarm_rate", skipped=f"no data at {options.data}")
        elif "alarms" in options.parts:
            pool = load_pool(options.data)
            measure_alarms(processes, pool, n_trials=options.trials, limit_s=options.limit_s, threads=options.threads)
    return 0


if __name__ == "__main__":
    sys.exit(main())
