"""Writes the dashboards' JSON: `python -m driftline_dashboards.build [--check]`.

Needs grafana-foundation-sdk, which only who changes a dashboard installs; everybody else uses the JSON that is checked in.
"""

import argparse
import json
import sys
from collections.abc import Sequence

from driftline_dashboards.agents import agents
from driftline_dashboards.cost import cost
from driftline_dashboards.drift import drift
from driftline_dashboards.files import GENERATED
from driftline_dashboards.foundation import JSONEncoder, models
from driftline_dashboards.gpu import gpu
from driftline_dashboards.latency import latency_and_errors
from driftline_dashboards.overview import overview
from driftline_dashboards.pipeline import pipeline
from driftline_dashboards.quality import quality
from driftline_dashboards.side_by_side import side_by_side
from driftline_dashboards.traces import traces

DASHBOARDS = {
    "driftline-overview.json": overview,
    "driftline-cost.json": cost,
    "driftline-latency.json": latency_and_errors,
    "driftline-drift.json": drift,
    "driftline-quality.json": quality,
    "driftline-models.json": side_by_side,
    "driftline-agents.json": agents,
    "driftline-gpu.json": gpu,
    "driftline-traces.json": traces,
    "driftline-pipeline.json": pipeline,
}


def rendered() -> dict[str, str]:
    """File name -> JSON text, as it is checked in."""
    return {name: _as_json(build().build()) for name, build in DASHBOARDS.items()}


def _as_json(dashboard: models.Dashboard) -> str:
    for panel_id, panel in enumerate(dashboard.panels or (), start=1):  # Grafana would number them anew at each load
        panel.id_val = panel_id
    return json.dumps(dashboard, cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def stale() -> list[str]:
    """Files that are missing, differ from what the code makes, or that no code makes."""
    wanted = rendered()
    present = {path.name: path.read_text(encoding="utf-8") for path in GENERATED.glob("*.json")}
    return sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files, or with --check only say which are stale. Exit status 1 when some are."""
    parser = argparse.ArgumentParser(
        prog="python -m driftline_dashboards.build", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is stale")
    if parser.parse_args(arguments).check:
        names = stale()
        sys.stderr.writelines(f"stale: {GENERATED / name}\n" for name in names)
        return 1 if names else 0
    GENERATED.mkdir(exist_ok=True)
    for name, text in rendered().items():
        (GENERATED / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
