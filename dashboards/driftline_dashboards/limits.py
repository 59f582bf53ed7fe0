"""Where lines are drawn: the thresholds of the shipped alert rules, by alert, and of the analyzers' default settings.

A line that is crossed in a panel is an alert there: `tests/dashboards` reads the rules and compares.
"""

from collections.abc import Mapping
from typing import Final

ALERT_LIMITS: Final[Mapping[str, float]] = {
    "DriftlineErrorRate": 0.05,
    "DriftlineLatencyP95": 10.0,
    "DriftlineCostSpike": 3.0,
    "DriftlineSemanticDrift": 1.0,
    "DriftlineUngroundedAnswers": 0.33,
    "DriftlineInjectionBurst": 0.02,
    "DriftlineSecretInAnswer": 0.5,
    "DriftlinePersonalDataInAnswers": 0.01,
    "DriftlinePromptLeak": 2.0,
    "DriftlineNegativeFeedback": 3.3,
    "DriftlineProviderDown": 0.5,
    "DriftlineTokenSpike": 2.0,
    "DriftlineErrorBudgetBurn": 14.4 * 0.01,
    "DriftlineCostAnomaly": 3.5,
    "DriftlineTokenAnomaly": 3.5,
    "DriftlineLatencyAnomaly": 4.0,
    "DriftlineBudgetExceeded": 1.0,
    "DriftlineBudgetForecast": 1.1,
    "DriftlineBiasGap": 1.0,
    "DriftlineIngestLag": 120.0,
    "DriftlineDeadLetters": 0.5,
    "DriftlineAnalysisStuck": 6 * 3600.0,
    "DriftlineScoringStuck": 3600.0,
    "DriftlineDiskBudget": 0.8,
    "DriftlineGpuTooHot": 85.0,
    "DriftlineGpuMemoryFull": 0.98,
    "DriftlineGpuBusErrors": 10.0,
}
"""The number that the rule compares with, in the unit of the panels that show it; of a rule with several, that of the panel's figure."""

P_VALUE_LIMIT: Final = 0.005
"""Level of a window's test (analyzers' setting alpha)."""
OUTLIER_LIMIT: Final = 0.05
"""Share of outliers that is shown orange; no rule compares with it."""
