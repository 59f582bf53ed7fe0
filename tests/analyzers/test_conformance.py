"""Every analyzer keeps the same contract: one suite over the registry."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from driftline_analyzers.drift.conditional import ConditionalDrift
from driftline_analyzers.drift.detector import DriftDetector
from driftline_analyzers.drift.paired import PairedDriftDetector
from driftline_analyzers.drift.registry import STATISTICS
from driftline_analyzers.drift.result import DriftResult
from driftline_analyzers.outliers.knn import KnnOutliers
from driftline_analyzers.registry import ANALYZERS
from driftline_core.errors import InputError, TooFewSamples
from tests.analyzers.synthetic import Sample, Topics

_ALPHA = 0.05
_TRIALS = 150
_TOPICS = Topics()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """numbers: everything the result holds, flat; p_values: all of them."""

    numbers: NDArray[np.float64]
    p_values: NDArray[np.float64]


def run(
    name: str,
    reference: Sample,
    current: Sample,
    *,
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
    n_permutations: int = 199,
) -> Run:
    """Fit and score the analyzer of that name."""
    if name == "knn_outliers":
        outliers = KnnOutliers(dtype=dtype).fit(reference.vectors, groups=reference.groups).score(current.vectors)
        return Run(numbers=np.concatenate([outliers.scores, outliers.p_values]), p_values=outliers.p_values)
    result = drift(name, reference, current, dtype=dtype, seed=seed, n=n_permutations)
    assert result.is_drift == (result.p_value <= result.alpha)
    parts = [number for part in result.parts.values() for number in (part.value, part.z, part.p_value)]
    return Run(
        numbers=np.array([result.statistic, result.p_value, result.effect_size, *parts]),
        p_values=np.array([result.p_value]),
    )


def drift(name: str, reference: Sample, current: Sample, *, dtype: torch.dtype, seed: int, n: int) -> DriftResult:
    """The drift analyzer of that name, or the detector with the one statistic of that name."""
    if name == "paired_drift":
        paired = PairedDriftDetector(dtype=dtype, seed=seed, n_permutations=n, max_permutations=n)
        return paired.fit(reference.vectors, groups=reference.groups).score(current.vectors)
    if name in STATISTICS:
        return detector([name], dtype=dtype, seed=seed, n=n)(reference, current)
    if name == "conditional_drift":
        test = DriftDetector(["energy"], dtype=dtype, seed=seed, n_permutations=n, max_permutations=n)
        conditional = ConditionalDrift(test).fit(
            reference.vectors, prompts=reference.vectors[:, :4], groups=reference.groups
        )
        return conditional.score(current.vectors, prompts=current.vectors[:, :4], groups=current.groups)
    return detector(["energy", "knn_novelty", "knn_tail", "knn_scan"], dtype=dtype, seed=seed, n=n)(reference, current)


def detector(names: list[str], *, dtype: torch.dtype, seed: int, n: int) -> Callable[[Sample, Sample], DriftResult]:
    """Fit and score in one."""
    test = DriftDetector(names, dtype=dtype, seed=seed, n_permutations=n, max_permutations=n)

    def score(reference: Sample, current: Sample) -> DriftResult:
        return test.fit(reference.vectors, groups=reference.groups).score(current.vectors, groups=current.groups)

    return score


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Small tensors, many of them: a second thread only waits for the first."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def null_pair(name: str, trial: int) -> tuple[Sample, Sample]:
    """Reference and current of the same world, with sessions; for the paired analyzer, two answers to each prompt."""
    if name == "paired_drift":
        prompts = _TOPICS.sample(20, seed=3 * trial)
        rng = np.random.default_rng(3 * trial + 1)
        sides = []
        for _ in range(2):
            session = np.repeat(0.2 * rng.normal(size=(20, _TOPICS.n_dims)), _TOPICS.session_size, axis=0)
            points = prompts.vectors + session + 0.1 * rng.normal(size=prompts.vectors.shape)
            sides.append(Sample(vectors=points.astype(np.float32), groups=prompts.groups))
        return sides[0], sides[1]
    return _TOPICS.sample(80, seed=3 * trial), _TOPICS.sample(10, seed=3 * trial + 1)


def shifted_pair(name: str, trial: int) -> tuple[Sample, Sample]:
    """Half of current's sessions is about something new; for pairs, every answer moves a little the same way."""
    reference, current = null_pair(name, trial)
    if name == "paired_drift":
        direction = np.random.default_rng(10_000).normal(size=_TOPICS.n_dims)
        moved = current.vectors + 0.5 * direction / np.linalg.norm(direction)
        return reference, Sample(vectors=moved.astype(np.float32), groups=current.groups)
    return reference, _TOPICS.sample(10, seed=3 * trial + 2, new_share=0.5)


