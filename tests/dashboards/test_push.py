import pytest

from driftline_core.errors import ConfigError
from driftline_dashboards import GrafanaError, load_dashboards, push_dashboards
from tests.dashboards.fake_grafana import BASIC, TOKEN, FakeGrafana, running_grafana
from tests.ports import free_port

API = "http://driftline:8000/prometheus"


def test_a_first_push_creates_source_folder_and_dashboards(grafana: FakeGrafana) -> None:
    report = push_dashboards(grafana.url, token=TOKEN, datasource_url=API)

    assert (report.datasource, report.folder) == ("created", "created")
    assert [pushed.uid for pushed in report.dashboards] == [dashboard["uid"] for dashboard in load_dashboards()]
    pushed = next(one for one in report.dashboards if one.uid == "driftline-overview")
    assert (pushed.title, pushed.version) == ("Driftline overview", 1)
    assert pushed.url == f"{grafana.url}/d/driftline-overview/x"

    assert [(method, path) for method, path, _ in grafana.requests] == [
        ("GET", "/datasources/uid/driftline-prometheus"),
        ("POST", "/datasources"),
        ("GET", "/folders/driftline"),
        ("POST", "/folders"),
        *[("POST", "/dashboards/db")] * len(load_dashboards()),
    ]
    source = grafana.datasources["driftline-prometheus"]
    assert (source["type"], source["access"], source["url"]) == ("prometheus", "proxy", API)
    assert source["jsonData"]["httpMethod"] == "POST"
    assert source["jsonData"]["manageAlerts"] is True
    assert grafana.folders["driftline"]["title"] == "LLM Observability"
    assert len(grafana.dashboards) == 10
    for dashboard in load_dashboards():
        kept = grafana.dashboards[dashboard["uid"]]
        assert kept["folderUid"] == "driftline"
        assert kept["dashboard"] == {**dashboard, "id": None}


def test_a_second_push_updates_in_place(grafana: FakeGrafana) -> None:
    push_dashboards(grafana.url, token=TOKEN, datasource_url=API)
    report = push_dashboards(
        grafana.url, token=TOKEN, datasource_url="http://elsewhere/prometheus", folder="Other name"
    )
    assert (report.datasource, report.folder, report.dashboards[0].version) == ("updated", "updated", 2)
    assert grafana.datasources["driftline-prometheus"]["url"] == "http://elsewhere/prometheus"
    assert grafana.folders["driftline"]["title"] == "Other name"
    again = push_dashboards(grafana.url, token=TOKEN, folder="Other name")
    assert (again.datasource, again.folder) == ("kept", "kept")


def test_headers_become_secrets_of_the_source(grafana: FakeGrafana) -> None:
    headers = {"Authorization": "Bearer s3cret", "x-driftline-project": "shop"}
    push_dashboards(grafana.url, basic=BASIC, datasource_url=API, datasource_headers=headers)
    source = grafana.datasources["driftline-prometheus"]
    assert source["jsonData"]["httpHeaderName1"] == "Authorization"
    assert source["jsonData"]["httpHeaderName2"] == "x-driftline-project"
    assert source["secureJsonData"] == {"httpHeaderValue1": "Bearer s3cret", "httpHeaderValue2": "shop"}


def test_grafana_below_a_path_is_found_there() -> None:
    with running_grafana(prefix="/tools/grafana") as grafana:
        report = push_dashboards(grafana.url + "/", token=TOKEN)
    assert report.grafana_url == grafana.url
    assert report.dashboards[0].url == f"{grafana.url}/d/{report.dashboards[0].uid}/x"


def test_wrong_credentials_are_named_and_not_shown(grafana: FakeGrafana) -> None:
    with pytest.raises(GrafanaError, match=r"does not accept the credentials \(401\)") as caught:
        push_dashboards(grafana.url, token="glsa_wrong", datasource_url=API)
    assert caught.value.status == 401
    assert "glsa_wrong" not in str(caught.value)


def test_a_role_too_low_is_named_and_dashboards_alone_need_less(grafana: FakeGrafana) -> None:
    grafana.role = "Editor"
    with pytest.raises(GrafanaError, match=r"may not read the data source .* \(403\).* data sources Admin"):
        push_dashboards(grafana.url, token=TOKEN, datasource_url=API)
    assert push_dashboards(grafana.url, token=TOKEN).datasource == "kept"


def test_what_grafana_says_is_passed_on(grafana: FakeGrafana) -> None:
    grafana.broken = "the dashboard is provisioned"
    expected = r"could not write the dashboard 'driftline-agents' \(412\): the dashboard is provisioned"
    with pytest.raises(GrafanaError, match=expected):
        push_dashboards(grafana.url, token=TOKEN)


def test_a_grafana_that_is_not_there_is_named() -> None:
    port = free_port()
    with pytest.raises(GrafanaError, match=rf"Grafana at http://127.0.0.1:{port} cannot be reached") as caught:
        push_dashboards(f"http://127.0.0.1:{port}", token=TOKEN)
    assert caught.value.status == 0


def test_a_server_that_is_not_grafana_is_named() -> None:
    with running_grafana(prefix="/grafana") as grafana:
        address = grafana.url.removesuffix("/grafana")
        with pytest.raises(GrafanaError, match="expected Grafana's API at"):
            push_dashboards(address, token=TOKEN)


@pytest.mark.parametrize(
    ("url", "credentials", "message"),
    [
        (
            "localhost:3000",
            {"token": "t"},
            "expected Grafana's address like http://localhost:3000, got 'localhost:3000'",
        ),
        ("http://a:b@host", {"token": "t"}, "expected credentials apart from Grafana's address"),
        ("http://host", {}, "expected a token or a user and password, got neither"),
        ("http://host", {"token": "t", "basic": ("u", "p")}, "got both"),
    ],
)
def test_arguments_that_cannot_work_are_refused(url: str, credentials: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        push_dashboards(url, **credentials)  # type: ignore[arg-type]  # the point of the test
