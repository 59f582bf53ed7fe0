"""Prints the SQL that feeds traces from a Kafka topic into Driftline's tables: `python deploy/kafka/traces_sql.py --brokers HOST:PORT`.

A message is one ExportTraceServiceRequest in protobuf, as the OpenTelemetry Collector's kafka exporter writes it (encoding otlp_proto).
The columns are those of otlp_traces, taken from the installed version: print it anew after every upgrade.
"""

import argparse
import re
from pathlib import Path
from string import Template
from typing import Final

from driftline_collector.schemas import INSERT_SETTINGS, SCHEMAS

_TEMPLATE: Final = Path(__file__).with_name("traces.sql")
_REQUEST: Final = re.compile(r"\brequest Tuple\(resource_spans (?P<type>.*)\),\s*building ", re.DOTALL)


def kafka_sql(*, brokers: str, topic: str, group: str, project: str) -> str:
    """The statements, separated by `;` at the end of a line."""
    schema = SCHEMAS["traces"]
    found = _REQUEST.search(schema.table_sql(""))
    if found is None:
        raise ValueError("expected otlp_traces to have the column `request Tuple(resource_spans ...)`")
    values = {"brokers": brokers, "topic": topic, "group": group, "project": project}
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        {name: text.replace("\\", "\\\\").replace("'", "\\'") for name, text in values.items()},
        resource_spans=" ".join(found["type"].split()),
        schema=_one_line(schema.proto),
        oneof_presence=INSERT_SETTINGS["input_format_protobuf_oneof_presence"],
    )


def _one_line(proto: str) -> str:
    return " ".join(line.strip() for line in proto.splitlines() if not line.lstrip().startswith("//"))


def main() -> None:
    parser = argparse.ArgumentParser(description="SQL that feeds traces from Kafka into Driftline's tables.")
    parser.add_argument("--brokers", required=True, help="host:port[,host:port]")
    parser.add_argument("--topic", default="otlp_spans")
    parser.add_argument("--group", default="driftline")
    parser.add_argument(
        "--project", default="default", help="project of messages without the header x-driftline-project"
    )
    given = parser.parse_args()
    print(kafka_sql(brokers=given.brokers, topic=given.topic, group=given.group, project=given.project))  # noqa: T201


if __name__ == "__main__":
    main()
