"""An OpenAI-compatible endpoint on loopback. No LLM runs here, so what it says is told to it; the protocol is real."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request: path, headers with lower-case names, body."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def system(self) -> str:
        return str(self.body["messages"][0]["content"])

    @property
    def user(self) -> str:
        return str(self.body["messages"][1]["content"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """delay_s: before the status line; byte_s: between two bytes of the body. cut_after: bytes of the body after which it hangs up."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    byte_s: float = 0.0
    cut_after: int | None = None


class JudgeServer:
    """Answers every request with `respond`."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.respond: Callable[[Asked], Answered] = lambda _: says(4)
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        judge = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("content-length", "0"))))
                headers = {name.lower(): text for name, text in self.headers.items()}
                asked = Asked(path=self.path, headers=headers, body=body)
                with judge._lock:
                    judge.asked.append(asked)
                    judge._at_once += 1
                    judge.most_at_once = max(judge.most_at_once, judge._at_once)
                try:
                    answer = judge.respond(asked)
                    judge._closing.wait(answer.delay_s)
                finally:
                    with judge._lock:
                        judge._at_once -= 1
                try:
                    self._send(answer)
                except OSError:  # the judge's client has given up
                    self.close_connection = True

            def _send(self, answer: Answered) -> None:
                self.send_response(answer.status)
                for name, text in {"Content-Type": "application/json", **answer.headers}.items():
                    self.send_header(name, text)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                if answer.cut_after is not None:
                    self.wfile.write(answer.body[: answer.cut_after])
                    self.close_connection = True
                elif answer.byte_s:
                    for byte in answer.body:
                        if judge._closing.wait(answer.byte_s):
                            break
                        self.wfile.write(bytes([byte]))
                        self.wfile.flush()
                else:
                    self.wfile.write(answer.body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128  # as many as a test may connect at once

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that hung up is no error of the test."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def completion(content: Any, *, finish_reason: str = "stop", usage: Any = (100, 20), **message: Any) -> Answered:
    """A chat completion. usage: (prompt, completion) tokens, or None for none."""
    body: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": "judge-1",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content, **message},
                "finish_reason": finish_reason,
            }
        ],
    }
    if usage is not None:
        body["usage"] = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
    return Answered(body=json.dumps(body).encode())


def says(score: Any, reason: Any = "It does what was asked.", **how: Any) -> Answered:
    """A well-formed verdict."""
    return completion(json.dumps({"reason": reason, "score": score}), **how)


def refuses(status: int, *, headers: Mapping[str, str] | None = None, **error: Any) -> Answered:
    """An error in OpenAI's shape."""
    return Answered(status=status, body=json.dumps({"error": error}).encode(), headers=headers or {})


def in_turn(*answers: Answered) -> Callable[[Asked], Answered]:
    """Those answers one after the other, the last one for ever."""
    left = list(answers)
    lock = threading.Lock()

    def respond(_: Asked) -> Answered:
        with lock:
            return left.pop(0) if len(left) > 1 else left[0]

    return respond
