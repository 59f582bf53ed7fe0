"""GPU & self-hosted inference, by the metrics of NVIDIA's DCGM exporter and OpenTelemetry's gen_ai in the user's own Prometheus."""

from typing import Final

from driftline_dashboards.foundation import builders
from driftline_dashboards.frame import framed
from driftline_dashboards.panels import OWN_SOURCE, PanelBuilder, alert_limit, curves, number, thresholds

_GPUS: Final = 'Hostname=~"$hostname",gpu=~"$gpu"'
_CARD: Final = "{{Hostname}} · {{gpu}} · {{modelName}}"
_BY: Final = "Hostname, gpu, modelName"
_NOT_OURS: Final = "From your own Prometheus: Driftline stores no such metric."


def gpu() -> builders.Dashboard:
    """The builder of driftline-gpu."""
    return framed(
        "gpu",
        title="Driftline GPU & self-hosted inference",
        description=(
            "GPUs by the metric names of NVIDIA's dcgm-exporter, and inference servers by OpenTelemetry's "
            "gen_ai_server_* names. Both are "
            "read from your own Prometheus, which scrapes them: Driftline neither collects nor stores them, and "
            "these panels were never "
            "seen with data by its tests. deploy/prometheus/prometheus.yml has the scrape job."
        ),
        variables={"hostname": "DCGM_FI_DEV_GPU_UTIL", "gpu": "DCGM_FI_DEV_GPU_UTIL"},
        sections={"Now": _now(), "Cards": _cards(), "Faults": _faults(), "Inference": _inference()},
        has_own_source=True,
    )


def card(metric: str, *, aggregate: str = "max") -> str:
    """A gauge of the chosen cards, one series a card; exporters that overlap count once."""
    return f"{aggregate} by ({_BY}) (DCGM_FI_DEV_{metric}{{{_GPUS}}})"


def _now() -> list[PanelBuilder]:
    memory = f"{card('FB_USED')} / ({card('FB_USED')} + {card('FB_FREE')})"
    figures = (
        ("Cards", "Cards that the exporters tell of.", "short", f"count({card('GPU_UTIL')})", thresholds()),
        (
            "Mean load",
            "Mean share of time in which any kernel ran.",
            "percent",
            f"avg({card('GPU_UTIL')})",
            thresholds(),
        ),
        (
            "Fullest memory",
            "Used share of the fullest card's memory. Red from where DriftlineGpuMemoryFull fires.",
            "percentunit",
            f"max({memory})",
            alert_limit("DriftlineGpuMemoryFull"),
        ),
        (
            "Hottest card",
            "Highest temperature of a card's core. Red from where DriftlineGpuTooHot fires.",
            "celsius",
            f"max({card('GPU_TEMP')})",
            alert_limit("DriftlineGpuTooHot"),
        ),
        ("Power", "Sum over all cards.", "watt", f"sum({card('POWER_USAGE')})", thresholds()),
        (
            "Cards with an XID error",
            (
                "Cards whose last XID error code is not 0. 13 and 31 are mostly of programs, 48, 63, 74, 79 and 94 "
                "of hardware."
            ),
            "short",
            f"count({card('XID_ERRORS')} > 0) or vector(0)",
            thresholds((1, "red")),
        ),
    )
    return [
        number(
            title=title,
            description=f"{text} {_NOT_OURS}",
            unit=unit,
            expr=expr,
            limits=limits,
            decimals=0 if unit == "short" else None,
            source=OWN_SOURCE,
        )
        for title, text, unit, expr, limits in figures
    ]


def _cards() -> list[PanelBuilder]:
    used, free = card("FB_USED"), card("FB_FREE")
    lines: tuple[tuple[str, str, str, dict[str, str]], ...] = (
        (
            "Load",
            "Share of time in which any kernel ran: not how much of the card it used.",
            "percent",
            {_CARD: card("GPU_UTIL")},
        ),
        (
            "Memory traffic",
            "Share of time in which memory was read or written: what decoding is bound by.",
            "percent",
            {_CARD: card("MEM_COPY_UTIL")},
        ),
        ("Memory used", "Used framebuffer, of used and free.", "percentunit", {_CARD: f"{used} / ({used} + {free})"}),
        ("Power", "What each card draws.", "watt", {_CARD: card("POWER_USAGE")}),
        (
            "Energy, drawn per second",
            "Growth of the energy counter, in watts: the mean power, spikes between scrapes included.",
            "watt",
            {_CARD: f"sum by ({_BY}) (rate(DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{{{_GPUS}}}[$__rate_interval])) / 1000"},
        ),
        (
            "Clock",
            "Clock of the streaming multiprocessors; a drop under load is throttling.",
            "hertz",
            {_CARD: f"1e6 * {card('SM_CLOCK')}"},
        ),
    )
    return [
        curves(title=title, description=f"{text} {_NOT_OURS}", unit=unit, queries=queries, source=OWN_SOURCE)
        for title, text, unit, queries in lines
    ]


def _faults() -> list[PanelBuilder]:
    replays = f"sum by ({_BY}) (increase(DCGM_FI_DEV_PCIE_REPLAY_COUNTER{{{_GPUS}}}[1h]))"
    return [
        curves(
            title="Temperature of the core",
            description=f"The line is where DriftlineGpuTooHot fires; for memory it does at 95 °C. {_NOT_OURS}",
            unit="celsius",
            queries={_CARD: card("GPU_TEMP")},
            limits=alert_limit("DriftlineGpuTooHot"),
            span=6,
            source=OWN_SOURCE,
        ),
        curves(
            title="Temperature of the memory",
            description=(
                f"Only cards with HBM tell it; the memory of data-centre cards throttles at about 95 °C. {_NOT_OURS}"
            ),
            unit="celsius",
            queries={_CARD: card("MEMORY_TEMP")},
            span=6,
            source=OWN_SOURCE,
        ),
        curves(
            title="Last XID error",
            description=(
                "Code of the last error that the driver reported, 0 for none; NVIDIA's catalogue says what each "
                f"means. {_NOT_OURS}"
            ),
            unit="none",
            queries={_CARD: card("XID_ERRORS")},
            span=6,
            source=OWN_SOURCE,
        ),
        curves(
            title="PCIe replays, last hour",
            description=(
                "Packets sent again: a bad slot, riser or cable. The line is where DriftlineGpuBusErrors fires. "
                f"{_NOT_OURS}"
            ),
            unit="short",
            queries={_CARD: replays},
            limits=alert_limit("DriftlineGpuBusErrors"),
            span=6,
            source=OWN_SOURCE,
        ),
    ]


def _inference() -> list[PanelBuilder]:
    def p95(metric: str) -> str:
        buckets = f"sum by (gen_ai_request_model, le) (rate({metric}_bucket[$__rate_interval]))"
        return f"histogram_quantile(0.95, {buckets})"

    lines = (
        (
            "First token p95",
            "Time to the first token as the server tells it.",
            "gen_ai_server_time_to_first_token_seconds",
        ),
        (
            "Output token p95",
            "Time for each further token as the server tells it.",
            "gen_ai_server_time_per_output_token_seconds",
        ),
        (
            "Request p95",
            "Time of a request as the server tells it, queueing included.",
            "gen_ai_server_request_duration_seconds",
        ),
    )
    return [
        curves(
            title=title,
            description=f"{text} {_NOT_OURS}",
            unit="s",
            queries={"{{gen_ai_request_model}}": p95(metric)},
            source=OWN_SOURCE,
        )
        for title, text, metric in lines
    ]
