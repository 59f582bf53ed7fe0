"""Drift: which segments moved away from their reference, how far, and whether by chance."""

from driftline_dashboards.foundation import builders
from driftline_dashboards.frame import DRIFT_VARIABLES, framed
from driftline_dashboards.limits import OUTLIER_LIMIT, P_VALUE_LIMIT
from driftline_dashboards.panels import PanelBuilder, alert_limit, curves, number, rows, thresholds
from driftline_dashboards.queries import DRIFT, FINDINGS, SCORED, SEGMENT, finding, scored


def drift() -> builders.Dashboard:
    """The builder of driftline-drift."""
    return framed(
        "drift",
        title="Driftline drift",
        description=(
            "What people ask and models answer against its reference: tests of windows, their effect sizes, and "
            "outliers."
        ),
        variables=DRIFT_VARIABLES,
        sections={"Now": _now(), "Windows": _windows(), "Single texts": _texts(), "Segments": _table()},
    )


def windows(metric: str, *, aggregate: str = "max") -> str:
    """A gauge of the chosen analyzers' and fields' windows, one series a segment."""
    return finding(metric, aggregate=aggregate, where=DRIFT)


def _now() -> list[PanelBuilder]:
    return [
        number(
            title="Segments in drift",
            description=(
                "Segments with a confirmed finding: drift in two windows in a row or in a far tail. On each "
                "DriftlineSemanticDrift or its like fires."
            ),
            unit="short",
            expr=f"count({windows('driftline_drift_confirmed')} > 0) or vector(0)",
            limits=alert_limit("DriftlineSemanticDrift"),
            decimals=0,
        ),
        number(
            title="Unconfirmed drift",
            description=(
                "Segments whose newest window drifted and which no rule fires on yet: a second such window confirms it."
            ),
            unit="short",
            expr=(
                f"count({windows('driftline_drift_windows')} > 0 unless {windows('driftline_drift_confirmed')} > 0)"
                " or vector(0)"
            ),
            limits=thresholds((1, "orange")),
            decimals=0,
        ),
        number(
            title="Highest score",
            description="The largest effect of a newest window, in units of what chance does (z).",
            unit="none",
            expr=f"max({windows('driftline_drift_score')})",
            limits=thresholds(),
            decimals=1,
        ),
        number(
            title="Lowest p-value",
            description=(
                "The least likely newest window if nothing had moved, corrected for the segments tested with it. Red "
                "below the test's level."
            ),
            unit="none",
            expr=f"min({windows('driftline_drift_pvalue_corrected', aggregate='min')})",
            limits=thresholds((P_VALUE_LIMIT, "green"), base="red"),
        ),
        number(
            title="Most texts moved",
            description=(
                "The largest share of a newest window's texts that would have to change to undo its difference."
            ),
            unit="percentunit",
            expr=f"max({windows('driftline_drift_moved_ratio')})",
            limits=thresholds(),
        ),
        number(
            title="Segments tested",
            description="Segments, fields and analyzers with a newest window that says something.",
            unit="short",
            expr=f"count({windows('driftline_drift_confirmed')}) or vector(0)",
            limits=thresholds(),
            decimals=0,
        ),
    ]


def _windows() -> list[PanelBuilder]:
    return [
        curves(
            title="Drift score by segment",
            description=(
                "How far a window's texts lie from their reference, in units of what chance does (z). About 0 when "
                "nothing moved."
            ),
            unit="none",
            queries={SEGMENT: windows("driftline_drift_score")},
            least=None,
            links_by=("service",),
        ),
        curves(
            title="Drift p-value by segment",
            description=(
                "How often chance alone differs this much, by itself and corrected for the segments tested together. "
                "Logarithmic; low is drift."
            ),
            unit="none",
            queries={
                f"corrected {SEGMENT}": windows("driftline_drift_pvalue_corrected", aggregate="min"),
                f"alone {SEGMENT}": windows("driftline_drift_pvalue", aggregate="min"),
            },
            limits=thresholds((P_VALUE_LIMIT, "green"), base="red"),
            is_logarithmic=True,
            least=None,
            most=1,
        ),
        curves(
            title="Windows in drift, in a row",
            description=(
                "Consecutive drifted windows up to the newest. From the second on it is confirmed, unless it is "
                "practically small."
            ),
            unit="short",
            queries={SEGMENT: windows("driftline_drift_windows")},
            links_by=("service",),
        ),
        curves(
            title="Texts moved",
            description=(
                "Share of a window's texts that would have to change to undo its difference from the reference: how "
                "much it matters."
            ),
            unit="percentunit",
            queries={SEGMENT: windows("driftline_drift_moved_ratio")},
            span=12,
            most=1,
            links_by=("service",),
        ),
        curves(
            title="Texts in the window",
            description=(
                "Size of the newest window, also where it was too small for a test: without texts nothing can be said."
            ),
            unit="short",
            queries={SEGMENT: windows("driftline_drift_samples")},
            span=12,
            links_by=("service",),
        ),
    ]


def _texts() -> list[PanelBuilder]:
    return [
        curves(
            title="Outlier share by field",
            description="Texts of an hour unlike anything in their reference, of those that were looked at.",
            unit="percentunit",
            queries={SCORED: scored("driftline_outlier_ratio")},
            limits=thresholds((OUTLIER_LIMIT, "orange")),
            most=1,
            span=12,
            links_by=("service", "model"),
        ),
        rows(
            title="Outlier share of the last hour",
            description="The same as figures, one row a service, model and field. A click leads to its outliers.",
            unit="percentunit",
            columns={"Outliers": scored("driftline_outlier_ratio")},
            span=12,
            links_by=("service", "model"),
        ),
    ]


def _table() -> list[PanelBuilder]:
    by_reference = "max by (service, segment_by, segment, field, analyzer, reference)"
    return [
        rows(
            title="Segments",
            description=(
                "The newest window of each segment, field and analyzer. Rules fire on confirmed ones. Texts "
                "moved is the share that "
                "would have to change to undo it. A click leads to the service's findings and their examples."
            ),
            unit="none",
            columns={
                "Windows in drift": windows("driftline_drift_windows"),
                "Confirmed": windows("driftline_drift_confirmed"),
                "Score (z)": windows("driftline_drift_score"),
                "p-value": windows("driftline_drift_pvalue_corrected", aggregate="min"),
                "Texts moved": windows("driftline_drift_moved_ratio"),
                "Texts": windows("driftline_drift_samples"),
            },
            units={"Texts moved": "percentunit"},
            labels={
                "service": "Service",
                "segment_by": "Divided by",
                "segment": "Segment",
                "field": "Field",
                "analyzer": "Analyzer",
            },
            span=16,
            links_by=("service",),
        ),
        rows(
            title="References",
            description="Which reference each segment is compared with now, and how many texts it was compared with.",
            unit="short",
            columns={"Texts": f"{by_reference} (driftline_drift_samples{{{FINDINGS}}})"},
            labels={
                "service": "Service",
                "segment_by": "Divided by",
                "segment": "Segment",
                "field": "Field",
                "analyzer": "Analyzer",
                "reference": "Reference",
            },
            span=8,
        ),
    ]
