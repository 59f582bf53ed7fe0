"""Quality: what the scorers of single calls, a judge and users say of answers."""

from driftline_dashboards.foundation import builders
from driftline_dashboards.frame import FINDING_VARIABLES, framed
from driftline_dashboards.limits import ALERT_LIMITS
from driftline_dashboards.panels import PanelBuilder, alert_limit, curves, number, rows, thresholds
from driftline_dashboards.queries import FINDINGS, JUDGED, flagged_share, flags, hourly, increase, judged, ratio

_BY = "service, model"
_SLICE = "{{service}} · {{model}}"
_FEEDBACK = "driftline_feedback_total"
_NEGATIVE = f'{FINDINGS},sentiment="negative"'


def quality() -> builders.Dashboard:
    """The builder of driftline-quality."""
    return framed(
        "quality",
        title="Driftline quality",
        description=(
            "Are answers grounded and relevant, is anybody attacking, does anything leak, what do users and a "
            "judge say. "
            "A flag is suspicion, no proof: read shares and their course."
        ),
        variables=FINDING_VARIABLES,
        sections={
            "Last hour": _now(),
            "Grounding and relevance": _grounding(),
            "Safety": _safety(),
            "Users and judge": _people(),
            "Groups of people": _groups(),
            "Scorers": _scorers(),
        },
    )


def _now() -> list[PanelBuilder]:
    return [
        number(
            title="Ungrounded answers",
            description=(
                "Answers of the last hour that say what their documents do not, of those with documents. Red from "
                "where DriftlineUngroundedAnswers fires."
            ),
            unit="percentunit",
            expr=flagged_share("grounding", "completion", "1h", by=""),
            limits=alert_limit("DriftlineUngroundedAnswers"),
        ),
        number(
            title="Suspected injections, 15 minutes",
            description=(
                "Share of texts that look like attempts to turn the model. Red from where DriftlineInjectionBurst "
                "may fire: it also asks for 10 of them, and 3 times the day before."
            ),
            unit="percentunit",
            expr=flagged_share("injection", "", "15m", by=""),
            limits=alert_limit("DriftlineInjectionBurst"),
        ),
        number(
            title="Answers with a credential, 30 minutes",
            description=(
                "Answers that hold a key, token or password by its pattern. Red from where DriftlineSecretInAnswer "
                "fires: one is enough."
            ),
            unit="short",
            expr=f"{flags('secrets', 'completion', '30m', by='')} or vector(0)",
            limits=alert_limit("DriftlineSecretInAnswer"),
            decimals=0,
        ),
        number(
            title="Answers with personal data",
            description=(
                "Share of the last hour's answers. Red from where DriftlinePersonalDataInAnswers may fire: it also "
                "asks for 5 of them, and 3 times the day before."
            ),
            unit="percentunit",
            expr=flagged_share("pii", "completion", "1h", by=""),
            limits=alert_limit("DriftlinePersonalDataInAnswers"),
            decimals=2,
        ),
        number(
            title="Prompt leaks",
            description=(
                "Answers of the last hour that repeat the system prompt or a canary. Red from where "
                "DriftlinePromptLeak fires."
            ),
            unit="short",
            expr=f"{flags('prompt_leak', 'completion', '1h', by='')} or vector(0)",
            limits=alert_limit("DriftlinePromptLeak"),
            decimals=0,
        ),
        number(
            title="Negative feedback, 6 hours",
            description="Feedback that is negative, of all that users gave in the last 6 hours.",
            unit="percentunit",
            expr=ratio(increase(_FEEDBACK, "6h", where=_NEGATIVE), increase(_FEEDBACK, "6h", where=FINDINGS)),
            limits=thresholds(),
        ),
    ]


def _grounding() -> list[PanelBuilder]:
    return [
        curves(
            title="Ungrounded answers",
            description=(
                "Answers that say what their documents do not, of those with documents, over the hour before. "
                "The line is where DriftlineUngroundedAnswers fires in any case; twice the day before is enough "
                "from 10 % on."
            ),
            unit="percentunit",
            queries={_SLICE: flagged_share("grounding", "completion", "1h", by=_BY)},
            limits=alert_limit("DriftlineUngroundedAnswers"),
            most=1,
            span=6,
            links_by=("service", "model"),
        ),
        curves(
            title="Answers beside the question",
            description=(
                "Answers whose meaning has next to nothing to do with their question, over the hour before, of those "
                "that were looked at."
            ),
            unit="percentunit",
            queries={_SLICE: flagged_share("relevance", "completion", "1h", by=_BY)},
            most=1,
            links_by=("service", "model"),
            span=6,
        ),
        curves(
            title="Answers in another language",
            description=(
                "Answers in a language that neither the question nor the system prompt asks for, over the hour before, "
                "of those whose language is clear."
            ),
            unit="percentunit",
            queries={_SLICE: flagged_share("language", "completion", "1h", by=_BY)},
            most=1,
            links_by=("service", "model"),
            span=6,
        ),
        curves(
            title="Mean scores of an hour",
            description=(
                "Relevance as a cosine, refusals as a share (a refusal is no fault, a change of its share is news)."
            ),
            unit="none",
            queries={
                "{{service}} · {{analyzer}}": judged("driftline_call_value_mean", where='analyzer=~"relevance|refusal"')
            },
            least=None,
            span=6,
        ),
    ]


