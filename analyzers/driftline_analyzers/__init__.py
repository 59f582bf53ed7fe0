"""Analyzers: what LLM traffic means and how it changes. Names here load without torch."""

import driftline_analyzers.patient_threads  # noqa: F401 - before anything loads torch
from driftline_analyzers.runner.phases import Progress
from driftline_analyzers.runner.references import ReferenceSet, create_reference, delete_reference, list_references
from driftline_analyzers.runner.report import RunReport
from driftline_analyzers.runner.runner import AnalysisRunner
from driftline_analyzers.scoring.runner import ScoringRunner
from driftline_analyzers.settings import AnalyzerSettings

__all__ = [
    "AnalysisRunner",
    "AnalyzerSettings",
    "Progress",
    "ReferenceSet",
    "RunReport",
    "ScoringRunner",
    "create_reference",
    "delete_reference",
    "list_references",
]
