"""The files under deploy/ for Prometheus, Alertmanager and Grafana, checked by the programs that read them."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import yaml

from driftline_dashboards.files import GENERATED

DEPLOY = Path(__file__).parents[2] / "deploy"
DATASOURCES = DEPLOY / "grafana" / "provisioning" / "datasources"


def succeeds(*command: str, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_prometheus_takes_its_configuration_and_rules(system_binary: Callable[[str], str]) -> None:
    told = succeeds(system_binary("promtool"), "check", "config", "prometheus.yml", folder=DEPLOY / "prometheus")
    assert "2 rule files found" in told


def test_prometheus_own_rules_fire_as_expected(system_binary: Callable[[str], str]) -> None:
    succeeds(system_binary("promtool"), "test", "rules", "rules_test.yml", folder=DEPLOY / "prometheus")


def test_alertmanager_takes_its_configuration_and_templates(system_binary: Callable[[str], str]) -> None:
    told = succeeds(system_binary("amtool"), "check-config", "alertmanager.yml", folder=DEPLOY / "alertmanager")
    assert "1 templates" in told


def test_alerts_are_routed_by_what_they_are(system_binary: Callable[[str], str]) -> None:
    def receivers(*labels: str) -> str:
        command = (system_binary("amtool"), "config", "routes", "test", "--config.file=alertmanager.yml", *labels)
        return succeeds(*command, folder=DEPLOY / "alertmanager").split("\n")[0]

    assert receivers("alertname=DriftlineErrorRate", "severity=critical") == "on-call"
    assert receivers("alertname=DriftlineNoData", "severity=warning") == "tickets"
    assert receivers("alertname=DriftlineLatencyP95", "severity=warning") == "tickets"
    assert receivers("alertname=DriftlineWatchdog", "severity=none") == "dead-mans-switch"


def test_the_templates_text_says_what_moved_and_where_to_look(
    system_binary: Callable[[str], str], tmp_path: Path
) -> None:
    told = {"description": "It moved.", "examples": "one", "page_url": "http://d/"}
    data = {
        "status": "firing",
        "groupLabels": {"alertname": "DriftlineSemanticDrift"},
        "commonAnnotations": {"summary": "Drift in support"},
        "alerts": [{"status": "firing", "annotations": told}],
    }
    (tmp_path / "data.json").write_text(json.dumps(data), encoding="utf-8")

    def rendered(name: str) -> str:
        return succeeds(
            system_binary("amtool"),
            *("template", "render", "--template.glob=templates/*.tmpl", f"--template.data={tmp_path / 'data.json'}"),
            f'--template.text={{{{ template "{name}" . }}}}',
            folder=DEPLOY / "alertmanager",
        )

    assert rendered("driftline.title").strip() == "[FIRING 1] Drift in support"
    assert rendered("driftline.text").split("\n")[:3] == ["It moved.", "one", "Page: http://d/"]


def test_grafana_is_given_every_data_source_once() -> None:
    sources = [
        source
        for file in sorted(DATASOURCES.glob("*.yaml"))
        for source in yaml.safe_load(file.read_text(encoding="utf-8"))["datasources"]
    ]
    assert [(source["uid"], source["type"], source["editable"]) for source in sources] == [
        ("driftline-prometheus", "prometheus", False),
        ("driftline-own-prometheus", "prometheus", False),
        ("driftline-alertmanager", "alertmanager", False),
    ]
    assert len({source["name"] for source in sources}) == len(sources)
    assert all(re.match(r"\$\{[A-Z]+_URL\}", source["url"]) for source in sources)


def test_the_mounted_folder_holds_the_dashboards() -> None:
    names = {file.name for file in GENERATED.iterdir()}
    assert names == {f"{json.loads(file.read_text())['uid']}.json" for file in GENERATED.glob("*.json")}
