"""Putting the dashboards, their folder and their data source into a running Grafana, over its HTTP API."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from driftline_core.errors import ConfigError
from driftline_dashboards.errors import GrafanaError
from driftline_dashboards.files import load_dashboards
from driftline_dashboards.queries import DATASOURCE_NAME, DATASOURCE_UID, PAGE_VARIABLE

FOLDER_UID: Final = "driftline"
DEFAULT_FOLDER: Final = "LLM Observability"
Change = Literal["created", "updated", "kept"]
Grafana: TypeAlias = Any  # grafana_client.api.GrafanaApi, whose methods carry no types


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedDashboard:
    """One dashboard as Grafana now has it. url: where to open it."""

    uid: str
    title: str
    url: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PushReport:
    """What a push did. datasource is 'kept' when no address was given for it."""

    grafana_url: str
    datasource: Change
    folder: Change
    dashboards: tuple[PushedDashboard, ...]


def push_dashboards(
    url: str,
    *,
    token: str | None = None,
    basic: tuple[str, str] | None = None,
    folder: str = DEFAULT_FOLDER,
    datasource_url: str | None = None,
    datasource_headers: Mapping[str, str] | None = None,
    page_url: str | None = None,
    dashboards: Sequence[Mapping[str, Any]] | None = None,
    timeout_s: float = 10.0,
) -> PushReport:
    """Create or update the data source, the folder and every dashboard; running it again changes nothing but versions.

    url: Grafana's address, with its path prefix if it has one. token: of a service account; basic: user and password; one of the two.
    datasource_url: Driftline's query API as Grafana reaches it, `http://driftline:8000/prometheus`; None leaves the data source alone,
        which needs the role Editor instead of Admin. datasource_headers: sent by Grafana with each query, stored as secrets there.
    page_url: Driftline's own page as a person's browser reaches it, which links to examples lead to; None keeps the default in the JSON.
    dashboards: in the classic JSON model; by default the shipped ones. timeout_s: for each request, in seconds.
    Raises ConfigError for arguments that cannot work, GrafanaError for what Grafana answers.
    """
    if (token is None) == (basic is None):
        raise ConfigError("expected a token or a user and password, got " + ("both" if token else "neither"))
    base, shown = _checked_url(url)
    with _connected(base, credential=token or basic, timeout_s=timeout_s) as grafana:
        ask = _Asker(shown)
        datasource = _put_datasource(grafana, ask, url=datasource_url, headers=datasource_headers or {})
        folder_change = _put_folder(grafana, ask, title=folder)
        pushed = tuple(
            _put_dashboard(grafana, ask, _with_page(dashboard, page_url), base=shown)
            for dashboard in (load_dashboards() if dashboards is None else dashboards)
        )
    return PushReport(grafana_url=shown, datasource=datasource, folder=folder_change, dashboards=pushed)


class _Asker:
    """Runs requests and says in Driftline's words what went wrong."""

    def __init__(self, shown_url: str) -> None:
        self._url = shown_url

    def __call__(self, what: str, request: Callable[[], Any]) -> dict[str, Any]:
        from grafana_client.client import GrafanaException
        from niquests.exceptions import JSONDecodeError, RequestException

        try:
            answer = request()
        except GrafanaException as error:
            raise GrafanaError(self._refusal(what, error), status=int(error.status_code or 0)) from error
        except JSONDecodeError as error:
            raise GrafanaError(f"expected Grafana's API at {self._url}, got an answer that is not JSON") from error
        except RequestException as error:
            raise GrafanaError(f"Grafana at {self._url} cannot be reached: {type(error).__name__}") from error
        if not isinstance(answer, dict):  # a web page, a proxy's log-in form
            raise GrafanaError(f"expected Grafana's API at {self._url}, got an answer that is not JSON")
        return answer

    def exists(self, what: str, request: Callable[[], Any]) -> dict[str, Any] | None:
        """The answer, or None when Grafana says 404."""
        try:
            return self(what, request)
        except GrafanaError as error:
            if error.status == 404:
                return None
            raise

    def _refusal(self, what: str, error: Any) -> str:
        match error.status_code:
            case 0:
                return f"Grafana at {self._url} did not answer in time"
            case 401:
                return f"Grafana at {self._url} does not accept the credentials (401)"
            case 403:
                return (
                    f"the credentials may not {what} at {self._url} (403); dashboards need the role Editor, data "
                    "sources Admin"
                )
            case status:
                return f"Grafana at {self._url} could not {what} ({status}): {_message(error)}"


