"""What eval_drift measures: the cells, everything of the first reference first, so that a run cut short has seen a bit of all."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from benchmarks.drift_cells import Cell
from benchmarks.drift_streams import SCENARIOS

N_REFERENCE: Final = {50: 2000, 250: 2000, 1000: 8000}
SHARES: Final = (0.01, 0.02, 0.05, 0.1, 0.2)
N_STREAM, N_STREAM_REFERENCE = 50, 400
"""Windows of the sequential part: the smallest reference that the detector takes, where its error weighs most."""


def cells(*, trials: int) -> list[Cell]:
    """trials: windows of 250 a reference without drift; everything else is in proportion."""
    plan = [
        *_false_alarms(trials),
        *_streams(trials),
        *_power(trials),
        *_larger_references(trials),
        *_other_corpora(trials),
    ]
    return sorted(plan, key=lambda cell: cell.reference)


def _null(*, corpus: str, n_texts: int, session_size: int, reference: int, n_windows: int) -> Cell:
    return Cell(
        corpus=corpus,
        n_reference=N_REFERENCE[n_texts],
        n_texts=n_texts,
        session_size=session_size,
        scenario="null",
        share=0.0,
        reference=reference,
        n_windows=n_windows,
        n_permutations=199,
        max_permutations=199,
    )


def _drifted(cell: Cell, scenario: str, share: float, *, n_windows: int) -> Cell:
    return replace(cell, scenario=scenario, share=share, n_windows=n_windows, max_permutations=999)


def _false_alarms(trials: int) -> Iterator[Cell]:
    for reference in range(10):
        for session_size in (1, 5):
            for n_texts, n_windows in ((250, trials), (1000, max(2, trials // 6))):
                yield _null(
                    corpus="clinc150",
                    session_size=session_size,
                    reference=reference,
                    n_texts=n_texts,
                    n_windows=n_windows,
                )
        grouped = _null(
            corpus="clinc150", session_size=5, reference=reference, n_texts=250, n_windows=max(2, trials // 4)
        )
        yield replace(grouped, is_grouped=False)


def _streams(trials: int) -> Iterator[Cell]:
    for reference in range(2 * trials):
        for session_size in (1, 5):
            cell = replace(
                _null(
                    corpus="clinc150", n_texts=N_STREAM, session_size=session_size, reference=reference, n_windows=100
                ),
                n_reference=N_STREAM_REFERENCE,
            )
            yield cell
            if reference < 10 and session_size == 1:
                for share in (0.02, 0.06, 0.1, 0.2):
                    for scenario in ("one_intent", "domain15"):
                        yield _drifted(cell, scenario, share, n_windows=trials)


def _power(trials: int) -> Iterator[Cell]:
    """Every held-out domain in turn: new domains differ more than windows of one."""
    for reference in range(10):
        n_windows = max(2, trials // 10)
        for n_texts, session_size, scenarios, shares in (
            (50, 1, SCENARIOS, (0.1, 0.2)),
            (250, 1, SCENARIOS, SHARES),
            (250, 5, ("one_intent", "domain15"), (0.1, 0.2)),
            (1000, 1, SCENARIOS, (0.02, 0.05)),
        ):
            if n_texts == 1000 and reference >= 5:
                continue
            cell = _null(
                corpus="clinc150", session_size=session_size, reference=reference, n_texts=n_texts, n_windows=n_windows
            )
            for share in shares:
                for scenario in scenarios:
                    yield _drifted(cell, scenario, share, n_windows=n_windows)


def _larger_references(trials: int) -> Iterator[Cell]:
    """What science's targets ask: 10 % in 250 against 5,000, and 1 % in 1,000 against 8,000."""
    for reference in range(10):
        null = _null(corpus="clinc150", n_texts=250, session_size=1, reference=reference, n_windows=2)
        cell = replace(null, n_reference=5000)
        for scenario in ("one_intent", "domain15", "oos"):
            yield _drifted(cell, scenario, 0.1, n_windows=max(2, trials // 5))
        large = replace(cell, n_texts=1000, n_reference=N_REFERENCE[1000])
        for scenario in ("one_intent", "domain15"):
            yield _drifted(large, scenario, 0.01, n_windows=max(2, trials // 15))


def _other_corpora(trials: int) -> Iterator[Cell]:
    for reference in range(10):
        for corpus, session_sizes in (("banking77", (1, 5)), ("polyai", (1,))):
            for session_size in session_sizes:
                cell = _null(
                    corpus=corpus,
                    n_texts=250,
                    session_size=session_size,
                    reference=reference,
                    n_windows=max(2, trials // 2),
                )
                yield cell
                if session_size == 1 and reference < 5:
                    for share in (0.05, 0.1, 0.2):
                        yield _drifted(cell, "domain15", share, n_windows=max(2, trials // 4))
