"""The measured part of eval_drift: p-values of many windows against one frozen reference, kept on disk by what they depend on."""

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
import torch

from benchmarks.drift_streams import Corpus, Rows, Stream
from driftline_analyzers.drift import detector as detector_module
from driftline_analyzers.drift.detector import DriftDetector

ENSEMBLE: Final = "ensemble"
_MEASURED: Final = ("detector", "permutation", "splits", "geometry", "registry")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One reference and n_windows windows. scenario: 'null' or one of SCENARIOS; is_grouped False: single texts are permuted.

    n_permutations, max_permutations: of DriftDetector.
    """

    corpus: str
    n_reference: int
    n_texts: int
    session_size: int
    scenario: str
    share: float
    reference: int
    n_windows: int
    n_permutations: int
    max_permutations: int
    is_grouped: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CellResult:
    """p_values: by statistic's name and 'ensemble', one a window, in order. cpu_s: processor seconds a test, the first left out."""

    cell: Cell
    p_values: dict[str, list[float]]
    cpu_s: float


def kept(cell: Cell, *, cache: Path) -> CellResult | None:
    """From disk, if it was measured with the same code of the detector."""
    file = _file(cell, cache)
    if not file.exists():
        return None
    found = json.loads(file.read_text())
    return CellResult(cell=cell, p_values=found["p_values"], cpu_s=found["cpu_s"])


def measure(cell: Cell, corpus: Corpus, *, cache: Path) -> CellResult:
    """Measure now and keep it on disk."""
    torch.set_num_threads(1)
    stream = Stream(corpus, n_reference=cell.n_reference, session_size=cell.session_size, number=cell.reference)
    drift_detector = DriftDetector(
        n_permutations=cell.n_permutations, max_permutations=cell.max_permutations, seed=cell.reference
    )
    groups = np.repeat(np.arange(len(stream.reference)), cell.session_size) if cell.is_grouped else None
    drift_detector.fit(corpus.vectors[stream.reference.ravel()], groups=groups)
    p_values: dict[str, list[float]] = {}
    seconds = []
    for window in islice(stream.windows(cell.n_texts), cell.n_windows):
        drawn: Rows = window if cell.scenario == "null" else stream.drifted(window, cell.scenario, cell.share)
        groups = np.repeat(np.arange(len(drawn)), cell.session_size) if cell.is_grouped else None
        begun = time.process_time()
        result = drift_detector.score(corpus.vectors[drawn.ravel()], groups=groups)
        seconds.append(time.process_time() - begun)
        p_values.setdefault(ENSEMBLE, []).append(result.p_value)
        for name, part in result.parts.items():
            p_values.setdefault(name, []).append(part.p_value)
    measured = CellResult(cell=cell, p_values=p_values, cpu_s=float(np.median(seconds[1:] or seconds)))
    file = _file(cell, cache)
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps({"p_values": p_values, "cpu_s": measured.cpu_s, "cell": asdict(cell)}))
    partial.replace(file)
    return measured


def _file(cell: Cell, cache: Path) -> Path:
    key = hashlib.sha256((json.dumps(asdict(cell)) + _code()).encode()).hexdigest()[:24]
    return cache / "cells" / f"{key}.json"


@lru_cache(maxsize=1)
def _code() -> str:
    """SHA-256 over the detector and its statistics: figures of other code are not reused."""
    folder = Path(detector_module.__file__).parent
    digest = hashlib.sha256()
    files = [folder / f"{name}.py" for name in _MEASURED] + sorted((folder / "statistics").glob("*.py"))
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()
