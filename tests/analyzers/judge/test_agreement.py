import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import cohen_kappa_score

from driftline_analyzers.judge import Agreement, Estimate, agreement, length_bias
from driftline_analyzers.judge.agreement import kappa
from driftline_core.errors import InputError

Raters = tuple[list[float], list[float]]


def raters(n: int, *, seed: int, noise: float = 0.8, lenience: float = 0.0) -> Raters:
    """A judge's and a person's scores of 1 to 5 that share a truth."""
    generator = np.random.default_rng(seed)
    truth = generator.uniform(0.5, 5.5, n)
    judged = np.clip(np.rint(truth + lenience + generator.normal(0, noise, n)), 1, 5)
    labelled = np.clip(np.rint(truth + generator.normal(0, noise, n)), 1, 5)
    return judged.tolist(), labelled.tolist()


def known(found: Estimate | None) -> Estimate:
    assert found is not None
    assert found.low <= found.value <= found.high
    return found


@pytest.mark.parametrize("seed", range(5))
def test_estimates_equal_those_of_scikit_learn_and_scipy(seed: int) -> None:
    judged, labelled = raters(120, seed=seed)
    found = agreement(judged, labelled)
    assert found.status == "ok"
    assert found.n_pairs == 120
    assert known(found.kappa).value == pytest.approx(cohen_kappa_score(labelled, judged, weights="quadratic"))
    assert known(found.spearman).value == pytest.approx(spearmanr(labelled, judged).statistic)
    assert known(found.accuracy).value == pytest.approx(np.mean(np.equal(judged, labelled)))
    assert known(found.lenience).value == pytest.approx(np.mean(judged) - np.mean(labelled))


def test_on_two_levels_kappa_is_the_plain_one() -> None:
    generator = np.random.default_rng(1)
    labelled = generator.integers(0, 2, 80)
    judged = np.where(generator.random(80) < 0.2, 1 - labelled, labelled)
    found = agreement(judged.tolist(), labelled.tolist(), scale="0-1")
    assert known(found.kappa).value == pytest.approx(cohen_kappa_score(labelled, judged))


def test_unknown_verdicts_and_missing_labels_are_counted_and_left_out() -> None:
    judged: list[float | None] = [*raters(50, seed=2)[0], None, None, 3]
    labelled: list[float | None] = [*raters(50, seed=2)[1], 4, None, None]
    found = agreement(judged, labelled)
    assert (found.n_pairs, found.n_judge_unknown, found.n_unlabelled) == (50, 2, 2)
    assert sum(map(sum, found.table)) == 50


def test_too_few_pairs_say_nothing_either_way() -> None:
    judged, labelled = raters(29, seed=3)
    found = agreement(judged, labelled)
    assert found.status == "too_few"
    assert (found.n_pairs, found.kappa, found.spearman, found.accuracy, found.lenience) == (29, None, None, None, None)
    assert agreement([], []).status == "too_few"
    assert agreement([], [], min_pairs=0).status == "too_few"


def test_one_score_for_everything_has_an_accuracy_and_no_correlation() -> None:
    found = agreement([4] * 40, raters(40, seed=4)[1])
    assert found.status == "ok"
    assert found.spearman is None
    assert known(found.kappa).value == pytest.approx(0.0)
    assert found.accuracy is not None
    assert agreement([4] * 40, [4] * 40).kappa is None


def test_perfect_agreement_in_few_pairs_is_not_certain() -> None:
    labelled = [1.0, 2.0, 3.0, 4.0, 5.0] * 6
    found = agreement(labelled, labelled)
    assert known(found.kappa).value == 1.0
    assert known(found.accuracy).high == 1.0
    assert 0.8 < known(found.accuracy).low < 0.97
    more = agreement(labelled * 10, labelled * 10)
    assert known(more.accuracy).low > known(found.accuracy).low


def test_it_is_the_same_under_a_seed() -> None:
    judged, labelled = raters(60, seed=5)
    assert agreement(judged, labelled, seed=1) == agreement(judged, labelled, seed=1)
    assert agreement(judged, labelled, seed=1) != agreement(judged, labelled, seed=2)


