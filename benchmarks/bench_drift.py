"""The permutation test of the drift detector: how fast, beside the loop that everybody writes first; and how often it cries wolf.

    python -m benchmarks.bench_drift [--data ../shared/data/drift_clinc150] [--trials 200] [--skip-rates] [--max-texts 6000]

Speed: n = m texts of 384 dimensions in 20 clusters, 999 permutations, the same kernel, one run. Rates: CLINC150 queries embedded by the
bundled model, in sessions of five of one intent; windows of 250 against references of 1,000, nothing changed (false alarms), or a
tenth of the sessions from a domain that the reference does not have (power).
'rows' permutes single texts, which is what goes wrong on conversations.
The rates need the data and a few minutes to embed; without the data they are skipped with a reason.
"""

import argparse
import gzip
import json
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.report import emit, machine
from driftline_analyzers.drift.mmd import median_bandwidth, rbf_kernel
from driftline_analyzers.drift.mmd_detectors import MMDDrift
from driftline_analyzers.embed.embedder import SentenceEmbedder

Vectors = NDArray[np.float32]
N_DIMS: Final = 384
SESSION_SIZE: Final = 5
N_REFERENCE: Final = 1000
N_CURRENT: Final = 250


def clustered(n: int, *, seed: int) -> Vectors:
    """n unit vectors around 20 topics: (n, 384)."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(20, N_DIMS))
    points = centres[rng.integers(20, size=n)] + rng.normal(size=(n, N_DIMS))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return points.astype(np.float32)


def loop_test(x: torch.Tensor, y: torch.Tensor, *, n_permutations: int, seed: int) -> tuple[float, float]:
    """Unbiased MMD² and p-value, a permutation at a time: indexes the kernel matrix and averages its three parts."""
    z = torch.cat([x, y])
    kernel = rbf_kernel(z, z, bandwidths=[median_bandwidth(z) * factor for factor in (0.5, 1.0, 2.0)])
    n, m = len(x), len(y)

    def statistic(order: torch.Tensor) -> float:
        shuffled = kernel[order][:, order]
        xx, yy, xy = shuffled[:n, :n], shuffled[n:, n:], shuffled[:n, n:]
        within_x = (xx.sum() - xx.diagonal().sum()) / (n * (n - 1))
        within_y = (yy.sum() - yy.diagonal().sum()) / (m * (m - 1))
        return float(within_x + within_y - 2 * xy.mean())

    generator = torch.Generator().manual_seed(seed)
    observed = statistic(torch.arange(n + m))
    count = sum(statistic(torch.randperm(n + m, generator=generator)) >= observed for _ in range(n_permutations))
    return observed, (1 + count) / (1 + n_permutations)


def measure_speed(*, n: int, n_permutations: int = 999) -> None:
    """One comparison of n with n texts by both, in turn."""
    x, y = clustered(n, seed=1), clustered(n, seed=2)
    common = {"bench": "drift", "n": n, "permutations": n_permutations, "dims": N_DIMS}
    seconds = []
    for _ in range(3):
        begun = time.perf_counter()
        result = MMDDrift(n_permutations=n_permutations, max_permutations=n_permutations).fit(x).score(y)
        seconds.append(time.perf_counter() - begun)
    ours = float(np.median(seconds))
    begun = time.perf_counter()
    statistic, p_value = loop_test(torch.from_numpy(x), torch.from_numpy(y), n_permutations=n_permutations, seed=0)
    loop = time.perf_counter() - begun
    emit(**common, subject="driftline", metric="windows_s", value=1 / ours, unit="windows/s", p_value=result.p_value)
    emit(**common, subject="python-loop", metric="windows_s", value=1 / loop, unit="windows/s", p_value=p_value)
    emit(
        **common,
        subject="driftline",
        metric="windows_s_ratio",
        versus="python-loop",
        ratio=loop / ours,
        same_statistic=abs(statistic - result.statistic) < 1e-5,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Intents:
    """Vectors by intent, and which domain an intent is of."""

    by_intent: dict[str, Vectors]
    domain: dict[str, str]

    def sessions(self, intents: list[str], n_sessions: int, rng: np.random.Generator) -> Vectors:
        """n_sessions sessions of five queries of one intent each: (5 n, d)."""
        parts = []
        for intent in rng.choice(intents, size=n_sessions):
            vectors = self.by_intent[intent]
            parts.append(vectors[rng.choice(len(vectors), size=SESSION_SIZE, replace=False)])
        return np.concatenate(parts)


def load_intents(folder: Path, *, max_texts: int) -> Intents:
    """In-scope queries of the data set, at most max_texts spread over the intents, embedded by the bundled model."""
    texts: dict[str, list[str]] = defaultdict(list)
    domain = {}
    with gzip.open(folder / "data.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if not row["oos"]:
                texts[row["intent"]].append(row["text"])
                domain[row["intent"]] = row["domain"]
    per_intent = max(SESSION_SIZE, max_texts // len(texts))
    chosen = {intent: found[:per_intent] for intent, found in sorted(texts.items())}
    flat = [text for found in chosen.values() for text in found]
    begun = time.perf_counter()
    embedder = SentenceEmbedder()
    vectors = embedder.embed(flat)
    seconds = time.perf_counter() - begun
    emit(
        bench="drift", subject="driftline", metric="embedded_texts_s", value=len(flat) / seconds, unit="texts/s",
        texts=len(flat), model=embedder.model_id,
    )  # fmt: skip
    ends = np.cumsum([len(found) for found in chosen.values()])
    parts = np.split(vectors, ends[:-1])
    return Intents(by_intent=dict(zip(chosen, parts, strict=True)), domain=domain)


def measure_rates(intents: Intents, *, n_trials: int, alpha: float = 0.05) -> None:
    """False-alarm rate and power with sessions: a new reference each trial, and one reference held for a hundred windows."""
    domains = sorted(set(intents.domain.values()))
    groups = {n: np.repeat(np.arange(n // SESSION_SIZE), SESSION_SIZE) for n in (N_REFERENCE, N_CURRENT)}
    alarms: dict[str, list[bool]] = defaultdict(list)
    for trial in range(n_trials):
        rng = np.random.default_rng(trial)
        held_out = domains[trial % len(domains)]
        known = [intent for intent, domain in intents.domain.items() if domain != held_out]
        new = [intent for intent, domain in intents.domain.items() if domain == held_out]
        reference = intents.sessions(known, N_REFERENCE // SESSION_SIZE, rng)
        current = intents.sessions(known, N_CURRENT // SESSION_SIZE, rng)
        n_new = N_CURRENT // SESSION_SIZE // 10
        drifted = np.concatenate([intents.sessions(new, n_new, rng), current[n_new * SESSION_SIZE :]])
        detector = MMDDrift(alpha=alpha, n_permutations=199, max_permutations=199, seed=trial)
        by_session = detector.fit(reference, groups=groups[N_REFERENCE])
        alarms["sessions"].append(by_session.score(current, groups=groups[N_CURRENT]).is_drift)
        alarms["power"].append(by_session.score(drifted, groups=groups[N_CURRENT]).is_drift)
        if trial < n_trials // 4:
            alarms["rows"].append(detector.fit(reference).score(current).is_drift)
    common = {"bench": "drift", "unit": "share", "alpha": alpha, "n_reference": N_REFERENCE, "n_current": N_CURRENT}
    for resampled in ("sessions", "rows"):
        rate, n = float(np.mean(alarms[resampled])), len(alarms[resampled])
        error = float(np.sqrt(alpha * (1 - alpha) / n))
        emit(
            **common, subject="driftline" if resampled == "sessions" else "rows", metric="false_alarm_rate", value=rate,
            trials=n, standard_error=error, resampled=resampled,
        )  # fmt: skip
    emit(
        **common,
        subject="driftline",
        metric="power",
        value=float(np.mean(alarms["power"])),
        new_share=0.1,
        trials=n_trials,
    )
    measure_fixed_references(intents, groups=groups, alpha=alpha, n_windows=max(10, n_trials // 4))


def measure_fixed_references(
    intents: Intents, *, groups: dict[int, NDArray[np.int64]], alpha: float, n_windows: int
) -> None:
    """False-alarm rate of single references: what somebody sees who freezes one, for better or worse."""
    every = sorted(intents.by_intent)
    rates = []
    for number in range(4):
        rng = np.random.default_rng(10_000 + number)
        detector = MMDDrift(alpha=alpha, n_permutations=199, max_permutations=199)
        detector.fit(intents.sessions(every, N_REFERENCE // SESSION_SIZE, rng), groups=groups[N_REFERENCE])
        windows = [intents.sessions(every, N_CURRENT // SESSION_SIZE, rng) for _ in range(n_windows)]
        rates.append(float(np.mean([detector.score(window, groups=groups[N_CURRENT]).is_drift for window in windows])))
    emit(
        bench="drift", subject="driftline", metric="false_alarm_rate_fixed_reference", value=float(np.mean(rates)), unit="share",
        alpha=alpha, lowest=min(rates), highest=max(rates), references=len(rates), windows=n_windows,
    )  # fmt: skip


def main() -> int:
    """Run both parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/drift_clinc150"))
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--max-texts", type=int, default=6000)
    parser.add_argument("--skip-rates", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    emit(bench="drift", subject="machine", torch=torch.__version__, threads=options.threads, seed=0, **machine())
    for n in (250, 1000):
        measure_speed(n=n)
    if options.skip_rates:
        return 0
    if not (options.data / "data.jsonl.gz").exists():
        emit(bench="drift", subject="driftline", metric="false_alarm_rate", skipped=f"no data at {options.data}")
        return 0
    measure_rates(load_intents(options.data, max_texts=options.max_texts), n_trials=options.trials)
    return 0


if __name__ == "__main__":
    sys.exit(main())