def as_double(sample: Sample) -> Sample:
    """The same vectors in float64."""
    return replace(sample, vectors=sample.vectors.astype(np.float64))


_POWER_FLOORS = {
    "cluster_mix": 0.5,  # few clusters fit into so small a sample
    "kolmogorov_smirnov": 0.8,  # reads one column at a time
}

every_analyzer = pytest.mark.parametrize("name", [*ANALYZERS, *STATISTICS])


@every_analyzer
def test_too_few_rows_are_an_error_that_says_how_many(name: str) -> None:
    few = _TOPICS.sample(1, seed=0)
    with pytest.raises(TooFewSamples, match=r"need at least \d+ .*got \d+"):
        run(name, few, few)


@every_analyzer
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_vectors_that_are_not_finite_are_refused(name: str, bad: float) -> None:
    reference, current = null_pair(name, 0)
    for side in (reference, current):
        vectors = side.vectors.copy()
        vectors[3, 2] = bad
        spoiled = replace(side, vectors=vectors)
        pair = (spoiled, current) if side is reference else (reference, spoiled)
        with pytest.raises(InputError, match="got NaN or infinity in 1 of"):
            run(name, *pair)


@every_analyzer
def test_another_number_of_dimensions_is_refused(name: str) -> None:
    reference, current = null_pair(name, 0)
    with pytest.raises(InputError, match="expected 32 dimensions as in the reference, got 31"):
        run(name, reference, replace(current, vectors=current.vectors[:, 1:]))


@every_analyzer
@pytest.mark.parametrize("make", [null_pair, shifted_pair])
def test_float32_and_float64_agree(name: str, make: Callable[[str, int], tuple[Sample, Sample]]) -> None:
    reference, current = make(name, 1)
    single = run(name, reference, current)
    double = run(name, as_double(reference), as_double(current), dtype=torch.float64)
    np.testing.assert_allclose(single.numbers, double.numbers, rtol=2e-3, atol=2e-5)


@every_analyzer
def test_the_same_seed_gives_the_same_result_and_leaves_the_global_generator_alone(name: str) -> None:
    reference, current = null_pair(name, 2)
    state = torch.get_rng_state()
    first = run(name, reference, current, seed=7)
    torch.rand(3)
    second = run(name, reference, current, seed=7)
    np.testing.assert_array_equal(first.numbers, second.numbers)
    torch.set_rng_state(state)
    run(name, reference, current, seed=7)
    assert torch.equal(torch.get_rng_state(), state)


@every_analyzer
def test_the_input_is_unchanged(name: str) -> None:
    reference, current = null_pair(name, 3)
    copies = reference.vectors.copy(), current.vectors.copy()
    run(name, reference, current)
    np.testing.assert_array_equal(reference.vectors, copies[0])
    np.testing.assert_array_equal(current.vectors, copies[1])


@every_analyzer
def test_the_false_alarm_rate_with_sessions_is_within_its_binomial_bound(name: str) -> None:
    p_values = []
    for trial in range(_TRIALS):
        reference, current = null_pair(name, trial)
        result = run(name, reference, current, n_permutations=99)
        p_values.append(result.p_values[0])  # one text a trial, so that outliers' trials are independent too
    rate = float(np.mean(np.asarray(p_values) <= _ALPHA))
    bound = 3 * float(np.sqrt(_ALPHA * (1 - _ALPHA) / _TRIALS))
    assert abs(rate - _ALPHA) <= bound


@every_analyzer
def test_power_under_a_known_shift_is_above_its_floor(name: str) -> None:
    hits = 0
    for trial in range(30):
        reference, current = shifted_pair(name, trial)
        result = run(name, reference, current)
        hits += bool(result.p_values[0] <= _ALPHA)
    assert hits / 30 >= _POWER_FLOORS.get(name, 0.9)
