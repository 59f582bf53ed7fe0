"""Every statistic of many splits at once against its definition, written out one split at a time."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from driftline_analyzers.drift.geometry import pooled_geometry, reference_geometry, with_current
from driftline_analyzers.drift.registry import STATISTICS
from driftline_analyzers.drift.statistics.c2st import C2ST
from driftline_analyzers.drift.statistics.centroid import Centroid
from driftline_analyzers.drift.statistics.cluster_mix import ClusterMix, k_means, population_stability_index
from driftline_analyzers.drift.statistics.energy import Energy
from driftline_analyzers.drift.statistics.frechet import Frechet
from driftline_analyzers.drift.statistics.knn_novelty import KnnNovelty, KnnTail
from driftline_analyzers.drift.statistics.knn_scan import KnnScan
from driftline_analyzers.drift.statistics.mean_shift import MeanShift
from driftline_analyzers.drift.statistics.moments import fold_of_blocks, principal_axes, whitened
from driftline_analyzers.drift.statistics.statistic import PairwiseStatistic

_N, _BLOCKS = 60, 24


def pooled() -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(1)
    blocks = np.concatenate([np.arange(_BLOCKS), rng.integers(0, _BLOCKS, _N - _BLOCKS)])
    return torch.from_numpy(rng.normal(size=(_N, 6))), torch.from_numpy(blocks)


def splits() -> Tensor:
    """(s, 3): windows of 6 blocks."""
    return torch.rand(_BLOCKS, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64).argsort(0) < 6


def sides(blocks: Tensor, split: Tensor) -> tuple[list[int], list[int]]:
    current = [i for i in range(len(blocks)) if split[blocks[i]]]
    return current, [i for i in range(len(blocks)) if i not in set(current)]


def check(statistic_values: Tensor, expected: list[float]) -> None:
    assert statistic_values.dtype == torch.float64
    assert statistic_values.tolist() == pytest.approx(expected, rel=1e-9, abs=1e-9)


def mean_over_pairs(values: Tensor, rows: list[int], columns: list[int], blocks: Tensor) -> float:
    return float(np.mean([float(values[i, j]) for i in rows for j in columns if blocks[i] != blocks[j]]))


def test_energy_is_twice_across_less_within() -> None:
    z, blocks = pooled()
    distances = torch.cdist(z, z)
    expected = []
    for split in splits().T:
        current, rest = sides(blocks, split)
        across = mean_over_pairs(distances, current, rest, blocks)
        within = mean_over_pairs(distances, current, current, blocks) + mean_over_pairs(distances, rest, rest, blocks)
        expected.append(2 * across - within)
    check(Energy().prepare(z, blocks).of_splits(splits()), expected)


def neighbours(distances: Tensor, blocks: Tensor, row: int) -> list[int]:
    others = [j for j in range(len(blocks)) if blocks[j] != blocks[row]]
    return sorted(others, key=lambda j: float(distances[row, j]))


def test_novelty_and_tail_rank_the_distance_to_neighbours_outside_the_window() -> None:
    z, blocks = pooled()
    distances = torch.cdist(z, z)
    scores = [np.mean([float(distances[i, j]) for j in neighbours(distances, blocks, i)[:3]]) for i in range(_N)]
    fisher, tail = [], []
    for split in splits().T:
        current, _ = sides(blocks, split)
        p_values = []
        for i in current:
            listed = neighbours(distances, blocks, i)[:9]
            outside = [j for j in listed if j not in current][:3]
            found = [float(distances[i, j]) for j in outside]
            found += [float(distances[i, listed[-1]])] * (3 - len(found))
            p_values.append((1 + sum(score >= np.mean(found) - 1e-9 for score in scores)) / (1 + _N))
        fisher.append(float(np.mean([-2 * math.log(p) for p in p_values])))
        tail.append(float(np.mean([p <= 0.3 for p in p_values])))
    check(KnnNovelty(k=3, n_neighbours=9).prepare(z, blocks).of_splits(splits()), fisher)
    check(KnnTail(k=3, n_neighbours=9, most=0.3).prepare(z, blocks).of_splits(splits()), tail)


def test_scan_averages_the_largest_shares_of_window_texts_among_neighbours() -> None:
    z, blocks = pooled()
    distances = torch.cdist(z, z)
    expected = []
    for split in splits().T:
        current, _ = sides(blocks, split)
        shares = [np.mean([j in current for j in neighbours(distances, blocks, i)[:4]]) for i in current]
        n_top = max(5, int(0.6 * len(current)))
        expected.append(float(np.mean(sorted(shares, reverse=True)[:n_top])))
    check(KnnScan(n_neighbours=4, top_share=0.6).prepare(z, blocks).of_splits(splits()), expected)


def test_mean_shift_is_the_linear_kernel_over_pairs_of_different_blocks() -> None:
    z, blocks = pooled()
    white = whitened(z - z.mean(0), n_samples=_BLOCKS)
    products = white @ white.T
    expected = []
    for split in splits().T:
        current, rest = sides(blocks, split)
        within = mean_over_pairs(products, current, current, blocks) + mean_over_pairs(products, rest, rest, blocks)
        expected.append(within - 2 * mean_over_pairs(products, current, rest, blocks))
    check(MeanShift().prepare(z, blocks).of_splits(splits()), expected)


def test_whitening_takes_scale_and_correlation_out() -> None:
    rng = np.random.default_rng(5)
    z = torch.from_numpy(rng.normal(size=(4000, 4)) @ np.diag([1.0, 2.0, 4.0, 0.5]))
    white = whitened(z - z.mean(0), n_samples=4000)
    torch.testing.assert_close(white.T @ white / 4000, torch.eye(4, dtype=torch.float64), atol=0.1, rtol=0)


def test_centroid_is_the_angle_between_means() -> None:
    z, blocks = pooled()
    expected = []
    for split in splits().T:
        current, rest = sides(blocks, split)
        a, b = z[current].mean(0), z[rest].mean(0)
        expected.append(1 - float(a @ b / (a.norm() * b.norm())))
    check(Centroid().prepare(z, blocks).of_splits(splits()), expected)


def test_frechet_is_the_distance_of_two_gaussians() -> None:
    z, blocks = pooled()
    scores, _ = principal_axes(z, n_dims=4)
    expected = []
    for split in splits().T:
        current, rest = sides(blocks, split)
        covariances = [torch.cov(scores[rows].T, correction=0) for rows in (current, rest)]
        cross = torch.linalg.eigvals(covariances[0] @ covariances[1]).real.clamp_min(0).sqrt().sum()
        means = scores[current].mean(0) - scores[rest].mean(0)
        expected.append(float((means**2).sum() + covariances[0].trace() + covariances[1].trace() - 2 * cross))
    check(Frechet(n_dims=4).prepare(z, blocks).of_splits(splits()), expected)


def test_c2st_is_the_balanced_accuracy_on_blocks_that_the_classifier_has_not_seen() -> None:
    z, blocks = pooled()
    scores, variances = principal_axes(z, n_dims=3)
    scaled = scores / variances.sqrt()
    folds = fold_of_blocks(_BLOCKS, n_folds=3, seed=0)
    expected = []
    for split in splits().T:
        right: dict[bool, list[bool]] = {True: [], False: []}
        for fold in range(3):
            seen = [i for i in range(_N) if folds[blocks[i]] != fold]
            means = [
                scaled[[i for i in seen if bool(split[blocks[i]]) == side]].mean(0)
                if any(bool(split[blocks[i]]) == side for i in seen)
                else torch.zeros(3, dtype=torch.float64)
                for side in (False, True)
            ]
            for i in range(_N):
                if folds[blocks[i]] == fold:
                    side = bool(split[blocks[i]])
                    score = float((means[1] - means[0]) @ (scaled[i] - (means[0] + means[1]) / 2))
                    right[side].append((score > 0) == side)
        expected.append((float(np.mean(right[True])) + float(np.mean(right[False]))) / 2)
    check(C2ST(n_dims=3).prepare(z, blocks).of_splits(splits()), expected)


def test_cluster_mix_is_pearsons_chi_square() -> None:
    z, blocks = pooled()
    labels = k_means(z.float(), n_clusters=2, seed=0).numpy()
    expected = []
    for split in splits().T:
        current, rest = sides(blocks, split)
        table = np.array([np.bincount(labels[rows], minlength=2) for rows in (current, rest)])
        even = table.sum(1, keepdims=True) * table.sum(0) / _N
        expected.append(float(((table - even) ** 2 / even).sum()))
    check(ClusterMix(n_clusters=2).prepare(z, blocks).of_splits(splits()), expected)


def test_k_means_finds_clusters_that_lie_apart_and_psi_is_zero_for_equal_shares() -> None:
    rng = np.random.default_rng(0)
    centres = np.repeat(np.array([[0.0, 0.0], [50.0, 0.0]]), 50, axis=0)
    labels = k_means(torch.from_numpy(centres + rng.normal(size=(100, 2))), n_clusters=2, seed=0)
    assert [len(set(part.tolist())) for part in (labels[:50], labels[50:])] == [1, 1]
    assert labels[0] != labels[99]
    assert population_stability_index(np.array([10, 20]), np.array([10, 20])) == 0.0
    assert population_stability_index(np.array([100, 20]), np.array([10, 200])) > 1


@pytest.mark.parametrize("name", list(STATISTICS))
def test_many_splits_at_once_equal_one_at_a_time(name: str) -> None:
    z, blocks = pooled()
    prepared = STATISTICS[name].prepare(z, blocks)
    together = prepared.of_splits(splits())
    alone = [float(prepared.of_splits(splits()[:, [i]])[0]) for i in range(3)]
    assert together.tolist() == pytest.approx(alone, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", [name for name, found in STATISTICS.items() if isinstance(found, PairwiseStatistic)])
def test_a_window_added_to_a_known_reference_is_the_whole_sample_again(name: str) -> None:
    z, blocks = pooled()
    order = blocks.argsort(stable=True)
    z, blocks = z[order], blocks[order]
    n_reference = int((blocks < 18).sum())
    statistic = STATISTICS[name]
    assert isinstance(statistic, PairwiseStatistic)
    whole = pooled_geometry(z, blocks, n_neighbours=statistic.n_neighbours, has_sums=statistic.has_sums)
    inside = reference_geometry(
        z[:n_reference],
        blocks[:n_reference],
        n_neighbours=statistic.n_neighbours,
        has_sums=statistic.has_sums,
        seed=0,
    )
    added = with_current(inside, z[n_reference:], blocks[n_reference:] - 18, seed=0)
    assert torch.equal(added.neighbours, whole.neighbours)
    a, b = (statistic.prepare_geometry(geometry).of_splits(splits()) for geometry in (added, whole))
    assert a.tolist() == pytest.approx(b.tolist(), rel=1e-9, abs=1e-9)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", list(STATISTICS))
def test_a_cuda_device_gives_the_same_values(name: str) -> None:
    z, blocks = pooled()
    here = STATISTICS[name].prepare(z, blocks).of_splits(splits())
    there = STATISTICS[name].prepare(z.cuda(), blocks.cuda()).of_splits(splits().cuda())
    assert there.cpu().tolist() == pytest.approx(here.tolist(), rel=1e-6, abs=1e-9)
