"""Many segments at once: samples of like size side by side, one tensor operation for all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from driftline_analyzers.drift.detector import DriftDetector, Sample
from driftline_analyzers.drift.geometry import Geometry
from driftline_analyzers.drift.geometry_batch import Pooled, geometry_of_many
from driftline_analyzers.drift.permutation import PermutationNull
from driftline_analyzers.drift.result import DriftResult
from driftline_analyzers.drift.splits import SplitPlan
from driftline_analyzers.drift.statistics.statistic import PairwiseStatistic, Prepared
from driftline_analyzers.vectors import Groups, Vectors
from driftline_core.errors import TooFewSamples

Segment = tuple[Vectors, Groups | None, Vectors, Groups | None]
"""reference (m, d), its groups (m,), current (n, d), its groups (n,)."""

_CELLS_PER_BATCH = 32_000_000
_LARGEST_TO_SMALLEST = 1.25
"""Texts of the largest sample of a batch for each of the smallest: padding is work for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """A segment that can be tested; place: its number in the answer."""

    place: int
    reference: Sample
    window: Sample
    plan: SplitPlan

    @property
    def n_rows(self) -> int:
        return len(self.plan.reference_rows) + len(self.plan.current_rows)


def score_many(detector: DriftDetector, segments: Sequence[Segment]) -> list[DriftResult | TooFewSamples]:
    """What `detector.fit(reference).score(current)` gives for each segment, to rounding, or its error where it has too few samples.

    The detector's hyperparameters count; what it was fitted to does not, and stays. Statistics of distances are computed for many segments
    together; a detector with any other statistic takes them one by one. Raises InputError on NaN or a wrong shape.
    """
    answers: dict[int, DriftResult | TooFewSamples] = {}
    tasks = []
    for place, (reference, reference_groups, current, groups) in enumerate(segments):
        try:
            before, after = detector.samples(reference, reference_groups, current, groups)
            plan = detector.plan(before, after)
        except TooFewSamples as error:
            answers[place] = error
        else:
            tasks.append(_Task(place=place, reference=before, window=after, plan=plan))
    statistics = detector.resolved()
    pairwise = [statistic for statistic in statistics if isinstance(statistic, PairwiseStatistic)]
    n_neighbours = max((statistic.n_neighbours for statistic in pairwise), default=0)
    has_sums = any(statistic.has_sums for statistic in pairwise)
    for batch in _batches(tasks):
        is_small = min(len(task.plan.reference_rows) for task in batch) < n_neighbours
        if len(batch) == 1 or is_small or len(pairwise) < len(statistics):
            for task in batch:
                answers[task.place] = detector.compare(task.reference, task.window, task.plan)
            continue
        pooled = [_pooled(task, detector.device) for task in batch]
        geometry = geometry_of_many(pooled, n_neighbours=n_neighbours, has_sums=has_sums, seed=detector.seed)
        for task, result in zip(batch, _calibrated(detector, pairwise, batch, geometry), strict=True):
            answers[task.place] = result
    return [answers[place] for place in range(len(segments))]


def _batches(tasks: list[_Task]) -> list[list[_Task]]:
    batches: list[list[_Task]] = []
    for task in sorted(tasks, key=lambda task: -task.n_rows):
        if batches:
            largest = batches[-1][0].n_rows
            has_room = (len(batches[-1]) + 1) * largest**2 <= _CELLS_PER_BATCH
            if has_room and largest <= _LARGEST_TO_SMALLEST * task.n_rows:
                batches[-1].append(task)
                continue
        batches.append([task])
    return batches


def _pooled(task: _Task, device: str) -> Pooled:
    plan = task.plan
    return Pooled(
        reference=task.reference.vectors[plan.reference_rows.to(device)],
        current=task.window.vectors[plan.current_rows.to(device)],
        blocks=torch.cat([plan.reference_blocks, plan.current_blocks + plan.n_reference_blocks]).to(device),
    )


def _calibrated(
    detector: DriftDetector, statistics: list[PairwiseStatistic], batch: list[_Task], geometry: Geometry
) -> list[DriftResult]:
    prepared = [statistic.prepare_geometry(geometry) for statistic in statistics]
    observed = _values(prepared, geometry, [task.plan.observed() for task in batch])  # (t, l, 1)
    nulls = [
        PermutationNull(
            observed[:, i, 0],
            n_permutations=detector.n_permutations,
            max_permutations=detector.max_permutations,
        )
        for i in range(len(batch))
    ]
    generators = [torch.Generator(device="cpu").manual_seed(detector.seed) for _ in batch]
    active, remaining = list(range(len(batch))), geometry
    while active:
        count = nulls[active[0]].n_wanted  # the same for all: they began together
        draws = [batch[i].plan.draw(count, generators[i]) for i in active]
        values = _values(prepared, remaining, draws)
        for place, i in enumerate(active):
            nulls[i].add(values[:, place])
        kept = [place for place, i in enumerate(active) if nulls[i].n_wanted]
        if len(kept) < len(active):
            remaining = remaining.select(torch.tensor(kept, dtype=torch.int64, device=remaining.blocks.device))
            active = [active[place] for place in kept]
            prepared = [statistic.prepare_geometry(remaining) for statistic in statistics]
    return [
        detector.result(
            null.calibration(), task.plan, reference=task.reference, window=task.window, values=observed[:, i]
        )
        for i, (task, null) in enumerate(zip(batch, nulls, strict=True))
    ]


def _values(prepared: list[Prepared], geometry: Geometry, splits: list[Tensor]) -> Tensor:
    """splits: for each sample (s_i, p) bool on the CPU -> (t, l, p)."""
    n_blocks = geometry.sizes.shape[-1]
    padded = torch.zeros(len(splits), n_blocks, splits[0].shape[1], dtype=torch.bool)
    for place, split in enumerate(splits):
        padded[place, : len(split)] = split
    on_device = padded.to(geometry.blocks.device)
    return torch.stack([statistic.of_splits(on_device) for statistic in prepared])
