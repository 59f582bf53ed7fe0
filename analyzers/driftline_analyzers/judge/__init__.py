"""An LLM as judge of answers, and how far it agrees with people. Off unless an endpoint is set; everything else here needs no LLM."""

from driftline_analyzers.judge.agreement import Agreement, Estimate, agreement
from driftline_analyzers.judge.criteria import SHIPPED, Criterion
from driftline_analyzers.judge.length_bias import LengthBias, length_bias
from driftline_analyzers.judge.scorer import JudgeScorer
from driftline_analyzers.judge.settings import JudgeSettings

__all__ = [
    "SHIPPED",
    "Agreement",
    "Criterion",
    "Estimate",
    "JudgeScorer",
    "JudgeSettings",
    "LengthBias",
    "agreement",
    "length_bias",
]
