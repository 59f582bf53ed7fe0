"""Have the answers changed, given the prompts? What prompts explain is taken out of the responses first, so that a new mix of prompts
does not count and a change of the model shows better.
"""

from typing import Self

import torch
from torch import Tensor

from driftline_analyzers.drift.detector import DriftDetector
from driftline_analyzers.drift.result import DriftResult
from driftline_analyzers.drift.statistics.moments import fold_of_blocks
from driftline_analyzers.vectors import Groups, Vectors, as_vectors
from driftline_core.errors import InputError

CONDITIONAL_STATISTICS = ("energy",)
_PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""In units of the mean squared length of a prompt along one dimension, times the number of rows."""


def prompt_residuals(prompts: Tensor, responses: Tensor, blocks: Tensor, *, n_folds: int = 5, seed: int = 0) -> Tensor:
    """prompts: (n, e), responses: (n, d), blocks: (n,) int64, 0..s-1, each used -> responses less their ridge prediction: (n, d).

    Cross-fitted: a row's prediction comes from the other folds, and whole blocks are in one fold. The penalty is the one with the least
    squared residuals. Nothing here knows the reference from the window, so permutations of the residuals stay exact.
    """
    folds = fold_of_blocks(int(blocks.max()) + 1, n_folds=n_folds, seed=seed).to(blocks.device)[blocks]  # (n,)
    residuals = responses.new_empty(len(_PENALTIES), *responses.shape)
    for fold in range(n_folds):
        is_tested = folds == fold
        x, y = prompts[~is_tested].double(), responses[~is_tested].double()
        x_mean, y_mean = x.mean(0), y.mean(0)
        values, vectors = torch.linalg.eigh((x - x_mean).T @ (x - x_mean))
        rotated = vectors.T @ ((x - x_mean).T @ (y - y_mean))  # (e, d)
        scores = (prompts[is_tested].double() - x_mean) @ vectors  # (n_f, e)
        unit = values.clamp_min(0).mean().clamp_min(torch.finfo(torch.float64).tiny)
        for place, penalty in enumerate(_PENALTIES):
            predicted = (scores / (values.clamp_min(0) + penalty * unit)) @ rotated + y_mean
            residuals[place, is_tested] = (responses[is_tested] - predicted).to(responses.dtype)
    errors = (residuals.double() ** 2).sum((1, 2))
    return residuals[int(errors.argmin())]


class ConditionalDrift:
    """The drift test on the part of the responses that their prompts do not explain.

    detector: its hyperparameters and statistics are used; None takes `DriftDetector(CONDITIONAL_STATISTICS)`.
    """

    def __init__(self, detector: DriftDetector | None = None) -> None:
        self.detector = detector

    def fit(self, reference: Vectors, *, prompts: Vectors, groups: Groups | None = None) -> Self:
        """Keep the reference's responses: (m, d), prompts: (m, e), groups: (m,). Raises TooFewSamples, InputError."""
        self._detector = DriftDetector(CONDITIONAL_STATISTICS) if self.detector is None else self.detector
        self._n_response_dims, self._n_prompt_dims = reference.shape[1], prompts.shape[1]
        self._detector.fit(self._joined(reference, prompts), groups=groups)
        return self

    def score(self, current: Vectors, *, prompts: Vectors, groups: Groups | None = None) -> DriftResult:
        """Compare current's responses: (n, d), prompts: (n, e), groups: (n,). Raises TooFewSamples, InputError."""
        detector = self._detector
        for what, got, expected in (
            ("response", current.shape[1], self._n_response_dims),
            ("prompt", prompts.shape[1], self._n_prompt_dims),
        ):
            if got != expected:
                raise InputError(f"expected {expected} dimensions as in the reference, got {got} in the {what}s")
        reference = detector.reference
        window = detector.window(self._joined(current, prompts), groups)
        plan = detector.plan(reference, window)
        device = detector.device
        pooled = torch.cat(
            [reference.vectors[plan.reference_rows.to(device)], window.vectors[plan.current_rows.to(device)]]
        )
        blocks = torch.cat([plan.reference_blocks, plan.current_blocks + plan.n_reference_blocks]).to(device)
        responses, conditions = pooled[:, : self._n_response_dims], pooled[:, self._n_response_dims :]
        residuals = prompt_residuals(conditions, responses, blocks, seed=detector.seed)
        prepared = [statistic.prepare(residuals, blocks) for statistic in detector.resolved()]
        return detector.calibrated(prepared, plan, reference=reference, window=window)

    def _joined(self, responses: Vectors, prompts: Vectors) -> Tensor:
        if len(responses) != len(prompts):
            raise InputError(f"expected one prompt for each of {len(responses)} responses, got {len(prompts)}")
        device, dtype = self._detector.device, self._detector.dtype
        return torch.cat(
            [as_vectors(responses, device=device, dtype=dtype), as_vectors(prompts, device=device, dtype=dtype)], dim=1
        )