def _put_datasource(grafana: Grafana, ask: _Asker, *, url: str | None, headers: Mapping[str, str]) -> Change:
    if url is None:
        return "kept"
    wanted = datasource_model(url, headers=headers)
    if ask.exists("read the data source", lambda: grafana.datasource.get_datasource_by_uid(DATASOURCE_UID)) is None:
        ask("create the data source", lambda: grafana.datasource.create_datasource(wanted))
        return "created"
    ask("update the data source", lambda: grafana.datasource.update_datasource_by_uid(DATASOURCE_UID, wanted))
    return "updated"


def datasource_model(url: str, *, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Grafana's built-in Prometheus source, pointed at Driftline. The interval is that of the one-minute rollup, in seconds."""
    numbered = list(enumerate((headers or {}).items(), start=1))
    return {
        "uid": DATASOURCE_UID,
        "name": DATASOURCE_NAME,
        "type": "prometheus",
        "access": "proxy",
        "url": url,
        "jsonData": {
            "httpMethod": "POST",
            "prometheusType": "Prometheus",
            "prometheusVersion": "2.55.0",
            "timeInterval": "60s",
            "manageAlerts": True,
            **{f"httpHeaderName{index}": name for index, (name, _) in numbered},
        },
        "secureJsonData": {f"httpHeaderValue{index}": value for index, (_, value) in numbered},
    }


def _put_folder(grafana: Grafana, ask: _Asker, *, title: str) -> Change:
    present = ask.exists("read the folder", lambda: grafana.folder.get_folder(FOLDER_UID))
    if present is None:
        ask("create the folder", lambda: grafana.folder.create_folder(title, uid=FOLDER_UID))
        return "created"
    if present.get("title") == title:
        return "kept"
    ask("rename the folder", lambda: grafana.folder.update_folder(FOLDER_UID, title=title, overwrite=True))
    return "updated"


def _with_page(dashboard: Mapping[str, Any], page_url: str | None) -> Mapping[str, Any]:
    if page_url is None:
        return dashboard
    address = page_url.rstrip("/")
    current = {"selected": True, "text": address, "value": address}
    variables = [
        {**variable, "query": address, "current": current} if variable["name"] == PAGE_VARIABLE else variable
        for variable in dashboard["templating"]["list"]
    ]
    return {**dashboard, "templating": {**dashboard["templating"], "list": variables}}


def _put_dashboard(grafana: Grafana, ask: _Asker, dashboard: Mapping[str, Any], *, base: str) -> PushedDashboard:
    body = {
        "dashboard": {**dashboard, "id": None},
        "folderUid": FOLDER_UID,
        "overwrite": True,
        "message": "driftline dashboards push",
    }
    answer = ask(f"write the dashboard {dashboard['uid']!r}", lambda: grafana.dashboard.update_dashboard(body))
    return PushedDashboard(
        uid=answer["uid"],
        title=dashboard["title"],
        url=_origin(base) + answer["url"],
        version=answer["version"],
    )


@contextmanager
def _connected(base: str, *, credential: str | tuple[str, str] | None, timeout_s: float) -> Iterator[Grafana]:
    # Imported here: it takes 300 ms, and only this command needs it.
    from grafana_client.api import GrafanaApi

    grafana = GrafanaApi.from_url(base, credential=credential, timeout=timeout_s)
    try:
        yield grafana
    finally:
        grafana.client.s.close()


def _checked_url(url: str) -> tuple[str, str]:
    """The address as the client wants it (a path prefix ends with a slash), and as it may be shown."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError(f"expected Grafana's address like http://localhost:3000, got {url!r}")
    if parts.username or parts.password:
        raise ConfigError("expected credentials apart from Grafana's address, got some within it")
    path = parts.path.strip("/")
    shown = urlunsplit((parts.scheme, parts.netloc, f"/{path}" if path else "", "", ""))
    return f"{shown}/", shown


def _origin(url: str) -> str:
    """Grafana's own answers name paths with its prefix."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, "", "", ""))


def _message(error: Any) -> str:
    response = error.response
    return str(response.get("message", response)) if isinstance(response, dict) else str(error.message)
