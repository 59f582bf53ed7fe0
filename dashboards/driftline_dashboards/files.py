"""The dashboards' JSON as it is checked in and shipped: the one copy, read by `push` and by Grafana's provisioning."""

import json
from pathlib import Path
from typing import Any, Final

GENERATED: Final = Path(__file__).parent / "generated"


def load_dashboards() -> list[dict[str, Any]]:
    """Every shipped dashboard in Grafana's classic JSON model, by file name."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(GENERATED.glob("*.json"))]
