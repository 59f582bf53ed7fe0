"""False alarms of the drift tests on real embeddings in which nothing drifts."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.drift_own import ALPHA, run_own_on_all
from benchmarks.drift_peers import PEER_TESTS, Comparisons, PeerFailed, PeerProcess
from benchmarks.drift_windows import SESSION_SIZE, Pool, independent_windows, session_windows
from benchmarks.report import emit

N_REFERENCE: Final = 800
N_CURRENT: Final = 100
OWN_PERMUTATIONS: Final = 199
"""A p-value of 0.05 is one of those that 199 permutations can give, so a test at 5 % is exact."""


def measure_alarms(
    processes: Mapping[str, PeerProcess], pool: Pool, *, n_trials: int, limit_s: float, threads: int
) -> None:
    """Every test on single queries and on sessions; ours told of the sessions, and not."""
    sizes = {"n_trials": n_trials, "n_reference": N_REFERENCE, "n_current": N_CURRENT, "seed": 4}
    sessions = session_windows(pool, **sizes)
    for drawn, comparisons in (("singly", independent_windows(pool, **sizes)), ("in sessions", sessions)):
        own = run_own_on_all(comparisons, n_permutations=OWN_PERMUTATIONS)
        _emit("driftline", np.array([run.is_drift for run in own]), drawn=drawn, alpha=ALPHA, knows_sessions=False)
        _measure_peers(processes, comparisons, drawn=drawn, limit_s=limit_s, threads=threads)
    groups = np.arange(N_REFERENCE) // SESSION_SIZE, np.arange(N_CURRENT) // SESSION_SIZE
    own = run_own_on_all(sessions, n_permutations=OWN_PERMUTATIONS, groups=groups)
    _emit("driftline", np.array([run.is_drift for run in own]), drawn="in sessions", alpha=ALPHA, knows_sessions=True)


def _measure_peers(
    processes: Mapping[str, PeerProcess], comparisons: Comparisons, *, drawn: str, limit_s: float, threads: int
) -> None:
    for test in PEER_TESTS:
        if test.package not in processes:
            continue
        try:
            answers = processes[test.package].run(
                test.test, comparisons, options=test.options_with(threads=threads), limit_s=limit_s
            )
        except PeerFailed as error:
            emit(bench="drift", subject=test.subject, metric="false_alarm_rate", drawn=drawn, failed=str(error))
        else:
            _emit(test.subject, answers.is_drift, drawn=drawn, alpha=test.alpha)


def _emit(
    subject: str, alarms: NDArray[np.bool_], *, drawn: str, alpha: float | None, knows_sessions: bool = False
) -> None:
    """The share that alarmed. alpha: the rate that the test promises, None where its threshold promises none."""
    emit(
        bench="drift", subject=subject, metric="false_alarm_rate", value=float(alarms.mean()), unit="share", drawn=drawn,
        alpha=alpha, knows_sessions=knows_sessions, alarms=int(alarms.sum()), trials=len(alarms), n_reference=N_REFERENCE,
        n_current=N_CURRENT,
    )  # fmt: skip
