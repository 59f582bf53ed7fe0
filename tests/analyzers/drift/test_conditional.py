"""Answers given their prompts."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from driftline_analyzers.drift.conditional import ConditionalDrift, prompt_residuals
from driftline_analyzers.drift.detector import DriftDetector
from driftline_analyzers.drift.result import DriftResult
from driftline_core.errors import InputError

_ANSWER = np.random.default_rng(9).normal(size=(8, 12))
_MODEL = 0.5 * np.random.default_rng(10).normal(size=12)

Sides = tuple[NDArray[np.float32], NDArray[np.float32]]


def sides(n: int, *, seed: int, shift: float = 0.0, mix: float = 0.0) -> Sides:
    """Responses and prompts: a response is a linear function of its prompt, and noise; mix moves the prompts, shift the model."""
    rng = np.random.default_rng(seed)
    prompts = rng.normal(size=(n, 8)) + mix
    responses = prompts @ _ANSWER + shift * _MODEL + 0.7 * rng.normal(size=(n, 12))
    return responses.astype(np.float32), prompts.astype(np.float32)


def score(reference: Sides, current: Sides, *, seed: int = 0) -> DriftResult:
    test = ConditionalDrift(
        DriftDetector(("energy", "mean_shift"), n_permutations=199, max_permutations=199, seed=seed)
    )
    return test.fit(reference[0], prompts=reference[1]).score(current[0], prompts=current[1])


def test_residuals_lose_what_the_prompt_explains_and_nothing_else() -> None:
    responses, prompts = sides(600, seed=0)
    residuals = prompt_residuals(torch.from_numpy(prompts), torch.from_numpy(responses), torch.arange(600) // 3)
    assert float(residuals.std()) == pytest.approx(0.7, abs=0.05)
    assert float(np.abs(np.corrcoef(residuals.numpy().T, prompts.T)[:12, 12:]).max()) < 0.15


def test_unrelated_prompts_leave_the_spread_of_the_responses() -> None:
    rng = np.random.default_rng(0)
    responses, prompts = (torch.from_numpy(rng.normal(size=(200, d))) for d in (5, 40))
    residuals = prompt_residuals(prompts, responses, torch.arange(200))
    assert float((residuals**2).sum() / ((responses - responses.mean(0)) ** 2).sum()) < 1.2


def test_a_new_mix_of_prompts_alone_is_no_drift_and_a_new_model_is() -> None:
    reference = sides(400, seed=0)
    moved = sides(50, seed=1, mix=0.6)
    plain = DriftDetector(("energy",), n_permutations=199, max_permutations=199).fit(reference[0]).score(moved[0])
    assert plain.p_value <= 0.01
    assert score(reference, moved).p_value > 0.05
    assert score(reference, sides(50, seed=2, shift=1.0)).p_value <= 0.01


def test_the_prompts_make_a_small_change_of_the_model_visible() -> None:
    conditional, plain = 0, 0
    for trial in range(10):
        reference, current = sides(400, seed=2 * trial), sides(50, seed=2 * trial + 1, shift=0.4)
        conditional += score(reference, current, seed=trial).p_value <= 0.05
        test = DriftDetector(("energy", "mean_shift"), n_permutations=199, max_permutations=199, seed=trial)
        plain += test.fit(reference[0]).score(current[0]).p_value <= 0.05
    assert conditional >= 8
    assert plain <= 5


def test_its_false_alarm_rate_with_sessions_is_within_its_binomial_bound() -> None:
    alarms, n_trials = 0, 100
    for trial in range(n_trials):
        rng = np.random.default_rng(trial)
        responses, prompts = sides(270, seed=trial)
        groups = np.arange(270) // 3
        responses += np.repeat(rng.normal(size=(90, 12)), 3, axis=0).astype(np.float32)
        test = ConditionalDrift(DriftDetector(("energy",), n_permutations=99, max_permutations=99, seed=trial))
        test.fit(responses[:240], prompts=prompts[:240], groups=groups[:240])
        alarms += test.score(responses[240:], prompts=prompts[240:], groups=groups[240:]).p_value <= 0.05
    assert alarms / n_trials <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / n_trials)


def test_rows_and_dimensions_must_fit() -> None:
    reference, current = sides(200, seed=0), sides(30, seed=1)
    with pytest.raises(InputError, match="expected one prompt for each of 30 responses, got 29"):
        score(reference, (current[0], current[1][1:]))
    with pytest.raises(InputError, match="expected 8 dimensions as in the reference, got 7 in the prompts"):
        score(reference, (current[0], current[1][:, 1:]))