def _safety() -> list[PanelBuilder]:
    return [
        curves(
            title="Suspected injections, 15 minutes",
            description=(
                "Share of texts by where they stand. The line is where DriftlineInjectionBurst may fire: it also "
                "asks for 10 of them, and 3 times the day before."
            ),
            unit="percentunit",
            queries={"{{service}} · {{field}}": flagged_share("injection", "", "15m", by="service, field")},
            limits=alert_limit("DriftlineInjectionBurst"),
            span=6,
            links_by=("service",),
        ),
        curves(
            title="Answers with personal data",
            description=(
                "Share over the hour before. The line is where DriftlinePersonalDataInAnswers may fire: it also asks "
                "for 5 of them, and 3 times the day before."
            ),
            unit="percentunit",
            queries={_SLICE: flagged_share("pii", "completion", "1h", by=_BY)},
            limits=alert_limit("DriftlinePersonalDataInAnswers"),
            span=6,
            links_by=("service", "model"),
        ),
        curves(
            title="Answers with a credential, 30 minutes",
            description=(
                "Answers that hold a key, token or password by its pattern. The line is where "
                "DriftlineSecretInAnswer fires."
            ),
            unit="short",
            queries={_SLICE: flags("secrets", "completion", "30m", by=_BY)},
            limits=alert_limit("DriftlineSecretInAnswer"),
            span=6,
            links_by=("service", "model"),
        ),
        curves(
            title="Prompt leaks, last hour",
            description=(
                "Answers that repeat the system prompt or a canary. The line is where DriftlinePromptLeak fires."
            ),
            unit="short",
            queries={_SLICE: flags("prompt_leak", "completion", "1h", by=_BY)},
            limits=alert_limit("DriftlinePromptLeak"),
            span=6,
            links_by=("service", "model"),
        ),
    ]


def _people() -> list[PanelBuilder]:
    negative, every = (increase(_FEEDBACK, "6h", by=_BY, where=where) for where in (_NEGATIVE, FINDINGS))
    negative_before, before = (
        increase(_FEEDBACK, "1w", by=_BY, where=where, offset="6h") for where in (_NEGATIVE, FINDINGS)
    )
    share = f"(({negative_before} + 1) / ({before} + 2))"
    spread = ALERT_LIMITS["DriftlineNegativeFeedback"]
    return [
        curves(
            title="Negative feedback",
            description=(
                "Share of the 6 hours before, and the bound that DriftlineNegativeFeedback compares it with: 3.3 "
                "standard deviations "
                "above the share of the week before. The rule also asks for 20 in the 6 hours and 100 in the week."
            ),
            unit="percentunit",
            queries={
                _SLICE: ratio(negative, every),
                f"bound {_SLICE}": f"{share} + {spread} * sqrt({share} * (1 - {share}) / ({every} > 0))",
            },
            span=8,
            most=1,
            links_by=("service", "model"),
        ),
        curves(
            title="Feedback, last hour",
            description="What users thought of answers, by its sign, at the time they said so.",
            unit="short",
            queries={"{{sentiment}}": hourly(_FEEDBACK, by="sentiment")},
            span=8,
            is_stacked=True,
        ),
        curves(
            title="Marks of the judge",
            description=(
                "Mean mark that an LLM as judge gave in an hour, by criterion, where one is switched on. Compare "
                "only marks of one judge."
            ),
            unit="none",
            queries={"{{service}} · {{field}}": judged("driftline_call_value_mean", where='analyzer="judge"')},
            span=8,
            least=None,
            links_by=("service",),
        ),
    ]


def _groups() -> list[PanelBuilder]:
    labels = "service, segment_by, segment, field, reference"

    def compared(figure: str) -> str:
        return f"max by ({labels}) (driftline_bias_{figure}{{{FINDINGS}}})"

    slice_ = "{{service}} · {{segment}} · {{field}}"
    return [
        number(
            title="Confirmed gaps",
            description=(
                "Groups and measures with a gap that is no chance. On each DriftlineBiasGap fires, given 60 sessions."
            ),
            unit="short",
            expr=f"count({compared('confirmed')} > 0) or vector(0)",
            limits=alert_limit("DriftlineBiasGap"),
            decimals=0,
            span=4,
        ),
        curves(
            title="Gaps",
            description=(
                "How answers about a group differ from those about others among like prompts, in standard deviations "
                "between sessions (d)."
            ),
            unit="none",
            queries={slice_: compared("effect_size")},
            span=8,
            least=None,
            links_by=("service",),
        ),
        rows(
            title="Groups compared",
            description=(
                "The newest window of each group and measure: the gap in the measure's unit, its 95 % interval, and "
                "what was found."
            ),
            unit="none",
            columns={
                "Gap": compared("gap"),
                "From": compared("gap_low"),
                "To": compared("gap_high"),
                "p-value": compared("pvalue_corrected"),
                "Confirmed": compared("confirmed"),
                "Sessions": compared("samples"),
            },
            labels={
                "service": "Service",
                "segment_by": "Axis",
                "segment": "Group",
                "field": "Measure",
                "reference": "Against",
            },
            span=12,
            links_by=("service",),
        ),
    ]


def _scorers() -> list[PanelBuilder]:
    by = "service, analyzer, field"
    return [
        curves(
            title="Flagged share by scorer",
            description="Calls that a scorer flags, of all that it scored, by the hour.",
            unit="percentunit",
            queries={JUDGED: judged("driftline_call_flagged_ratio")},
            most=1,
            span=12,
            links_by=("service",),
        ),
        rows(
            title="Scorers, last hour",
            description=(
                "Calls that each scorer scored, flagged, and had to say of that it does not know. A click leads to "
                "the service's examples."
            ),
            unit="short",
            columns={
                "Scored": hourly("driftline_call_scored_total", by=by),
                "Flagged": hourly("driftline_call_flagged_total", by=by),
                "Unknown": hourly("driftline_call_unknown_total", by=by),
            },
            labels={"service": "Service", "analyzer": "Scorer", "field": "Field"},
            span=12,
            links_by=("service",),
        ),
    ]
