"""Kernel two-sample statistics over blocks. Pure: tensors in, tensors out; no randomness, no decision.

A block is what may be exchanged under the null: a session, a user, a stretch of time. Texts of one block resemble each other for reasons
that have nothing to do with drift, so pairs inside a block never enter a sum, here or in the permutations.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

_ROWS_PER_CHUNK = 1024
_BANDWIDTH_SAMPLE = 1000
_BLOCKS_PER_PANEL = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockGram:
    """Kernel sums between blocks, all that the statistic and its permutations need.

    sums: (s, s), sum of the centred kernel over the texts of two blocks, 0 on the diagonal. sizes: (s,) float64, texts in a block.
    """

    sums: Tensor
    sizes: Tensor


def squared_distances(x: Tensor, y: Tensor) -> Tensor:
    """Squared Euclidean distances, never negative. x: (n, d), y: (m, d) -> (n, m)."""
    squares = (x * x).sum(1)[:, None] + (y * y).sum(1)[None, :]  # (n, m)
    return torch.addmm(squares, x, y.T, alpha=-2).clamp_min_(0)


def median_bandwidth(x: Tensor, *, max_rows: int = _BANDWIDTH_SAMPLE) -> float:
    """Median distance between rows of x: (n, d), n >= 2; evenly spaced rows beyond max_rows. 1.0 when all rows are equal.

    Gretton et al. 2012, section 8.
    """
    if len(x) > max_rows:
        x = x[torch.linspace(0, len(x) - 1, max_rows, device=x.device).round().long()]
    upper = torch.triu_indices(len(x), len(x), offset=1, device=x.device)
    distances = squared_distances(x, x)[upper[0], upper[1]].sqrt_()  # (n (n - 1) / 2,)
    median = float(distances.median())
    if median > 0:
        return median
    mean = float(distances.mean())
    return mean if mean > 0 else 1.0


def rbf_kernel(x: Tensor, y: Tensor, *, bandwidths: Sequence[float]) -> Tensor:
    """Mean of Gaussian kernels: K_ij = mean_b exp(-|x_i - y_j|^2 / (2 b^2)). x: (n, d), y: (m, d) -> (n, m)."""
    distances = squared_distances(x, y)
    *others, last = (-1 / (2 * bandwidth**2) for bandwidth in bandwidths)
    if not others:
        return distances.mul_(last).exp_()
    kernel = torch.exp(distances * others[0])
    for factor in others[1:]:
        kernel += torch.exp(distances * factor)
    return kernel.add_(distances.mul_(last).exp_()).div_(len(bandwidths))


def block_gram(z: Tensor, blocks: Tensor, *, bandwidths: Sequence[float]) -> BlockGram:
    """Sum the kernel over pairs of blocks without ever holding it whole. z: (n, d); blocks: (n,) int64, 0..s-1, each used.

    The mean over pairs of different blocks is taken out: the statistic does not change, and float32 keeps its digits.
    """
    n_blocks = int(blocks.max()) + 1
    sizes = torch.bincount(blocks, minlength=n_blocks).to(torch.float64)  # (s,)
    if n_blocks == len(z):
        sums = _kernel_of_rows(z[blocks.argsort()], bandwidths=bandwidths)
    else:
        sums = z.new_zeros(n_blocks, n_blocks)
        for start in range(0, len(z), _ROWS_PER_CHUNK):
            rows = z[start : start + _ROWS_PER_CHUNK]
            kernel = rbf_kernel(rows, z, bandwidths=bandwidths)  # (c, n)
            by_column = z.new_zeros(len(rows), n_blocks).index_add_(1, blocks, kernel)  # (c, s)
            sums.index_add_(0, blocks[start : start + _ROWS_PER_CHUNK], by_column)
    return centred(BlockGram(sums=sums.fill_diagonal_(0), sizes=sizes))


def _kernel_of_rows(z: Tensor, *, bandwidths: Sequence[float]) -> Tensor:
    """The kernel of rows that are each a block of their own, half of it computed and mirrored: (n, d) -> (n, n)."""
    kernel = z.new_empty(len(z), len(z))
    for start in range(0, len(z), _ROWS_PER_CHUNK):
        end = start + _ROWS_PER_CHUNK
        rows = rbf_kernel(z[start:end], z[start:], bandwidths=bandwidths)  # (c, n - start)
        kernel[start:end, start:] = rows
        kernel[start:, start:end] = rows.T
    return kernel


def centred(gram: BlockGram) -> BlockGram:
    """The same less the mean over pairs of texts of different blocks; takes (..., s, s) too, and changes gram.sums in place."""
    sizes = gram.sizes
    pairs = sizes.sum(-1) ** 2 - (sizes**2).sum(-1)
    mean = gram.sums.sum(-1).double().sum(-1) / pairs.clamp_min(1)  # (...)
    weights = sizes.to(gram.sums.dtype)
    gram.sums.sub_(weights[..., :, None] * (mean[..., None] * sizes).to(gram.sums.dtype)[..., None, :])
    gram.sums.diagonal(dim1=-2, dim2=-1).zero_()
    return gram


def mmd2_of_splits(gram: BlockGram, is_current: Tensor) -> Tensor:
    """Unbiased MMD² of many splits of the blocks at once. is_current: (..., s, p) of 0 and 1, a split a column -> (..., p) float64.

    With X the texts of one side's blocks, Y the others, b(.) a text's block:
    MMD²_p = sum_{x, x' in X, b(x) != b(x')} K / N_XX + sum_{y, y' in Y, b(y) != b(y')} K / N_YY - 2 sum_{x in X, y in Y} K / (|X| |Y|)
    where N counts the ordered pairs summed. With one text a block this is Gretton et al. 2012, Lemma 6.
    Each side needs two blocks; fewer gives nan.
    """
    exact = is_current.to(torch.float64)
    within_current = _within(gram.sums, is_current.to(gram.sums.dtype))  # (..., p)
    row_sums = gram.sums.sum(-1).double()  # (..., s)
    across = _weighted(row_sums, exact) - within_current
    within_reference = row_sums.sum(-1, keepdim=True) - 2 * across - within_current
    n_current = _weighted(gram.sizes, exact)
    n_reference = gram.sizes.sum(-1, keepdim=True) - n_current
    squares = gram.sizes**2
    square_current = _weighted(squares, exact)
    pairs_current = n_current**2 - square_current
    pairs_reference = n_reference**2 - (squares.sum(-1, keepdim=True) - square_current)
    return within_reference / pairs_reference + within_current / pairs_current - 2 * across / (n_reference * n_current)


def _weighted(weights: Tensor, indicator: Tensor) -> Tensor:
    """sum_b w_b e_bp: (..., s), (..., s, p) -> (..., p)."""
    return (weights[..., None, :] @ indicator)[..., 0, :]


def _within(sums: Tensor, indicator: Tensor) -> Tensor:
    """e_p' G e_p for symmetric G: (..., s, s), (..., s, p) -> (..., p) float64. Half of it is multiplied."""
    n_blocks = sums.shape[-1]
    total = indicator.new_zeros((*indicator.shape[:-2], indicator.shape[-1]), dtype=torch.float64)
    for start in range(0, n_blocks, _BLOCKS_PER_PANEL):
        stop = min(start + _BLOCKS_PER_PANEL, n_blocks)
        rows = indicator[..., start:stop, :]
        total += (rows * (sums[..., start:stop, start:stop] @ rows)).sum(-2)
        if stop < n_blocks:
            above = sums[..., start:stop, stop:] @ indicator[..., stop:, :]
            total += 2 * (rows * above).sum(-2)
    return total


