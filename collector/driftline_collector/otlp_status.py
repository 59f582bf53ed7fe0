"""Answers as OTLP asks for them: the signal's response, and google.rpc.Status in the request's own encoding."""

import math
from typing import Final

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToJson
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from driftline_collector.signals import Signal

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"

# google.rpc.Code
INVALID_ARGUMENT: Final = 3
NOT_FOUND: Final = 5
RESOURCE_EXHAUSTED: Final = 8
UNAVAILABLE: Final = 14


def success(signal: Signal, *, n_rejected: int = 0, complaint: str = "", is_json: bool = False) -> bytes:
    """The signal's response: everything was kept, or all but n_rejected items."""
    if not n_rejected:
        return b"{}" if is_json else b""
    response = signal.response()
    setattr(response.partial_success, signal.rejected_field, n_rejected)
    response.partial_success.error_message = complaint
    return MessageToJson(response, indent=None).encode() if is_json else bytes(response.SerializeToString())


def failure(code: int, message: str, *, retry_after_s: float | None = None, is_json: bool = False) -> bytes:
    """A google.rpc.Status; with retry_after_s it carries a RetryInfo."""
    status = Status(code=code, message=message)
    if retry_after_s is not None:
        whole = math.floor(retry_after_s)
        delay = Duration(seconds=whole, nanos=int((retry_after_s - whole) * 1e9))
        detail = AnyMessage()
        detail.Pack(RetryInfo(retry_delay=delay))
        status.details.append(detail)
    return MessageToJson(status, indent=None).encode() if is_json else bytes(status.SerializeToString())