@pytest.mark.parametrize("noise", [0.3, 0.8])
def test_intervals_cover_the_truth_about_as_often_as_they_say(noise: float) -> None:
    def estimates(found: Agreement) -> list[Estimate]:
        return [known(one) for one in (found.kappa, found.spearman, found.accuracy, found.lenience)]

    truths = [one.value for one in estimates(agreement(*raters(200_000, seed=99, noise=noise), n_resamples=100))]
    n_runs = 200
    covers = np.zeros(4)
    for seed in range(n_runs):
        found = estimates(agreement(*raters(60, seed=seed, noise=noise), n_resamples=400))
        covers += [one.low <= truth <= one.high for one, truth in zip(found, truths, strict=True)]
    assert (covers / n_runs >= 0.89).all(), covers  # 0.95 less four standard errors of 200 runs


def test_groups_that_say_one_thing_make_the_interval_wider() -> None:
    judged, labelled = raters(40, seed=6)
    ten_times = (judged * 10, labelled * 10)
    groups = [str(i % 40) for i in range(400)]
    alone = known(agreement(*ten_times).kappa)
    grouped = known(agreement(*ten_times, groups=groups).kappa)
    assert grouped.value == alone.value
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)
    once = known(agreement(judged, labelled).kappa)
    assert grouped.high - grouped.low == pytest.approx(once.high - once.low, rel=0.25)


def test_few_groups_are_too_few() -> None:
    judged, labelled = raters(100, seed=7)
    found = agreement(judged, labelled, groups=[str(i % 5) for i in range(100)])
    assert (found.status, found.n_pairs, found.n_groups) == ("too_few", 100, 5)


@pytest.mark.parametrize("wrong", [0, 6, 2.5, float("nan")])
def test_a_score_off_the_scale_is_refused(wrong: float) -> None:
    with pytest.raises(InputError, match="expected scores among 1, 2, 3, 4, 5"):
        agreement([3, wrong], [3, 3])


def test_lists_of_other_lengths_are_refused() -> None:
    with pytest.raises(InputError, match="as many"):
        agreement([1, 2], [1])
    with pytest.raises(InputError, match="as many"):
        length_bias([1, 2], [1])


def test_kappa_of_chance_is_nothing() -> None:
    table = np.outer([10, 20, 30, 20, 20], [1, 2, 3, 2, 2]) / 10
    assert kappa(table[None])[0] == pytest.approx(0.0)


def test_a_judge_that_likes_length_is_told_from_one_that_likes_what_people_like() -> None:
    generator = np.random.default_rng(8)
    lengths = generator.integers(10, 2000, 300)
    merit = lengths / 500
    labelled = np.clip(np.rint(1 + merit), 1, 5)
    fair = labelled.tolist()
    vain = np.clip(labelled + (lengths > 1000) - (lengths < 300), 0, 6).tolist()
    of_fair = length_bias(fair, lengths.tolist(), labelled=labelled.tolist())
    of_vain = length_bias(vain, lengths.tolist(), labelled=labelled.tolist())
    assert known(of_fair.with_length).low > 0.8
    assert of_fair.excess_with_length is None, "never differs from people"
    assert known(of_vain.excess_with_length).low > 0.5


def test_a_judge_that_is_blind_to_length_has_an_interval_around_nothing() -> None:
    generator = np.random.default_rng(9)
    found = length_bias(generator.integers(1, 6, 200).tolist(), generator.integers(1, 1000, 200).tolist())
    with_length = known(found.with_length)
    assert with_length.low < 0 < with_length.high
    assert found.n_labelled == 0
    assert found.excess_with_length is None


def test_too_few_answers_have_no_length_bias() -> None:
    found = length_bias([1, 2, None, 4], [10, 20, 30, 40], labelled=[1, None, 3, 4])
    assert (found.status, found.n, found.n_labelled, found.with_length) == ("too_few", 3, 2, None)
