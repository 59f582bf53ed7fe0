"""What every benchmark prints: one JSON object a line on standard output."""

import json
import os
import platform
from typing import Any


def emit(**fields: Any) -> None:
    """Print one figure. Floats are rounded to six significant digits; load1 says how busy the machine was."""
    rounded = {key: float(f"{value:.6g}") if isinstance(value, float) else value for key, value in fields.items()}
    print(json.dumps(rounded | {"load1": round(os.getloadavg()[0], 1)}), flush=True)


def machine() -> dict[str, Any]:
    """The machine that the figures are from."""
    return {"cpus": len(os.sched_getaffinity(0)), "python": platform.python_version(), "kernel": platform.release()}


def percentile(values: list[float], percent: float) -> float:
    """The value below which percent of them lie, nearest rank; NaN of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else float("nan")
