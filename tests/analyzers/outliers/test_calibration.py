import numpy as np
import pytest
import torch

from driftline_analyzers.outliers.duplicates import distinct_rows, is_repeat
from driftline_analyzers.outliers.folds import group_folds
from driftline_analyzers.outliers.knn import KnnOutliers
from driftline_analyzers.outliers.local_knn import LocalKnnOutliers
from driftline_core.errors import TooFewSamples
from tests.analyzers.synthetic import Topics

_TOPICS = Topics(n_topics=8, n_dims=16)


def test_a_text_belongs_to_the_only_session_that_said_it_or_to_nobody() -> None:
    vectors = torch.tensor([[1.0, 0], [0, 1], [1, 0], [0, 1], [0.0, 2], [-0.0, 2]])
    rows = distinct_rows(vectors, torch.tensor([0, 0, 1, 0, 2, 2]))
    assert rows.first_rows.tolist() == [0, 1, 4]
    assert rows.owners.tolist() == [3, 0, 2]  # the first was said in two sessions
    assert list(zip(rows.texts.tolist(), rows.groups.tolist(), strict=True)) == [(0, 0), (0, 1), (1, 0), (2, 2)]


def test_a_repeat_is_what_was_said_before_in_the_same_session() -> None:
    vectors = np.array([[1.0, 0], [1, 0], [1, 0], [0, 1]])
    assert is_repeat(vectors, ["a", "a", "b", "a"]).tolist() == [False, True, False, False]
    assert not is_repeat(vectors, None).any()


def test_one_person_who_repeats_himself_does_not_move_the_calibration() -> None:
    sample, current = _TOPICS.sample(40, seed=0), _TOPICS.sample(10, seed=1)
    repeated = np.concatenate([sample.vectors, np.repeat(sample.vectors[:1], 50, axis=0)])
    groups = np.concatenate([sample.groups, np.repeat(sample.groups[:1], 50)])
    once = KnnOutliers().fit(sample.vectors, groups=sample.groups).score(current.vectors)
    often = KnnOutliers().fit(repeated, groups=groups).score(current.vectors)
    np.testing.assert_array_equal(once.p_values, often.p_values)
    assert often.n_calibration == 160


def test_a_text_that_many_sessions_say_is_ordinary() -> None:
    sample = _TOPICS.sample(40, seed=0)
    stray = np.random.default_rng(9).normal(size=(1, 16)).astype(np.float32)
    stray /= np.linalg.norm(stray)
    alone = KnnOutliers(k=1).fit(sample.vectors, groups=sample.groups).score(stray)
    common = np.concatenate([sample.vectors, np.repeat(stray, 20, axis=0)])
    groups = np.concatenate([sample.groups, 1000 + np.arange(20)])
    assert alone.p_values[0] < 0.05
    assert KnnOutliers(k=1).fit(common, groups=groups).score(stray).p_values[0] == 1.0


def test_what_the_p_values_cannot_show_is_said() -> None:
    sample = _TOPICS.sample(40, seed=0)
    detector = KnnOutliers(fdr=0.1).fit(sample.vectors, groups=sample.groups)
    assert detector.score(_TOPICS.sample(4, seed=1).vectors).note == ""
    note = detector.score(_TOPICS.sample(50, seed=1).vectors).note
    assert note.startswith(
        "160 reference texts cannot show a p-value below 0.0062: among 200 texts, 13 must be that far"
    )
    assert note.endswith("; 2000 reference texts would show one")


def test_the_default_wants_a_thousand_texts() -> None:
    sample = _TOPICS.sample(249, seed=0)
    with pytest.raises(TooFewSamples, match="need at least 1000 embeddings in the reference, got 996"):
        LocalKnnOutliers().fit(sample.vectors, groups=sample.groups)


@pytest.mark.parametrize("with_sessions", [False, True])
def test_the_expected_share_of_false_flags_holds(with_sessions: bool) -> None:
    """The mean over references and windows of false / flagged, 10 % of the window new; a failure needs four standard errors."""
    shares, found = [], []
    for trial in range(60):
        sample, current = _TOPICS.sample(150, seed=2 * trial), _TOPICS.sample(25, seed=2 * trial + 1, new_share=0.12)
        is_new = np.arange(100) < 12
        groups = sample.groups if with_sessions else None
        if not with_sessions:  # one text a session on both sides
            first = np.arange(0, 600, 4)
            sample_vectors = np.concatenate(
                [_TOPICS.sample(150, seed=9000 + 4 * trial + i).vectors[first] for i in range(4)]
            )
            current_vectors = np.concatenate(
                [_TOPICS.sample(25, seed=5000 + 4 * trial + i, new_share=0.12).vectors[::4] for i in range(4)]
            )
            is_new = np.tile(np.arange(25) < 3, 4)
        else:
            sample_vectors, current_vectors = sample.vectors, current.vectors
        result = KnnOutliers(fdr=0.2).fit(sample_vectors, groups=groups).score(current_vectors)
        n_flagged = int(result.is_flagged.sum())
        shares.append((result.is_flagged & ~is_new).sum() / max(n_flagged, 1))
        found.append((result.is_flagged & is_new).sum() / is_new.sum())
    assert np.mean(shares) <= 0.2 + 4 * np.std(shares) / np.sqrt(len(shares))
    assert np.mean(found) >= 0.2


def test_folds_keep_groups_whole_and_are_of_like_size() -> None:
    groups = np.concatenate([np.repeat(np.arange(10), 20), np.arange(10, 110)])
    folds = group_folds(groups, n_folds=5, seed=0)
    assert all(len(np.unique(folds[groups == group])) == 1 for group in np.unique(groups))
    assert np.bincount(folds).tolist() == [60] * 5
    with pytest.raises(TooFewSamples, match="need at least 10 groups in the reference, got 4"):
        group_folds(np.arange(4), n_folds=5, seed=0)
