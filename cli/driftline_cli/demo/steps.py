"""What the agent did, as Driftline counts it, before its last hours and in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from driftline_cli.api_client import ApiClient
from driftline_cli.demo.desk import SERVICE, Run
from driftline_cli.demo.week import Week

LAST: Final = timedelta(hours=6)
"""All loops lie in it."""
_LEAST_RISE: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Runs of the agent, calls of tools, and those of them that failed, in a range of time."""

    runs: int
    tool_calls: int
    failed_tool_calls: int

    @property
    def tools_of_run(self) -> float:
        """Mean number of tool calls; 0 without runs."""
        return self.tool_calls / max(1, self.runs)

    @property
    def failed_share(self) -> float:
        """Of the tool calls; 0 without any."""
        return self.failed_tool_calls / max(1, self.tool_calls)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentVerdict:
    """before, last: as counted, up to LAST before the end and from then on; sent: all that was sent."""

    before: Steps
    last: Steps
    sent: Steps

    @property
    def is_right(self) -> bool:
        """Nothing is missing, and the loops show: twice the tool calls of a run, and more of them fail."""
        counted = Steps(
            runs=self.before.runs + self.last.runs,
            tool_calls=self.before.tool_calls + self.last.tool_calls,
            failed_tool_calls=self.before.failed_tool_calls + self.last.failed_tool_calls,
        )
        is_loop_seen = self.last.tools_of_run >= _LEAST_RISE * self.before.tools_of_run > 0
        return counted == self.sent and is_loop_seen and self.last.failed_share > self.before.failed_share


def read_steps(api: ApiClient, week: Week, runs: Sequence[Run]) -> AgentVerdict:
    """From the Prometheus API, as a panel would ask."""
    tools = [step for run in runs for step in run.steps if step.kind == "tool"]
    until, all_of_them = _so_far(api, week.end - LAST), _so_far(api, week.end + timedelta(minutes=1))
    return AgentVerdict(
        before=until,
        last=Steps(
            runs=all_of_them.runs - until.runs,
            tool_calls=all_of_them.tool_calls - until.tool_calls,
            failed_tool_calls=all_of_them.failed_tool_calls - until.failed_tool_calls,
        ),
        sent=Steps(
            runs=len(runs), tool_calls=len(tools), failed_tool_calls=sum(bool(step.error_type) for step in tools)
        ),
    )


def _so_far(api: ApiClient, at: datetime) -> Steps:
    steps, errors = _counts(api, "driftline_steps_total", at), _counts(api, "driftline_step_errors_total", at)
    return Steps(runs=steps.get("agent", 0), tool_calls=steps.get("tool", 0), failed_tool_calls=errors.get("tool", 0))


def _counts(api: ApiClient, metric: str, at: datetime) -> Mapping[str, int]:
    """By kind of step."""
    query = f'sum by (kind) ({metric}{{service="{SERVICE}"}})'
    answer = api.get("/prometheus/api/v1/query", {"query": query, "time": at.timestamp()})
    return {one["metric"]["kind"]: round(float(one["value"][1])) for one in answer["data"]["result"]}
