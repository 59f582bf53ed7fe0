"""Drift libraries that one would use instead, each in a virtual environment of its own (benchmarks/peers.sh), never a dependency of ours.

Alibi Detect's licence (Business Source License 1.1) forbids depending on it: it is run here to be measured, and nowhere else.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from benchmarks import drift_peer_worker

FOLDER: Final = Path(".peers")
PACKAGES: Final = ("alibi-detect", "evidently", "frouros", "menelaus")
"""Also the names of their environments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerTest:
    """A peer's drift test as it is run. test: of `drift_peer_worker.TESTS`. alpha: the false-alarm rate that it promises, None if none.

    permuted_mb: what it may lay out for its permutations, where it holds them all at once; None: its permutations are not ours to choose.
    """

    package: str
    label: str
    test: str
    options: Mapping[str, Any] = field(default_factory=dict)
    alpha: float | None = None
    is_timed: bool = True
    permuted_mb: int | None = None

    @property
    def subject(self) -> str:
        return f"{self.package} {self.label}"

    def permutations_at(self, n: int) -> int | None:
        """How many permutations of n and n texts of 384 dimensions it is given in the speed part: those that fit in its memory."""
        return (
            None if self.permuted_mb is None else max(10, min(1000, self.permuted_mb * 1_000_000 // (2 * n * 384 * 4)))
        )

    def options_with(self, *, threads: int, n_permutations: int | None = None) -> dict[str, Any]:
        """Its options, with as many processes as everybody has threads where it takes a number of them."""
        options = dict(self.options)
        if "n_jobs" in options:
            options["n_jobs"] = threads
        if n_permutations is not None:
            options["n_permutations"] = n_permutations
        return options


def _evidently(label: str, *, alpha: float | None = None, is_timed: bool = True, **options: Any) -> PeerTest:
    return PeerTest(
        package="evidently",
        label=label,
        test="evidently_embeddings",
        options=options,
        alpha=alpha,
        is_timed=is_timed,
    )


PEER_TESTS: Final = (
    PeerTest(package="alibi-detect", label="MMDDrift", test="alibi_mmd", alpha=0.05, is_timed=False),
    _evidently("mmd", method="mmd"),
    _evidently("mmd, bootstrap", method="mmd", bootstrap=True, alpha=0.05),
    _evidently(
        "mmd, bootstrap at 0.95", method="mmd", bootstrap=True, quantile_probability=0.95, alpha=0.05, is_timed=False
    ),
    _evidently("model", method="model"),
    _evidently("model, bootstrap", method="model", bootstrap=True, alpha=0.05),
    _evidently("ratio", method="ratio"),
    _evidently("distance", method="distance"),
    _evidently("distance, bootstrap", method="distance", bootstrap=True, alpha=0.05),
    PeerTest(
        package="frouros",
        label="MMD, permutation",
        test="frouros_mmd",
        options={"n_permutations": 100, "n_jobs": 1},
        alpha=0.05,
        permuted_mb=310,
    ),
    PeerTest(package="menelaus", label="kdq-tree", test="menelaus_kdq_tree", alpha=0.01),
    PeerTest(
        package="menelaus",
        label="kdq-tree at 0.05",
        test="menelaus_kdq_tree",
        options={"alpha": 0.05},
        alpha=0.05,
        is_timed=False,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparisons:
    """Rows of vectors: (v, d) float32 that are compared. reference: (k, m), current: (k, n) int64."""

    vectors: NDArray[np.float32]
    reference: NDArray[np.int64]
    current: NDArray[np.int64]

    def only(self, number: int) -> Self:
        """One of them alone."""
        chosen = slice(number, number + 1)
        return replace(self, reference=self.reference[chosen], current=self.current[chosen])


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a test said of the first comparisons, as many as its time allowed, and how long each took."""

    seconds: NDArray[np.float64]
    cpu_seconds: NDArray[np.float64]
    is_drift: NDArray[np.bool_]
    p_values: NDArray[np.float64]
    statistics: NDArray[np.float64]

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """One after another."""
        return cls(**{name.name: np.concatenate([getattr(part, name.name) for part in parts]) for name in fields(cls)})


class PeerFailed(RuntimeError):
    """A peer raised, or went away."""


def missing(package: str) -> str | None:
    """Why a peer cannot be run, or None."""
    if (FOLDER / package / "installed").exists():
        return None
    return f"nothing installed at {FOLDER / package}: make bench-peers"


class PeerProcess:
    """A peer's interpreter that answers jobs, with these many threads. Raises PeerFailed if it does not start."""

    def __init__(self, package: str, *, threads: int) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="driftline-peer-")
        self._log = (Path(self._folder.name) / "log").open("w+")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "OMP", "MKL"))}
        limits = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
        script = str(Path(drift_peer_worker.__file__).resolve())
        self._process = subprocess.Popen(
            [str((FOLDER / package / "bin" / "python").absolute()), "-I", script, package],
            cwd=self._folder.name,
            env={**kept, **limits, "CUDA_VISIBLE_DEVICES": "", "DO_NOT_TRACK": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self.version: str = self._read()["version"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
        self._folder.cleanup()

    def run(
        self, test: str, comparisons: Comparisons, *, options: Mapping[str, Any], limit_s: float = float("inf")
    ) -> Answers:
        """Make comparisons until they are done or took limit_s of CPU time. Raises PeerFailed."""
        rows = Path(self._folder.name) / "rows.npz"
        np.savez(rows, vectors=comparisons.vectors, reference=comparisons.reference, current=comparisons.current)
        job = {"test": test, "options": dict(options), "rows": str(rows), "limit_s": min(limit_s, 1e9)}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        said = self._read()
        if "error" in said:
            raise PeerFailed(said["error"])
        results = said["results"]
        return Answers(
            seconds=np.array(said["seconds"]),
            cpu_seconds=np.array(said["cpu_seconds"]),
            is_drift=np.array([result["is_drift"] for result in results]),
            p_values=np.array([result["p_value"] for result in results], dtype=np.float64),
            statistics=np.array([result["statistic"] for result in results], dtype=np.float64),
        )

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._log.seek(0)
            raise PeerFailed(f"expected an answer, its log ends: {self._log.read()[-300:]}")
        said: dict[str, Any] = json.loads(line)
        return said