def paired_gram(x: Tensor, y: Tensor, units: Tensor, *, bandwidths: Sequence[float]) -> BlockGram:
    """Sums of h_ij = K(x_i, x_j) + K(y_i, y_j) - K(x_i, y_j) - K(x_j, y_i) between units. x, y: (n, d), row i of both is one pair;
    units: (n,) int64, 0..s-1, each used: pairs that are swapped together.
    """
    n_units = int(units.max()) + 1
    sizes = torch.bincount(units, minlength=n_units).to(torch.float64)  # (s,)
    sums = x.new_zeros(n_units, n_units)
    for start in range(0, len(x), _ROWS_PER_CHUNK):
        chunk = slice(start, start + _ROWS_PER_CHUNK)
        h = rbf_kernel(x[chunk], x, bandwidths=bandwidths) + rbf_kernel(y[chunk], y, bandwidths=bandwidths)
        h -= rbf_kernel(x[chunk], y, bandwidths=bandwidths) + rbf_kernel(y[chunk], x, bandwidths=bandwidths)  # (c, n)
        by_column = x.new_zeros(len(h), n_units).index_add_(1, units, h)  # (c, s)
        sums.index_add_(0, units[chunk], by_column)
    return BlockGram(sums=sums.fill_diagonal_(0), sizes=sizes)


def mmd2_of_swaps(gram: BlockGram, signs: Tensor) -> Tensor:
    """MMD² of pairs under many swaps at once. signs: (s, p), -1 where the two sides of a unit are exchanged -> (p,) float64.

    MMD²_p = sum_{u != v} e_up e_vp H_uv / N, N the ordered pairs of rows from different units: swapping a pair only turns its sign.
    """
    pairs = gram.sizes.sum() ** 2 - (gram.sizes**2).sum()
    signs = signs.to(gram.sums.dtype)
    return (signs.to(torch.float64) * (gram.sums @ signs)).sum(0) / pairs
