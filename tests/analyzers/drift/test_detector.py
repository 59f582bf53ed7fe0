"""The drift test on data that is small, odd or bursty; what every analyzer keeps is in test_conformance."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from driftline_analyzers.drift.detector import DriftDetector
from driftline_analyzers.drift.many import score_many
from driftline_analyzers.drift.registry import STATISTICS
from driftline_analyzers.drift.result import DriftResult
from driftline_core.errors import ConfigError, TooFewSamples
from tests.analyzers.synthetic import Sample, Topics

_TOPICS = Topics()


def detector(*statistics: str, n: int = 199, **settings: int) -> DriftDetector:
    names = statistics or ("energy", "knn_novelty", "knn_tail", "knn_scan")
    return DriftDetector(
        names, n_permutations=n, max_permutations=settings.pop("most", n), seed=settings.pop("seed", 0)
    )


def score(reference: Sample, current: Sample, found: DriftDetector | None = None) -> DriftResult:
    test = detector() if found is None else found
    return test.fit(reference.vectors, groups=reference.groups).score(current.vectors, groups=current.groups)


def of_sizes(sizes: NDArray[np.int64], *, seed: int, new: bool = False) -> Sample:
    """Sessions of these many texts."""
    whole = Topics(session_size=int(sizes.max())).sample(len(sizes), seed=seed, new_share=float(new))
    place = np.tile(np.arange(int(sizes.max())), len(sizes))
    keep = place < np.repeat(sizes, int(sizes.max()))
    return Sample(vectors=whole.vectors[keep], groups=whole.groups[keep])


def test_a_reference_smaller_than_eight_windows_is_refused() -> None:
    few = _TOPICS.sample(30, seed=0)
    with pytest.raises(TooFewSamples, match=r"need at least 160 texts in the reference \(8 windows of 20\), got 120"):
        detector().fit(few.vectors, groups=few.groups)
    long = Topics(session_size=40).sample(10, seed=0)
    with pytest.raises(
        TooFewSamples, match=r"need at least 16 sessions or blocks in the reference \(4 windows of 4\), got 10"
    ):
        detector().fit(long.vectors, groups=long.groups)


def test_of_a_large_window_an_eighth_of_the_reference_is_tested() -> None:
    result = score(_TOPICS.sample(80, seed=0), _TOPICS.sample(60, seed=1))
    assert (result.n_reference, result.n_current, result.n_tested) == (320, 240, 40)
    assert (result.n_effective_reference, result.n_effective) == (80, 10)


def test_repeats_inside_a_session_count_once_unless_asked_to_count() -> None:
    reference, current = _TOPICS.sample(80, seed=0), _TOPICS.sample(8, seed=1)
    twice = Sample(vectors=np.concatenate([current.vectors] * 2), groups=np.concatenate([current.groups] * 2))
    once, again = score(reference, current), score(reference, twice)
    assert again.n_current == 64
    assert again.n_tested == once.n_tested == 32
    assert (again.p_value, again.statistic) == (once.p_value, once.statistic)
    counted = DriftDetector(n_permutations=99, max_permutations=99, count_repeats=True)
    assert score(Topics(session_size=8).sample(80, seed=0), twice, counted).n_tested == 64


def test_texts_that_come_again_and_again_in_all_sessions_are_no_drift() -> None:
    rng = np.random.default_rng(0)
    canned = rng.normal(size=(3, 16)).astype(np.float32)
    p_values = [
        detector("knn_scan", "knn_novelty", n=99, seed=trial)
        .fit(canned[rng.integers(0, 3, 400)])
        .score(canned[rng.integers(0, 3, 50)])
        .p_value
        for trial in range(40)
    ]
    assert np.mean(np.asarray(p_values) <= 0.1) <= 0.1 + 3 * np.sqrt(0.1 * 0.9 / 40)


@pytest.mark.parametrize("name", list(STATISTICS))
def test_rows_that_are_all_equal_and_constant_columns_give_no_nan(name: str) -> None:
    equal = detector(name).fit(np.ones((400, 4), np.float32)).score(np.ones((40, 4), np.float32))
    assert (
        equal.p_value == 1.0 if name != "knn_scan" else equal.p_value > 0.05
    )  # whose neighbour is whose is a lottery there
    assert np.isfinite(equal.effect_size)
    reference, current = _TOPICS.sample(80, seed=2), _TOPICS.sample(8, seed=3)
    wider = [
        replace(side, vectors=np.concatenate([side.vectors, np.full((len(side.vectors), 1), 3.0, np.float32)], axis=1))
        for side in (reference, current)
    ]
    result = score(wider[0], wider[1], detector(name))
    assert np.isfinite([result.statistic, result.effect_size, result.p_value]).all()


def test_parts_say_which_statistic_saw_it_and_a_far_tail_is_named() -> None:
    reference = _TOPICS.sample(160, seed=0)
    result = score(reference, _TOPICS.sample(20, seed=1, new_share=0.6), detector(n=199, most=2199))
    assert list(result.parts) == ["energy", "knn_novelty", "knn_tail", "knn_scan"]
    assert result.effect_size == result.statistic == max(part.z for part in result.parts.values())
    assert result.is_far_tail
    assert result.n_permutations == 2199
    assert not score(reference, _TOPICS.sample(20, seed=2)).is_far_tail


def test_a_second_window_against_the_same_reference_is_as_from_a_fresh_one() -> None:
    reference, first, second = (_TOPICS.sample(n, seed=seed) for n, seed in ((80, 0), (10, 1), (10, 2)))
    used = detector().fit(reference.vectors, groups=reference.groups)
    used.score(first.vectors, groups=first.groups)
    assert used.score(second.vectors, groups=second.groups) == score(reference, second)


def test_unknown_and_repeated_statistics_are_refused() -> None:
    rows = _TOPICS.sample(80, seed=0).vectors
    with pytest.raises(ConfigError, match=r"expected a statistic out of energy, .*, got enrgy"):
        detector("enrgy").fit(rows)
    with pytest.raises(ConfigError, match="expected one or more different statistics"):
        detector("energy", "energy").fit(rows)


def test_sessions_of_very_different_sizes_raise_no_more_false_alarms() -> None:
    """The window's sessions are longer than most of the reference's."""
    n_trials, alarms, tested = 120, 0, []
    for trial in range(n_trials):
        rng = np.random.default_rng(trial)
        reference = of_sizes(rng.choice([1, 2, 3, 6, 12], size=200, p=[0.3, 0.3, 0.2, 0.1, 0.1]), seed=2 * trial)
        current = of_sizes(np.append(rng.choice([1, 4, 12], size=9, p=[0.3, 0.4, 0.3]), [12, 4, 4]), seed=2 * trial + 1)
        result = score(reference, current, detector(n=99, seed=trial))
        alarms += result.p_value <= 0.05
        tested.append(result.n_tested)
    assert alarms / n_trials <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / n_trials)
    assert min(tested) >= 20
    assert np.mean(tested) >= 30


def test_many_segments_at_once_give_what_each_gives_alone() -> None:
    rng = np.random.default_rng(0)
    segments = []
    for trial in range(12):
        n = int(rng.integers(6, 12))
        reference = _TOPICS.sample(8 * n, seed=2 * trial)
        current = _TOPICS.sample(n, seed=2 * trial + 1, new_share=0.5 * (trial % 3 == 0))
        groups = (None, None) if trial % 4 == 1 else (reference.groups, current.groups)
        segments.append((reference.vectors, groups[0], current.vectors, groups[1]))
    segments.insert(5, (segments[0][0][:40], None, segments[0][2], None))
    test = detector(n=199, most=1199)
    together = score_many(test, segments)
    for place, ((reference_rows, before, rows, after), found) in enumerate(zip(segments, together, strict=True)):
        if place == 5:
            assert isinstance(found, TooFewSamples)
            continue
        assert isinstance(found, DriftResult)
        alone = detector(n=199, most=1199).fit(reference_rows, groups=before).score(rows, groups=after)
        assert (found.p_value, found.n_tested, found.n_permutations) == (
            alone.p_value,
            alone.n_tested,
            alone.n_permutations,
        )
        for name, part in found.parts.items():
            assert part.value == pytest.approx(alone.parts[name].value, rel=1e-4, abs=1e-6)
            assert part.z == pytest.approx(alone.parts[name].z, abs=1e-2)
    assert len({result.n_permutations for result in together if isinstance(result, DriftResult)}) > 1


def test_many_segments_with_another_statistic_go_one_by_one() -> None:
    reference, current = _TOPICS.sample(80, seed=0), _TOPICS.sample(10, seed=1)
    segment = (reference.vectors, reference.groups, current.vectors, current.groups)
    assert (
        score_many(detector("mean_shift", "energy"), [segment] * 2)
        == [score(reference, current, detector("mean_shift", "energy"))] * 2
    )
